"""A place in the data that a question is about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

from .marked_text import MarkedEntity, MarkedText, Words

UNDECIDED, DEPENDS = "undecided", "depends"


@dataclass(frozen=True, slots=True)
class Case:
    """A place that a question is about, and what was done there.

    practice (str): What was done: mostly one of the rules.
    now (Tuple[MarkedEntity, ...]): The entities that it is about, as annotated; none where a form
        is not.
    whole (Words): All that it is about.
    parts (Tuple[Words, ...]): What would be an entity by itself, if the whole is none.
    """

    practice: str
    now: tuple[MarkedEntity, ...]
    whole: Words
    parts: tuple[Words, ...] = ()


class Question(Protocol):
    """What a person can decide, and what data can be held to.

    kind (str): Its name in files.
    rules (Tuple[str, ...]): The answers, besides UNDECIDED and DEPENDS.
    takes_label (bool): Whether any entity type is an answer, too.
    """

    kind: ClassVar[str]
    rules: ClassVar[tuple[str, ...]]
    takes_label: ClassVar[bool]

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity types that it names."""

    def topics(self) -> Iterator[tuple[str, ...]]:
        """What it is about, one by one, words last: no two questions of a file share any."""

    def said(self, rule: str) -> str:
        """The rule as a sentence, in Markdown; if it is undecided, the question."""

    def cases(self, text: MarkedText) -> Iterator[Case]:
        """All places in a text that it is about."""

    def agrees(self, case: Case, rule: str) -> bool:
        """Whether a case is as the rule says."""

    def mended(self, case: Case, rule: str) -> tuple[MarkedEntity, ...]:
        """The entities that the rule says should be there instead of `case.now`."""


def either(things: tuple[str, ...]) -> str:
    """Words as Markdown: `a`, `b` or `c`."""
    shown = [code(thing) for thing in things]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def code(text: str) -> str:
    """Text as Markdown shows it letter by letter."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def plain(markdown: str) -> str:
    """Without what Markdown has: words that were shown letter by letter in quotes."""
    return re.sub(r"(`+) ?(.+?) ?\1(?!`)", r"“\2”", markdown, flags=re.DOTALL)


def sequences(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Words, or several parted by blanks, as tokens are compared; longer ones first."""
    folded = {tuple(word.casefold().split()) for word in words}
    return tuple(sorted(folded, key=lambda one: (-len(one), one)))
