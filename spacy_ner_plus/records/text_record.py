"""Texts with what is known about their entities, to and from plain JSON data.

Offsets count characters (code points) of the text from 0; ends are exclusive.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from .checks import check, check_characters, check_label, check_stretch, shown, whole
from .counting import covers, find_counting
from .json_object import JsonObject, own, read_fields
from .plain_rows import PlainRows
from .span_records import RelationRecord, SpanRecord, Stretch, TokenRecord

SCHEMA_VERSION = 1
VERSION = "schema_version"
# What comes first in a row.
_ORDER = ("id", "text", "annotated_labels", "spans")


@dataclass(frozen=True, slots=True)
class TextRecord(JsonObject):
    """A text with its entities.

    text (str): The text.
    id: What identifies it to its user, as plain JSON data; None if nothing does.
    meta (dict): Anything about it, as plain JSON data.
    annotated_labels (Tuple[str, ...]): The entity types that it is annotated for; None for all.
    spans (Tuple[SpanRecord, ...]): Its entities, in any order; they may nest and overlap. Empty: it
        has none. None: nothing is known about its entities.
    tokens (Tuple[TokenRecord, ...]): From left to right, all but white space in them; None if it
        is not cut into tokens.
    unknown (Tuple[Stretch, ...]): Where annotation is missing: outside of spans there may be
        entities too.
    blocked (Tuple[Stretch, ...]): Where no component may put an entity, as spaCy has it.
    relations (Tuple[RelationRecord, ...]): Between its entities.
    other (dict): Keys of its object that the schema does not know.
    RAISES ValueError: What is wrong, where in the record, and what to do.
    """

    integers: ClassVar[tuple[str, ...]] = ()  # its id may be anything

    text: str
    id: Any = None
    meta: dict[str, Any] = field(default_factory=dict)
    annotated_labels: tuple[str, ...] | None = None
    spans: tuple[SpanRecord, ...] | None = ()
    tokens: tuple[TokenRecord, ...] | None = None
    unknown: tuple[Stretch, ...] = ()
    blocked: tuple[Stretch, ...] = ()
    relations: tuple[RelationRecord, ...] = ()
    other: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check("text", isinstance(self.text, str), "a string", self.text)
        check_characters("text", self.text)
        self._own_lists()
        for i, label in enumerate(self.annotated_labels or ()):
            check_label(f"annotated_labels[{i}]", label)
        self._check_spans()
        self._check_stretches("unknown", self.unknown)
        self._check_stretches("blocked", self.blocked)
        self._check_tokens()
        if self.relations:
            self._check_relations()
        object.__setattr__(self, "id", own("id", self.id))
        self.own_objects("meta", "other")
        if VERSION in self.other:
            raise ValueError(f"other holds {VERSION!r}, which a row says of itself: leave it out.")

    def to_json(self) -> dict[str, Any]:
        """The row, as plain data.

        What is None is left out, and so is what says nothing when it is empty. An empty list of
        spans says that there are no entities, none that nothing is known.
        """
        row = JsonObject.to_json(self)
        return {key: row.pop(key) for key in _ORDER if key in row} | row

    @classmethod
    def from_json(cls, row: Any) -> Self:
        """What a row says. A key with null is as good as none.

        RAISES ValueError: What is wrong, where in the row, and what to do.
        """
        if isinstance(row, dict) and VERSION in row:
            version = row[VERSION]
            if version not in (None, SCHEMA_VERSION) or isinstance(version, bool):
                raise ValueError(
                    f"{VERSION} is {version!r}, but this version of spacy_ner_plus reads "
                    f"{SCHEMA_VERSION}: use a later one."
                )
            row = {key: value for key, value in row.items() if key != VERSION}
        if (record := cls.from_plain(row)) is not None:
            return record
        values = read_fields(cls, row)
        lists = {key: _read_list(key, values[key]) for key in _READERS if key in values}
        return cls(**{"spans": None} | values | lists)

    @classmethod
    def from_plain(cls, row: Any) -> Self | None:
        """As from_json, for rows whose values are such as most are; None for any other."""
        record = _PLAIN_ROWS.record(row) if cls is TextRecord else None
        return None if record is None or VERSION in record.other else record

    def _own_lists(self) -> None:
        """Lists of callers may change later, and are not equal to those that are read again."""
        for name, kind in _KINDS.items():
            values = getattr(self, name)
            if values is None and name in _NULLABLE:
                continue
            check(name, isinstance(values, (list, tuple)), "a list or tuple", values)
            if kind is tuple:
                values = [tuple(one) if isinstance(one, list) else one for one in values]
            wrong = next((i for i, one in enumerate(values) if not isinstance(one, kind)), None)
            if wrong is not None:
                check(f"{name}[{wrong}]", False, f"a {kind.__name__}", values[wrong])
            object.__setattr__(self, name, tuple(values))

    def _check_spans(self) -> None:
        for i, span in enumerate(self.spans or ()):
            self._check_end("spans", i, span.start, span.end)
            if span.text is not None and span.text != self.text[span.start : span.end]:
                fits = covers(self.text, span.text)
                counting = find_counting(self.text, span.start, span.end, fits)
                raise ValueError(
                    f"spans[{i}]: its text is {span.text!r}, but characters {span.start}-{span.end}"
                    f" of the text are {self.text[span.start : span.end]!r}. Offsets count "
                    "characters from 0, not bytes, and the end is exclusive."
                    + (f" They would fit {counting}." if counting else "")
                )

    def _check_stretches(self, name: str, stretches: tuple[Stretch, ...]) -> None:
        for i, stretch in enumerate(stretches):
            check(f"{name}[{i}]", len(stretch) == 2, "two numbers, start and end", stretch)
            start, end = stretch
            try:
                check_stretch(start, end)
            except ValueError as error:
                raise ValueError(f"{name}[{i}]: {error}") from None
            self._check_end(name, i, start, end)

    def _check_tokens(self) -> None:
        before = 0
        for i, token in enumerate(self.tokens or ()):
            self._check_end("tokens", i, token.start, token.end)
            if token.start < before:
                raise ValueError(
                    f"tokens[{i}]: it starts at {token.start}, but the one before ends at {before}."
                    " Tokens go from left to right and don't overlap."
                )
            self._check_gap(before, token.start)
            before = token.end
        if self.tokens is not None:
            self._check_gap(before, len(self.text))

    def _check_gap(self, start: int, end: int) -> None:
        """Columns and Docs are made of tokens alone: what none holds would be lost there."""
        gap = self.text[start:end]
        if solid := gap.strip():
            at = start + gap.index(solid)
            raise ValueError(
                f"tokens: none holds {shown(solid)} at characters {at}-{at + len(solid)}. Tokens "
                "must hold all but white space: correct them, or leave them out."
            )

    def _check_end(self, name: str, i: int, start: int, end: int) -> None:
        if end > len(self.text):
            raise ValueError(
                f"{name}[{i}]: characters {start}-{end} are not within the text of "
                f"{len(self.text)} characters, {self.text[:60]!r}. Offsets count characters, not "
                "bytes."
            )

    def _check_relations(self) -> None:
        n_spans = Counter(span.id for span in self.spans or ())
        for i, relation in enumerate(self.relations):
            for name, end in (("head", relation.head), ("tail", relation.tail)):
                if n_spans[end] != 1:
                    raise ValueError(
                        f"relations[{i}]: {name} is {end!r}, and {n_spans[end]} spans have this "
                        "id: exactly one must."
                    )


def _read_list(name: str, rows: Any) -> tuple[Any, ...]:
    check(name, isinstance(rows, list), "a list", rows)
    read, found = _READERS[name], []
    for i, row in enumerate(rows):
        try:
            found.append(read(row))
        except ValueError as error:
            raise ValueError(f"{name}[{i}]: {error}") from None
    return tuple(found)


def _read_stretch(row: Any) -> Stretch:
    is_pair = isinstance(row, list) and len(row) == 2
    check("it", is_pair, "a list of two, start and end", row)
    return whole(row[0]), whole(row[1])


_READERS: dict[str, Callable[[Any], Any]] = {
    "spans": SpanRecord.from_json,
    "tokens": TokenRecord.from_json,
    "relations": RelationRecord.from_json,
    "unknown": _read_stretch,
    "blocked": _read_stretch,
    "annotated_labels": lambda label: label,
}
# What the fields with lists hold, and which of them may be None.
_KINDS: dict[str, type] = {
    "annotated_labels": str,
    "spans": SpanRecord,
    "tokens": TokenRecord,
    "unknown": tuple,
    "blocked": tuple,
    "relations": RelationRecord,
}
_NULLABLE = ("annotated_labels", "spans", "tokens")
_PLAIN_ROWS = PlainRows(TextRecord)
