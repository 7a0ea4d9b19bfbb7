"""The registered scorer: entities against gold, with spaCy's rules for missing annotation."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from spacy import registry
from spacy.training import Example

from ..annotation.existing import entity_spans
from ..annotation.judging import in_reference
from ..metrics.spans import count_spans, scores_of

Scorer = Callable[..., dict[str, Any]]
KEYS = ("p", "r", "f", "micro_f", "macro_f", "per_type")
# What these scores count in choosing a checkpoint, by default; None for those that are only shown.
SCORE_WEIGHTS = {
    "ents_f": 1.0,
    "ents_p": 0.0,
    "ents_r": 0.0,
    "ents_micro_f": None,
    "ents_macro_f": None,
    "ents_per_type": None,
}


@registry.scorers("spacy_ner_plus.ner_scorer.v1")
def make_ner_scorer_v1() -> Scorer:
    """A scorer of doc.ents: see score_entities."""
    return score_entities


def score_entities(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score doc.ents by exact span and label.

    Same rules as spacy.scorer.get_ner_prf: documents without any entity annotation are skipped,
    and a predicted entity that touches a token without annotation, or is of a type that the
    document is not annotated for (doc._.annotated_labels), is neither right nor wrong.

    examples (Iterable[Example]): The predicted and the reference Docs.
    RETURNS (Dict[str, Any]): ents_p, ents_r, ents_f and ents_micro_f (the same as ents_f) over
        all entities; ents_macro_f, the mean of the types' F1; ents_per_type with p, r, f and
        support by label. All are None if no document has annotation or any entity.
    """
    labels, counts = count_entities(examples)
    if not labels:
        return {f"ents_{key}": None for key in KEYS}
    scores = scores_of(counts)
    p, r, f = scores.micro.tolist()
    support = (counts[:, 0] + counts[:, 2]).tolist()
    per_type = {
        label: {**dict(zip("prf", its, strict=True)), "support": n}
        for label, its, n in zip(labels, scores.types.tolist(), support, strict=True)
    }
    values = (p, r, f, f, float(scores.macro[2]), per_type)
    return {f"ents_{key}": value for key, value in zip(KEYS, values, strict=True)}


def count_entities(examples: Iterable[Example]) -> tuple[list[str], np.ndarray]:
    """Count right, wrong and missed entities, by the rules of score_entities.

    RETURNS (Tuple[List[str], np.ndarray]): The labels with gold or predicted entities, and
        (n_labels, 3) true positives, false positives and false negatives.
    """
    known = [example for example in examples if example.y.has_annotation("ENT_IOB")]
    gold = [entity_spans(example.y) for example in known]
    predicted = [in_reference(example, entity_spans(example.x)) for example in known]
    judged = [[span for span in spans if span is not None] for spans in predicted]
    labels, counts = count_spans(gold, judged)
    return labels, counts.sum(axis=0)
