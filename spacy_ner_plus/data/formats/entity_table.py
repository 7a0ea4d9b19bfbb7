"""Tables with a row an entity: its text, start, end and label. CSV and TSV.

A text without entities has one row in which these are empty. Rows with the same id and text are one
text, wherever they are; without ids, rows with the same text below each other are. Texts may also
be in files of their own, which the ids name.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from ..sources.inputs import open_input
from ..sources.rows import Fields
from ..sources.separated_rows import AUTO, SeparatedRows
from .entity_cells import OURS, as_object, is_whole, span_of
from .entity_columns import (
    ANNOTATED,
    DELIMITERS,
    META,
    OF_SPANS,
    RECORD,
    USUAL,
    EntityColumns,
    find_columns,
)
from .entity_table_writing import write_entity_table
from .form import Format, Sample
from .tool_records import ToolRecords

_NO = ("no", "false", "0")


@dataclass(frozen=True)
class _Text:
    """A text with its rows, each with its line."""

    rows: list[tuple[int, Mapping[str, str]]]


@dataclass
class EntityTable(ToolRecords):
    """The texts of a table with a row an entity.

    delimiter (str): Between cells; None to find it. quoting (str): See SeparatedValues.
    text_field, id_field, start_field, end_field, label_field, entity_field (str): The columns;
        None to find them among those that are usual.
    texts (Union[str, Path]): A folder of .txt files, which the ids name, or a table or .jsonl file
        with `id` and `text`; None if the texts are in the table.
    """

    unit: ClassVar[str | None] = None  # anything writes tables

    delimiter: str | None = None
    quoting: str = AUTO
    text_field: str | None = None
    id_field: str | None = None
    start_field: str | None = None
    end_field: str | None = None
    label_field: str | None = None
    entity_field: str | None = None
    texts: str | Path | None = None
    _columns: EntityColumns = field(init=False, repr=False)
    _of_texts: set[str] = field(default_factory=set, init=False, repr=False)
    _texts: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def entries(self) -> Iterator[tuple[str, Any]]:
        """The rows of each text."""
        table = self._opened()
        groups: Iterable[_Text] = self._adjacent(table)
        if self._look_through(table):
            groups = self._gathered(table)
        for group in groups:
            first, last = group.rows[0][0], group.rows[-1][0]
            lines = f"line {first}" if len(group.rows) == 1 else f"lines {first}-{last}"
            yield f"{self.path}, {lines}", group

    def _opened(self) -> SeparatedRows:
        """The table. RAISES (ValueError): It lacks a column."""
        given = {what: getattr(self, f"{what}_field") for what in USUAL}
        missing: list[str] = []
        for delimiter in [self.delimiter] if self.delimiter else DELIMITERS:
            table = SeparatedRows(self.path, delimiter, self.quoting)
            header = table.header if isinstance(table.header, list) else []
            found = find_columns(header, given)
            if isinstance(found, EntityColumns):
                if len(set(header)) < len(header):
                    raise ValueError(f"{self.path} names a column twice: {', '.join(header)}.")
                self._columns = self._with_texts(found)
                table.look_through()
                table.warn_of_quotes()
                return table
            if not missing or len(header) > 1:
                missing = [f"{', '.join(found)}. Columns: {', '.join(header) or 'none'}"]
        raise ValueError(
            f"{self.path} lacks columns: {missing[0]}. Name them with --start-field, --end-field, "
            "--label-field, --text-field and --id-field."
        )

    def _with_texts(self, columns: EntityColumns) -> EntityColumns:
        if self.texts is None:
            if columns.text is None:
                raise ValueError(
                    f"{self.path} has no column with the texts: name it with --text-field, or the "
                    "folder or file where they are with --texts."
                )
            return columns
        if columns.id is None:
            raise ValueError(f"{self.path} has no column with the ids of texts: see --id-field.")
        source = open_input(Path(self.texts), None, Fields())
        for row in source.rows():
            document = source.parse(row)
            self._texts[str(document.id)] = document.text
        entity = columns.entity
        if entity is None and self.text_field is None:  # then it is that of the entity
            entity = columns.text
        return replace(columns, text=None, entity=entity)

    def _rows(self, table: SeparatedRows) -> Iterator[tuple[int, Mapping[str, str]]]:
        for line, raw, cells in table.rows():
            where = f"{self.path}, line {line}"
            if any("\udc80" <= char <= "\udcff" for char in raw):
                raise ValueError(f"{where}: the row has bytes that are not UTF-8.")
            if isinstance(cells, str):
                raise ValueError(f"{where}: {cells}.")
            if len(cells) != len(table.header):
                raise ValueError(
                    f"{where}: the row has {len(cells)} columns, the header has "
                    f"{len(table.header)}. Correct it, or see --quoting."
                )
            yield line, dict(zip(table.header, cells, strict=True))

    def _key(self, row: Mapping[str, str]) -> tuple[str, ...]:
        if RECORD in row:
            return (row[RECORD],)
        names = (self._columns.id, self._columns.text)
        return tuple(row[name] for name in names if name is not None)

    def _look_through(self, table: SeparatedRows) -> bool:
        """Whether rows of a text are apart and have an id. Which columns are of texts is noted."""
        columns = self._columns
        self._check_ids(table)
        others = [name for name in table.header if name not in columns.used]
        of_texts = set(others)
        before: tuple[tuple[str, ...], Mapping[str, str]] | None = None
        seen: set[int] = set()
        n_again = 0
        n_entities = n_whole = 0
        for _, row in self._rows(table):
            key = self._key(row)
            if before and before[0] == key:
                of_texts -= {name for name in of_texts if row[name] != before[1][name]}
            else:
                n_again += hash(key) in seen
                seen.add(hash(key))
            before = (key, row)
            if columns.text is not None and columns.entity is None and row[columns.start]:
                n_entities += 1
                n_whole += is_whole(row[columns.text], row[columns.start], row[columns.end])
        if n_entities and n_whole == n_entities and n_entities > 1:
            raise ValueError(
                f"{self.path}: the column {columns.text!r} has the texts of entities, as all are "
                "as long as these: name the column with the whole text with --text-field, or where "
                "the texts are with --texts."
            )
        self._of_texts = of_texts - {*OF_SPANS}
        has_keys = self._columns.id is not None or RECORD in table.header
        if n_again and not has_keys:
            self.counts["texts that are there before, taken for texts of their own"] += n_again
        return n_again > 0 and has_keys

    def _check_ids(self, table: SeparatedRows) -> None:
        """Numbers in `id` may be of the entities: then each row of a text has another."""
        columns = self._columns
        if columns.id is None or columns.text is None or self.id_field is not None:
            return
        if columns.id.casefold() != "id":
            return
        before: Mapping[str, str] | None = None
        n_same = n_other = 0
        for _, row in self._rows(table):
            if before and before[columns.text] == row[columns.text]:
                n_same += before[columns.id] == row[columns.id]
                n_other += before[columns.id] != row[columns.id]
            before = row
        if n_other and not n_same:
            self._columns = replace(columns, id=None)
            self._of_texts.discard(columns.id)
            self.notes.append(f"{columns.id!r} is of entities, as rows of a text have several")

    def _adjacent(self, table: SeparatedRows) -> Iterator[_Text]:
        rows: list[tuple[int, Mapping[str, str]]] = []
        for line, row in self._rows(table):
            if rows and self._key(rows[-1][1]) != self._key(row):
                yield _Text(rows)
                rows = []
            rows.append((line, row))
        if rows:
            yield _Text(rows)

    def _gathered(self, table: SeparatedRows) -> list[_Text]:
        groups: dict[tuple[str, ...], list[tuple[int, Mapping[str, str]]]] = {}
        for line, row in self._rows(table):
            groups.setdefault(self._key(row), []).append((line, row))
        for (_, first), *others in groups.values():
            self._of_texts -= {
                name for name in self._of_texts for _, row in others if row[name] != first[name]
            }
        return [_Text(rows) for rows in groups.values()]

    def row(self, entry: _Text, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        columns = self._columns
        first = entry.rows[0][1]
        row: dict[str, Any] = {"text": self._text(first)}
        if columns.id is not None and first[columns.id]:
            row["id"] = first[columns.id]
        others = {name: first[name] for name in first if name in self._of_texts and first[name]}
        others.pop(RECORD, None)
        spans = []
        for line, cells in entry.rows:
            try:
                span = span_of(cells, columns, self._of_texts)
            except ValueError as error:
                raise ValueError(f"in line {line}, {error}") from None
            spans += [span] if span else []
        is_annotated = others.pop(ANNOTATED, "").casefold() not in _NO
        if not is_annotated and spans:
            raise ValueError(f"{ANNOTATED!r} says that it is not annotated, but it has entities.")
        meta = as_object(others.pop(META, ""))
        taken = {name: others.pop(name) for name in list(others) if name in OURS}
        if taken:
            counts["columns with names of records, kept in meta"] += len(taken)
        if meta or taken:
            row["meta"] = {**meta, **taken}
        return {**row, **others, **({"spans": spans} if is_annotated else {})}

    def _text(self, row: Mapping[str, str]) -> str:
        if self._columns.text is not None:
            return row[self._columns.text]
        id = row[self._columns.id or ""]
        for name in (id, f"{id}.txt"):
            if name in self._texts:
                return self._texts[name]
        raise ValueError(
            f"{self.texts} has no text with the id {id!r}: correct it, or add the text."
        )


def _recognises(sample: Sample) -> bool:
    if not sample.lines:
        return False
    for delimiter in DELIMITERS:
        header = [name.strip('"') for name in sample.lines[0].split(delimiter)]
        if len(header) > 3 and isinstance(find_columns(header, {}), EntityColumns):
            return True
    return False


FORMAT = Format((".csv",), EntityTable, write_entity_table, _recognises)
