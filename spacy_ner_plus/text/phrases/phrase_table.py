"""Phrases with what is known of each, and where they are in texts: all of a batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.context import get_spawning_popen
from pathlib import Path
from typing import Any, Self

import numpy as np
from spacy.tokens import Doc

from .phrase_entry import PhraseEntry
from .phrase_filter import BEGINNING, WHOLE, PhraseFilter
from .phrase_hashes import extended
from .string_table import StringTable

# By which strings tokens are compared: as they stand, without case, or by spaCy's norms.
ATTRIBUTES = ("ORTH", "LOWER", "NORM")


@dataclass(frozen=True)
class PhraseHits:
    """Where phrases are in some texts, in order of their starts, then of their ends.

    starts, ends: (n_hits,) int64, tokens of all texts, one after the other; ends exclusive.
    phrases: (n_hits,) int64, the phrases' numbers in the table.
    """

    starts: np.ndarray
    ends: np.ndarray
    phrases: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def chosen(self, hits: np.ndarray) -> "PhraseHits":
        """Some of them. hits: (n,) int64, or (n_hits,) bool."""
        return PhraseHits(self.starts[hits], self.ends[hits], self.phrases[hits])


@dataclass(frozen=True, eq=False)
class PhraseTable:
    """Phrases, each with one entry or several: labels, ids, weights and rules that it has.

    Its arrays may be mapped from a file.

    attribute (str): By what tokens are compared: one of ATTRIBUTES.
    max_tokens (int): The length of the longest phrase.
    labels, rules (Tuple[str]): Labels, and names of rules, by the numbers that entries have.
    hashes: (n_phrases,) uint64, ascending: see phrase_hashes.
    first_entries: (n_phrases + 1,) uint32, the entries of each phrase are from its own to the next.
    entry_labels, entry_rules, entry_ids: (n_entries,) uint16, uint16 and uint32, numbers of labels,
        rules and ids.
    entry_weights: (n_entries,) float32.
    ids (StringTable): The ids; "" is for none.
    texts (StringTable): The phrase of each entry, as it was given.
    filter (PhraseFilter): What is no phrase.
    file (Path): The file that its arrays are mapped from, if they are; and digest, what is in it.
    """

    attribute: str
    max_tokens: int
    labels: tuple[str, ...]
    rules: tuple[str, ...]
    hashes: np.ndarray
    first_entries: np.ndarray
    entry_labels: np.ndarray
    entry_rules: np.ndarray
    entry_ids: np.ndarray
    entry_weights: np.ndarray
    ids: StringTable
    texts: StringTable
    filter: PhraseFilter
    file: Path | None = None
    digest: str = ""

    @property
    def n_phrases(self) -> int:
        """How many different phrases there are."""
        return len(self.hashes)

    @property
    def n_entries(self) -> int:
        """How many entries they have."""
        return len(self.entry_labels)

    def matches(self, tokens: np.ndarray, lengths: np.ndarray) -> PhraseHits:
        """All places of all phrases in some texts: they may overlap, but not run across two texts.

        tokens: (n_tokens,) uint64, the hashes of the tokens of all texts, one after the other.
        lengths: (n_texts,) int64, how many each text has.
        """
        text_ends = np.repeat(np.cumsum(lengths), lengths)  # (n_tokens,)
        starts = np.arange(len(tokens))  # where a phrase may be under way
        current = tokens  # (n_starts,) the hashes from there on
        found: list[tuple[np.ndarray, np.ndarray]] = []
        for length in range(1, self.max_tokens + 1):
            bits = self.filter.bits_of(current)  # (n_starts,)
            may_be_whole = np.flatnonzero(bits & WHOLE)
            found.append((starts[may_be_whole], current[may_be_whole]))
            goes_on = np.flatnonzero(bits & BEGINNING)
            starts, current = starts[goes_on], current[goes_on]
            has_next = np.flatnonzero(starts + length < text_ends[starts])
            if not len(has_next):
                break
            starts, current = starts[has_next], current[has_next]
            current = extended(current, tokens[starts + length])
        return self._known(found)

    def find(self, docs: Sequence[Doc]) -> tuple[PhraseHits, np.ndarray]:
        """All places of all phrases in some Docs.

        RETURNS: The hits, with tokens counted on from Doc to Doc, and (n_docs + 1,) int64: where
            the tokens of each Doc begin, and those of the last end.
        """
        lengths = np.fromiter(map(len, docs), dtype=np.int64, count=len(docs))
        none = np.empty(0, dtype=np.uint64)
        tokens = np.concatenate(
            [none, *(doc.to_array(self.attribute) for doc in docs)]
        )  # (n_tokens,)
        return self.matches(tokens, lengths), np.concatenate([[0], np.cumsum(lengths)])

    def entries_of(self, phrases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The entries of phrases.

        phrases: (n,) int64.
        RETURNS: (n_entries,) int64 each: which of the phrases, and its entry.
        """
        firsts = self.first_entries[phrases].astype(np.int64)  # (n,)
        counts = self.first_entries[phrases + 1].astype(np.int64) - firsts
        which = np.repeat(np.arange(len(phrases)), counts)  # (n_entries,)
        befores = np.cumsum(counts) - counts
        return which, np.arange(len(which)) + (firsts - befores)[which]

    def entry(self, number: int) -> PhraseEntry:
        """An entry, in words."""
        return PhraseEntry(
            phrase=self.texts[number],
            label=self.labels[self.entry_labels[number]],
            id=self.ids[int(self.entry_ids[number])],
            weight=float(self.entry_weights[number]),
            rule=self.rules[self.entry_rules[number]],
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # nothing of it ever changes

    def __reduce_ex__(self, protocol: Any) -> Any:
        """See phrase_sharing."""
        if get_spawning_popen() is None:
            return super().__reduce_ex__(protocol)
        from .phrase_sharing import mapped_table, shared_file

        return mapped_table, shared_file(self)

    def _known(self, found: list[tuple[np.ndarray, np.ndarray]]) -> PhraseHits:
        """Those of the places whose hashes are those of phrases.

        found: By length, the starts and hashes of places.
        """
        counts = [len(starts) for starts, _ in found]
        lengths = np.repeat(np.arange(1, len(found) + 1), counts)  # (n_places,)
        starts = np.concatenate([np.empty(0, np.int64), *(starts for starts, _ in found)])
        hashes = np.concatenate([np.empty(0, np.uint64), *(hashes for _, hashes in found)])
        if not len(hashes):
            return PhraseHits(starts, starts, starts)
        phrases = np.searchsorted(self.hashes, hashes).clip(max=len(self.hashes) - 1)
        known = np.flatnonzero(self.hashes[phrases] == hashes)
        # places come by length, so that a stable order by starts is one by ends, too
        known = known[np.argsort(starts[known], kind="stable")]
        return PhraseHits(starts[known], starts[known] + lengths[known], phrases[known])
