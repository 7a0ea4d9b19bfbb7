"""Tags as they stand in files: strict reading of the string tags of a sentence as spans.

Besides BIO (also IOB2) and BILOU, which a model predicts in, IOB1, BIOES and BMES are read. IOB1
and IOB2 are described in Tjong Kim Sang & Veenstra (1999), "Representing Text Chunks".
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ...tags import Span

# Inside, at the end, and of a single token.
_CLOSED = {"BILOU": ("I", "L", "U"), "BIOES": ("I", "E", "S"), "BMES": ("M", "E", "S")}
_COLUMN_PREFIXES = {"IOB1": "BI", "BIO": "BI", "BILOU": "BILU", "BIOES": "BIES", "BMES": "BMES"}
_OTHER_NAMES = {"IOB2": "BIO", "BILUO": "BILOU", "IOBES": "BIOES", "BMESO": "BMES"}
COLUMN_SCHEMES = tuple(_COLUMN_PREFIXES)
# What no other scheme has, in the order in which it is looked for.
_MARKS = {"BILOU": "LU", "BMES": "M", "BIOES": "ES"}
_TAG = re.compile("[BIMELSU]-.", re.DOTALL)


class TagError(ValueError):
    """A tag that breaks its scheme; `token` is its index in the sentence."""

    def __init__(self, message: str, token: int) -> None:
        super().__init__(message)
        self.token = token


def is_tag(value: str) -> bool:
    """Whether a value is a tag of an entity, in any scheme."""
    return _TAG.match(value) is not None


def read_tags(column: Sequence[str], scheme: str) -> list[Span]:
    """Read the string tags of one sentence as spans, strictly.

    A tag is "O" or a prefix, a hyphen and a label; only the first hyphen splits. Nothing is
    repaired: BIO opens every span with B-, the schemes with a tag for the end close every span of
    two or more tokens.
    In IOB1 any tag but an I- of the same label as before opens a span. Its B- should only stand
    where a span directly follows one of its label, but CoNLL-2003 itself has two elsewhere, and
    its meaning is plain.

    column (Sequence[str]): One tag per token.
    scheme (str): One of `COLUMN_SCHEMES`, or another name of one: see column_scheme.
    RETURNS (list[Span]): Spans from left to right.
    RAISES (TagError): The token index, its tag, what precedes it and what to do.
    """
    scheme = column_scheme(scheme)
    if scheme in _CLOSED:
        return _read_closed(column, scheme)
    return _read_open(column, scheme)


def column_scheme(name: str) -> str:
    """The name that `read_tags` uses for a scheme: checks it, and gives "BIO" for "IOB2".

    "BILUO", "IOBES" and "BMESO" are such other names, too.
    """
    known = _OTHER_NAMES.get(name.upper(), name.upper())
    if known not in _COLUMN_PREFIXES:
        raise ValueError(f"Unknown tag scheme {name!r}: use one of {list(COLUMN_SCHEMES)}.")
    return known


def detect_scheme(columns: Iterable[Sequence[str]]) -> str:
    """The scheme of a whole file, from its tags.

    L- or U- mean BILOU, M- means BMES, E- or S- alone mean BIOES. With B- and I- only, spans that
    open with B- although no span of their label precedes speak for BIO, spans that open with I- for
    IOB1: the more frequent decides. A file of O tags only is called BIO.

    columns (Iterable[Sequence[str]]): The tags of each sentence.
    RETURNS (str): One of `COLUMN_SCHEMES`. The file may still break it: `read_tags` says where.
    """
    prefixes: set[str] = set()
    openings = {"B": 0, "I": 0}
    for column in columns:
        for before, tag in pairwise(["O", *column]):
            prefix, _, label = tag.partition("-")
            prefixes.add(prefix)
            if prefix in openings and label != before.partition("-")[2]:
                openings[prefix] += 1
    for scheme, marks in _MARKS.items():
        if prefixes.intersection(marks):
            return scheme
    return "IOB1" if openings["I"] > openings["B"] else "BIO"


def split_tag(tag: str, token: int, scheme: str) -> tuple[str, str]:
    """Split a tag at its first hyphen into prefix and label: ("O", "") for "O".

    RAISES (TagError): The prefix is not one of the scheme, or the label is missing.
    """
    if tag == "O":
        return "O", ""
    prefix, hyphen, label = tag.partition("-")
    if len(prefix) != 1 or prefix not in _COLUMN_PREFIXES[scheme]:
        allowed = ", ".join(f"{p}-" for p in _COLUMN_PREFIXES[scheme])
        raise TagError(
            f"Unknown tag {tag!r} at token {token}: {scheme} has O and the prefixes {allowed}. "
            "Correct the tag or name another scheme.",
            token,
        )
    if not hyphen or not label:
        raise TagError(
            f"Tag {tag!r} at token {token} has no label: write {prefix}-LABEL, or O outside "
            "of entities.",
            token,
        )
    return prefix, label


def _read_open(column: Sequence[str], scheme: str) -> list[Span]:
    spans: list[Span] = []
    start, current = 0, ""  # the label of the tag before, "" for O
    for i, tag in enumerate(column):
        prefix, label = split_tag(tag, i, scheme)
        if scheme == "BIO" and prefix == "I" and label != current:
            raise _broken(
                column,
                i,
                f"In BIO an entity starts with B-: write B-{label}, or "
                "name the scheme IOB1, in which I- starts one too",
            )
        if current and (prefix != "I" or label != current):
            spans.append((start, i, current))
        if prefix == "B" or label != current:
            start = i
        current = label
    if current:
        spans.append((start, len(column), current))
    return spans


def _read_closed(column: Sequence[str], scheme: str) -> list[Span]:
    inside, closer, single = _CLOSED[scheme]
    spans: list[Span] = []
    start, current = 0, ""  # the label of the span that is open, "" for none
    for i, tag in enumerate(column):
        prefix, label = split_tag(tag, i, scheme)
        if prefix in (inside, closer):
            if label != current:
                raise _broken(
                    column, i, f"In {scheme} {prefix}- goes on an open entity of its label: start "
                    f"it with B-{label}, or write {single}-{label} for a single token"
                )  # fmt: skip
            if prefix == closer:
                spans.append((start, i + 1, label))
                current = ""
            continue
        if current:
            raise _broken(
                column, i, f"The entity opened by B-{current} at token {start} is never closed: "
                f"end it with {closer}-{current}"
            )  # fmt: skip
        if prefix == "B":
            start, current = i, label
        elif prefix == single:
            spans.append((i, i + 1, label))
    if current:
        raise TagError(
            f"The entity opened by B-{current} at token {start} is never closed before the "
            f"sentence ends: end it with {closer}-{current}, or write {single}-{current} for a "
            "single token.",
            len(column) - 1,
        )
    return spans


def _broken(column: Sequence[str], token: int, advice: str) -> TagError:
    before = f"after {column[token - 1]!r}" if token else "at the start of the sentence"
    return TagError(f"Tag {column[token]!r} at token {token}, {before}: {advice}.", token)
