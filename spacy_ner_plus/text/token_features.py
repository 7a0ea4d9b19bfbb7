"""Docs to the values of their tokens' attributes, as numbers: what hand-written features look at.

Attributes of spelling are computed once for each different word. What stands before and after a
token is found by shifting arrays, in which documents have gaps between them: no feature looks
beyond a document. White space takes no part, as in tagging: "the word before" is a word.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from .feature_templates import TOKEN_ATTRIBUTES, FeatureTemplate, Term, attributes_of
from .token_attributes import COLUMNS, DocRows, read_attribute, string_of
from .word_attributes import word_attribute
from .word_clusters import WordClusters

# The ids of a value that is unknown or missing, and of a place beyond the document.
NONE, EDGE, N_RESERVED = 0, 1, 2
MAX_WORDS = 1 << 16
# Rows of the table of words that are no words.
_GAP = 0


@dataclass(frozen=True)
class AttributeValues:
    """The tokens of some Docs that take part in tagging, with the values of their attributes.

    row_tokens: for each Doc, (n_rows_of_doc,) int64: these tokens, ascending.
    places: (n_rows,) int64, where each is in the arrays below, which have gaps between Docs.
    words: (n_places,) int64, the row of each word in the reader's tables; 0 in gaps.
    word_ids: attribute of words -> (n_words,) int32, ids by those rows.
    token_ids: other attribute -> (n_places,) int32 ids.
    """

    row_tokens: list[np.ndarray]
    places: np.ndarray
    words: np.ndarray
    word_ids: Mapping[str, np.ndarray]
    token_ids: Mapping[str, np.ndarray]

    @property
    def n_rows(self) -> int:
        """How many tokens there are."""
        return len(self.places)

    def ids(self, term: Term) -> np.ndarray:
        """The value of an attribute near each token, as (n_rows,) int64 ids."""
        places = self.places + term.offset
        if term.is_of_word:
            return self.word_ids[term.attribute][self.words[places]].astype(np.int64)
        return self.token_ids[term.attribute][places].astype(np.int64)


class TokenFeatures:
    """Reads the attributes of tokens that some features look at.

    templates (Tuple[FeatureTemplate, ...]): The features.
    clusters (WordClusters): Of words; None if no feature looks at any.
    values (Mapping[str, Sequence[str]]): Of each attribute, the known values; None to learn all
        that come along.
    max_words (int): Different words that are remembered; with more, all are forgotten.

    Attributes:
        reach (int): How far from a token the features look.
        generation (int): Goes up when all words are forgotten: their rows then are others.
    """

    def __init__(
        self,
        templates: tuple[FeatureTemplate, ...],
        clusters: WordClusters | None,
        values: Mapping[str, Sequence[str]] | None,
        max_words: int = MAX_WORDS,
    ) -> None:
        self._names = attributes_of(templates)
        self._learns = values is None
        self._max_words = max_words
        known: Mapping[str, Sequence[str]] = {} if values is None else values
        self._ids = {
            name: {v: i for i, v in enumerate(known.get(name, ()), start=N_RESERVED)}
            for name in self._names
        }
        self.reach = max(abs(term.offset) for template in templates for term in template.terms)
        self._of_words = {
            name: word_attribute(name, clusters)
            for name in self._names
            if name not in TOKEN_ATTRIBUTES
        }
        self._of_tokens = [name for name in self._names if name in TOKEN_ATTRIBUTES]
        own_columns = dict.fromkeys(COLUMNS[name] for name in self._of_tokens if name in COLUMNS)
        self._columns: list[int | str] = ["ORTH", "IS_SPACE", *own_columns]
        self.generation = 0
        self._forget()

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """Of each attribute, the values that are known by now."""
        return {name: tuple(ids) for name, ids in self._ids.items()}

    @property
    def n_words(self) -> int:
        """How many rows the tables of words have: a gap, and the words that are remembered."""
        return self._n_words

    def read(self, docs: Sequence[Doc]) -> AttributeValues:
        """The values of the tokens of some Docs.

        RAISES ValueError: If doc._.rule_hits of one holds something else than hits.
        """
        columns = [doc.to_array(self._columns).reshape(-1, len(self._columns)) for doc in docs]
        row_tokens = [np.flatnonzero(own[:, 1] == 0) for own in columns]
        empty = np.zeros((0, len(self._columns)), dtype=np.uint64)
        joined = np.concatenate([empty, *columns])  # (n_tokens, n_columns)
        joined = joined[joined[:, 1] == 0]  # (n_rows, n_columns)
        lengths = np.array([len(tokens) for tokens in row_tokens], dtype=np.int64)
        before = np.cumsum(lengths) - lengths  # (n_docs,) rows before each Doc
        gaps = self.reach * np.arange(1, len(docs) + 1)
        places = np.arange(len(joined)) + np.repeat(gaps, lengths)  # (n_rows,)
        n_places = len(joined) + self.reach * (len(docs) + 1)
        words = np.full(n_places, _GAP, dtype=np.int64)
        words[places] = self._rows_of(joined[:, 0], docs)
        rows = DocRows(
            docs, row_tokens, np.repeat(before, lengths), np.repeat(before + lengths, lengths)
        )
        token_ids = {}
        for name in self._of_tokens:
            token_ids[name] = np.full(n_places, EDGE, dtype=np.int32)
            token_ids[name][places] = self._read_attribute(name, rows, joined)
        return AttributeValues(row_tokens, places, words, dict(self._word_ids), token_ids)

    def _read_attribute(self, name: str, rows: DocRows, columns: np.ndarray) -> np.ndarray:
        """The ids of an attribute of tokens, (n_rows,) int32, from (n_rows, n_columns)."""
        if not (self._learns or self._ids[name]):
            return np.full(len(columns), NONE, dtype=np.int32)  # no value is known
        column = (
            columns[:, self._columns.index(COLUMNS[name])] if name in COLUMNS else columns[:, 0]
        )
        numbers, strings = read_attribute(name, rows, column)
        return self._to_ids(name, strings, len(strings))[numbers]

    # Words

    def _forget(self) -> None:
        """Remember no word. The table of attributes has a row for the gap."""
        self._n_words = 1
        self._orths = np.zeros(0, dtype=np.uint64)  # ascending
        self._rows = np.zeros(0, dtype=np.int64)  # in the tables, of each of these
        self._word_ids = {name: np.full(1, EDGE, dtype=np.int32) for name in self._of_words}
        self.generation += 1

    def _rows_of(self, orths: np.ndarray, docs: Sequence[Doc]) -> np.ndarray:
        """The rows of words in the tables: (n,) int64, of (n,) uint64 hashes."""
        new = self._unknown(orths)
        if len(new) and self._n_words + len(new) > self._max_words and not self._learns:
            self._forget()
            new = np.unique(orths)
        if len(new):
            self._add(new, docs)
        return self._rows[np.searchsorted(self._orths, orths)]

    def _unknown(self, orths: np.ndarray) -> np.ndarray:
        """Those that are not in the tables, each once."""
        if not len(self._orths):
            return np.unique(orths)
        at = np.searchsorted(self._orths, orths).clip(max=len(self._orths) - 1)
        return np.unique(orths[self._orths[at] != orths])

    def _add(self, orths: np.ndarray, docs: Sequence[Doc]) -> None:
        words = [string_of(orth, docs) for orth in orths.tolist()]
        for name, attribute in self._of_words.items():
            ids = self._to_ids(name, map(attribute, words), len(words))
            self._word_ids[name] = np.concatenate([self._word_ids[name], ids])
        rows = self._n_words + np.arange(len(orths))
        self._n_words += len(orths)
        at = np.searchsorted(self._orths, orths)
        self._orths = np.insert(self._orths, at, orths)
        self._rows = np.insert(self._rows, at, rows)

    def _to_ids(self, name: str, values: Iterable[str], n: int) -> np.ndarray:
        """The ids of values, (n,) int32: new ones if it learns, otherwise NONE."""
        ids = self._ids[name]
        if self._learns:
            found = (ids.setdefault(v, N_RESERVED + len(ids)) if v else NONE for v in values)
        else:
            found = (ids.get(v, NONE) for v in values)
        return np.fromiter(found, dtype=np.int32, count=n)
