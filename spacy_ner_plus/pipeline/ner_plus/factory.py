"""`nlp.add_pipe("ner_plus")`: the component's factory and its settings."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model

from ...annotation.unknown_group import INCORRECT_SPANS
from ...models.decoding.emissions import Emissions
from ..scorer import SCORE_WEIGHTS
from ..shared_keys import warn_of_shared_key
from ..validators import Validators
from .component import NerPlus

DEFAULT_CONFIG = """
[ner_plus]
tag_scheme = "BILOU"
existing_ents = "keep"
spans_key = "ner_plus"
threshold = null
label_weights = null
label_smoothing = 0.0
focal_gamma = 0.0
within_lines = "never"
within_sentences = false
learn_rule_weights = false
validators = null
incorrect_spans_key = "incorrect_spans"
consistency = 0.0

[ner_plus.scorer]
@scorers = "spacy_ner_plus.ner_scorer.v1"
spans_key = null

[ner_plus.model]
@architectures = "spacy_ner_plus.TransformerTagger.v1"
name = "roberta-base"
word_forms = "auto"
pooling = "first"
window = 256
overlap = 16
use_crf = true
dropout = 0.1
head_lr_scale = 10.0
lr_decay = 1.0
freeze = null
precision = "auto"
device = "auto"
max_batch_pieces = 8192
gradient_checkpointing = false
runtime = "torch"
mix_layers = 0
context = 0
characters = null
"""


@Language.factory(
    "ner_plus",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config=Config().from_str(DEFAULT_CONFIG)["ner_plus"],
    default_score_weights=SCORE_WEIGHTS,
)
def make_ner_plus(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Emissions],
    tag_scheme: str,
    existing_ents: str,
    spans_key: str | None,
    threshold: float | dict[str, float] | None,
    label_weights: str | dict[str, float] | None,
    label_smoothing: float,
    within_lines: str,
    within_sentences: bool,
    learn_rule_weights: bool,
    scorer: Callable[..., dict[str, Any]] | None,
    validators: Validators = None,
    focal_gamma: float = 0.0,
    incorrect_spans_key: str | None = INCORRECT_SPANS,
    consistency: float = 0.0,
) -> NerPlus:
    """Create the component.

    model (Model[List[Doc], Emissions]): An architecture such as TransformerTagger.v1.
    tag_scheme (str): "BILOU" or "BIO".
    existing_ents (str): What becomes of entities and blocked tokens that are on the Doc already.
        "keep" leaves them and drops predicted entities that overlap them; "constrain" leaves them
        and finds the best entities around them, with probabilities conditional on them;
        "overwrite" replaces them.
    spans_key (str): doc.spans[spans_key] holds the predicted entities, with their probabilities
        as .attrs["scores"]; None to leave it out.
    threshold (float / Dict[str, float]): Entities with a lower probability are left out: one value
        for all, or one per type. It raises precision and can't raise recall.
    label_weights (Dict[str, float] / str): What training multiplies the odds of each type's
        entities by, beyond what the data say: recall for precision. "balanced" takes the inverse of
        the types' numbers. Probabilities are off by as much, and calibrate undoes it in part.
    label_smoothing (float): Share of each known token's target that is spread over all tags.
    within_lines (str): Whether entities are kept within lines: "never"; "always", for lists and
        forms; "auto" does so but where running text seems to be broken at some width, as there an
        entity goes on in the next line. Probabilities are conditional on it.
    within_sentences (bool): No entity goes across a sentence start that another component has set
        before.
    learn_rule_weights (bool): Whether training learns a weight for each rule and type whose soft
        hits are on the Docs, from the one that it comes with. A tenth of the phrases that have hits
        are held out for it: the model does not learn these, nor entities on them. The rules must be
        among the annotating components of [training]. In prediction hits act in any case.
    scorer (Callable): The scoring method.
    validators (Dict[str, Union[str, Dict[str, str]]]): What the text of entities must satisfy, by
        type: the name of a checksum ("iban", "isbn", "luhn"), or {"regex": "..."} that all of it
        must match. Others are left out, and counted in `refused`.
    focal_gamma (float): In training, weighs the loss of a document by (1 - P) to the power of this,
        where P is the probability of its annotation; without the CRF, that of each token. 0: all
        count alike.
    incorrect_spans_key (str): doc.spans[incorrect_spans_key] of the annotation holds spans that are
        known to be wrong, as with spaCy's ner; None for no such. They are learned exactly: the more
        improbable the sum of all readings that have one of them, the better.
    consistency (float): In training, each batch goes through the model twice, with different
        dropout; the loss is the mean of both and, times this, the mean of the two Kullback-Leibler
        divergences between the distributions over tag sequences (without the CRF: over tags) that
        they give (R-Drop). 0: each batch goes through once.
    """
    warn_of_shared_key(nlp, name, spans_key)
    return NerPlus(
        nlp.vocab,
        model,
        name,
        tag_scheme=tag_scheme,
        existing_ents=existing_ents,
        spans_key=spans_key,
        threshold=threshold,
        label_weights=label_weights,
        label_smoothing=label_smoothing,
        within_lines=within_lines,
        within_sentences=within_sentences,
        learn_rule_weights=learn_rule_weights,
        scorer=scorer,
        validators=validators,
        focal_gamma=focal_gamma,
        incorrect_spans_key=incorrect_spans_key,
        consistency=consistency,
    )
