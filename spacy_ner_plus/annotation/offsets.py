"""Entities given as character offsets -> entities of a Doc, with a report of those that don't fit.

Where an annotation does not start and end at token boundaries, it is not known which tokens are
entity and which are not: as in spaCy, the tokens it touches become missing, not O.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span

from ..records import SpanRecord, check_tidy, find_counting

OffsetSpan = tuple[int, int, str] | Mapping[str, Any] | SpanRecord
"""Start character, end character (exclusive) and label; or with these as keys, or fields."""


@dataclass(frozen=True)
class Misaligned:
    """An annotation that does not start and end at token boundaries.

    start, end (int): Its characters, end exclusive.
    text (str): What it covers.
    starts (Tuple[int, ...]): The nearest character where a token starts, at or before `start` and
        at or after it: one or two numbers, none in a Doc without tokens. White space tokens do not
        count, no entity may start or end on them.
    ends (Tuple[int, ...]): The same for `end` and where a token ends.
    counting (str): The way of counting in which the characters would be on token boundaries, in
        words; None if there is none.
    """

    start: int
    end: int
    label: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    counting: str | None = None

    def __str__(self) -> str:
        return (
            f"{self.label} {self.text!r} at characters {self.start}-{self.end} is not on token "
            f"boundaries: tokens start at {_join(self.starts)} and end at {_join(self.ends)}"
        )


def counting_hint(misaligned: Collection[Misaligned]) -> str:
    """What most of some annotations have in common that would make them fit; empty if nothing."""
    return hint_of_countings(Counter(record.counting for record in misaligned))


def hint_of_countings(countings: Counter[str | None]) -> str:
    """The same, of the numbers of annotations for each way of counting."""
    [(counting, n)] = countings.most_common(1) or [(None, 0)]
    if counting is None or n * 2 <= countings.total():
        return ""
    return (
        f"{n:,} of these {countings.total():,} would fit {counting}. Offsets count characters "
        "(code points) from 0, and ends are exclusive, one behind the last: convert them."
    )


class TokenEdges:
    """Where the tokens of a Doc start and end.

    doc (Doc): The document.
    white_space (bool): Whether spans may start and end on white space tokens too: no entity may
        that a model learns.
    """

    def __init__(self, doc: Doc, *, white_space: bool = False) -> None:
        self._doc = doc
        self.starts = np.array([token.idx for token in doc], dtype=np.int64)
        self.ends = self.starts + np.array([len(token) for token in doc], dtype=np.int64)
        # Not is_space: it is only set where the vocabulary has a language.
        is_solid = [white_space or not token.text.isspace() for token in doc]
        self._solid = np.flatnonzero(is_solid)
        self._firsts = {int(self.starts[i]): int(i) for i in self._solid}
        self._lasts = {int(self.ends[i]): int(i) for i in self._solid}

    def tokens(self, start: int, end: int) -> tuple[int, int] | None:
        """The tokens that start and end at these characters, end exclusive, if there are any."""
        first, last = self._firsts.get(start), self._lasts.get(end)
        return None if first is None or last is None else (first, last + 1)

    def touched(self, start: int, end: int) -> np.ndarray:
        """(n_tokens,) bool, the tokens that share a character with these."""
        return np.asarray((self.ends > start) & (self.starts < end))

    @property
    def boundaries(self) -> tuple[Collection[int], Collection[int]]:
        """The characters where tokens start, and where they end."""
        return self._firsts.keys(), self._lasts.keys()

    def cover(self, start: int, end: int) -> tuple[int, int] | None:
        """The characters of the smallest run of tokens that holds these, but for white space.

        None where no token has any of them.
        """
        starts, ends = self.starts[self._solid], self.ends[self._solid]
        first = int(np.searchsorted(ends, start, side="right"))
        last = int(np.searchsorted(starts, end)) - 1
        return (int(starts[first]), int(ends[last])) if first <= last else None

    def inner(self, start: int, end: int) -> tuple[int, int] | None:
        """The characters of the largest run of tokens within these, or None."""
        starts, ends = self.starts[self._solid], self.ends[self._solid]
        first = int(np.searchsorted(starts, start))
        last = int(np.searchsorted(ends, end, side="right")) - 1
        return (int(starts[first]), int(ends[last])) if first <= last else None

    def first_token(self, start: int, end: int) -> tuple[int, int] | None:
        """The characters of the token that starts here, if it ends within."""
        i = self._firsts.get(start)
        return None if i is None or self.ends[i] > end else (start, int(self.ends[i]))

    def last_token(self, start: int, end: int) -> tuple[int, int] | None:
        """The characters of the token that ends here, if it starts within."""
        i = self._lasts.get(end)
        return None if i is None or self.starts[i] < start else (int(self.starts[i]), end)

    def misaligned(self, start: int, end: int, label: str) -> Misaligned:
        """What to say of an annotation that no tokens start and end with."""
        return Misaligned(
            start,
            end,
            label,
            self._doc.text[start:end],
            starts=_nearest(self.starts[self._solid], start),
            ends=_nearest(self.ends[self._solid], end),
            counting=find_counting(self._doc.text, start, end, self._fits),
        )

    def _fits(self, start: int, end: int) -> bool:
        return self.tokens(start, end) is not None


def set_offset_ents(
    doc: Doc, annotations: Iterable[OffsetSpan], *, trim: bool = False
) -> list[Misaligned]:
    """Set `doc.ents` from character offsets. All other tokens are annotated as outside.

    doc (Doc): Changed in place. Tokens that a misaligned annotation touches become missing,
        unless an aligned entity holds them.
    annotations (Iterable[OffsetSpan]): (start, end, label), objects with these keys or SpanRecords,
        in any order. One that is given twice is one.
    trim (bool): Take white space at the edges of annotations away.
    RETURNS (List[Misaligned]): The annotations that could not be set, in the order given. Show
        them, or call `raise_misaligned`.
    RAISES (ValueError): An annotation is of another form, is empty or not within the text, has no
        label or one with white space around it, or is not accepted, or two aligned ones overlap.
    """
    edges = TokenEdges(doc)
    seen: set[tuple[int, int, str]] = set()
    entities: list[Span] = []
    misaligned: list[Misaligned] = []
    is_missing = np.zeros(len(doc), dtype=bool)
    for i, annotation in enumerate(annotations):
        start, end, label = _read_annotation(i, annotation)
        _check_annotation(doc, i, start, end, label)
        if trim:
            start, end = _trimmed(doc.text, start, end)
        if (start, end, label) in seen:
            continue
        seen.add((start, end, label))
        tokens = edges.tokens(start, end)
        if tokens is None:
            is_missing |= edges.touched(start, end)
            misaligned.append(edges.misaligned(start, end, label))
        else:
            entities.append(Span(doc, *tokens, label=label))
    set_flat_ents(doc, entities, is_missing, np.zeros(len(doc), dtype=bool))
    return misaligned


def set_flat_ents(
    doc: Doc, entities: Sequence[Span], is_missing: np.ndarray, is_blocked: np.ndarray
) -> None:
    """Set `doc.ents`; all tokens outside of them are annotated as outside, but for some.

    is_missing, is_blocked: (n_tokens,) bool. What an entity holds is neither.
    RAISES (ValueError): Two entities overlap.
    """
    is_entity = np.zeros(len(doc), dtype=bool)
    for i, span in enumerate(entities):
        if is_entity[span.start : span.end].any():
            raise ValueError(
                f"{span.label_} {span.text!r} at characters {span.start_char}-{span.end_char} "
                "overlaps another entity, but flat entities can't: keep one of "
                f"{_overlapping(entities[:i], span)}, as convert does with --overlaps, "
                "or put them into a group of doc.spans, as convert does with --spans-key sc."
            )
        is_entity[span.start : span.end] = True
    is_blocked = is_blocked & ~is_entity
    doc.set_ents(
        list(entities),
        missing=_singles(doc, is_missing & ~is_entity & ~is_blocked),
        blocked=_singles(doc, is_blocked),
        default="outside",
    )


def raise_misaligned(misaligned: Iterable[Misaligned], source: str) -> None:
    """Raise a ValueError that lists the annotations, if there are any.

    source (str): Where they come from (file, line, document), for the message.
    """
    records = list(misaligned)
    if records:
        lines = [f"  {record}" for record in records]
        lines += filter(None, [counting_hint(records)])
        raise ValueError(
            f"{source}: {len(records)} annotations are not on token boundaries. Correct their "
            "offsets, or change the tokenizer:\n" + "\n".join(lines)
        )


def _read_annotation(i: int, annotation: Any) -> tuple[int, int, str]:
    values: tuple[Any, ...] = ()
    if isinstance(annotation, SpanRecord):
        if not annotation.is_accepted:
            raise ValueError(f"Annotation {i}, {annotation}, is not accepted: leave it out.")
        values = (annotation.start, annotation.end, annotation.label)
    elif isinstance(annotation, Mapping):
        values = tuple(annotation.get(key) for key in ("start", "end", "label"))
    elif isinstance(annotation, (tuple, list)):
        values = tuple(annotation)
    is_sound = len(values) == 3 and isinstance(values[2], str)
    if not is_sound or not all(map(_is_count, values[:2])):
        raise ValueError(
            f"Annotation {i}, {str(annotation)[:80]}, must be (start, end, label): where it starts "
            "and ends in characters, end exclusive, as integers, and its type; or an object with "
            "these keys."
        )
    return int(values[0]), int(values[1]), values[2]


def _is_count(value: Any) -> bool:
    # numpy's integers too
    return isinstance(value, Integral) and not isinstance(value, bool)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without white space at the edges, unless there is nothing else."""
    covered = text[start:end]
    if not covered.strip():
        return start, end
    start += len(covered) - len(covered.lstrip())
    return start, start + len(covered.strip())


def _check_annotation(doc: Doc, i: int, start: int, end: int, label: str) -> None:
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
    check_tidy(f"The label of annotation {i}, characters {start}-{end},", label)


def _nearest(boundaries: np.ndarray, at: int) -> tuple[int, ...]:
    """The last boundary at or before, and the first at or after; `boundaries` is sorted."""
    before = boundaries[boundaries <= at][-1:]
    after = boundaries[boundaries >= at][:1]
    return tuple(dict.fromkeys([*before.tolist(), *after.tolist()]))


def _singles(doc: Doc, chosen: np.ndarray) -> list[Span]:
    return [doc[i : i + 1] for i in np.flatnonzero(chosen).tolist()]


def _overlapping(entities: Sequence[Span], span: Span) -> list[str]:
    others = [other for other in entities if other.start < span.end and span.start < other.end]
    return [f"{other.label_} {other.text!r}" for other in [*others, span]]


def _join(boundaries: tuple[int, ...]) -> str:
    return " or ".join(map(str, boundaries)) if boundaries else "none"
