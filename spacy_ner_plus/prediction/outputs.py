"""Where results go: each chunk to a part, in the end all parts to one output."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from spacy.tokens import DocBin

from ..support.extras import require
from .predicted import Found, Predicted
from .row_forms import OLD, RowForm

FORMATS = ("jsonl", "parquet", "spacy")
SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".spacy": "spacy",
}


class Output(Protocol):
    """A format. The same results give the same bytes."""

    def write(self, path: Path, chunk: Sequence[Predicted], found: Found) -> None:
        """Write the results of a chunk to a file.

        found (Found): Takes the entities from Docs.
        """

    def join(self, parts: Sequence[Path], path: Path) -> None:
        """Make the output of the chunks' files, which stay."""


@dataclass(frozen=True)
class JsonLinesOutput:
    """A JSON object a document. keeps_others (bool): Whether other fields of the input follow."""

    form: RowForm
    keeps_others: bool

    def write(self, path: Path, chunk: Sequence[Predicted], found: Found) -> None:
        """See Output.write."""
        with path.open("w", encoding="utf8", newline="\n") as file:
            for predicted in chunk:
                row = self.form.make(found.record(predicted))
                if self.keeps_others:
                    row["fields"] = predicted.document.fields
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def join(self, parts: Sequence[Path], path: Path) -> None:
        """See Output.join. The files are put one after the other."""
        concatenate(parts, path)


@dataclass(frozen=True)
class ParquetOutput:
    """A table with nested columns, a row group a chunk.

    The id is a string, and the other fields are as JSON in another.

    RAISES ValueError: If pyarrow is not installed.
    """

    form: RowForm
    keeps_others: bool
    has_readings: bool

    def __post_init__(self) -> None:
        require("pyarrow.parquet", "parquet")

    def write(self, path: Path, chunk: Sequence[Predicted], found: Found) -> None:
        """See Output.write. It is one table a chunk."""
        pa, pq = require("pyarrow", "parquet"), require("pyarrow.parquet", "parquet")
        rows = []
        for predicted in chunk:
            row = self.form.make(found.record(predicted))
            if not isinstance(row["id"], str):
                row["id"] = _as_json(row["id"])
            if self.keeps_others:
                row["fields"] = _as_json(predicted.document.fields)
            rows.append(row)
        pq.write_table(pa.Table.from_pylist(rows, schema=self._schema()), path)

    def join(self, parts: Sequence[Path], path: Path) -> None:
        """See Output.join. Each chunk becomes a row group, unless it has no rows."""
        pq = require("pyarrow.parquet", "parquet")
        with pq.ParquetWriter(path, self._schema()) as writer:
            for part in parts:
                with pq.ParquetFile(part) as file:
                    table = file.read()
                if table.num_rows:
                    writer.write_table(table, row_group_size=table.num_rows)

    def _schema(self) -> Any:
        pa = require("pyarrow", "parquet")
        text, number, place = pa.string(), pa.float64(), pa.int64()
        kinds = {"start": place, "end": place, "probability": number}
        found = pa.struct([(name, kinds.get(name, text)) for name in self.form.columns])
        columns = [("id", text), ("row", place), ("text", text), (self.form.key, pa.list_(found))]
        if self.has_readings:
            entity = [("text", text), ("label", text), ("start", place), ("end", place)]
            entities = pa.list_(pa.struct(entity))
            reading = pa.struct([("probability", number), ("entities", entities)])
            bounds = [("start", place), ("end", place)]
            sentence = pa.struct([*bounds, ("readings", pa.list_(reading))])
            columns.append(("sentences", pa.list_(sentence)))
        if self.keeps_others:
            columns.append(("fields", text))
        return pa.schema(columns)


@dataclass(frozen=True)
class SpacyOutput:
    """All that the pipeline annotated. The id, the row and the other fields are in doc.user_data.

    is_folder (bool): Whether each chunk stays a file of its own. Joining them to one file takes
        memory for all documents.
    """

    keeps_others: bool
    is_folder: bool

    def write(self, path: Path, chunk: Sequence[Predicted], found: Found) -> None:
        """See Output.write. Id, row and fields are in the Docs' user data."""
        docs = DocBin(store_user_data=True)
        for predicted in chunk:
            doc, document = predicted.doc, predicted.document
            doc.user_data |= {"id": document.id, "row": document.row}
            if self.keeps_others:
                doc.user_data["fields"] = document.fields
            try:
                docs.add(doc)
            except (TypeError, ValueError, OverflowError) as error:
                raise ValueError(
                    f"Row {document.row} can't be saved in spaCy's format, as the pipeline puts "
                    f"something on it that can't: {error}. Give another --output-format."
                ) from error
        docs.to_disk(path)

    def join(self, parts: Sequence[Path], path: Path) -> None:
        """See Output.join. In a folder each chunk stays a file."""
        if self.is_folder:
            path.mkdir()
            for number, part in enumerate(parts):
                shutil.copyfile(part, path / f"{number:08d}.spacy")
        else:
            docs = DocBin(store_user_data=True)
            for part in parts:
                docs.merge(DocBin(store_user_data=True).from_disk(part))
            docs.to_disk(path)


def open_output(
    path: Path,
    format: str | None,
    form: RowForm,
    *,
    keeps_others: bool,
    has_readings: bool,
    spans_key: str | None = None,
) -> Output:
    """The writer of a path.

    format (str): One of FORMATS; None for what the suffix says.
    form (RowForm): Of rows, where the format has some.
    spans_key (str): Where a user says that the entities are.
    RAISES ValueError: If the format is not known, or can't have what is wanted.
    """
    format = format or SUFFIXES.get(path.suffix.lower())
    if format == "jsonl":
        return JsonLinesOutput(form, keeps_others)
    if format == "parquet":
        return ParquetOutput(form, keeps_others, has_readings)
    if format != "spacy":
        given = f"no format '{format}'" if format else "a format that its name does not tell"
        raise ValueError(
            f"The output {path} has {given}: give --output-format, one of {', '.join(FORMATS)}."
        )
    if has_readings:
        raise ValueError("spaCy's format has no place for readings: write --k-best to another.")
    if form.name == OLD:
        raise ValueError(f"spaCy's format has no rows: leave --rows {OLD} out.")
    if spans_key is not None:
        raise ValueError("spaCy's format keeps all of doc.spans: leave --spans-key out.")
    return SpacyOutput(keeps_others, is_folder=path.suffix.lower() != ".spacy")


def concatenate(parts: Sequence[Path], path: Path) -> None:
    """One file after the other."""
    with path.open("wb") as whole:
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
