"""Scores of whole spans, on top of a linear chain's own scores.

With factors h, each a span with a label and a score w, a path's score becomes

    score(path) + sum of w over the factors h whose span is in the path, with its label,

where "in the path" means exactly this span: it begins there, ends there, and is not carried on. A
finite w makes a span more or less probable, once and not per token; w = -inf rules it out. What is
known to be wrong is ruled out of the annotated paths of a loss alone (`rejected`). That is
a linear chain with a few arcs of a semi-Markov model (Sarawagi and Cohen 2004, "Semi-Markov
conditional random fields for information extraction"). A chain's tags don't remember where an
entity began, so while a span with a factor is going on it has tags of its own: see `slot_tags`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ...tags import TagScheme
from .slot_assignment import REJECTED, RULED_OUT, SCORED, assign_slots, ends_of_groups
from .transfer import to_device

# As many slots as this a sequence, or as there are labels if these are more: see `strongest`.
MOST_SLOTS = 64
# As many for spans that are ruled out, of which none is to be left out for the sake of speed. Each
# further one makes the matrices of all transitions, of 2,000 tags by then and 34 MB, larger still.
MOST_SLOTS_RULED_OUT = 512


@dataclass(frozen=True)
class SpanGroups:
    """Factors of one label that begin at one token share tags, from there to the last one's end.

    sequences, labels, starts: int64 (n_groups,).
    exits: int64 (n_groups,), the last token at which the end of a factor must be told from others.
    slots: int64 (n_groups,), from 0 for each label: groups of one sequence and label that are going
        on at the same time have different ones, but for those that share.
    shares: bool (n_groups,), those in a slot in which another one is going on that nothing tells
        from it any more.
    """

    sequences: np.ndarray
    labels: np.ndarray
    starts: np.ndarray
    exits: np.ndarray
    slots: np.ndarray
    shares: np.ndarray

    def __len__(self) -> int:
        return len(self.sequences)

    def chosen(self, which: np.ndarray | slice) -> "SpanGroups":
        """Some of the groups, by positions, a mask or a slice."""
        columns = (self.sequences, self.labels, self.starts, self.exits, self.slots, self.shares)
        return SpanGroups(*(column[which] for column in columns))


@dataclass(frozen=True)
class SpanFactors:
    """Scores of spans in some sequences. Several for the same span and label add up.

    scheme (TagScheme): The tags of the chain.
    sequences: int64 (n,), the sequence of each.
    starts, ends: int64 (n,) tokens of the sequence, ends exclusive.
    labels: int64 (n,), indices into the scheme's.
    scores (Tensor): fp64, finite or -inf. *Shape:* (n,)
    rejected: bool (n,), spans that no path that agrees with the annotation has: they act in losses,
        and nowhere else. None for none.
    """

    scheme: TagScheme
    sequences: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    scores: Tensor
    rejected: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    @classmethod
    def of_rejected(
        cls,
        scheme: TagScheme,
        spans: np.ndarray,
        device: torch.device = torch.device("cpu"),  # noqa: B008 (it does not change)
    ) -> "SpanFactors":
        """Spans that are known to be wrong, which score nothing.

        spans: int64 (n, 4), the sequence, start, end and label of each.
        device (torch.device): Of the scores.
        """
        sequences, starts, ends, labels = spans.reshape(-1, 4).T
        scores = torch.zeros(len(sequences), dtype=torch.float64, device=device)
        rejected = np.ones(len(sequences), dtype=bool)
        return cls(scheme, sequences, starts, ends, labels, scores, rejected)

    def and_others(self, others: "SpanFactors | None") -> "SpanFactors":
        """These, and others of the same sequences behind them."""
        if others is None:
            return self
        both = (self, others)
        return SpanFactors(
            self.scheme,
            np.concatenate([one.sequences for one in both]),
            np.concatenate([one.starts for one in both]),
            np.concatenate([one.ends for one in both]),
            np.concatenate([one.labels for one in both]),
            torch.cat([one.scores for one in both]),
            np.concatenate([one.are_rejected for one in both]),
        )

    @property
    def are_rejected(self) -> np.ndarray:
        """Bool (n,), `rejected` of all."""
        return np.zeros(len(self), dtype=bool) if self.rejected is None else self.rejected

    @property
    def tells_last(self) -> bool:
        """Whether the scheme's own tags tell that a token is the last one of its span."""
        return bool((self.scheme.last != self.scheme.inside).all())

    @cached_property
    def ruled_out(self) -> np.ndarray:
        """Bool (n,), the factors of -inf."""
        return np.asarray((self.scores.detach() == -torch.inf).cpu().numpy())

    @cached_property
    def groups(self) -> SpanGroups:
        """The groups of all factors but those of `unit`, by sequence, label and start."""
        return self._grouped[0]

    @cached_property
    def group_of(self) -> np.ndarray:
        """int64 (n,), the group of each factor; -1 for spans of one token that need none.

        They need none where the scheme has a tag for such spans alone.
        """
        return self._grouped[1]

    @cached_property
    def _grouped(self) -> tuple[SpanGroups, np.ndarray]:
        is_grouped = np.ones(len(self), dtype=bool)
        if self.tells_last:
            is_grouped = self.ends - self.starts > 1
        keys = np.stack([self.sequences, self.labels, self.starts])[:, is_grouped]  # (3, n_grouped)
        groups, own = np.unique(keys, axis=1, return_inverse=True)  # sorted by the first row first
        own = own.reshape(-1)
        sequences, labels, starts = groups
        # Of a span of one token it must be told, one token later, whether it has gone on.
        exits = starts + 1
        np.maximum.at(exits, own, self.ends[is_grouped] - 1)
        group_of = np.full(len(self), -1, dtype=np.int64)
        group_of[is_grouped] = own
        is_long = self.ends - self.starts > 1
        kinds = np.where(self.ruled_out, RULED_OUT, np.where(self.are_rejected, REJECTED, SCORED))
        ends = ends_of_groups(group_of[is_long], self.ends[is_long], kinds[is_long], len(starts))
        slots, shares = assign_slots(sequences, labels, starts, exits, ends)
        return SpanGroups(sequences, labels, starts, exits, slots, shares), group_of

    def n_slots(self) -> np.ndarray:
        """int64 (n_labels,), how many slots each label needs at most in one sequence.

        Labels whose groups share slots have one more, the last one, which `slot_merging` uses.
        """
        groups = self.groups
        needed = np.zeros(len(self.scheme.labels), dtype=np.int64)
        np.maximum.at(needed, groups.labels, groups.slots + 1)
        needed[np.unique(groups.labels[groups.shares])] += 1
        return needed

    def of_sequences(self, sequences: np.ndarray) -> "SpanFactors | None":
        """The factors of some sequences, which are then numbered from 0 in this order.

        None if they have none.
        """
        place = np.full(max(self.sequences.max(initial=0), sequences.max(initial=0)) + 1, -1)
        place[sequences] = np.arange(len(sequences))
        kept = np.flatnonzero(place[self.sequences] >= 0)
        if not len(kept):
            return None
        found = self.chosen(kept)
        moved = replace(found, sequences=place[found.sequences])
        moved.__dict__["ruled_out"] = found.ruled_out
        return moved

    def divided(self, temperature: float) -> "SpanFactors":
        """With all scores divided by a temperature."""
        divided = replace(self, scores=self.scores / temperature)
        divided.__dict__["_grouped"] = self._grouped  # the places are the same
        return divided

    def strongest(self) -> np.ndarray:
        """The factors to keep, so that no sequence needs more slots than are bearable.

        A slot is four further tags, and the time for a token grows with their square. Where very
        many factors overlap, those with the largest scores are kept, and what is kept stays exact.
        Spans that are ruled out come first, and have many more slots.

        RETURNS: int64 (n_kept,) positions, ascending.
        """
        most = max(MOST_SLOTS, len(self.scheme.labels))
        groups = self.groups
        crowded = [
            sequence
            for sequence, own in _runs(groups.sequences)
            if _n_slots(groups.chosen(own)) > most
        ]
        kept = ~np.isin(self.sequences, crowded) | (self.group_of < 0)  # those need no slot
        strength = self.scores.detach().abs().cpu().numpy()  # (n,), inf for what is ruled out
        for sequence in crowded:
            own = np.flatnonzero(self.sequences == sequence)
            own = own[np.argsort(-strength[own], kind="stable")]
            n_ruled_out = int(self.ruled_out[own].sum())
            n_kept = self._most_that_fit(own[:n_ruled_out], 0, max(MOST_SLOTS_RULED_OUT, most))
            if n_kept == n_ruled_out:
                n_kept = self._most_that_fit(own, n_kept, most)
            kept[own[:n_kept]] = True
        return np.flatnonzero(kept)

    def _most_that_fit(self, ordered: np.ndarray, n_sure: int, most: int) -> int:
        """How many of the factors of a sequence fit, from the first one on.

        Each further one needs as many slots or more, if it does not make two groups alike that can
        share one then. So the number is found by halving.

        n_sure (int): How many are there in any case.
        """
        fits, does_not = n_sure, len(ordered) + 1
        while does_not - fits > 1:
            middle = (fits + does_not) // 2
            if _n_slots(self.chosen(ordered[:middle]).groups) <= most:
                fits = middle
            else:
                does_not = middle
        return fits

    def chosen(self, kept: np.ndarray) -> "SpanFactors":
        """Some of the factors. kept: int64 positions."""
        chosen = SpanFactors(
            self.scheme,
            self.sequences[kept],
            self.starts[kept],
            self.ends[kept],
            self.labels[kept],
            self.scores[to_device(kept, self.scores.device)],
            None if self.rejected is None else self.rejected[kept],
        )
        chosen.__dict__["ruled_out"] = self.ruled_out[kept]  # without asking the device again
        return chosen


def _runs(values: np.ndarray) -> Iterator[tuple[int, slice]]:
    """Each value of a sorted array and where it is."""
    firsts = np.flatnonzero(np.diff(values, prepend=-1)).tolist()
    for first, last in pairwise([*firsts, len(values)]):
        yield int(values[first]), slice(first, last)


def _n_slots(groups: SpanGroups) -> int:
    """How many slots all labels of a sequence need together."""
    needed = np.zeros(groups.labels.max(initial=0) + 1, dtype=np.int64)
    np.maximum.at(needed, groups.labels, groups.slots + 1)
    return int(needed.sum())
