"""A text with what is known about its entities: the one form in which files, predictions and
everything else exchange them, in memory and as JSON. docs/records.md describes each key.

Offsets count characters (code points) of the text from 0; ends are exclusive.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, ClassVar, Self

SCHEMA_VERSION = 1
STATUSES = ("accepted", "rejected", "ignored")
# What says nothing if it is empty, and what comes first in a row.
_EMPTY = ("meta", "unknown", "blocked", "relations")
_ORDER = ("id", "text", "annotated_labels", "spans")

Stretch = tuple[int, int]
"""Start character, end character (exclusive)."""


class _JsonObject:
    """What is an object in JSON: a key for each field, and in the field `other` the keys that the
    schema does not know.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def to_json(self) -> dict[str, Any]:
        """The object, as plain data. What is None is left out, and so is what says nothing when
        it is empty.
        """
        values = {key: getattr(self, key) for key in keys_of(type(self))}
        said = {key: v for key, v in values.items() if v is not None and (v or key not in _EMPTY)}
        return {key: _as_json(value) for key, value in said.items()} | self._other()

    @classmethod
    def from_json(cls, row: Any) -> Self:
        """What an object says. A key with null is as good as none.

        RAISES ValueError: What is wrong, where in the object, and what to do.
        """
        return cls(**_read_fields(cls, row))

    def _other(self) -> dict[str, Any]:
        other: dict[str, Any] = getattr(self, "other")  # noqa: B009
        return other

    def _check_objects(self, *names: str) -> None:
        for name in (*names, "other"):
            _check(name, isinstance(getattr(self, name), dict), "an object", getattr(self, name))
        taken = [key for key in self._other() if key in keys_of(type(self))]
        if taken:
            raise ValueError(f"other holds {taken}, which are fields of their own: set those.")


@dataclass(frozen=True, slots=True)
class SpanRecord(_JsonObject):
    """An entity.

    start, end (int): Its characters.
    label (str): Its type.
    text (str): What it covers, if given.
    probability (float): From 0 to 1, if known.
    id (str | int): Names it within its text, if given: an annotation tool's id, or what relations
        refer to.
    kb_id (str): What it is linked to in a knowledge base.
    status (str): "rejected": known to be wrong; "ignored": left undecided. None or "accepted"
        else.
    grounding (str): How it was found in the text, if its offsets were not given.
    meta (dict): Anything about it, as plain JSON data.
    other (dict): Keys of its object that the schema does not know.
    RAISES ValueError: What is wrong, and what to do.
    """

    start: int
    end: int
    label: str
    text: str | None = None
    probability: float | None = None
    id: str | int | None = None
    kb_id: str | None = None
    status: str | None = None
    grounding: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_stretch(self.start, self.end)
        _check_label("label", self.label)
        for name in ("text", "kb_id", "grounding"):
            value = getattr(self, name)
            _check(name, value is None or isinstance(value, str), "a string", value)
        _check_probability(self.probability)
        _check("id", self.id is None or _is_id(self.id), "a string or an integer", self.id)
        is_status = self.status is None or self.status in STATUSES
        _check("status", is_status, f"one of {', '.join(STATUSES)}", self.status)
        self._check_objects("meta")

    @property
    def is_accepted(self) -> bool:
        """Whether it is an entity, as far as anybody has said."""
        return self.status in (None, "accepted")


@dataclass(frozen=True, slots=True)
class TokenRecord(_JsonObject):
    """A token.

    start, end (int): Its characters.
    sentence_start (bool): Whether a sentence starts with it; None if that is not known.
    other (dict): Keys of its object that the schema does not know.
    RAISES ValueError: What is wrong, and what to do.
    """

    start: int
    end: int
    sentence_start: bool | None = None
    other: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_stretch(self.start, self.end)
        is_known = self.sentence_start is None or isinstance(self.sentence_start, bool)
        _check("sentence_start", is_known, "true or false", self.sentence_start)
        self._check_objects()


@dataclass(frozen=True, slots=True)
class RelationRecord(_JsonObject):
    """A relation between two entities of a text.

    head, tail (str | int): The ids of the entities.
    label (str): Its type.
    probability (float), id (str | int), meta (dict), other (dict): As those of a SpanRecord.
    RAISES ValueError: What is wrong, and what to do.
    """

    head: str | int
    tail: str | int
    label: str
    probability: float | None = None
    id: str | int | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("head", "tail"):
            end = getattr(self, name)
            _check(name, _is_id(end), "the id of a span, a string or an integer", end)
        _check_label("label", self.label)
        _check_probability(self.probability)
        _check("id", self.id is None or _is_id(self.id), "a string or an integer", self.id)
        self._check_objects("meta")


@dataclass(frozen=True, slots=True)
class TextRecord(_JsonObject):
    """A text with its entities.

    text (str): The text.
    id: What identifies it to its user, as plain JSON data; None if nothing does.
    meta (dict): Anything about it, as plain JSON data.
    annotated_labels (Tuple[str, ...]): The entity types that it is annotated for; None for all.
    spans (Tuple[SpanRecord, ...]): Its entities, in any order; they may nest and overlap. Empty: it
        has none. None: nothing is known about its entities.
    tokens (Tuple[TokenRecord, ...]): From left to right; None if it is not cut into tokens.
    unknown (Tuple[Stretch, ...]): Where annotation is missing: outside of spans there may be
        entities too.
    blocked (Tuple[Stretch, ...]): Where no component may put an entity, as spaCy has it.
    relations (Tuple[RelationRecord, ...]): Between its entities.
    other (dict): Keys of its object that the schema does not know.
    RAISES ValueError: What is wrong, where in the record, and what to do.
    """

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
        _check("text", isinstance(self.text, str), "a string", self.text)
        _check_characters("text", self.text)
        for i, label in enumerate(self.annotated_labels or ()):
            _check_label(f"annotated_labels[{i}]", label)
        for i, span in enumerate(self.spans or ()):
            self._check_span(f"spans[{i}]", span)
        for name in ("unknown", "blocked"):
            for i, (start, end) in enumerate(getattr(self, name)):
                self._check_place(f"{name}[{i}]", start, end)
        self._check_tokens()
        self._check_relations()
        self._check_objects("meta")

    def to_json(self) -> dict[str, Any]:
        """The row, as plain data. What is None is left out, and so is what says nothing when it is
        empty. An empty list of spans says that there are no entities, none that nothing is known.
        """
        row = _JsonObject.to_json(self)
        return {key: row.pop(key) for key in _ORDER if key in row} | row

    @classmethod
    def from_json(cls, row: Any) -> Self:
        """What a row says. A key with null is as good as none.

        RAISES ValueError: What is wrong, where in the row, and what to do.
        """
        if isinstance(row, dict) and (version := row.get("schema_version")) is not None:
            if version != SCHEMA_VERSION or isinstance(version, bool):
                raise ValueError(
                    f"schema_version is {version!r}, but this version of spacy_ner_plus reads "
                    f"{SCHEMA_VERSION}: use a later one."
                )
            row = {key: value for key, value in row.items() if key != "schema_version"}
        values = _read_fields(cls, row)
        lists = {key: _read_list(key, values[key]) for key in _READERS if key in values}
        return cls(**{"spans": None} | values | lists)

    def _check_place(self, where: str, start: Any, end: Any) -> None:
        try:
            _check_stretch(start, end)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        if end > len(self.text):
            raise ValueError(
                f"{where}: characters {start}-{end} are not within the text of {len(self.text)} "
                f"characters, {self.text[:60]!r}. Offsets count characters, not bytes."
            )

    def _check_span(self, where: str, span: SpanRecord) -> None:
        self._check_place(where, span.start, span.end)
        found = self.text[span.start : span.end]
        if span.text is not None and span.text != found:
            raise ValueError(
                f"{where}: its text is {span.text!r}, but characters {span.start}-{span.end} of "
                f"the text are {found!r}. Offsets count characters from 0, not bytes, and the end "
                "is exclusive."
            )

    def _check_tokens(self) -> None:
        before = 0
        for i, token in enumerate(self.tokens or ()):
            self._check_place(f"tokens[{i}]", token.start, token.end)
            if token.start < before:
                raise ValueError(
                    f"tokens[{i}]: it starts at {token.start}, but the one before ends at {before}."
                    " Tokens go from left to right and don't overlap."
                )
            before = token.end

    def _check_relations(self) -> None:
        n_spans = Counter(span.id for span in self.spans or ())
        for i, relation in enumerate(self.relations):
            for name, end in (("head", relation.head), ("tail", relation.tail)):
                if n_spans[end] != 1:
                    raise ValueError(
                        f"relations[{i}]: {name} is {end!r}, and {n_spans[end]} spans have this "
                        "id: exactly one must."
                    )


def keys_of(cls: type[_JsonObject]) -> tuple[str, ...]:
    """The keys of an object that the schema knows."""
    return tuple(name for name in cls.__dataclass_fields__ if name != "other")


def _as_json(value: Any) -> Any:
    if isinstance(value, _JsonObject):
        return value.to_json()
    return [_as_json(one) for one in value] if isinstance(value, tuple) else value


def _read_fields(cls: type[_JsonObject], row: Any) -> dict[str, Any]:
    """The fields that an object gives, as they stand there but for whole numbers."""
    _check("it", isinstance(row, dict), "an object", row)
    keys = keys_of(cls)
    values = {key: row[key] for key in keys if row.get(key) is not None}
    needed = [f.name for f in fields(cls) if f.default is f.default_factory is MISSING]
    if missing := [key for key in needed if key not in values]:
        raise ValueError(f"{' and '.join(missing)} must be given, got {_shown(row)}.")
    if cls is not TextRecord:  # its id may be anything
        values |= {key: _whole(values[key]) for key in _INTEGERS if key in values}
    return values | {"other": {key: row[key] for key in row if key not in keys}}


def _read_list(name: str, rows: Any) -> tuple[Any, ...]:
    _check(name, isinstance(rows, list), "a list", rows)
    read, found = _READERS[name], []
    for i, row in enumerate(rows):
        try:
            found.append(read(row))
        except ValueError as error:
            raise ValueError(f"{name}[{i}]: {error}") from None
    return tuple(found)


def _read_stretch(row: Any) -> Stretch:
    is_pair = isinstance(row, list) and len(row) == 2
    _check("it", is_pair, "a list of two, start and end", row)
    return _whole(row[0]), _whole(row[1])


_INTEGERS = ("start", "end", "id", "head", "tail")
_READERS: dict[str, Callable[[Any], Any]] = {
    "spans": SpanRecord.from_json,
    "tokens": TokenRecord.from_json,
    "relations": RelationRecord.from_json,
    "unknown": _read_stretch,
    "blocked": _read_stretch,
    "annotated_labels": lambda label: label,
}


def _whole(value: Any) -> Any:
    """JSON has one kind of numbers: 3.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check(name: str, is_sound: bool, wanted: str, value: Any) -> None:
    if not is_sound:
        raise ValueError(f"{name} must be {wanted}, got {_shown(value)}.")


def _check_stretch(start: Any, end: Any) -> None:
    for name, value in (("start", start), ("end", end)):
        _check(name, _is_integer(value), "an integer, a number of characters", value)
    if not 0 <= start < end:
        raise ValueError(
            f"characters {start}-{end} are none: start must be 0 or more, and end, which is "
            "exclusive, greater than start."
        )


def _check_label(name: str, label: Any) -> None:
    _check(name, isinstance(label, str) and label != "", "a string that is not empty", label)
    _check_characters(name, label)


def _check_characters(name: str, value: str) -> None:
    """Half a character (a lone surrogate) can't be written to any file."""
    try:
        value.encode("utf8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name}: {value[error.start]!a} is half a character (a lone surrogate): correct how "
            "the text was decoded."
        ) from None


def _check_probability(value: Any) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    is_sound = value is None or (is_number and 0 <= value <= 1)
    _check("probability", is_sound, "a number from 0 to 1", value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) or _is_integer(value)


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
