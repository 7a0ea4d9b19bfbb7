"""The tables of keys in the docs, made of the dataclasses that the files are written from.

A table stands between <!-- keys of MODULE.CLASS --> and <!-- end of keys -->. Write them anew with
`python -m tests.key_tables`.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

DOCS = Path(__file__).parents[1] / "docs"
TABLE = re.compile(r"(<!-- keys of ([\w.]+) -->\n).*?(<!-- end of keys -->)", re.DOTALL)
FIELD = re.compile(r"^((?:\w+(?: \([^)]*\))?, )*\w+) \([^)]*\): (.*)")
NAMES = {int: "integer", float: "number", str: "string", bool: "boolean", Any: "any value"}


def key_table(kind: Any) -> str:
    """A row for each key of a dataclass as JSON has it, and for those within; what has the keys
    of another one refers to it.
    """
    rows = ["| Key | Type | Content |", "|---|---|---|"]
    rows += [f"| `{key}` | {name} | {content} |" for key, name, content in _rows(kind, "", {})]
    return "\n".join(rows) + "\n"


def with_tables(text: str) -> str:
    """Docs with their tables made anew."""

    def made(match: re.Match[str]) -> str:
        module, _, name = match[2].rpartition(".")
        return match[1] + key_table(getattr(import_module(module), name)) + match[3]

    return TABLE.sub(made, text)


def documented_fields(kind: Any) -> dict[str, str]:
    """What docstrings say of a dataclass's fields, in their order.

    A docstring has `name (type): text`, or `one, other (type): text`, with further lines indented.
    """
    texts: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        names: list[str] = []
        for line in inspect.cleandoc(base.__doc__ or "").splitlines():
            if match := FIELD.match(line):
                names = re.sub(r" \([^)]*\)", "", match[1]).split(", ")
                texts |= dict.fromkeys(names, match[2])
            elif names and line.startswith("    "):
                texts |= {name: f"{texts[name]} {line.strip()}" for name in names}
            else:
                names = []
    return {field.name: texts[field.name] for field in fields(kind) if field.name in texts}


def _rows(
    kind: Any, prefix: str, seen: dict[Any, str], known: Any = None
) -> Iterator[tuple[str, str, str]]:
    """seen (Dict[Any, str]): The keys of the dataclasses that have their rows already.
    known (Any): A base of the dataclass whose fields are left out.
    """
    types, texts = get_type_hints(kind), documented_fields(kind)
    left_out = {} if known is None else get_type_hints(known)
    for name in types:
        if left_out.get(name) == types[name]:
            continue
        inner, suffix = _inner(types[name])
        text, path = texts[name], f"{prefix}{name}{suffix}"
        base = next((each for each in getattr(inner, "__mro__", ()) if each in seen), None)
        if base is not None:
            text += f" Keys as in `{seen[base]}`{'.' if base is inner else ', and:'}"
        yield f"{prefix}{name}", _name(types[name]), text
        if inner is not None and base is not inner:
            seen[inner] = path
            yield from _rows(inner, f"{path}.", seen, base)


def _inner(kind: Any) -> tuple[Any, str]:
    """The dataclass that a type is made of, None if there is none, and how its keys are reached."""
    if is_dataclass(kind):
        return kind, ""
    origin, arguments = get_origin(kind), [each for each in get_args(kind) if each is not NoneType]
    if origin in (Union, UnionType):
        return _inner(arguments[0])
    if origin in (list, dict):
        inner, suffix = _inner(arguments[-1])
        return inner, ("[]" if origin is list else ".*") + suffix
    return None, ""


def _name(kind: Any, *, many: bool = False) -> str:
    """A type in JSON's words."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        name = _name(arguments[0], many=many)
        return f"{name} (or null)" if many else f"{name} or null"
    if origin is tuple:
        return f"list of {len(arguments)} {_name(arguments[0], many=True)}"
    if origin in (list, dict):
        name = "list" if origin is list else "object"
        return f"{name}{'s' * many} of {_name(arguments[-1], many=True)}"
    return NAMES.get(kind, "object") + "s" * many


def main() -> None:
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf8")
        path.write_text(with_tables(text), encoding="utf8")


if __name__ == "__main__":
    main()
