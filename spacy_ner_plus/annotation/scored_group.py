"""Spans in doc.spans that stay on their characters when tokens are merged or split."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import srsly
from spacy.tokens import Doc, Span, SpanGroup

from .probabilities import SCORES

COMPONENT = "component"  # in the attributes of a group
LAYERS = "layers"  # likewise: of each span, from 1, or None
# What SpanGroup.to_bytes writes of a span: id, kb_id, label, start, end, start_char, end_char.
_SPAN = struct.Struct(">QQQllll")


class ScoredGroup(SpanGroup):
    """A SpanGroup that holds on to characters, with a score for each of its spans.

    A SpanGroup counts tokens, and spaCy's retokenizer passes it by: after a merge or a split it
    covers other words, or none. This one finds its tokens anew whenever it is looked at. A span is
    lost only if it begins or ends inside of what is one token now, and its score goes with it.

    doc (Doc): The document.
    name (str): The key in doc.spans.
    spans (Iterable[Span]): They may nest and overlap.
    scores (Sequence[float / None]): The probability of each; .attrs["scores"] has them, (n_spans,),
        if all are known.
    component (str): Who found them: see own_entities.
    """

    def __init__(
        self,
        doc: Doc,
        *,
        name: str = "",
        spans: Iterable[Span] = (),
        scores: Sequence[float | None] | None = None,
        component: str | None = None,
        attrs: dict[str, Any] | None = None,
    ) -> None:
        attrs = dict(attrs or {})
        if scores is not None and None not in scores:
            attrs[SCORES] = np.array(scores, dtype=np.float64)  # (n_spans,)
        if component is not None:
            attrs[COMPONENT] = component
        super().__init__(doc, name=name, attrs=attrs, spans=list(spans))
        self._n_tokens = len(doc)

    def __len__(self) -> int:
        self._follow()
        return super().__len__()

    def __getitem__(self, i: int) -> Span:
        # without looking at all spans for each: where tokens are as many as before, one that is
        # on its characters is the right one
        if len(self.doc) == self._n_tokens and _is_in_place(span := super().__getitem__(i)):
            return span
        self._follow()
        return super().__getitem__(i)

    def __iter__(self) -> Iterator[Span]:
        self._follow()
        i = 0
        while i < super().__len__():  # it may lose spans on the way
            yield self[i]
            i += 1

    def to_bytes(self) -> bytes:
        """See SpanGroup.to_bytes. The spans are where their characters are now."""
        self._follow()
        return super().to_bytes()

    def from_bytes(self, bytes_data: bytes) -> "ScoredGroup":
        """See SpanGroup.from_bytes."""
        super().from_bytes(bytes_data)
        self._n_tokens = len(self.doc)
        return self

    def copy(self, doc: Doc | None = None) -> "ScoredGroup":
        """See SpanGroup.copy. The copy holds on to characters as well."""
        self._follow()
        copy = super().copy(doc)
        return ScoredGroup(copy.doc, name=copy.name, spans=copy, attrs=copy.attrs)

    def _concat(self, other: Iterable[Span], *, inplace: bool = False) -> SpanGroup:
        # all of +, += and extend end here; the other's spans are taken as they are stored
        for group in (self, other):
            if isinstance(group, ScoredGroup):
                group._follow()
        return super()._concat(other, inplace=inplace)  # type: ignore[misc]

    def _follow(self) -> None:
        """Find the tokens of all spans anew, if any is not on its characters."""
        doc = self.doc
        stored = (super().__getitem__, range(super().__len__()))
        if len(doc) == self._n_tokens and all(_is_in_place(span) for span in map(*stored)):
            return
        name, attrs, self.attrs = self.name, self.attrs, {}
        try:
            rows = [_SPAN.unpack(span) for span in srsly.msgpack_loads(super().to_bytes())["spans"]]
            found = _on_tokens(doc, rows)
            message = {"name": name, "attrs": {}, "spans": [_SPAN.pack(*r) for r in found if r]}
            super().from_bytes(srsly.msgpack_dumps(message))
        finally:
            self.attrs = attrs
        for key in (SCORES, LAYERS):
            if key in attrs and len(attrs[key]) == len(rows):
                values = attrs[key]  # (n_spans,), a list where another wrote it
                kept = [value for value, row in zip(values, found, strict=True) if row]
                self.attrs[key] = np.array(kept) if isinstance(values, np.ndarray) else kept
        self._n_tokens = len(doc)


def layers_of(group: SpanGroup) -> list[int | None]:
    """The layer of each span of a group: the column of tags that it was in, from 1.

    None for those of which none is known, such as all that somebody has added spans to.
    """
    n_spans = len(group)  # which brings a ScoredGroup up to date
    layers = list(group.attrs.get(LAYERS, ()))
    if len(layers) != n_spans:
        return [None] * n_spans
    return [layer if type(layer) is int else None for layer in layers]


def spans_of(doc: Doc, component: str) -> list[Span]:
    """The spans that a component left in doc.spans when it read the Doc before."""
    groups = (group for group in doc.spans.values() if group.attrs.get(COMPONENT) == component)
    return [span for group in groups for span in group]


def _is_in_place(span: Span) -> bool:
    """Whether a span has the characters that it was made of."""
    if span.start == span.end:
        return True
    last = span.doc[span.end - 1]
    return bool(span.doc[span.start].idx == span.start_char) and bool(
        last.idx + len(last) == span.end_char
    )


def _on_tokens(doc: Doc, rows: Sequence[tuple[int, ...]]) -> list[tuple[int, ...] | None]:
    """Rows of SpanGroup.to_bytes on the tokens that have their characters now, else None."""
    tokens = doc.to_array(["IDX", "LENGTH"]).reshape(-1, 2).astype(np.int64)  # (n_tokens, 2)
    starts, ends = tokens[:, 0], tokens.sum(axis=1)  # (n_tokens,) each, in characters
    first = {start: i for i, start in enumerate(starts.tolist())}
    last = {end: i for i, end in enumerate(ends.tolist())}
    return [
        (*names, first[start], last[end] + 1, start, end)
        if start in first and end in last and first[start] <= last[end]
        else None
        for *names, _, _, start, end in rows
    ]
