"""Entities on which two systems differ: what one gets and the other does not."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...records import TextRecord
from ...tags import Span
from ..context import Excerpt, InText, excerpt
from ..documents import Document, Entity
from ..errors import CORRECT, NAMES, Finding, find_errors

# In the order in which they are shown. A is the baseline, B the candidate.
DIFFERENCES = {
    "found_by_b_only": "found by B only",
    "found_by_a_only": "found by A only",
    "wrong_in_a_only": "wrong in A only",
    "wrong_in_b_only": "wrong in B only",
}
"""Ways to differ with the names to show: gold entities that are found, predicted ones that are
wrong.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What two systems make of an entity.

    entity (Entity): A gold entity, or a wrong predicted one.
    a, b (Finding): What it is part of in each system. A predicted entity has None where the system
        does not predict it, or not wrongly.
    """

    entity: Entity
    a: Finding | None
    b: Finding | None


@dataclass(frozen=True)
class ComparedDocument:
    """The entities of a document as two systems see them.

    a, b (Document): The same document with the predictions of each.
    errors_a, errors_b (List[Finding]): What is wrong in each.
    gold (List[Verdict]): Of each gold entity.
    wrong (List[Verdict]): Of each predicted entity that is wrong; of one that both predict, once.
    """

    a: Document
    b: Document
    errors_a: list[Finding]
    errors_b: list[Finding]
    gold: list[Verdict]
    wrong: list[Verdict]

    def differences(self) -> Iterator[tuple[str, Verdict]]:
        """What the systems differ on, each with its key in DIFFERENCES, from left to right."""
        found = [(kind, v) for v in self.gold if (kind := kind_of_gold(v)).endswith("only")]
        found += [(kind, v) for v in self.wrong if (kind := kind_of_wrong(v)).endswith("only")]
        yield from sorted(found, key=lambda pair: (pair[1].entity.start, pair[1].entity.end))


def compare_documents(a: Document, b: Document) -> ComparedDocument:
    """Put the predictions of two systems for one document side by side."""
    findings_a, findings_b = find_errors(a), find_errors(b)
    of_a, of_b = _by_entity(findings_a), _by_entity(findings_b)
    # both have the same gold entities, as different objects
    gold = [
        Verdict(in_a, of_a[id(in_a)], of_b[id(in_b)])
        for in_a, in_b in zip(a.gold, b.gold, strict=True)
    ]
    return ComparedDocument(
        a,
        b,
        [finding for finding in findings_a if finding.kind != CORRECT],
        [finding for finding in findings_b if finding.kind != CORRECT],
        gold,
        _wrong(a, b, of_a, of_b),
    )


def kind_of_gold(verdict: Verdict) -> str:
    """Who finds a gold entity: a key of DIFFERENCES, "both" or "neither"."""
    by_a = verdict.a is not None and verdict.a.kind == CORRECT
    by_b = verdict.b is not None and verdict.b.kind == CORRECT
    if by_a == by_b:
        return "both" if by_a else "neither"
    return "found_by_a_only" if by_a else "found_by_b_only"


def kind_of_wrong(verdict: Verdict) -> str:
    """Who predicts a wrong entity: a key of DIFFERENCES, or "both"."""
    if verdict.a is not None and verdict.b is not None:
        return "both"
    return "wrong_in_b_only" if verdict.a is None else "wrong_in_a_only"


def difference_rows(compared: ComparedDocument) -> list[dict[str, Any]]:
    """A row for each entity on which the systems differ. Annotation tools read them.

    RETURNS: Records' rows, of differences.jsonl: see docs/compare.md.
    """
    a, b = compared.a, compared.b
    entities = InText((*a.gold, *a.predicted, *b.predicted))
    gold, of_a, of_b = InText(a.gold), InText(a.predicted), InText(b.predicted)
    rows = []
    for number, (kind, verdict) in enumerate(compared.differences()):
        entity = verdict.entity
        shown = excerpt(a, entity.start, entity.end, entities)
        record = TextRecord(
            shown.text,
            id=f"{a.index}-{number}",
            spans=tuple(map(shown.span, shown.within(gold))),
            meta={
                "id": f"{a.index}-{number}",  # annotation tools show the meta alone
                "kind": kind,
                "name": DIFFERENCES[kind],
                "document": a.index,
                "offset": shown.offset,
                "entity": shown.span(entity).to_json(),
                "a": _system(verdict.a, shown),
                "b": _system(verdict.b, shown),
            },
            other={
                "predicted_a": shown.rows(shown.within(of_a)),
                "predicted_b": shown.rows(shown.within(of_b)),
            },
        )
        rows.append(record.to_json())
    return rows


def _system(finding: Finding | None, shown: Excerpt) -> dict[str, Any] | None:
    """What an entity is in a system, with the gold and predicted entities that are part of that."""
    if finding is None:
        return None
    return {
        "kind": finding.kind,
        "name": NAMES.get(finding.kind, finding.kind),
        "gold": shown.rows(finding.gold),
        "predicted": shown.rows(finding.predicted),
    }


def _by_entity(findings: Sequence[Finding]) -> dict[int, Finding]:
    """The finding of each entity, by its id: equal ones may be in several."""
    return {
        id(entity): finding
        for finding in findings
        for entity in (*finding.gold, *finding.predicted)
    }


def _wrong(
    a: Document, b: Document, of_a: dict[int, Finding], of_b: dict[int, Finding]
) -> list[Verdict]:
    # those of B, by their span; there are several of one where tokens differ
    waiting: dict[Span, list[Entity]] = defaultdict(list)
    for entity in b.predicted:
        if of_b[id(entity)].kind != CORRECT:
            waiting[entity.span].append(entity)
    verdicts = []
    for entity in a.predicted:
        if of_a[id(entity)].kind != CORRECT:
            same = waiting[entity.span].pop(0) if waiting[entity.span] else None
            verdicts.append(
                Verdict(entity, of_a[id(entity)], None if same is None else of_b[id(same)])
            )
    verdicts += [Verdict(e, None, of_b[id(e)]) for alone in waiting.values() for e in alone]
    return verdicts
