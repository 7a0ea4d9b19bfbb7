"""Rows whose values are such as most are, as records, in a quarter of the time.

All that the dataclasses check when they are made is looked at here; whatever is out of the ordinary
is left to them, so that they alone say what is wrong. A frozen dataclass sets each field by a call,
which takes most of the time of making one: here an object of a class with the same slots is filled,
and then becomes one of the frozen class, as Python allows between such (Python's reference, "Notes
on using __slots__").
"""

from typing import Any, TypeGuard

from .json_object import keys_of, own
from .span_records import SpanRecord


def _draft_of(cls: Any) -> Any:
    """A class like a frozen one, whose objects can be filled."""
    return type(f"{cls.__name__}Draft", cls.__bases__, {"__slots__": cls.__slots__})


_SpanDraft = _draft_of(SpanRecord)
_NONE = type(None)
# What is looked at; there may be keys that the schema does not know, too.
_OF_SPAN = frozenset({"start", "end", "label", "text", "id", "probability"})
_OF_TEXT = frozenset({"text", "id", "meta", "spans"})


class PlainRows:
    """Reads rows of a class.

    cls (type): TextRecord, which uses this.
    """

    def __init__(self, cls: type) -> None:
        self._class, self._draft = cls, _draft_of(cls)

    def record(self, row: Any) -> Any:
        """A record; None if the row is no plain one, or wrong."""
        if type(row) is not dict:
            return None
        text, rows, meta = row.get("text"), row.get("spans"), row.get("meta")
        if not _is_writable(text) or type(meta) not in (dict, _NONE):
            return None
        try:
            other = {} if row.keys() <= _OF_TEXT else _other(row, self._class, _OF_TEXT)
            spans = None if rows is None else _plain_spans(rows, text)
            id = own("id", row.get("id"))
            meta = own("meta", meta) if meta else {}
        except ValueError:
            return None
        record = self._draft()
        record.text, record.id, record.meta, record.spans = text, id, meta, spans
        record.annotated_labels = record.tokens = None
        record.unknown = record.blocked = record.relations = ()
        record.other = other
        record.__class__ = self._class
        return record


def _plain_spans(rows: Any, text: str) -> tuple[SpanRecord, ...]:
    """The spans of a text. RAISES ValueError: Not all are plain ones, or right."""
    if type(rows) is not list:
        raise ValueError
    length, spans = len(text), []
    for row in rows:
        if type(row) is not dict:
            raise ValueError
        get = row.get
        start, end, label, covered = get("start"), get("end"), get("label"), get("text")
        if (
            not (type(start) is type(end) is int and 0 <= start < end <= length)
            or not (type(label) is str and label and (label.isascii() or _is_writable(label)))
            or not (covered is None or covered == text[start:end])
        ):
            raise ValueError
        span: Any = _SpanDraft()
        span.start, span.end, span.label, span.text = start, end, label, covered
        span.probability = span.id = span.kb_id = span.status = span.grounding = None
        span.meta, span.other = {}, {}
        if len(row) > (3 if covered is None else 4):
            _read_rest(span, row)
        span.__class__ = SpanRecord
        spans.append(span)
    return tuple(spans)


def _read_rest(span: Any, row: dict[str, Any]) -> None:
    """What a span has beside its place and label. RAISES ValueError: As _plain_spans."""
    id, probability = row.get("id"), row.get("probability")
    if not (id is None or type(id) is int or _is_writable(id)) or not (
        probability is None or (type(probability) is float and 0 <= probability <= 1)
    ):
        raise ValueError
    span.id, span.probability = id, probability
    if not row.keys() <= _OF_SPAN:
        span.other = _other(row, SpanRecord, _OF_SPAN)


def _other(row: dict[str, Any], cls: type, taken: frozenset[str]) -> dict[str, Any]:
    """What a row has beside the keys of its schema.

    RAISES ValueError: It is no plain JSON data, or keys of the schema that were not looked at say
        something.
    """
    keys, other = keys_of(cls), {}
    for key, value in row.items():
        if key not in keys:
            other[key] = value
        elif value is not None and key not in taken:
            raise ValueError
    return dict(own("other", other)) if other else other


def _is_writable(value: Any) -> TypeGuard[str]:
    """Whether it is a string without half characters."""
    if type(value) is not str:
        return False
    if value.isascii():
        return True
    try:
        value.encode("utf8")
    except UnicodeEncodeError:
        return False
    return True
