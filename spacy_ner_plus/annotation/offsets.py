"""Entities given as character offsets -> entities of a Doc, with a report of those that don't fit.

Where an annotation does not start and end at token boundaries, it is not known which tokens are
entity and which are not: as in spaCy, the tokens it touches become missing, not O.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span

OffsetSpan = tuple[int, int, str]
"""Start character, end character (exclusive), label."""


@dataclass(frozen=True)
class Misaligned:
    """An annotation that does not start and end at token boundaries.

    start, end (int): Its characters, end exclusive.
    text (str): What it covers.
    starts (Tuple[int, ...]): The nearest character where a token starts, at or before `start` and
        at or after it: one or two numbers, none in a Doc without tokens. White space tokens do not
        count, no entity may start or end on them.
    ends (Tuple[int, ...]): The same for `end` and where a token ends.
    """

    start: int
    end: int
    label: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def __str__(self) -> str:
        return (
            f"{self.label} {self.text!r} at characters {self.start}-{self.end} is not on token "
            f"boundaries: tokens start at {_join(self.starts)} and end at {_join(self.ends)}"
        )


def set_offset_ents(doc: Doc, annotations: Iterable[OffsetSpan]) -> list[Misaligned]:
    """Set `doc.ents` from character offsets. All other tokens are annotated as outside.

    doc (Doc): Changed in place. Tokens that a misaligned annotation touches become missing,
        unless an aligned entity holds them.
    annotations (Iterable[OffsetSpan]): In any order.
    RETURNS (List[Misaligned]): The annotations that could not be set, in the order given. Show
        them, or call `raise_misaligned`.
    RAISES (ValueError): An annotation is empty or not within the text, has no label, or two
        aligned ones overlap.
    """
    token_starts = np.array([token.idx for token in doc], dtype=np.int64)
    token_ends = token_starts + np.array([len(token) for token in doc], dtype=np.int64)
    # Not is_space: it is only set where the vocabulary has a language.
    is_solid = np.array([not token.text.isspace() for token in doc], dtype=bool)
    entities: list[Span] = []
    misaligned: list[Misaligned] = []
    is_entity = np.zeros(len(doc), dtype=bool)
    is_missing = np.zeros(len(doc), dtype=bool)
    for start, end, label in annotations:
        _check_annotation(doc, start, end, label)
        first = np.flatnonzero(is_solid & (token_starts == start))
        last = np.flatnonzero(is_solid & (token_ends == end))
        if not (first.size and last.size):
            is_missing |= (token_ends > start) & (token_starts < end)
            misaligned.append(
                Misaligned(
                    start,
                    end,
                    label,
                    doc.text[start:end],
                    starts=_nearest(token_starts[is_solid], start),
                    ends=_nearest(token_ends[is_solid], end),
                )
            )
            continue
        span = Span(doc, int(first[0]), int(last[0]) + 1, label=label)
        if is_entity[span.start : span.end].any():
            raise ValueError(
                f"{label} {span.text!r} at characters {start}-{end} overlaps another entity, but "
                f"flat entities can't: keep one of {_overlapping(entities, span)}."
            )
        is_entity[span.start : span.end] = True
        entities.append(span)
    unknown = [doc[i : i + 1] for i in np.flatnonzero(is_missing & ~is_entity).tolist()]
    doc.set_ents(entities, missing=unknown, default="outside")
    return misaligned


def raise_misaligned(misaligned: Iterable[Misaligned], source: str) -> None:
    """Raise a ValueError that lists the annotations, if there are any.

    source (str): Where they come from (file, line, document), for the message.
    """
    lines = [f"  {record}" for record in misaligned]
    if lines:
        raise ValueError(
            f"{source}: {len(lines)} annotations are not on token boundaries. Correct their "
            "offsets, or change the tokenizer:\n" + "\n".join(lines)
        )


def _check_annotation(doc: Doc, start: int, end: int, label: str) -> None:
    n_chars = len(doc.text)
    if not 0 <= start < end <= n_chars:
        raise ValueError(
            f"{label} at characters {start}-{end} is empty or not within the text of {n_chars} "
            f"characters: {doc.text[:60]!r}. Check that offsets count characters of this text, not "
            "bytes."
        )
    if not label:
        raise ValueError(
            f"{doc.text[start:end]!r} at characters {start}-{end} has no label: give it one."
        )


def _nearest(boundaries: np.ndarray, at: int) -> tuple[int, ...]:
    """The last boundary at or before, and the first at or after; `boundaries` is sorted."""
    before = boundaries[boundaries <= at][-1:]
    after = boundaries[boundaries >= at][:1]
    return tuple(dict.fromkeys([*before.tolist(), *after.tolist()]))


def _overlapping(entities: list[Span], span: Span) -> list[str]:
    others = [other for other in entities if other.start < span.end and span.start < other.end]
    return [f"{other.label_} {other.text!r}" for other in [*others, span]]


def _join(boundaries: tuple[int, ...]) -> str:
    return " or ".join(map(str, boundaries)) if boundaries else "none"
