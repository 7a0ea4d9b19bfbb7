"""Tags as they stand in files: strict reading of the string tags of a sentence as spans.

Besides BIO (also IOB2) and BILOU, which a model predicts in, IO, IOB1, BIOES and BMES are read, and
the last three with other letters. IOB1 and IOB2 are described in Tjong Kim Sang & Veenstra (1999),
"Representing Text Chunks".
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from ...tags import Span

# The letters of a scheme that closes its spans: begin, inside, end, and a single token.
_CLOSED = {"BILOU": "BILU", "BIOES": "BIES", "BMES": "BMES"}
_OPEN = {"IO": "I", "IOB1": "BI", "BIO": "BI"}
_OTHER_NAMES = {"IOB2": "BIO", "IOB": "BIO"}
COLUMN_SCHEMES = (*_OPEN, *_CLOSED)


class TagError(ValueError):
    """A tag that breaks its scheme; `token` is its index in the sentence."""

    def __init__(self, message: str, token: int) -> None:
        super().__init__(message)
        self.token = token


def read_tags(column: Sequence[str], scheme: str) -> list[Span]:
    """Read the string tags of one sentence as spans, strictly.

    A tag is "O" or a prefix, a hyphen and a label; only the first hyphen splits. Nothing is
    repaired: BIO opens every span with B-, the schemes with a tag for the end close every span of
    two or more tokens.
    In IOB1 any tag but an I- of the same label as before opens a span. Its B- should only stand
    where a span directly follows one of its label, but CoNLL-2003 itself has two elsewhere, and
    its meaning is plain. IO has no B-: entities of one label that touch are one.

    column (Sequence[str]): One tag per token.
    scheme (str): One of `COLUMN_SCHEMES`, or another name of one: see column_scheme.
    RETURNS (list[Span]): Spans from left to right.
    RAISES (TagError): The token index, its tag, what precedes it and what to do.
    """
    scheme = column_scheme(scheme)
    if scheme not in _OPEN:
        return _read_closed(column, scheme)
    return _read_open(column, scheme)


def column_scheme(name: str) -> str:
    """The name that `read_tags` uses for a scheme: checks it, and gives "BIO" for "IOB2".

    Of the letters of a scheme that closes its spans, any order will do, and O may be among them:
    "BILUO" is BILOU, "IOBES" BIOES, and "BMEWO" has W for a single token.
    """
    known = _OTHER_NAMES.get(name.upper(), name.upper())
    if known in COLUMN_SCHEMES:
        return known
    letters = set(known) - {"O"}
    parts = [letters & set(group) for group in ("B", "IM", "EL", "SUW")]
    if any(len(part) != 1 for part in parts) or letters != set().union(*parts):
        raise ValueError(
            f"Unknown tag scheme {name!r}: use one of {list(COLUMN_SCHEMES)}, or the four letters "
            "that begin, go on, end and are a single token, such as BMEW."
        )
    return _named("".join(part.pop() for part in parts))


def _named(letters: str) -> str:
    return next((name for name, known in _CLOSED.items() if known == letters), letters)


def scheme_letters(scheme: str) -> str:
    """The letters of a scheme as column_scheme names it, in their order."""
    return _OPEN.get(scheme) or _CLOSED.get(scheme, scheme)


def detect_scheme(columns: Iterable[Sequence[str]]) -> str:
    """The scheme of a whole file, from its tags.

    A letter for the end (L, E), for single tokens (U, S, W) or for the inside (M) means a scheme
    that closes its spans; the letters that are not there are those that go with it: BILOU, BIOES or
    BMES. With B- and I- only, spans that open with B- although no span of their label precedes
    speak for BIO, spans that open with I- for IOB1: the more frequent decides. A file of O tags
    only is called BIO.

    columns (Iterable[Sequence[str]]): The tags of each sentence.
    RETURNS (str): As of column_scheme. The file may still break it: `read_tags` says where.
    """
    letters: set[str] = set()
    openings = {"B": 0, "I": 0}
    for column in columns:
        for before, tag in pairwise(["O", *column]):
            letter, _, label = tag.partition("-")
            letters.add(letter)
            if letter in openings and label != before.partition("-")[2]:
                openings[letter] += 1
    closing = _first_of("LE", letters), _first_of("USW", letters)
    if not any((*closing, "M" in letters)):
        return "IOB1" if openings["I"] > openings["B"] else "BIO"
    end = closing[0] or ("L" if closing[1] == "U" else "E")
    single = closing[1] or ("U" if end == "L" else "S")
    return _named(f"B{'M' if 'M' in letters else 'I'}{end}{single}")


def _first_of(wanted: str, letters: set[str]) -> str | None:
    return next((letter for letter in wanted if letter in letters), None)


def write_tags(spans: Iterable[Span], n_tokens: int, scheme: str) -> list[str]:
    """The tags of a sentence, one a token: what `read_tags` reads.

    spans (Iterable[Span]): They don't overlap. In IO, those of one label that touch become one.
    scheme (str): As of column_scheme.
    """
    tags = ["O"] * n_tokens
    letters = scheme_letters(scheme)
    for start, end, label in sorted(spans):
        if scheme in _OPEN:
            touches = start > 0 and tags[start - 1][2:] == label and tags[start - 1] != "O"
            begins = {"IO": "I", "IOB1": "B" if touches else "I"}.get(scheme, "B")
            tags[start:end] = [f"{begins}-{label}", *[f"I-{label}"] * (end - start - 1)]
            continue
        begin, inside, last, single = (f"{letter}-{label}" for letter in letters)
        n_inside = end - start - 2
        tags[start:end] = [begin, *[inside] * n_inside, last] if n_inside >= 0 else [single]
    return tags


def split_tag(tag: str, token: int, scheme: str) -> tuple[str, str]:
    """Split a tag at its first hyphen into prefix and label: ("O", "") for "O".

    RAISES (TagError): The prefix is not one of the scheme, or the label is missing.
    """
    if tag == "O":
        return "O", ""
    prefix, hyphen, label = tag.partition("-")
    known = scheme_letters(scheme)
    if len(prefix) != 1 or prefix not in known:
        allowed = ", ".join(f"{letter}-" for letter in known)
        raise TagError(
            f"Unknown tag {tag!r} at token {token}: {scheme} has O and the prefixes {allowed}. "
            "Correct the tag or name another scheme.",
            token,
        )
    if not hyphen or not label:
        advice = ", or give the label of all such tags (label)" * (not hyphen)
        raise TagError(
            f"Tag {tag!r} at token {token} has no label: write {prefix}-LABEL, or O outside "
            f"of entities{advice}.",
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
    inside, closer, single = tuple(scheme_letters(scheme))[1:]
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
