"""Column files as records: tokens and tags."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...records import TextRecord
from .column_records import group_sentences, make_record
from .columns import AUTO, ColumnFile, has_markers, read_columns

# Sentences that are seldom one document.
MANY = 100


@dataclass
class ColumnRecords:
    """The documents of a column file: those that it marks, or so many sentences each.

    path (Path), layout (str), scheme (str): See read_columns.
    group (int): Sentences a document, where the file marks none; None for 1.
    ignore_markers (bool): Use the group even if the file marks documents.
    column (Union[int, str, Sequence[Union[int, str]]]): The column or columns of tags, from 1, or
        from the end if negative, or by name; None for what the file tells.
    label (str): Of tags that have none, B and I.
    lenient (bool): Repair what is clear in its lines, and count it.
    counts (Dict[str, int]): What is worth telling of the file once it was read.
    notes (List[str]), warnings (List[str]): The same in words.
    """

    path: Path
    layout: str = AUTO
    scheme: str = AUTO
    group: int | None = None
    ignore_markers: bool = False
    column: int | str | Sequence[int | str] | None = None
    label: str | None = None
    lenient: bool = False
    counts: dict[str, int] = field(default_factory=dict, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    warnings: list[str] = field(default_factory=list, init=False)

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each document, with the file and line where it starts."""
        file = self._read()
        # one mark on top of all may be a heading: it divides nothing
        divides, n_sentences = has_markers(file.sentences[1:]), len(file.sentences)
        use_markers = not self.ignore_markers and (divides or not self.group)
        if self.group and use_markers:
            self.warnings += [
                "--group is not used: the file marks its documents (see --ignore-markers)"
            ]
        elif use_markers and not divides and n_sentences > MANY and has_markers(file.sentences):
            self.warnings += [
                f"the file has one document mark, on top: all its {n_sentences:,} sentences make "
                "one document. If they are several, say with --group how many belong together"
            ]
        n_added = 0
        for sentences in group_sentences(file.sentences, self.group or 1, use_markers=use_markers):
            record = make_record(sentences, sentences[0].document_id if use_markers else None)
            n_added += len(record.tokens or ()) - sum(len(one.tokens) for one in sentences)
            yield sentences[0].where, record
        if n_added:
            self.counts["white space tokens added"] = n_added

    def _read(self) -> ColumnFile:
        given = () if self.column is None else self.column
        columns = (given,) if isinstance(given, (int, str)) else tuple(given)
        file = read_columns(
            self.path,
            layout=self.layout,
            scheme=self.scheme,
            columns=columns,
            label=self.label,
            lenient=self.lenient,
        )
        shown = " and ".join(tag.described for tag in file.tags)
        self.notes = [
            f"layout {file.layout}",
            f"tags in {shown}",
            f"tag scheme {file.scheme}",
        ]
        if file.passed_over:
            self.notes.append(f"passed over: column {', '.join(map(str, file.passed_over))}")
        self.counts = file.findings.counts
        self.warnings = list(file.findings.repairs.told())
        return file
