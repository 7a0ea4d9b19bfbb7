"""Whether entities are annotated within others."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from .case import DEPENDS, UNDECIDED, Case
from .marked_text import MarkedEntity, MarkedText

OUTER, INNER, BOTH = "outer", "inner", "both"


@dataclass(frozen=True)
class Nested:
    """Which are annotated, if an entity is within another.

    label (str): The type of the inner one.
    within (str): That of the outer one, which is longer.
    """

    kind: ClassVar[str] = "nested"
    rules: ClassVar[tuple[str, ...]] = (OUTER, INNER, BOTH)
    takes_label: ClassVar[bool] = False

    label: str
    within: str

    @property
    def labels(self) -> tuple[str, ...]:
        """See Question."""
        return (self.label, self.within)

    def topics(self) -> Iterator[tuple[str, ...]]:
        """See Question."""
        yield self.kind, self.label, self.within

    def said(self, rule: str) -> str:
        """See Question."""
        return {
            UNDECIDED: f"Is {self.label} within {self.within} annotated, too?",
            OUTER: f"{self.label} within {self.within} is not annotated",
            INNER: f"{self.within} is not annotated where {self.label} is within it",
            BOTH: f"{self.label} within {self.within} is annotated, too",
            DEPENDS: f"{self.label} within {self.within} may be annotated, too",
        }[rule]

    def cases(self, text: MarkedText) -> Iterator[Case]:
        """See Question. What is not annotated cannot be seen, so all that is found is nested."""
        for outer in text.entities:
            if outer.label != self.within:
                continue
            owned = {one for i in range(outer.start, outer.end) for one in text.owners[i]}
            for inner in sorted(owned):
                if inner.label == self.label and is_within(inner, outer):
                    parts = ((inner.start, inner.end),)
                    yield Case(BOTH, (outer, inner), (outer.start, outer.end), parts)

    def agrees(self, case: Case, rule: str) -> bool:
        """See Question."""
        return rule == BOTH

    def mended(self, case: Case, rule: str) -> tuple[MarkedEntity, ...]:
        """See Question."""
        outer, inner = case.now
        return (outer,) if rule == OUTER else (inner,)


def is_within(inner: MarkedEntity, outer: MarkedEntity) -> bool:
    """Whether an entity is a part of another one, which is longer."""
    shorter = inner.end - inner.start < outer.end - outer.start
    return shorter and outer.start <= inner.start and inner.end <= outer.end
