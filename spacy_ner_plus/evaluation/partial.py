"""Partial credit, in the four schemes of SemEval-2013, as nervaluate counts it.

Segura-Bedmar et al. (2013), "SemEval-2013 Task 9: Extraction of Drug-Drug Interactions from
Biomedical Texts", after the MUC-5 evaluation (Chinchor and Sundheim 1993).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ..support.extras import require
from .documents import Document, Entity
from .score_types import PartialScores, Schemes, SchemeScores

EXTRA = "evaluate"
# Ours by nervaluate's names.
SCHEMES = {"strict": "strict", "exact": "exact", "partial": "partial", "type": "ent_type"}
COUNTS = ("correct", "incorrect", "partial", "missed", "spurious")
# Schemes in which partial matches count half.
WITH_HALVES = ("partial", "type")
# Entities of either side that are given to nervaluate at a time: it takes time by their square,
# and by the number of types among them.
PART = 8


def partial_scores(documents: Sequence[Document]) -> PartialScores:
    """The scores of all entities and of each type.

    RAISES ValueError: If nervaluate is not installed.
    """
    evaluator = require("nervaluate", EXTRA).Evaluator
    overall: Counter[tuple[str, str]] = Counter()  # by scheme and one of COUNTS
    types: dict[str, Counter[tuple[str, str]]] = {}
    for document in documents:
        for gold, predicted in _parts(document):
            labels = sorted({entity.label for entity in (*gold, *predicted)})
            sides = ([[_plain(entity) for entity in side]] for side in (gold, predicted))
            found = evaluator(*sides, tags=labels, loader="dict").evaluate()
            _add(overall, found["overall"])
            for label in labels:
                _add(types.setdefault(label, Counter()), found["entities"][label])
    by_label = {label: Schemes(**_scores(types[label])) for label in sorted(types)}
    return PartialScores(**_scores(overall), types=by_label)


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
    if part != ([], []):
        yield part


def _plain(entity: Entity) -> dict[str, str | int]:
    """As nervaluate reads it: the end is the last token."""
    return {"label": entity.label, "start": entity.start, "end": entity.end - 1}


def _add(counts: Counter[tuple[str, str]], results: dict[str, Any]) -> None:
    for ours, theirs in SCHEMES.items():
        for name in COUNTS:
            counts[ours, name] += getattr(results[theirs], name)


def _scores(counts: Counter[tuple[str, str]]) -> dict[str, SchemeScores]:
    """The schemes with the ratios as nervaluate has them for sums of counts."""
    return {scheme: _with_ratios(scheme, counts) for scheme in SCHEMES}


def _with_ratios(scheme: str, counts: Counter[tuple[str, str]]) -> SchemeScores:
    its = {name: counts[scheme, name] for name in COUNTS}
    both = its["correct"] + its["incorrect"] + its["partial"]
    possible, actual = both + its["missed"], both + its["spurious"]
    right = its["correct"] + (0.5 * its["partial"] if scheme in WITH_HALVES else 0)
    precision = right / actual if actual else 0.0
    recall = right / possible if possible else 0.0
    f1 = 2 * (precision * recall) / (precision + recall) if right else 0.0
    return SchemeScores(
        **its, possible=possible, actual=actual, precision=precision, recall=recall, f1=f1
    )
