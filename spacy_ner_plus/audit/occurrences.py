"""Where something is in the data, with what stands around it: what every finding shows."""

from dataclasses import dataclass
from typing import Any

from ..records import SpanRecord
from .audited import AuditedText

# Characters on either side.
CONTEXT = 60


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A stretch of a text in its context.

    part (str): "train", "dev" or "test".
    number (int): The text's place in its part, from 0.
    where (str): The file, and the line or number in it.
    id (Any): What identifies the text to its user; None if nothing does.
    start, end (int): Its characters, end exclusive.
    label (Optional[str]): As what it is annotated; None for no entity.
    before, text, after (str): What stands there, with some characters on either side; white space
        is as in the text.
    """

    part: str
    number: int
    where: str
    id: Any
    start: int
    end: int
    label: str | None
    before: str
    text: str
    after: str

    @property
    def span(self) -> SpanRecord:
        """The annotation. RAISES ValueError: There is none."""
        if self.label is None:
            raise ValueError(f"{self.where}: {self.text!r} is no entity.")
        return SpanRecord(self.start, self.end, self.label, text=self.text)


def occurrence(
    text: AuditedText, start: int, end: int, label: str | None, context: int = CONTEXT
) -> Occurrence:
    """A stretch of a text.

    start, end (int): Its characters.
    context (int): Characters on either side at most; a word that would be cut there is left out.
    """
    whole = text.record.text
    first, last = max(0, start - context), min(len(whole), end + context)
    before, after = whole[first:start], whole[end:last]
    if first and not whole[first - 1].isspace():
        before = before.partition(" ")[2] or before
    if last < len(whole) and not whole[last].isspace():
        after = after.rpartition(" ")[0] or after
    return Occurrence(
        part=text.part,
        number=text.number,
        where=text.where,
        id=text.record.id,
        start=start,
        end=end,
        label=label,
        before=before,
        text=whole[start:end],
        after=after,
    )
