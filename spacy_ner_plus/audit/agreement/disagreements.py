"""How two annotators differ: boundary, label, both, or what one of them missed.

Entities are put together as the errors of evaluation are: the same span and label; the same span;
then those that overlap, the largest overlap first. Each entity is in one finding. Where one
annotator has an entity and the other several in its place, boundaries differ (and labels, if they
are not all one). What nothing stands for is missed by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ...evaluation.documents import Document, Entity
from ...evaluation.errors import CORRECT, Finding, find_errors
from ...evaluation.nested_errors import NESTED_ERRORS
from .shared_texts import Span

_KINDS = {
    "type": "label",
    "boundary_and_type": "both",
    "missed": "missed",
    "spurious": "missed",
    "nested_inside": "missed",
    **dict.fromkeys(NESTED_ERRORS, "missed"),
}
LabelPair = tuple[str | None, str | None]


@dataclass(frozen=True)
class Difference:
    """Entities of two annotators that stand for each other, but are not the same.

    kind (str): One of agreement_schema.KINDS.
    start, end (int): All their characters, end exclusive.
    """

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class PairDifferences:
    """Two annotators in a text.

    differences (List[Difference]): From left to right.
    labels (List[LabelPair]): Of each entity, its label beside that of the other annotator's that
        stands for it, also where they agree.
    """

    differences: list[Difference]
    labels: list[LabelPair]


def find_differences(first: Sequence[Span], second: Sequence[Span]) -> PairDifferences:
    """What two annotators have in a text, as `judged` gives it."""
    if list(first) == list(second):
        return PairDifferences([], [(label, label) for _, _, label in first])
    document = Document(0, "", (), (), _entities(first), _entities(second), ())
    findings = find_errors(document)
    return PairDifferences(
        [_difference(finding) for finding in findings if finding.kind != CORRECT],
        [
            (one.label if one else None, other.label if other else None)
            for finding in findings
            for one, other in finding.pairs
        ],
    )


def _entities(spans: Sequence[Span]) -> tuple[Entity, ...]:
    """Entities whose places are those of characters."""
    return tuple(Entity(start, end, label, start, end) for start, end, label in spans)


def _difference(finding: Finding) -> Difference:
    sides = (*finding.gold, *finding.predicted)
    kind = _KINDS.get(finding.kind)
    if kind is None:  # too long, too short, shifted, split or merged
        kind = "boundary" if len({entity.label for entity in sides}) == 1 else "both"
    return Difference(kind, min(one.start for one in sides), max(one.end for one in sides))
