"""Attributes of tokens that their spelling alone does not give, as numbers with their strings."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from spacy.tokens import Doc

from ..annotation.rule_hits import HARD, SOFT, on_tokens, rule_hits

# How many tokens on either side are looked at for one in lower case.
AROUND = 4
# What spaCy calls what other components leave on tokens.
COLUMNS = {
    "capitals": "IS_LOWER",
    "pos": "POS",
    "tag": "TAG",
    "lemma": "LEMMA",
    "sentence": "SENT_START",
}
ANNOTATIONS = ("pos", "tag", "lemma", "sentence")
_STARTS = 1  # SENT_START of a sentence's first token


@dataclass(frozen=True)
class DocRows:
    """Some Docs, and their tokens that take part in tagging.

    row_tokens: for each Doc, (n_rows_of_doc,) int64, ascending.
    starts, ends: (n_rows,) int64, of each row its Doc's first row, and the one after its last.
    """

    docs: Sequence[Doc]
    row_tokens: list[np.ndarray]
    starts: np.ndarray
    ends: np.ndarray


# See read_attribute.
TokenAttribute = Callable[[DocRows, np.ndarray], tuple[np.ndarray, list[str]]]


def read_attribute(name: str, rows: DocRows, column: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """An attribute of all rows.

    name (str): One of feature_templates.TOKEN_ATTRIBUTES.
    column: (n_rows,) uint64, what spaCy has under COLUMNS; not looked at for "rules".
    RETURNS: (n_rows,) int64 numbers, and the string that each number stands for; "" for no value.
    RAISES ValueError: If doc._.rule_hits holds something else than hits.
    """
    if name in ("pos", "tag", "lemma"):
        return _strings(rows, column)
    return _ATTRIBUTES[name](rows, column)


def lacking(docs: Sequence[Doc], names: Sequence[str]) -> dict[str, Doc]:
    """The attributes that a Doc should have from another component and lacks, with the first such.

    Documents without tokens lack nothing.
    """
    found: dict[str, Doc] = {}
    for name in names:
        if name in ANNOTATIONS:
            without = (d for d in docs if len(d) and not d.has_annotation(COLUMNS[name]))
            first = next(without, None)
            if first is not None:
                found[name] = first
    return found


def string_of(hash_: int, docs: Sequence[Doc]) -> str:
    """The string of a hash that a token of some Docs has."""
    for doc in docs:
        if hash_ in cast("Container[int]", doc.vocab.strings):  # spaCy's types know strings alone
            return doc.vocab.strings[hash_]
    raise ValueError(f"No vocabulary of the documents has the string of the hash {hash_}.")


def _strings(rows: DocRows, column: np.ndarray) -> tuple[np.ndarray, list[str]]:
    hashes, numbers = np.unique(column, return_inverse=True)
    return numbers, [string_of(int(value), rows.docs) if value else "" for value in hashes]


def _sentence(rows: DocRows, column: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Whether a token is the first of its sentence."""
    return (column == _STARTS).astype(np.int64), ["", "first"]


def _capitals(rows: DocRows, column: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Whether neither a token nor any near it is in lower case, as in headings and tables."""
    n_lower = np.concatenate([[0], np.cumsum(column != 0)])  # (n_rows + 1,)
    here = np.arange(len(column))
    first = np.maximum(here - AROUND, rows.starts)
    last = np.minimum(here + AROUND + 1, rows.ends)
    return (n_lower[last] == n_lower[first]).astype(np.int64), ["", "around"]


def _rules(rows: DocRows, column: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """What hits of rules that find entities a token is in: "B-Disease", "L-Gene L-Protein".

    Of each label it is the longest hit, of equally long ones the first.
    """
    names: dict[str, int] = {"": 0}
    numbers = np.zeros(len(rows.starts), dtype=np.int64)
    first = 0
    for doc, tokens in zip(rows.docs, rows.row_tokens, strict=True):
        for token, name in _hits_of(doc).items():
            row = int(np.searchsorted(tokens, token))
            if row < len(tokens) and tokens[row] == token:
                numbers[first + row] = names.setdefault(name, len(names))
        first += len(tokens)
    return numbers, list(names)


def _hits_of(doc: Doc) -> dict[int, str]:
    """The value of each token that is in a hit."""
    found = rule_hits(doc)
    if not found:
        return {}
    placed = on_tokens(doc, [hit for hit in found if hit.kind in (HARD, SOFT)])
    order = np.argsort(placed.starts - placed.ends, kind="stable")  # longest first
    tags: dict[int, dict[str, str]] = {}
    for hit in order.tolist():
        start, end = int(placed.starts[hit]), int(placed.ends[hit])
        label = placed.hits[hit].label
        for token in range(start, end):
            sign = "U" if end - start == 1 else "B" if token == start else "I"
            sign = "L" if token == end - 1 and sign == "I" else sign
            tags.setdefault(token, {}).setdefault(label, f"{sign}-{label}")
    return {token: " ".join(own[label] for label in sorted(own)) for token, own in tags.items()}


_ATTRIBUTES: dict[str, TokenAttribute] = {
    "sentence": _sentence,
    "capitals": _capitals,
    "rules": _rules,
}
