"""`ner-plus explain`: the strongest features of each label, and the reasons of a text's tags."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spacy.language import Language

from ...annotation.rule_hits import rule_hits
from ..capabilities import GivesReasons, find_component
from ..preparing import load_pipeline
from ..reason_types import StrongestWeights, TokenReasons


@dataclass(frozen=True)
class Explanation:
    """Why a pipeline decides as it does.

    labels (List[StrongestWeights]): The strongest weights of each label.
    tokens (List[TokenReasons]): Why each token of the text has its tag; none without a text.
    entities (List[Tuple[str, str, Optional[float]]]): What is found in the text: text, label and
        probability.
    rules (List[Tuple[str, str, str, str]]): The hits of rules on the text, which act on the tags
        besides the features: text, label ("" for any), kind and the rule's name.
    """

    labels: list[StrongestWeights]
    tokens: list[TokenReasons]
    entities: list[tuple[str, str, float | None]]
    rules: list[tuple[str, str, str, str]] = field(default_factory=list)


def explain(
    model: Language | str | Path,
    *,
    text: str | None = None,
    labels: Sequence[str] | None = None,
    n: int = 20,
    component: str = "ner_plus",
) -> Explanation:
    """Say why a pipeline with hand-written features decides as it does.

    model (Language / str / Path): The pipeline, or its name or folder.
    text (str): A text to read.
    labels (Sequence[str]): Those to show; None for all and "O", or for none if there is a text.
    n (int): Features and transitions of each label, at most.
    component (str): Its name in the pipeline.
    RAISES ValueError: If there is no such pipeline, component or label, the component has no
        hand-written features or no weights, or n is less than 1.
    """
    if n < 1:
        raise ValueError(f"n = {n} must be at least 1.")
    nlp = load_pipeline(model)
    pipe = find_component(
        nlp, component, GivesReasons, "can say why it decides so: one with hand-written features"
    )
    if labels is None:
        labels = [*pipe.labels, "O"] if text is None else []
    strongest = [pipe.strongest_weights(label, n) for label in labels]
    if text is None:
        return Explanation(strongest, [], [])
    doc = nlp.make_doc(text)
    for name, other in nlp.pipeline:
        if name == component:
            break
        doc = other(doc)
    tokens, hits = pipe.reasons(doc), rule_hits(doc)
    doc = pipe(doc)
    entities = [(ent.text, ent.label_, ent._.probability) for ent in doc.ents]
    rules = [(doc.text[hit.start : hit.end], hit.label, hit.kind, hit.rule) for hit in hits]
    return Explanation(strongest, tokens, entities, rules)
