"""A decision as a block of TOML: what a person fills in, and what is read of it."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from .case import DEPENDS, UNDECIDED, Question
from .edge import LEFT, RIGHT, Edge
from .joint import Joined
from .nested import Nested
from .surface_form import SurfaceForm

KINDS: dict[str, Any] = {one.kind: one for one in (Edge, Joined, SurfaceForm, Nested)}
SIDES = (LEFT, RIGHT)


@dataclass(frozen=True)
class Decision:
    """A question with its answer.

    question (Question): What it is about.
    rule (str): The answer: one of the question's rules, or an entity type; or UNDECIDED, or DEPENDS
        if there is no rule.
    note (Optional[str]): What a person has to say of it.
    line (int): Of the file, where its block starts; 0 if it is in none.
    """

    question: Question
    rule: str = UNDECIDED
    note: str | None = None
    line: int = 0

    @property
    def is_checked(self) -> bool:
        """Whether data can go against it."""
        return self.rule not in (UNDECIDED, DEPENDS)

    @property
    def is_undecided(self) -> bool:
        """Whether nobody has answered it."""
        return self.rule == UNDECIDED

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity types that it names."""
        is_label = self.is_checked and self.rule not in self.question.rules
        return (*self.question.labels, *((self.rule,) if is_label else ()))

    def said(self) -> str:
        """It as a sentence, in Markdown."""
        return self.question.said(self.rule)


def write_block(decision: Decision) -> str:
    """A decision as TOML, with a comment that says which answers there are."""
    question: Any = decision.question
    values = {"kind": question.kind}
    values |= {field.name: getattr(question, field.name) for field in fields(question)}
    lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
    lines.append(f"rule = {_toml(decision.rule)}  # {_answers(question)}")
    if decision.note is not None:
        lines.append(f"note = {_toml(decision.note)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON's strings are TOML's, but for one character that TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _answers(kind: Any) -> str:
    given = [*(["an entity type"] if kind.takes_label else []), *map(_toml, kind.rules)]
    return ", ".join(given) + f' or "{DEPENDS}"'


def read_block(source: str, path: str, line: int) -> Decision:
    """Read a block.

    source (str): Its TOML.
    path (str), line (int): Where its first line is.
    RAISES ValueError: What is wrong in which line, and what to do.
    """
    try:
        values = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_placed(str(error), path, line)) from None
    reader = _BlockReader(values, source, path, line)
    return Decision(reader.question(), reader.rule(), reader.note(), line)


def _placed(error: str, path: str, line: int) -> str:
    """Tomllib's message, with the line of the whole file."""
    match = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", error)
    what, row, column = match.groups() if match else (error, None, None)
    at = f"line {line + int(row) - 1}, column {column}" if row else f"line {line}"
    return (
        f"{path}, {at}: this decision is no TOML: {what}. Words are in quotes, lists of them in "
        "brackets."
    )


class _BlockReader:
    """The values of a block, each with its line for errors."""

    def __init__(self, values: dict[str, Any], source: str, path: str, line: int) -> None:
        self.values, self.source, self.path, self.line = values, source, path, line
        kind = values.get("kind")
        is_known = isinstance(kind, str) and kind in KINDS
        self._check(is_known, "kind", self._one_of("kind", KINDS))
        self.kind = KINDS[str(kind)]
        self._check_keys()

    def question(self) -> Question:
        values = {field.name: self._value(field.name, field.type) for field in fields(self.kind)}
        if "side" in values:
            self._check(values["side"] in SIDES, "side", self._one_of("side", SIDES))
        made: Question = self.kind(**values)
        return made

    def rule(self) -> str:
        rule = self._text("rule")
        answers = (*self.kind.rules, DEPENDS, UNDECIDED)
        fits = rule in answers or self.kind.takes_label
        self._check(fits, "rule", self._one_of("rule", answers))
        return rule

    def note(self) -> str | None:
        if "note" not in self.values:
            return None
        note = self.values["note"]
        self._check(isinstance(note, str), "note", f"note must be text in quotes, got {note!r}")
        return str(note)

    def _check_keys(self) -> None:
        needed = ["kind", *(field.name for field in fields(self.kind)), "rule"]
        for key in self.values:
            close = get_close_matches(key, [*needed, "note"], 1)
            guess = f" (did you mean {close[0]}?)" if close else ""
            message = (
                f"there is no key {key!r}{guess}: {self.kind.kind!r} has {', '.join(needed)}, and "
                "may have a note"
            )
            self._check(key in (*needed, "note"), key, message)
        for key in needed:
            self._check(key in self.values, None, f"this decision lacks {key}: add it")

    def _value(self, key: str, kind: Any) -> Any:
        return self._text(key) if kind is str else self._texts(key)

    def _text(self, key: str) -> str:
        value = self.values[key]
        is_text = isinstance(value, str) and bool(value.strip())
        self._check(is_text, key, f"{key} must be text in quotes, got {value!r}")
        self._check(value == value.strip(), key, f"{key} has blanks around it: {value!r}")
        return str(value)

    def _texts(self, key: str) -> tuple[str, ...]:
        value = self.values[key]
        fits = isinstance(value, list) and bool(value) and all(map(_is_solid, value))
        self._check(fits, key, f'{key} must be a list such as ["a", "b"], got {value!r}')
        return tuple(value)

    def _one_of(self, key: str, names: Any) -> str:
        quoted = ", ".join(f'"{name}"' for name in names)
        return f"{key} must be one of {quoted}, got {self.values.get(key)!r}"

    def _check(self, fits: bool, key: str | None, message: str) -> None:
        if not fits:
            raise ValueError(f"{self.path}, line {self._line_of(key)}: {message}.")

    def _line_of(self, key: str | None) -> int:
        for number, row in enumerate(self.source.split("\n")):
            if key is not None and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", row):
                return self.line + number
        return self.line


def _is_solid(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def check_topics(decisions: Iterator[Decision], path: str) -> None:
    """RAISES ValueError: Two decisions are about the same."""
    first: dict[tuple[str, ...], int] = {}
    for decision in decisions:
        for topic in set(decision.question.topics()):
            if topic in first:
                raise ValueError(
                    f"{path}, line {decision.line}: this is decided in line {first[topic]} already "
                    f"({topic[-1]!r}): leave "
                    "one of them out."
                )
            first[topic] = decision.line
