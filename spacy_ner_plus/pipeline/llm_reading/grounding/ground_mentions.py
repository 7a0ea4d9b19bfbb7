"""From mentions without places to exact characters of a text, without a guess."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ....records import Stretch
from ....support.choices import check_choice
from .folded_text import FoldedText
from .mention_groups import MentionGroup, MentionSearch
from .mentions import (
    AMBIGUOUS,
    SURPLUS,
    GroundedMention,
    Grounding,
    Mention,
    TokenBounds,
    UngroundedMention,
)
from .monotone_assignment import assign_in_order
from .ordered_anchors import ordered_anchors

IN_ORDER, ALL = "in_order", "all"
REPEATS = (IN_ORDER, ALL)
LEAST_SIMILARITY = 0.75


def ground_mentions(
    text: str,
    tokens: TokenBounds,
    mentions: Sequence[Mention],
    *,
    repeats: str = IN_ORDER,
    least_similarity: float | None = LEAST_SIMILARITY,
    may_nest: bool = False,
) -> Grounding:
    """Find the characters of mentions.

    A mention is found as it stands, else without regard to case, white space, quotes and ways of
    writing letters, else as what is most like it; always from the start of a token to the end of
    one. One that has a single place is there, wherever it was named. Of one that the text has more
    often than the answer, only the order says which place is meant: it gets the place that it has
    in every best assignment from left to right between those that are known, or none.

    text (str): The text. tokens (TokenBounds): Its tokens.
    mentions (Sequence[Mention]): In the order of the answer.
    repeats (str): "all": a mention with one label stands for all places that the text has of it;
        "in_order": it is one place.
    least_similarity (float): 1 - edits / length of what is like a mention that the text does not
        have, from 0 to 1; None to look for none.
    may_nest (bool): Whether a mention may be within another. If not, a place within another mention
        is no place of one that has further places.
    RETURNS (Grounding): What was found, and what was not, with reasons.
    """
    check_choice("repeats", repeats, REPEATS)
    if not mentions:
        return Grounding()
    search = MentionSearch(text, FoldedText(text, tokens), least_similarity)
    return _Grounder(mentions, search, len(text), repeats, may_nest).ground()


class _Grounder:
    """One answer."""

    def __init__(
        self,
        mentions: Sequence[Mention],
        search: MentionSearch,
        n_characters: int,
        repeats: str,
        may_nest: bool,
    ) -> None:
        self._mentions = mentions
        self._search = search
        self._n_characters = n_characters
        self._repeats = repeats
        self._may_nest = may_nest
        self._groups = search.groups(mentions)
        self._found: dict[int, list[GroundedMention]] = {}
        self._lost: dict[int, UngroundedMention] = {}

    def ground(self) -> Grounding:
        literal = [group for group in self._groups if not group.is_fuzzy]
        fuzzy = [group for group in self._groups if group.is_fuzzy]
        open_groups = self._settle(literal)
        n_covered = self._n_covered()
        for group in fuzzy:  # what is there as it was named is nothing else, misspelt
            group.places = group.free_places(n_covered)
        self._assign(open_groups + self._settle(fuzzy))
        self._part_rivals()
        return Grounding(
            tuple(one for i in sorted(self._found) for one in self._found[i]),
            tuple(self._lost[i] for i in sorted(self._lost)),
        )

    def _settle(self, groups: Sequence[MentionGroup]) -> list[MentionGroup]:
        """Give places to the groups of which it is clear, and return the others."""
        waiting = list(groups)
        while True:
            still = [group for group in waiting if not self._settle_one(group)]
            if len(still) == len(waiting) or self._may_nest:
                return still
            n_covered = self._n_covered()
            for group in still:
                group.places = group.free_places(n_covered) or group.places
            waiting = still

    def _n_covered(self) -> np.ndarray:
        """(n_characters + 1,) int64: how many characters before each place have been found."""
        is_covered = np.zeros(self._n_characters, dtype=bool)
        for found in self._found.values():
            for one in found:
                is_covered[one.start : one.end] = True
        return np.concatenate([[0], np.cumsum(is_covered)])

    def _settle_one(self, group: MentionGroup) -> bool:
        if not group.places:
            for i in group.members:
                self._lost[i] = UngroundedMention(i, group.reason, tuple(group.near))
        elif group.is_clear or (self._repeats == ALL and len(set(group.labels)) == 1):
            for i, place in zip(group.members, group.places, strict=False):
                self._find(i, place, group)
            for place in group.places[len(group.members) :]:
                self._find(group.members[-1], place, group)
            for i in group.members[len(group.places) :]:
                self._lost[i] = UngroundedMention(i, SURPLUS)
        else:
            return False
        return True

    def _find(self, index: int, place: Stretch, group: MentionGroup) -> None:
        how = self._search.how(self._mentions[index], place, is_fuzzy=group.is_fuzzy)
        self._found.setdefault(index, []).append(GroundedMention(index, *place, how))

    def _assign(self, groups: Sequence[MentionGroup]) -> None:
        """Give places to repeated mentions, where the order leaves one only."""
        group_of = {i: group for group in groups for i in group.members}
        known = [self._found[i][0] for i in sorted(self._found) if len(self._found[i]) == 1]
        anchors = [known[k] for k in ordered_anchors([one.start for one in known])]
        bounds = [(-1, 0, 0), *((one.index, *one.place) for one in anchors)]
        ends = [*((one.index, one.start) for one in anchors), (len(self._mentions), None)]
        for (first, _, start), (stop, end) in zip(bounds, ends, strict=True):
            members = [i for i in range(first + 1, stop) if i in group_of]
            if members:
                self._assign_between(members, group_of, start, end)

    def _assign_between(
        self, members: Sequence[int], group_of: dict[int, MentionGroup], start: int, end: int | None
    ) -> None:
        candidates = [
            [
                self._search.place_of(self._mentions[i], place, is_fuzzy=group_of[i].is_fuzzy)
                for place in group_of[i].places
            ]
            for i in members
        ]
        last = max((place.end for places in candidates for place in places), default=start)
        chosen = assign_in_order(candidates, start, max(start, last) if end is None else end)
        for i, place in zip(members, chosen, strict=True):
            if place is not None:
                self._find(i, (place.start, place.end), group_of[i])
            else:
                self._lost[i] = UngroundedMention(i, AMBIGUOUS, tuple(group_of[i].places))

    def _part_rivals(self) -> None:
        """Of mentions that came to be in one place, keep the first, or none if labels differ."""
        at: dict[Stretch, list[int]] = defaultdict(list)
        for i in sorted(self._found):
            for one in self._found[i]:
                at[one.place].append(i)
        for place, rivals in at.items():
            if len(rivals) < 2:
                continue
            is_one = len({self._mentions[i].label for i in rivals}) == 1
            for i in rivals[1:] if is_one else rivals:
                left = [one for one in self._found.pop(i, []) if one.place != place]
                if left:
                    self._found[i] = left
                else:
                    reason = SURPLUS if is_one else AMBIGUOUS
                    self._lost[i] = UngroundedMention(i, reason, () if is_one else (place,))
