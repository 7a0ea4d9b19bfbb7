"""Column files as records: tokens and tags."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...records import TextRecord
from .column_records import group_sentences, make_record
from .columns import AUTO, ColumnFile, open_columns
from .repairs import Errors
from .unsound_spans import UnsoundSpan

# Sentences that are seldom one document.
MANY = 100


@dataclass
class ColumnRecords:
    """The documents of a column file: those that it marks, or so many sentences each.

    path (Path), layout (str), scheme (str): See open_columns.
    group (int): Sentences a document, where the file marks none; None for 1.
    ignore_markers (bool): Use the group even if the file marks documents.
    column (Union[int, str, Sequence[Union[int, str]]]): The column or columns of tags, from 1, or
        from the end if negative, or by name; None for what the file tells.
    label (str): Of tags that have none, B and I.
    lenient (bool): Repair what is clear in its lines, and count it.
    counts (Dict[str, int]): What is worth telling of the file once it was read.
    notes (List[str]), warnings (List[str]): The same in words.
    unsound (List[UnsoundSpan]): Stays as it is: all annotations have a place.
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
    unsound: list[UnsoundSpan] | None = field(default=None, init=False, repr=False)

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each document, with the file and line where it starts.

        RAISES (ValueError): Lines, tags or texts are wrong; all are listed. What was read before is
            not the whole file then.
        """
        file = self._open()
        # one mark on top of all may be a heading: it divides nothing
        divides = file.n_inner_marks > 0
        use_markers = not self.ignore_markers and (divides or not self.group)
        by_marker = use_markers and file.n_marks > 0
        n_added, texts = 0, Errors("texts are not those of their tokens")
        for sentences in group_sentences(file.sentences(), self.group or 1, by_marker=by_marker):
            where = sentences[0].where
            try:
                record = make_record(sentences, sentences[0].document_id if use_markers else None)
            except ValueError as error:
                texts.add(str(error))  # of lines that can't be read, perhaps
                continue
            n_added += len(record.tokens or ()) - sum(len(one.tokens) for one in sentences)
            if not file.findings.is_refused and not texts.n_errors:
                yield where, record
        file.findings.check()
        texts.check()
        self.counts = file.findings.counts
        if n_added:
            self.counts["white space tokens added"] = n_added
        self.warnings = list(file.findings.repairs.told())
        if self.group and use_markers:
            self.warnings.append(
                "--group is not used: the file marks its documents (see --ignore-markers)"
            )
        elif by_marker and not divides and file.n_sentences > MANY:
            self.warnings.append(
                f"the file has one document mark, on top: all its {file.n_sentences:,} sentences "
                "make one document. If they are several, say with --group how many belong together"
            )

    def _open(self) -> ColumnFile:
        given = () if self.column is None else self.column
        columns = (given,) if isinstance(given, (int, str)) else tuple(given)
        file = open_columns(
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
        return file
