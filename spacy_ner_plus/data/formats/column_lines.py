"""The lines of column files, and what is wrong with them: repaired where that is clear, or told."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..sources.raw_files import open_bytes
from .repairs import Errors, Repairs

# Characters of a line in a message: one that is no text may be megabytes long.
MOST_SHOWN = 80


class Line(NamedTuple):
    """A line of a file, numbered from 1, without its line end."""

    path: Path
    number: int
    content: str

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing but spaces and tabs in it."""
        return not self.content.strip(" \t")

    def error(self, message: str) -> ValueError:
        """The error to raise for this line; `message` says what is wrong and what to do."""
        shown = repr(self.content[:MOST_SHOWN]) + "..." * (len(self.content) > MOST_SHOWN)
        return ValueError(f"{self.path}, line {self.number}: {shown}: {message}")


@dataclass(frozen=True)
class FileLines:
    """The lines of a UTF-8 file, with or without byte order mark, Unix or Windows line ends.

    They are read anew each time: what must be known of all is counted, and none is kept.

    path (Path): The file, which may be packed with gzip.
    """

    path: Path

    def __iter__(self) -> Iterator[Line]:
        """RAISES (ValueError): A line is not UTF-8."""
        # Only a line feed ends a line: tokens may hold U+2028, U+0085 and the like.
        with open_bytes(self.path) as file:
            for number, raw in enumerate(file, start=1):
                yield Line(self.path, number, self._decoded(number, raw.removesuffix(b"\n")))

    def _decoded(self, number: int, raw: bytes) -> str:
        try:
            content = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self.path}, line {number}: {raw[:MOST_SHOWN]!r}: byte {raw[error.start]:#04x} "
                f"at position {error.start} is not UTF-8. Convert the file to UTF-8 first."
            ) from error
        return content.removesuffix("\r")


@dataclass
class Findings:
    """What was found wrong in the lines of a file.

    lenient (bool): Repair what is clear. Otherwise that is an error too.
    repairs (Repairs): Those that were made.
    passed_over (Counter[str]): What was, by words in the plural.
    widened (int): Entities on some of the words of a token, which are on the token then.
    """

    lenient: bool = False
    repairs: Repairs = field(default_factory=Repairs)
    passed_over: Counter[str] = field(default_factory=Counter)
    widened: int = 0
    _errors: Errors = field(default_factory=lambda: Errors("lines can't be read"))
    _n_repairable: int = 0

    @property
    def is_refused(self) -> bool:
        """Whether anything was refused."""
        return self._errors.n_errors > 0

    def pass_over(self, what: str) -> None:
        """Note that something was left out that the layout has no use for, in the plural."""
        self.passed_over[f"{what} passed over"] += 1

    def refuse(self, line: Line, message: str) -> None:
        """Note what can't be repaired."""
        self._errors.add(str(line.error(message)))

    def repair(self, line: Line, kind: str, message: str) -> None:
        """Note what is repaired, or refused if not lenient.

        kind (str): What is, in the plural. message (str): What is wrong, and what to do.
        """
        if self.lenient:
            self.repairs.note(kind, f"line {line.number}")
        else:
            self._n_repairable += 1
            self.refuse(line, message)

    def check(self) -> None:
        """RAISES (ValueError): Anything was refused; it lists the first lines of all that were."""
        which = "it" if self._errors.n_errors == 1 else f"{self._n_repairable:,} of them"
        hint = f"convert --lenient repairs {which}, and counts what it repairs; so does audit."
        self._errors.check(hint if self._n_repairable else "")

    @property
    def counts(self) -> dict[str, int]:
        """How many lines were repaired or passed over, by what was done."""
        widened = {"entities on a part of a token, widened to all of it": self.widened}
        return {**self.repairs.counts, **self.passed_over, **(widened if self.widened else {})}
