"""Dataclasses that are objects in JSON, and keep what they don't know."""

from collections.abc import Collection
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any, ClassVar, Self

from .checks import check, shown, whole

# What says nothing if it is empty.
_EMPTY = ("meta", "unknown", "blocked", "relations")


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
                row[key] = _as_json(value)
        return row | self._other()

    @classmethod
    def from_json(cls, row: Any) -> Self:
        """What an object says. A key with null is as good as none.

        RAISES ValueError: What is wrong, where in the object, and what to do.
        """
        return cls(**read_fields(cls, row))

    def _other(self) -> dict[str, Any]:
        other: dict[str, Any] = getattr(self, "other")  # noqa: B009
        return other

    def check_other(self) -> None:
        """Whether what the schema does not know is such."""
        other = self._other()
        check("other", isinstance(other, dict), "an object", other)
        if other and (taken := [key for key in keys_of(type(self)) if key in other]):
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
    return [_as_json(one) for one in value] if isinstance(value, tuple) else value


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
