"""`nlp.add_pipe("ner_plus_rules")`: the component's factory and its settings."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from thinc.api import Config

from ..scorer import SCORE_WEIGHTS
from ..shared_keys import warn_of_shared_key
from ..validators import Validators
from .component import NerPlusRules

DEFAULT_CONFIG = """
[ner_plus_rules]
rules = null
phrase_matcher_attr = "ORTH"
existing_ents = "keep"
soft_ents = false
ids = "ent_id"
alignment_mode = "strict"
regex_budget = 1.0
regex_max_timeouts = 3
validators = null
spans_key = null

[ner_plus_rules.scorer]
@scorers = "spacy_ner_plus.ner_scorer.v1"
spans_key = null
"""


@Language.factory(
    "ner_plus_rules",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", "token.ent_id"],
    default_config=Config().from_str(DEFAULT_CONFIG)["ner_plus_rules"],
    default_score_weights=SCORE_WEIGHTS,
)
def make_ner_plus_rules(
    nlp: Language,
    name: str,
    rules: list[Any] | None,
    phrase_matcher_attr: str,
    existing_ents: str,
    soft_ents: bool,
    ids: str,
    alignment_mode: str,
    regex_budget: float,
    regex_max_timeouts: int,
    validators: Validators,
    spans_key: str | None,
    scorer: Callable[..., dict[str, Any]] | None,
) -> NerPlusRules:
    """Create the component.

    rules (List[Dict]): Rules as rows: see NerPlusRules.add_rules. Those of files are loaded by
        [initialize.components.ner_plus_rules]; all are saved with the pipeline, which then needs no
        file.
    phrase_matcher_attr (str): By what tokens of phrases are compared that don't say it: "ORTH",
        "LOWER" or "NORM".
    existing_ents (str): "keep" drops hard hits that overlap entities and blocked tokens that are on
        the Doc already; "overwrite" replaces these.
    soft_ents (bool): Whether soft hits of a positive weight become entities as well, where no hard
        one is: for pipelines without a model behind the rules.
    ids (str): Where the ids of rules go: "ent_id", as entity_ruler's, or "kb_id".
    alignment_mode (str): What becomes of matches of regexes that don't start and end where tokens
        do: "strict" leaves them out, "expand" takes all tokens that they touch. They are counted.
    regex_budget (float): The seconds of computing that one regex may take for one document.
    regex_max_timeouts (int): After how many documents that took longer a regex is switched off.
    validators (Dict[str, Union[str, Dict[str, str]]]): What entities must satisfy, by type: the
        name of a checksum ("iban", "isbn", "luhn"), or {"regex": "..."} that their whole text must
        match; others are left out, and counted in `refused`.
    spans_key (str): doc.spans[spans_key] holds the entities; None to leave it out.
    scorer (Callable): The scoring method.
    """
    warn_of_shared_key(nlp, name, spans_key)
    return NerPlusRules(
        nlp,
        name,
        rules=rules,
        phrase_matcher_attr=phrase_matcher_attr,
        existing_ents=existing_ents,
        soft_ents=soft_ents,
        ids=ids,
        alignment_mode=alignment_mode,
        regex_budget=regex_budget,
        regex_max_timeouts=regex_max_timeouts,
        validators=validators,
        spans_key=spans_key,
        scorer=scorer,
    )
