"""What a language model says is in a text, and what became of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ....records import Stretch

EXACT, NORMALISED, FUZZY = "exact", "normalised", "fuzzy"
GROUNDINGS = (EXACT, NORMALISED, FUZZY)
"""How a mention was found, from the best evidence to the weakest."""

AMBIGUOUS, ABSENT, OFF_TOKENS = "ambiguous", "absent", "off_tokens"
SURPLUS, EMPTY, UNSEARCHED = "surplus", "empty", "unsearched"
REASONS = {
    AMBIGUOUS: "it could be in several places, or what is there has several labels",
    ABSENT: "the text does not have it",
    OFF_TOKENS: "it does not start and end where tokens do",
    SURPLUS: "it was named more often than the text has it",
    EMPTY: "there is nothing in it that can be looked for",
    UNSEARCHED: "the text is too long to look for so many that it does not have as they are",
}
"""Why a mention has no characters, and what that means."""


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity as a language model writes it, without a place.

    text (str): What it covers. label (str): Its type.
    """

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class GroundedMention:
    """A mention that was found.

    index (int): Which mention of the answer. start, end (int): Its characters, end exclusive.
    how (str): One of GROUNDINGS.
    """

    index: int
    start: int
    end: int
    how: str

    @property
    def place(self) -> Stretch:
        """Its characters."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class UngroundedMention:
    """A mention that has no place.

    index (int): Which mention of the answer. reason (str): One of REASONS.
    places (Tuple[Stretch, ...]): Where it might be, so that nobody takes this for empty.
    """

    index: int
    reason: str
    places: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class Grounding:
    """What became of the mentions of an answer.

    found (Tuple[GroundedMention, ...]): In the order of the answer.
    lost (Tuple[UngroundedMention, ...]): Likewise. Each mention is in one of both.
    """

    found: tuple[GroundedMention, ...] = ()
    lost: tuple[UngroundedMention, ...] = ()

    def counts(self) -> Counter[str]:
        """How many there are of each of GROUNDINGS and REASONS."""
        return Counter([*(one.how for one in self.found), *(one.reason for one in self.lost)])


@dataclass(frozen=True, slots=True)
class TokenBounds:
    """Where tokens start and end, without those that are white space: no entity may.

    starts, ends: (n_tokens,) int64 characters, ascending.
    """

    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, places: Iterable[Stretch]) -> "TokenBounds":
        """Those of tokens that are given by their characters."""
        table = np.array(list(places), dtype=np.int64).reshape(-1, 2)  # (n_tokens, 2)
        return cls(table[:, 0], table[:, 1])
