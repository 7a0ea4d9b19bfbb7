"""Dataclasses as JSON and back: what a file holds is read into the types that it was written from.

Fields may be numbers, strings, booleans, further dataclasses, lists, tuples, dictionaries with
strings as keys, and any of these or None.
"""

from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """What JSON has of a value.

    Dataclasses are objects with their fields as keys, in their order; tuples are lists.
    """
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[T], data: Any, place: str) -> T:
    """Read what to_json gave of a dataclass. Keys that it has no field for are left out.

    kind (Type): The dataclass.
    data (Any): As the JSON parser gives it.
    place (str): What error messages call the whole, such as the file's name.
    RAISES ValueError: If a key lacks, and its field has no default, or holds something else, with
        its place.
    """
    made: T = _read(kind, data, place)
    return made


def _read(kind: Any, data: Any, place: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if data is None else _read(_not_none(arguments), data, place)
    if is_dataclass(kind):
        return _read_fields(kind, _of_type(dict, data, place), place)
    if origin is dict:
        items = _of_type(dict, data, place).items()
        return {key: _read(arguments[1], item, f"{place}.{key}") for key, item in items}
    if origin is list:
        items = enumerate(_of_type(list, data, place))
        return [_read(arguments[0], item, f"{place}[{i}]") for i, item in items]
    if origin is tuple:
        if len(_of_type(list, data, place)) != len(arguments):
            raise ValueError(f"{place} has {len(data)} items, but {len(arguments)} are expected.")
        pairs = zip(arguments, data, strict=True)
        return tuple(_read(its, item, f"{place}[{i}]") for i, (its, item) in enumerate(pairs))
    return _of_type(kind, data, place)


def _read_fields(kind: Any, data: dict[str, Any], place: str) -> Any:
    types = _types(kind)
    needed = [f.name for f in fields(kind) if f.default is f.default_factory is MISSING]
    lacking = [name for name in needed if name not in data]
    if lacking:
        raise ValueError(f"{place} has no {', '.join(map(repr, lacking))}.")
    given = {name: its for name, its in types.items() if name in data}
    return kind(**{name: _read(its, data[name], f"{place}.{name}") for name, its in given.items()})


@cache
def _types(kind: Any) -> dict[str, Any]:
    """The types of a dataclass's fields, by name."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _not_none(kinds: tuple[Any, ...]) -> Any:
    [kind] = [kind for kind in kinds if kind is not NoneType]
    return kind


def _of_type(kind: Any, data: Any, place: str) -> Any:
    # a float that is a whole number may be written without a point; True is no number
    fits = isinstance(data, (int, float) if kind is float else kind)
    if not fits or (isinstance(data, bool) and kind is not bool):
        raise ValueError(f"{place} is {type(data).__name__}, but {kind.__name__} is expected.")
    return data
