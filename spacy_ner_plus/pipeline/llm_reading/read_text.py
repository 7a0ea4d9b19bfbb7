"""What a language model was found to say of a text."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...records import Stretch
from .answer_confidence import FoundSpan


@dataclass(frozen=True, slots=True)
class ReadSpan:
    """An entity.

    start, end (int): Its characters, end exclusive. label (str): Its type.
    grounding (str): How it was found: one of mentions.GROUNDINGS.
    probability (float): The share of samples that have it, or the probability of what was written;
        None if neither is known.
    """

    start: int
    end: int
    label: str
    grounding: str
    probability: float | None = None

    @property
    def key(self) -> FoundSpan:
        """Its place and label."""
        return self.start, self.end, self.label


@dataclass(frozen=True, slots=True)
class LostMention:
    """An entity that was named and has no place.

    text, label (str): As it was named. reason (str): One of mentions.REASONS.
    start, end (int): The characters of the piece of the text that the answer was about.
    """

    text: str
    label: str
    reason: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReadText:
    """What is known of a text after its language model was asked.

    spans (Tuple[ReadSpan, ...]): The entities.
    left_out (Tuple[ReadSpan, ...]): Those that are in the way of more probable ones, or that too
        few samples have.
    lost (Tuple[LostMention, ...]): What was named and has no place.
    unknown (Tuple[Stretch, ...]): Where there may be more: nobody answered, an answer was cut, or
        a mention may be there.
    counts (Counter[str]): Of groundings, reasons and faults.
    other_labels (Counter[str]): Labels of mentions that were not asked for.
    errors (Tuple[str, ...]): Why pieces were not answered.
    is_unpaid (bool): Whether a piece was not asked about, as the budget was spent.
    models (Tuple[str, ...]): What the server calls those that answered.
    """

    spans: tuple[ReadSpan, ...] = ()
    left_out: tuple[ReadSpan, ...] = ()
    lost: tuple[LostMention, ...] = ()
    unknown: tuple[Stretch, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    other_labels: Counter[str] = field(default_factory=Counter)
    errors: tuple[str, ...] = ()
    is_unpaid: bool = False
    models: tuple[str, ...] = ()


def merged(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Stretches from left to right, as few as hold the same characters."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return tuple(found)


def ungrounded(read: ReadText) -> list[dict[str, Any]]:
    """The mentions without a place, as plain data."""
    return [
        {
            "text": one.text,
            "label": one.label,
            "reason": one.reason,
            "start": one.start,
            "end": one.end,
        }
        for one in read.lost
    ]
