"""Dataclasses that are objects in JSON, and keep what they don't know."""

import math
from collections.abc import Collection
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any, ClassVar, Self

from .checks import check, check_characters, shown, whole

# Of the lists and objects in a value: msgpack, in .spacy files, and Python end at some hundreds.
MAX_DEPTH = 100
_set = object.__setattr__  # of what is frozen
# What says nothing if it is empty.
_EMPTY = ("meta", "unknown", "blocked", "relations")
# Nobody can change these, or write half a character in them.
_ATOMS = frozenset({int, bool, type(None)})
_PLAIN = _ATOMS | {str, float}


class JsonObject:
    """A dataclass that is an object in JSON: a key for each field.

    In the field `other` are the keys that the schema does not know.

    integers (Tuple[str, ...]): The keys whose numbers are integers.
    """

    __slots__ = ()
    integers: ClassVar[tuple[str, ...]] = ("start", "end", "id", "head", "tail")
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def to_json(self) -> dict[str, Any]:
        """The object, as plain data.

        What is None is left out, and so is what says nothing when it is empty.
        """
        row = {}
        for key in keys_of(type(self)):
            value = getattr(self, key)
            if value is not None and (value or key not in _EMPTY):
                row[key] = value if type(value) in _PLAIN else _as_json(value)
        other = self._other()
        return row | _as_json(other) if other else row

    @classmethod
    def from_json(cls, row: Any) -> Self:
        """What an object says. A key with null is as good as none.

        RAISES ValueError: What is wrong, where in the object, and what to do.
        """
        return cls(**read_fields(cls, row))

    def _other(self) -> dict[str, Any]:
        other: dict[str, Any] = getattr(self, "other")  # noqa: B009
        return other

    def own_objects(self, *names: str) -> None:
        """Take copies of objects that callers gave, which must be plain JSON data."""
        for name in names:
            value = getattr(self, name)
            if value == {}:  # as most are; the copy is for objects that are filled later
                _set(self, name, {})
                continue
            check(name, isinstance(value, dict), "an object", value)
            _set(self, name, own(name, value))
            if name == "other":
                self._check_other(value)

    def _check_other(self, other: dict[str, Any]) -> None:
        if taken := [key for key in keys_of(type(self)) if key in other]:
            raise ValueError(f"other holds {taken}, which are fields of their own: set those.")


def keys_of(cls: type) -> Collection[str]:
    """The keys of an object that the schema knows, in their order."""
    return _keys_and_needed(cls)[0]


@cache
def _keys_and_needed(cls: type) -> tuple[dict[str, None], list[str]]:
    """The keys of an object, as a dict that keeps their order, and those that must be there."""
    known = {one.name: one for one in fields(cls) if one.name != "other"}
    needed = [key for key, one in known.items() if one.default is one.default_factory is MISSING]
    return dict.fromkeys(known), needed


def _as_json(value: Any) -> Any:
    if isinstance(value, JsonObject):
        return value.to_json()
    if isinstance(value, dict):
        return {key: _as_json(one) for key, one in value.items()}
    return [_as_json(one) for one in value] if isinstance(value, (list, tuple)) else value


def own(name: str, value: Any, depth: int = 0) -> Any:
    """A copy of plain JSON data, with lists in place of tuples as JSON has it.

    Nobody else can change it, and it is equal to what is read again after it was written.

    RAISES ValueError: If it is no such data, or nested deeper than MAX_DEPTH.
    """
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, str):
        check_characters(name, value)
        return value
    if depth > MAX_DEPTH:
        raise ValueError(f"{name} is nested more than {MAX_DEPTH} levels deep: flatten it.")
    if isinstance(value, (list, tuple)):
        return [own(name, one, depth + 1) for one in value]
    if isinstance(value, dict):
        for key in value:
            if type(key) is not str or not key.isascii():
                check(name, isinstance(key, str), "plain JSON data, whose keys are strings", key)
                check_characters(name, key)
        return {
            key: one
            if type(one) in _ATOMS or (type(one) is str and one.isascii())
            else own(name, one, depth + 1)
            for key, one in value.items()
        }
    is_number = isinstance(value, float) and math.isfinite(value)
    check(name, is_number, "plain JSON data, and numbers finite", value)
    return value


def read_fields(cls: type[JsonObject], row: Any) -> dict[str, Any]:
    """The fields that an object gives, as they stand there but for whole numbers.

    RAISES ValueError: If it is no object, or lacks a field.
    """
    check("it", isinstance(row, dict), "an object", row)
    kind: type = cls  # for mypy, a class of its own kind has no hash
    keys, needed = _keys_and_needed(kind)
    values: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for key, value in row.items():
        if key not in keys:
            other[key] = value
        elif value is not None:
            values[key] = whole(value) if key in cls.integers else value
    if missing := [key for key in needed if key not in values]:
        raise ValueError(f"{' and '.join(missing)} must be given, got {shown(row)}.")
    values["other"] = other
    return values
