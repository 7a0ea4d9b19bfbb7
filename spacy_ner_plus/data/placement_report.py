"""What became of each annotation: counts, the first that were refused, and a file with all."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from ..annotation.offsets import hint_of_countings
from ..annotation.placement import (
    CHANGED,
    MISALIGNED,
    OUTCOMES,
    REFUSED,
    REPEATED,
    UNSOUND,
    Placement,
)
from ..records import TextRecord
from ..support.durable import written_whole
from .formats.unsound_spans import UnsoundSpan

MAX_SHOWN = 20
# Policies whose refused annotations are what was asked for.
TOLERANT = ("missing", "skip")


@dataclass
class PlacementReport:
    """Annotations on their way to tokens: each is kept, changed or refused.

    file (TextIO): Gets a line of JSON for each; None to count only.
    outcomes (Counter[str]): How many had each outcome.
    done (Counter[Tuple[str, str]]): The same by outcome and what was done, or why nothing could be.
        One that is trimmed and snapped counts with both.
    first (List[str]): The first that were refused, each with where it is.
    countings (Counter[Optional[str]]): How misaligned ones must have been counted to fit, where one
        can tell.
    n_loose (int): Misaligned ones that have white space at their edges.
    """

    file: TextIO | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)
    countings: Counter[str | None] = field(default_factory=Counter)
    n_loose: int = 0

    @property
    def total(self) -> int:
        """How many annotations came in."""
        return self.outcomes.total()

    @property
    def n_refused(self) -> int:
        """How many are no entities in the output."""
        return self.outcomes[REFUSED]

    @property
    def n_repeated(self) -> int:
        """How many are one with another that has the same place and label."""
        return self.done[CHANGED, REPEATED]

    @property
    def n_misaligned(self) -> int:
        """How many are refused because they do not start and end with tokens."""
        return self.done[REFUSED, MISALIGNED]

    @property
    def shown(self) -> str:
        """The first that were refused, a line each, and the count of the others."""
        more = self.n_refused - len(self.first)
        lines = [*self.first, *([f"and {more:,} more"] if more > 0 else [])]
        return "\n".join(f"  {line}" for line in lines)

    @property
    def hints(self) -> list[str]:
        """What would make refused ones fit."""
        hints = [hint_of_countings(self.countings)]
        if self.n_loose:
            hints.append(
                f"{self.n_loose:,} have white space at their edges: --trim space takes it away."
            )
        return [hint for hint in hints if hint]

    def add(self, where: str, record: TextRecord, placements: Iterable[Placement]) -> None:
        """Note what became of a text's annotations.

        where (str): The file and the line, or number.
        record (TextRecord): As it was read.
        """
        for one in placements:
            self.outcomes[one.outcome] += 1
            for what in dict.fromkeys(one.done):
                self.done[one.outcome, what] += 1
            if one.outcome == REFUSED:
                self._note_refused(where, one)
            if self.file is not None:
                self._write(_row(where, record.id, record.text, one))

    def refuse(self, where: str, record: TextRecord, why: str, message: str) -> None:
        """Note that none of a text's accepted annotations is an entity.

        why (str): As in `done`. message (str): In words.
        """
        spans = (span for span in record.spans or () if span.is_accepted)
        refused = (Placement(span, REFUSED, (why,), message=message) for span in spans)
        self.add(where, record, refused)

    def refuse_unsound(self, where: str, record: TextRecord, spans: Iterable[UnsoundSpan]) -> None:
        """Note that annotations of a text have no place in it.

        record (TextRecord): What is left of the row.
        """
        for one in spans:
            self.outcomes[REFUSED] += 1
            self.done[REFUSED, UNSOUND] += 1
            label = one.span.get("label")
            if len(self.first) < MAX_SHOWN:
                self.first.append(f"{where}: {label}: {one.message}")
            known = {key: one.span.get(key) for key in ("start", "end", "label", "text")}
            reason = {"outcome": REFUSED, "done": [UNSOUND], "message": one.message}
            self._write({"id": record.id, "where": where, **known, **reason})

    def rows(self) -> list[tuple[str, int]]:
        """A table: annotations that came in, and what became of them."""
        rows = [("annotations", self.total)]
        for outcome in OUTCOMES:
            rows.append((f"  {outcome}", self.outcomes[outcome]))
            of_it = [(what, n) for (kind, what), n in self.done.items() if kind == outcome and n]
            rows += [(f"    {what}", n) for what, n in sorted(of_it)]
        return rows

    def exceeds(self, limit: float) -> bool:
        """Whether more than this share is refused."""
        return self.total > 0 and self.n_refused / self.total > limit

    def _write(self, row: dict[str, Any]) -> None:
        if self.file is not None:
            self.file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")

    def _note_refused(self, where: str, one: Placement) -> None:
        if len(self.first) < MAX_SHOWN:
            self.first.append(f"{where}: {one.message}")
        if one.misfit is not None:
            self.countings[one.misfit.counting] += 1
            self.n_loose += one.misfit.text != one.misfit.text.strip()


@contextmanager
def reporting(path: Path | None) -> Iterator[PlacementReport]:
    """Gives a report that writes to a file, which is there also if a ValueError comes.

    path (Path): The file; None to count only.
    """
    if path is None:
        yield PlacementReport()
        return
    wrong: ValueError | None = None
    with (
        written_whole(path) as unfinished,
        unfinished.open("w", encoding="utf8", newline="\n") as file,
    ):
        try:
            yield PlacementReport(file)
        except ValueError as error:  # it is then that the report is wanted
            wrong = error
    if wrong is not None:
        raise wrong


def limit_of(policy: str, max_refused: float | None) -> float:
    """The share of annotations that may be refused.

    max_refused (float): As the user says; None for none, or all where the policy asks for it.
    RAISES ValueError: It is no share.
    """
    if max_refused is None:
        return 1.0 if policy in TOLERANT else 0.0
    if not 0 <= max_refused <= 1:
        raise ValueError(f"--max-refused must be a share from 0 to 1, got {max_refused}.")
    return max_refused


def _row(where: str, id: Any, text: str, one: Placement) -> dict[str, Any]:
    """A line of the file. What is not known, or as it was, is left out."""
    span = one.span
    row: dict[str, Any] = {
        "id": id,
        "where": where,
        "start": span.start,
        "end": span.end,
        "label": span.label,
        "text": text[span.start : span.end],
        "outcome": one.outcome,
        "done": list(one.done),
    }
    if one.outcome == CHANGED and one.placed is not None:
        start, end = one.placed.start, one.placed.end
        row["placed"] = {"start": start, "end": end, "text": text[start:end]}
    if one.misfit is not None:
        row |= {"token_starts": list(one.misfit.starts), "token_ends": list(one.misfit.ends)}
        if one.misfit.counting is not None:
            row["would_fit"] = one.misfit.counting
    if one.message:
        row["message"] = one.message
    return row


def refusal(report: PlacementReport, limit: float, lang: str) -> str:
    """Why nothing is written, and what to do."""
    n, start, advice = report.n_refused, "", []
    if limit:
        share = n / report.total
        start = f"{share:.2%} of {report.total:,} annotations are more than --max-refused {limit}. "
    if report.n_misaligned == n:
        start += (
            f"{n:,} annotations are not on token boundaries. Correct their offsets, take another "
            f"tokenizer with --lang (now {lang}), or say with --misaligned what becomes of them:"
        )
    else:
        kinds = [(what, k) for (kind, what), k in report.done.items() if kind == REFUSED]
        counts = ", ".join(f"{what} ({k:,})" for what, k in sorted(kinds))
        start += f"{n:,} annotations are refused: {counts}."
        advice = [
            "Correct them, or say with --max-refused how large a share may be left out, 1 all."
        ]
    return "\n".join([start, report.shown, *report.hints, *advice])
