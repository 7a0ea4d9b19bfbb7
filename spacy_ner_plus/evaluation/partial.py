"""Partial credit, in the four schemes of SemEval-2013, as nervaluate counts it.

Where entities of one side overlap each other, it is counted in overlapping_partial.

Segura-Bedmar et al. (2013), "SemEval-2013 Task 9: Extraction of Drug-Drug Interactions from
Biomedical Texts", after the MUC-5 evaluation (Chinchor and Sundheim 1993).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ..support.extras import require
from .documents import Document, Entity
from .overlapping_partial import count_overlapping, overlaps_itself
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

Counts = Counter[tuple[str, str]]
"""By scheme and one of COUNTS."""
Part = tuple[list[Entity], list[Entity]]
"""Gold and predicted entities, each from left to right."""


def partial_scores(documents: Sequence[Document]) -> PartialScores:
    """The scores of all entities and of each type.

    RAISES ValueError: If nervaluate is not installed.
    """
    require("nervaluate", EXTRA)
    overall: Counts = Counter()
    types: dict[str, Counts] = {}
    for document in documents:
        for gold, predicted in _parts(document):
            whole, by_label = _counted(gold, predicted)
            overall += whole
            for label, its in by_label.items():
                types[label] = types.get(label, Counter()) + its
    by_type = {label: Schemes(**_scores(types[label])) for label in sorted(types)}
    return PartialScores(**_scores(overall), types=by_type)


def _parts(document: Document) -> Iterator[Part]:
    """A document cut where no entity lies across: what has no token in common is never compared.

    Stretches where entities of one side overlap are parts of their own.
    """
    waiting: Part = ([], [])
    for part in _stretches(document):
        if any(map(overlaps_itself, part)):
            yield part
            continue
        if sum(map(len, waiting)) >= PART:
            yield waiting
            waiting = ([], [])
        for side, entities in zip(waiting, part, strict=True):
            side.extend(entities)
    if any(waiting):
        yield waiting


def _stretches(document: Document) -> Iterator[Part]:
    """Entities of both sides that are tied by tokens in common, from left to right."""
    both = [(entity, 0) for entity in document.gold]
    both += [(entity, 1) for entity in document.predicted]
    part: Part = ([], [])
    end = 0
    for entity, side in sorted(both, key=lambda pair: pair[0].start):
        if entity.start >= end and any(part):
            yield part
            part = ([], [])
        part[side].append(entity)
        end = max(end, entity.end)
    if any(part):
        yield part


def _counted(
    gold: Sequence[Entity], predicted: Sequence[Entity]
) -> tuple[Counts, dict[str, Counts]]:
    """What the schemes make of all entities, and of those of each type alone."""
    labels = sorted({entity.label for entity in (*gold, *predicted)})
    if overlaps_itself(gold) or overlaps_itself(predicted):
        sides = {label: (_of_type(gold, label), _of_type(predicted, label)) for label in labels}
        types = {label: _counted_together(*its) for label, its in sides.items()}
        return count_overlapping(gold, predicted), types
    found = _nervaluated(gold, predicted, labels)
    return _of(found["overall"]), {label: _of(found["entities"][label]) for label in labels}


def _counted_together(gold: Sequence[Entity], predicted: Sequence[Entity]) -> Counts:
    if overlaps_itself(gold) or overlaps_itself(predicted):
        return count_overlapping(gold, predicted)
    labels = sorted({entity.label for entity in (*gold, *predicted)})
    return _of(_nervaluated(gold, predicted, labels)["overall"])


def _of_type(entities: Sequence[Entity], label: str) -> list[Entity]:
    return [entity for entity in entities if entity.label == label]


def _nervaluated(
    gold: Sequence[Entity], predicted: Sequence[Entity], labels: list[str]
) -> dict[str, Any]:
    sides = ([[_plain(entity) for entity in side]] for side in (gold, predicted))
    evaluator = require("nervaluate", EXTRA).Evaluator(*sides, tags=labels, loader="dict")
    found: dict[str, Any] = evaluator.evaluate()
    return found


def _plain(entity: Entity) -> dict[str, str | int]:
    """As nervaluate reads it: the end is the last token."""
    return {"label": entity.label, "start": entity.start, "end": entity.end - 1}


def _of(results: dict[str, Any]) -> Counts:
    return Counter(
        {
            (ours, name): getattr(results[theirs], name)
            for ours, theirs in SCHEMES.items()
            for name in COUNTS
        }
    )


def _scores(counts: Counts) -> dict[str, SchemeScores]:
    """The schemes with the ratios as nervaluate has them for sums of counts."""
    return {scheme: _with_ratios(scheme, counts) for scheme in SCHEMES}


def _with_ratios(scheme: str, counts: Counts) -> SchemeScores:
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
