"""Mentions that are the same but for case, white space and signs, and where they may be."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ....records import Stretch
from .closest_windows import closest_windows
from .folded_text import FoldedText, fold, without_outer_signs
from .mentions import ABSENT, EMPTY, EXACT, FUZZY, NORMALISED, OFF_TOKENS, UNSEARCHED, Mention
from .monotone_assignment import CandidatePlace

RANKS = {EXACT: 2, NORMALISED: 1, FUZZY: 0}
MAX_CELLS = 200_000_000
"""Of the tables in which mentions of one text are looked for that it does not have: seconds."""


@dataclass(slots=True)
class MentionGroup:
    """Mentions that are the same when they are folded.

    members (List[int]): Which mentions of the answer. labels (List[str]): Theirs.
    places (List[Stretch]): Where they may be, from left to right.
    is_fuzzy (bool): Whether the text only has something like it at these places.
    reason (str): Why they have no place. near (List[Stretch]): Where they are, but on no tokens.
    """

    members: list[int]
    labels: list[str]
    places: list[Stretch]
    is_fuzzy: bool = False
    reason: str = ""
    near: list[Stretch] = field(default_factory=list)

    @property
    def is_clear(self) -> bool:
        """Whether it does not matter which of them is where: one label, and enough of them."""
        return len(set(self.labels)) == 1 and len(self.members) >= len(self.places) > 0

    def free_places(self, n_covered: np.ndarray) -> list[Stretch]:
        """The places that share no character with what is covered.

        n_covered: (n_characters + 1,) int64, how many characters before each place are.
        """
        return [place for place in self.places if n_covered[place[0]] == n_covered[place[1]]]


class MentionSearch:
    """Looks for mentions in a text.

    text (str): The text. folded (FoldedText): The same, folded.
    least_similarity (float): Of what is like a mention, from 0 to 1; None to look for none.
    """

    def __init__(self, text: str, folded: FoldedText, least_similarity: float | None) -> None:
        self._text = text
        self._folded = folded
        self._least_similarity = least_similarity
        self._cells_left = MAX_CELLS

    def groups(self, mentions: Sequence[Mention]) -> list[MentionGroup]:
        """All mentions in groups, each with its places."""
        members: dict[str, list[int]] = {}
        for i, mention in enumerate(mentions):
            members.setdefault(fold(mention.text), []).append(i)
        return [
            self._group(folded, own, [mentions[i].label for i in own])
            for folded, own in members.items()
        ]

    def place_of(self, mention: Mention, place: Stretch, *, is_fuzzy: bool) -> CandidatePlace:
        """A place of a mention, with how well it fits."""
        return CandidatePlace(*place, rank=RANKS[self.how(mention, place, is_fuzzy=is_fuzzy)])

    def how(self, mention: Mention, place: Stretch, *, is_fuzzy: bool) -> str:
        """How a mention was found in a place of its group."""
        if is_fuzzy:
            return FUZZY
        start, end = place
        return EXACT if self._text[start:end] == mention.text.strip() else NORMALISED

    def _group(self, folded: str, members: list[int], labels: list[str]) -> MentionGroup:
        if not folded:
            return MentionGroup(members, labels, [], reason=EMPTY)
        occurrences: list[Stretch] = []
        for form in filter(None, dict.fromkeys((folded, without_outer_signs(folded)))):
            occurrences += self._folded.occurrences(form)
            places = [self._folded.chars(first, last) for first, last in occurrences]
            if known := [place for place in places if place is not None]:
                return MentionGroup(members, labels, known)
        near = [self._folded.around(first, last) for first, last in occurrences]
        reason = OFF_TOKENS if near else ABSENT
        if self._least_similarity is None:
            return MentionGroup(members, labels, [], reason=reason, near=near)
        cells = 2 * len(folded) * (len(self._folded.codes) + 1)
        if cells > self._cells_left:
            return MentionGroup(members, labels, [], reason=UNSEARCHED, near=near)
        self._cells_left -= cells
        windows = closest_windows(self._folded, folded, self._least_similarity)
        return MentionGroup(members, labels, windows, True, reason, near)
