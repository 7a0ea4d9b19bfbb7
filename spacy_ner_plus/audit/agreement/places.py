"""Where annotators disagree, and who says what there: one place for entities that overlap."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..occurrences import occurrence
from ..plain_span import PlainSpan
from .agreement_schema import KINDS, Dispute, Side
from .disagreements import Difference
from .shared_texts import SharedText, Span


@dataclass(frozen=True)
class Votes:
    """What annotators say of the entities of a text.

    agreed (Dict[Span, List[int]]): Those that nobody lacks who could have them, with who has them.
    disputed (Dict[Span, List[int]]): The others.
    """

    agreed: dict[Span, list[int]]
    disputed: dict[Span, list[int]]


def count_votes(shared: SharedText) -> Votes:
    """Sort all entities of a text by whether annotators agree on them."""
    holders: dict[Span, list[int]] = {}
    for i, voice in shared.voices.items():
        for span in voice.spans:
            holders.setdefault(span, []).append(i)
    votes = Votes({}, {})
    for span, places in sorted(holders.items()):
        others = (voice for i, voice in shared.voices.items() if i not in places)
        is_disputed = any(voice.can_judge(span) for voice in others)
        (votes.disputed if is_disputed else votes.agreed)[span] = places
    return votes


def find_places(
    shared: SharedText, votes: Votes, names: Sequence[str], differences: Sequence[Difference]
) -> Iterator[Dispute]:
    """The disagreements of a text from left to right.

    names (Sequence[str]): Of all annotators.
    differences (Sequence[Difference]): Of all pairs in this text.
    """
    for start, end, spans in _overlapping(votes.disputed):
        here = {one.kind for one in differences if one.start < end and start < one.end}
        found = occurrence(shared.text, start, end, None)
        yield Dispute(
            number=found.number,
            where=found.where,
            id=found.id,
            start=start,
            end=end,
            before=found.before,
            text=found.text,
            after=found.after,
            kinds=[kind for kind in KINDS if kind in here],
            sides=_sides(shared, spans, votes.disputed, names),
        )


def _overlapping(spans: Mapping[Span, object]) -> Iterator[tuple[int, int, list[Span]]]:
    """Spans that overlap each other, directly or by others, with the characters of all."""
    group: list[Span] = []
    end = 0
    for span in sorted(spans):
        if group and span[0] >= end:
            yield group[0][0], end, group
            group = []
        end = max(end, span[1]) if group else span[1]
        group.append(span)
    if group:
        yield group[0][0], end, group


def _sides(
    shared: SharedText,
    spans: Sequence[Span],
    holders: Mapping[Span, list[int]],
    names: Sequence[str],
) -> list[Side]:
    """Who has which of some spans. Those to whom none of the place is known say nothing."""
    text = shared.text.record.text
    sides: dict[tuple[Span, ...], list[str]] = {}
    for i, voice in shared.voices.items():
        own = tuple(span for span in spans if i in holders[span])
        if own or any(voice.can_judge(span) for span in spans):
            sides.setdefault(own, []).append(names[i])
    return [
        Side(
            annotators, [PlainSpan(start, end, label, text[start:end]) for start, end, label in own]
        )
        for own, annotators in sides.items()
    ]
