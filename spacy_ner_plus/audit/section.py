"""What a section of the audit is: the frame runs, prints and shows them all alike."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from .audit_settings import AuditSettings
from .audited import AuditedCorpus
from .review_tasks import ReviewTask


class SectionResult(Protocol):
    """What a section finds: a dataclass of plain data, which audit.json has as it is."""

    @property
    def warnings(self) -> list[str]:
        """Sentences for the head of the audit: only what somebody should act on."""
        ...


@dataclass(frozen=True)
class Absent:
    """Why a section was not looked at.

    reason (str): What it lacks.
    remedy (str): What to give, as for the command; empty if nothing helps.
    """

    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}" if self.remedy else self.reason


@dataclass(frozen=True)
class Section:
    """A section of the audit.

    key (str): Its key in audit.json, for --sections, and the name of its template.
    title (str): Its heading.
    find (Callable): Does the work. RETURNS: A SectionResult, or Absent.
    show (Callable): Prints the result below its heading.
    review (Callable): The texts that somebody should look at because of the result, the most
        important first; None if there are no such tasks.
    """

    key: str
    title: str
    find: Callable[[AuditedCorpus, AuditSettings], Any]
    show: Callable[[Any], None]
    review: Callable[[AuditedCorpus, Any], Iterable[ReviewTask]] | None = None
