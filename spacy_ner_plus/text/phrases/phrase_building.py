"""Making a table of phrases out of lists, with nothing of them left in the vocabulary."""

import logging
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from spacy.language import Language
from tqdm import tqdm

from .numbered import Numbered
from .other_vocab import with_new_vocab
from .phrase_entry import PhraseEntry
from .phrase_filter import PhraseFilter
from .phrase_hashes import phrase_hashes
from .phrase_table import ATTRIBUTES, PhraseTable
from .string_table import StringTable

logger = logging.getLogger("spacy_ner_plus")

# The longest phrase, in tokens: names of chemicals have 100.
MAX_TOKENS = 256
_BLOCK = 20_000
# Words that a tokenizer is left to remember: half a kilobyte each, and a tenth of the time.
_MAX_WORDS = 250_000
_MAX_SHOWN = 10
_MAX_NAMES = 1 << 16


@dataclass
class LeftOut:
    """Rows of phrase lists that are not in the table.

    n (int): How many.
    places (List[str]): The first of them: where they stand.
    """

    n: int = 0
    places: list[str] = field(default_factory=list)

    def add(self, entry: PhraseEntry) -> None:
        """Count one more."""
        self.n += 1
        if len(self.places) < _MAX_SHOWN:
            self.places.append(entry.place or repr(entry.phrase[:80]))


@dataclass
class PhraseCounts:
    """What became of the rows of phrase lists.

    n_rows (int): How many there were.
    n_phrases (int): Different phrases, as tokens are compared.
    n_entries (int): Different phrases with different labels, ids and rules.
    n_duplicates (int): Rows that repeat an entry; the first row counts.
    n_other_weights (int): Those of them with another weight than the first row.
    n_several_labels (int): Phrases that have more than one label.
    empty (LeftOut): Rows without a phrase, or with white space only.
    too_long (LeftOut): Rows whose phrase has more tokens than max_tokens.
    """

    n_rows: int = 0
    n_phrases: int = 0
    n_entries: int = 0
    n_duplicates: int = 0
    n_other_weights: int = 0
    n_several_labels: int = 0
    empty: LeftOut = field(default_factory=LeftOut)
    too_long: LeftOut = field(default_factory=LeftOut)


def build_phrase_table(
    entries: Iterable[PhraseEntry],
    nlp: Language,
    attribute: str = "ORTH",
    *,
    max_tokens: int = MAX_TOKENS,
) -> tuple[PhraseTable, PhraseCounts]:
    """Make a table of phrases.

    White space around a phrase is taken off. Phrases are tokenised by nlp's tokenizer, each by
    itself, and nlp.vocab stays as it is, unless its tokenizer can't do with another one: a warning
    says so. On a terminal, a bar shows how many phrases were read, if there are many.

    entries (Iterable[PhraseEntry]): They are taken in blocks, so that they need not fit in memory.
    nlp (Language): The pipeline whose tokens will be looked at.
    attribute (str): By what tokens are compared: one of ATTRIBUTES.
    max_tokens (int): Longer phrases are left out, and counted.
    RETURNS (Tuple[PhraseTable, PhraseCounts]): The table, and what became of the rows.
    RAISES ValueError: If the attribute is unknown, or a row has a weight that is no number.
    """
    if attribute not in ATTRIBUTES:
        raise ValueError(
            f"Phrases can be compared by {', '.join(ATTRIBUTES)}, not by {attribute!r}."
        )
    if not 1 <= max_tokens <= MAX_TOKENS:
        raise ValueError(f"max_tokens = {max_tokens} must be from 1 to {MAX_TOKENS}.")
    building = _Building(nlp, attribute, max_tokens)
    n_words = len(nlp.vocab)
    with tqdm(desc="phrases", unit="phrases", disable=None, delay=2, leave=False) as bar:
        for block in _blocks(entries):
            building.add(block)
            bar.update(len(block))
    if len(nlp.vocab) > n_words:
        logger.warning(
            "Phrase lists left %s words in nlp.vocab, as the tokenizer %s works with that only. "
            "Give it a method with_vocab(vocab) that returns one that does the same.",
            f"{len(nlp.vocab) - n_words:,}",
            type(nlp.tokenizer).__qualname__,
        )
    return building.table(), building.counts


class _Building:
    """A table under way: rows that were tokenised, as columns."""

    def __init__(self, nlp: Language, attribute: str, max_tokens: int) -> None:
        self.counts = PhraseCounts()
        self._nlp = nlp
        self._tokenizer: Any = None
        self._attribute, self._max_tokens = attribute, max_tokens
        self._labels, self._rules, self._ids = Numbered(), Numbered(), Numbered()
        self._numbers = (array("I"), array("I"), array("I"))  # of labels, rules and ids, by row
        self._weights = array("f")
        self._hashes: list[np.ndarray] = []
        self._beginnings: list[np.ndarray] = []
        self._texts: list[StringTable] = []
        self._longest = 0

    def add(self, block: list[PhraseEntry]) -> None:
        """Tokenise some rows."""
        tokenizer = self._ready_tokenizer()
        attribute = [self._attribute]
        rows: list[PhraseEntry] = []
        tokens: list[np.ndarray] = []
        none = np.empty(0, dtype=np.uint64)
        for entry in block:
            self._check(entry)
            phrase = entry.phrase.strip()
            row = tokenizer(phrase).to_array(attribute) if phrase else none
            if not len(row):
                self.counts.empty.add(entry)
            elif len(row) > self._max_tokens:
                self.counts.too_long.add(entry)
            else:
                rows.append(entry)
                tokens.append(row)
        self.counts.n_rows += len(block)
        if rows:
            self._add_tokens(tokens)
            self._add_columns(rows)

    def _ready_tokenizer(self) -> Any:
        """One that forgets its words from time to time, if there can be one."""
        own, vocab = self._nlp.tokenizer, self._nlp.vocab
        if self._tokenizer is None or len(self._tokenizer.vocab) > _MAX_WORDS:
            self._tokenizer = with_new_vocab(own, vocab, self._attribute)
        return own if self._tokenizer is None else self._tokenizer

    def _check(self, entry: PhraseEntry) -> None:
        place = entry.place or f"the phrase {entry.phrase[:80]!r}"
        if not np.isfinite(entry.weight):
            raise ValueError(f"{place}: the weight {entry.weight} must be a finite number.")

    def _add_tokens(self, tokens: list[np.ndarray]) -> None:
        lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
        hashes, beginnings = phrase_hashes(np.concatenate(tokens), lengths)
        self._hashes.append(hashes)
        self._beginnings.append(np.unique(beginnings))
        self._longest = max(self._longest, int(lengths.max()))

    def _add_columns(self, rows: list[PhraseEntry]) -> None:
        labels, rules, ids = self._numbers
        labels.extend([self._labels[entry.label] for entry in rows])
        rules.extend([self._rules[entry.rule] for entry in rows])
        ids.extend([self._ids[entry.id] for entry in rows])
        self._weights.extend([entry.weight for entry in rows])
        self._texts.append(StringTable.of(entry.phrase.strip() for entry in rows))
        for names, what in ((self._labels, "labels"), (self._rules, "rules")):
            if len(names) > _MAX_NAMES:
                raise ValueError(
                    f"Phrase lists have more than {_MAX_NAMES:,} {what}, the last {names.last!r}: "
                    "is the column of labels one of ids?"
                )

    def table(self) -> PhraseTable:
        """The table of what was added."""
        self._tokenizer = None  # its words take more memory than all that follows
        hashes = np.concatenate([np.empty(0, np.uint64), *self._hashes])  # (n_rows,)
        labels, rules, ids = (np.array(numbers, dtype=np.uint32) for numbers in self._numbers)
        weights = np.array(self._weights, dtype=np.float32)
        kept = self._without_duplicates(hashes, (labels, rules, ids), weights)  # (n_entries,)
        keys, firsts = np.unique(hashes[kept], return_index=True)  # (n_phrases,) each
        self.counts.n_phrases, self.counts.n_entries = len(keys), len(kept)
        first_entries = np.append(firsts, len(kept)).astype(np.uint32)
        self._count_several_labels(first_entries, labels[kept])
        beginnings = np.concatenate([np.empty(0, np.uint64), *self._beginnings])
        return PhraseTable(
            attribute=self._attribute,
            max_tokens=self._longest,
            labels=tuple(self._labels.names),
            rules=tuple(self._rules.names),
            hashes=keys,
            first_entries=first_entries,
            entry_labels=labels[kept].astype(np.uint16),
            entry_rules=rules[kept].astype(np.uint16),
            entry_ids=ids[kept],
            entry_weights=weights[kept],
            ids=StringTable.of(self._ids.names),
            texts=StringTable.joined(self._texts).taken(kept),
            filter=PhraseFilter.of(keys, np.unique(beginnings)),
        )

    def _without_duplicates(
        self, hashes: np.ndarray, numbers: tuple[np.ndarray, ...], weights: np.ndarray
    ) -> np.ndarray:
        """The rows that are entries, by hash, then in the order in which they were added."""
        order = np.lexsort((*numbers, hashes))  # (n_rows,) stable: by hash and numbers, then row
        columns = (hashes, *numbers)
        is_first = np.ones(len(order), dtype=bool)
        if len(order):
            same = [column[order][1:] == column[order][:-1] for column in columns]
            is_first[1:] = ~np.logical_and.reduce(same)
        firsts = order[is_first]  # (n_entries,)
        repeated = firsts[np.cumsum(is_first) - 1]  # (n_rows,) the row that each repeats
        self.counts.n_duplicates = int((~is_first).sum())
        self.counts.n_other_weights = int((weights[order] != weights[repeated]).sum())
        return firsts[np.lexsort((firsts, hashes[firsts]))]

    def _count_several_labels(self, first_entries: np.ndarray, labels: np.ndarray) -> None:
        phrases = np.repeat(np.arange(len(first_entries) - 1), np.diff(first_entries))
        pairs = np.unique(phrases * _MAX_NAMES + labels)  # of phrases and labels
        _, n_labels = np.unique(pairs // _MAX_NAMES, return_counts=True)
        self.counts.n_several_labels = int((n_labels > 1).sum())


def _blocks(entries: Iterable[PhraseEntry]) -> Iterator[list[PhraseEntry]]:
    rows = iter(entries)
    while block := list(islice(rows, _BLOCK)):
        yield block
