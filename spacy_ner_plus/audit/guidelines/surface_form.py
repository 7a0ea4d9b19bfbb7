"""What a surface form is, wherever it stands: an entity of a type, or never one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from .case import DEPENDS, UNDECIDED, Case, either
from .marked_text import MarkedEntity, MarkedText, Words

NEVER = "never"
# What was done, if only entities within it are annotated.
IN_PART = "in part"


@dataclass(frozen=True)
class SurfaceForm:
    """Which type these surface forms have, or that they are never an entity.

    forms (Tuple[str, ...]): As they are written, in these cases; white space of any kind is alike.
    """

    kind: ClassVar[str] = "form"
    rules: ClassVar[tuple[str, ...]] = (NEVER,)
    takes_label: ClassVar[bool] = True

    forms: tuple[str, ...]

    @cached_property
    def normal_forms(self) -> tuple[str, ...]:
        """The forms with single blanks, the longest first."""
        return tuple(sorted({" ".join(form.split()) for form in self.forms}, key=len, reverse=True))

    @property
    def labels(self) -> tuple[str, ...]:
        """See Question."""
        return ()

    def topics(self) -> Iterator[tuple[str, ...]]:
        """See Question."""
        return ((self.kind, form) for form in self.normal_forms)

    def said(self, rule: str) -> str:
        """See Question."""
        form = either(self.forms)
        return {
            UNDECIDED: f"What is {form}?",
            NEVER: f"{form} is no entity",
            DEPENDS: f"What {form} is depends on the context",
        }.get(rule, f"{form} is {rule}")

    def cases(self, text: MarkedText) -> Iterator[Case]:
        """See Question. Places within longer entities, or of which nothing is known, are none."""
        for start, end in self.occurrences(text):
            touching = {one for i in range(start, end) for one in text.owners.get(i, ())}
            exact = sorted(one for one in touching if (one.start, one.end) == (start, end))
            for entity in exact:
                yield Case(entity.label, (entity,), (start, end))
            if not touching and text.is_free((start, end), (start, end)):
                yield Case(NEVER, (), (start, end))
            elif not exact and touching and _are_within(touching, start, end):
                yield Case(IN_PART, tuple(sorted(touching)), (start, end))

    def occurrences(self, text: MarkedText) -> Iterator[Words]:
        """Where the forms are, from left to right, but for what is within a longer one."""
        found = sorted(
            (start, end)
            for start in self._candidates(text)
            for form in self.normal_forms
            if (end := _end_of(text, start, form)) is not None
        )
        for start, end in found:
            if not any(s <= start and end <= e and (s, e) != (start, end) for s, e in found):
                yield start, end

    def _candidates(self, text: MarkedText) -> set[int]:
        """Tokens that a form may start with."""
        firsts = [form.split()[0] for form in self.normal_forms]
        starts = {first[:n] for first in firsts for n in range(1, len(first) + 1)}
        return {i for start in starts for i in text.places.get(start, ())}

    def agrees(self, case: Case, rule: str) -> bool:
        """See Question. A form that is never an entity may have some in it."""
        return case.practice == rule or (rule == NEVER and case.practice == IN_PART)

    def mended(self, case: Case, rule: str) -> tuple[MarkedEntity, ...]:
        """See Question."""
        return () if rule == NEVER else (MarkedEntity(*case.whole, rule),)


def _are_within(entities: set[MarkedEntity], start: int, end: int) -> bool:
    return all(start <= one.start and one.end <= end for one in entities)


def _end_of(text: MarkedText, start: int, form: str) -> int | None:
    """The token after a form that starts there; None if it does not."""
    for end in range(start + 1, len(text.starts) + 1):
        surface = text.surface(start, end)
        if len(surface) >= len(form):
            return end if surface == form else None
    return None
