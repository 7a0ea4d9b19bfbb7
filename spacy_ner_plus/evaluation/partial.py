"""Partial credit, in the four schemes of SemEval-2013, as nervaluate counts it.

Segura-Bedmar et al. (2013), "SemEval-2013 Task 9: Extraction of Drug-Drug Interactions from
Biomedical Texts", after the MUC-5 evaluation (Chinchor and Sundheim 1993).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ..extras import require
from .documents import Document, Entity

EXTRA = "evaluate"
# Ours by nervaluate's names.
SCHEMES = {"strict": "strict", "exact": "exact", "partial": "partial", "type": "ent_type"}
MEASURES = (
    "correct",
    "incorrect",
    "partial",
    "missed",
    "spurious",
    "possible",
    "actual",
    "precision",
    "recall",
    "f1",
)
# Entities of either side that are compared with each other, which takes time by their square.
PART = 16


def partial_scores(documents: Sequence[Document]) -> dict[str, Any]:
    """The scores of all entities and of each type, as metrics.json has them.

    RAISES ValueError: If nervaluate is not installed.
    """
    evaluator = require("nervaluate", EXTRA).Evaluator
    parts = [part for document in documents for part in _parts(document)]
    gold = [[_plain(entity) for entity in gold] for gold, _ in parts]
    predicted = [[_plain(entity) for entity in predicted] for _, predicted in parts]
    labels = sorted({row["label"] for side in (gold, predicted) for part in side for row in part})
    if not labels:
        nothing = {scheme: dict.fromkeys(MEASURES, 0) for scheme in SCHEMES}
        return {**nothing, "types": {}}
    found = evaluator(gold, predicted, tags=labels, loader="dict").evaluate()
    return {
        **_named(found["overall"]),
        "types": {label: _named(found["entities"][label]) for label in labels},
    }


def _parts(document: Document) -> Iterator[tuple[list[Entity], list[Entity]]]:
    """A document cut where no entity lies across: what has no token in common is never compared."""
    both = [(entity, 0) for entity in document.gold]
    both += [(entity, 1) for entity in document.predicted]
    part: tuple[list[Entity], list[Entity]] = ([], [])
    end = 0
    for entity, side in sorted(both, key=lambda pair: pair[0].start):
        if entity.start >= end and len(part[0]) + len(part[1]) >= PART:
            yield part
            part = ([], [])
        part[side].append(entity)
        end = max(end, entity.end)
    yield part


def _plain(entity: Entity) -> dict[str, str | int]:
    """As nervaluate reads it: the end is the last token."""
    return {"label": entity.label, "start": entity.start, "end": entity.end - 1}


def _named(results: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {
        ours: {measure: getattr(results[theirs], measure) for measure in MEASURES}
        for ours, theirs in SCHEMES.items()
    }
