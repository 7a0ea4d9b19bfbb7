"""What rules found in a batch of Docs, as columns; and which hits become entities."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from ...annotation.rule_hits import ANY_LABEL, BLOCK, BLOCK_WORDS, KINDS, SOFT
from ...text.phrases.phrase_selection import longest_first

_NONE = np.zeros(0, dtype=np.int64)
NO_ENTRY = -1


class RuleGroup(NamedTuple):
    """Rules that mean the same where they hit: one regex, or all phrases of a list and label.

    label, kind, name: See Rule.
    """

    label: str
    kind: str
    name: str


@dataclass(frozen=True)
class BatchHits:
    """Hits in a batch of Docs, columns of one length in any order.

    docs: (n_hits,) int64, which Doc of the batch.
    starts, ends: (n_hits,) int64 tokens of the Doc, ends exclusive.
    groups: (n_hits,) int64, whose rule hit. They are numbered in the order of the rules.
    entries: (n_hits,) int64, which entry of the tables of phrases it was; NO_ENTRY if it was none.
    """

    docs: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    groups: np.ndarray
    entries: np.ndarray

    @classmethod
    def none(cls) -> Self:
        """No hits."""
        return cls(_NONE, _NONE, _NONE, _NONE, _NONE)

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int]]) -> Self:
        """Hits of rules that are no phrases. rows: Doc, start, end and group of each."""
        docs, starts, ends, groups = np.array(rows, dtype=np.int64).reshape(-1, 4).T  # (n_hits,)
        return cls(docs, starts, ends, groups, np.full(len(rows), NO_ENTRY))

    @classmethod
    def joined(cls, parts: Sequence["BatchHits"]) -> "BatchHits":
        """The hits of all parts."""
        parts = [part for part in parts if len(part)]
        if len(parts) < 2:
            return parts[0] if parts else cls.none()
        return cls(
            *(np.concatenate(columns) for columns in zip(*map(_columns, parts), strict=True))
        )

    def __len__(self) -> int:
        return len(self.docs)

    def __getitem__(self, chosen: np.ndarray) -> "BatchHits":
        """Some of the hits. chosen: (n_hits,) bool, or int64 positions."""
        return BatchHits(*(column[chosen] for column in _columns(self)))

    def sorted(self) -> "BatchHits":
        """By Doc, from left to right, longer ones first, then in the order of the rules."""
        order = np.lexsort((self.entries, self.groups, -self.ends, self.starts, self.docs))
        return self[order]


def _columns(hits: BatchHits) -> tuple[np.ndarray, ...]:
    return hits.docs, hits.starts, hits.ends, hits.groups, hits.entries


@dataclass(frozen=True)
class Meaning:
    """What the hits of each group mean, as arrays. groups (Sequence[RuleGroup]): In their order."""

    groups: Sequence[RuleGroup]

    @cached_property
    def label_names(self) -> list[str]:
        """The labels of the groups; ANY_LABEL, which may be among them, is first if it is."""
        return sorted({group.label for group in self.groups})

    @cached_property
    def labels(self) -> np.ndarray:
        """(n_groups,) int64, indices into label_names."""
        index = {label: i for i, label in enumerate(self.label_names)}
        return np.array([index[group.label] for group in self.groups], dtype=np.int64)

    def is_kind(self, kind: str) -> np.ndarray:
        """(n_groups,) bool, the groups of a kind."""
        return np.asarray(self._kinds == KINDS.index(kind))

    @cached_property
    def _kinds(self) -> np.ndarray:
        return np.array([KINDS.index(group.kind) for group in self.groups], dtype=np.int64)


def blocked(hits: BatchHits, meaning: Meaning, offsets: np.ndarray) -> np.ndarray:
    """(n_hits,) bool, the hits that no entity may be by the blocks among the hits.

    A block takes exactly its span from its label; one of words all spans with one of its words.

    offsets: (n_docs + 1,) int64, where the tokens of each Doc are among those of the batch.
    """
    is_blocked = np.zeros(len(hits), dtype=bool)
    labels = meaning.labels[hits.groups]
    is_any = labels == _any_of(meaning)
    starts, ends = offsets[hits.docs] + hits.starts, offsets[hits.docs] + hits.ends
    is_block = meaning.is_kind(BLOCK)[hits.groups]
    if is_block.any():
        spans = starts * (offsets[-1] + 1) + ends  # a number for each span of the batch
        is_blocked |= np.isin(spans, spans[is_block & is_any])
        with_labels = spans * len(meaning.label_names) + labels
        is_blocked |= np.isin(with_labels, with_labels[is_block & ~is_any])
    has_words = meaning.is_kind(BLOCK_WORDS)[hits.groups]
    for label in np.unique(labels[has_words]).tolist():
        of_label = has_words & (labels == label)
        n_blocked = _n_covered(starts[of_label], ends[of_label], int(offsets[-1]))
        is_hit = n_blocked[ends] > n_blocked[starts]
        is_blocked |= is_hit if label == _any_of(meaning) else is_hit & (labels == label)
    return is_blocked


def _any_of(meaning: Meaning) -> int:
    """The number of ANY_LABEL; -1 if no group has it."""
    return 0 if meaning.label_names[:1] == [ANY_LABEL] else -1


def _n_covered(starts: np.ndarray, ends: np.ndarray, n_tokens: int) -> np.ndarray:
    """(n_tokens + 1,) int64, how many of the tokens before each place are in one of some spans."""
    steps = np.zeros(n_tokens + 1, dtype=np.int64)
    np.add.at(steps, starts, 1)
    np.add.at(steps, ends, -1)
    is_covered = np.cumsum(steps)[:-1] > 0
    return np.concatenate([[0], np.cumsum(is_covered)])


class HitChoice(NamedTuple):
    """Which hits become entities.

    chosen: (n_chosen,) int64 positions, ascending.
    losers, winners: (n_losers,) int64 positions: of each hit that does not, and of the first chosen
        hit that it overlaps.
    """

    chosen: np.ndarray
    losers: np.ndarray
    winners: np.ndarray


def choose(hits: BatchHits, meaning: Meaning, offsets: np.ndarray) -> HitChoice:
    """Hits that don't overlap.

    Hard ones come before soft ones; of these the one with the most tokens, of these the first in
    the text, and of these that of the first rule. It is how spaCy's entity_ruler chooses, which
    leaves the last step open.

    hits: Hard and soft ones.
    offsets: As in blocked.
    """
    starts, ends = offsets[hits.docs] + hits.starts, offsets[hits.docs] + hits.ends
    owners = np.full(int(offsets[-1]), -1, dtype=np.int64)  # (n_tokens,) the chosen hit of each
    is_soft = meaning.is_kind(SOFT)[hits.groups]
    by_rule = np.lexsort((hits.entries, hits.groups))  # (n_hits,)
    for some in (by_rule[~is_soft[by_rule]], by_rule[is_soft[by_rule]]):
        free = some[_first_owners(owners, starts[some], ends[some]) < 0]
        if not len(free):
            continue
        taken = free[longest_first(starts[free], ends[free], len(owners))]
        lengths = ends[taken] - starts[taken]
        befores = np.cumsum(lengths) - lengths
        tokens = np.repeat(starts[taken] - befores, lengths) + np.arange(lengths.sum())
        owners[tokens] = np.repeat(taken, lengths)
    first = _first_owners(owners, starts, ends)  # (n_hits,)
    is_loser = first != np.arange(len(hits))
    return HitChoice(np.flatnonzero(~is_loser), np.flatnonzero(is_loser), first[is_loser])


def _first_owners(owners: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The owner of the first token of each span that has one, (n,) int64; -1 if none has."""
    owned = np.append(np.flatnonzero(owners >= 0), len(owners))  # (n_owned + 1,)
    first = owned[np.searchsorted(owned, starts)]  # (n,)
    return np.where(first < ends, np.append(owners, -1)[first], -1)
