"""Inputs in every format, and outputs read back."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app

TEXTS = [
    "Effects of tetrandrine and fangchinoline on experimental thrombosis in mice .",
    "Severe heart  failure followed.",
    'He said "no, thanks", and\tleft 😀 北京 after selegiline.',
    "",
    "A lesser degree of orthostatic hypotension occurred with standing .",
    "hypotension",
]


def write_input(path: Path, format: str, texts: Sequence[str], *, has_ids: bool = True) -> Path:
    """Write texts, with the ids a0, a1 and so on and a field "number" where there is a place."""
    rows = [{"id": f"a{i}", "text": text, "number": i} for i, text in enumerate(texts)]
    if not has_ids:
        rows = [{"text": row["text"]} for row in rows]
    if format == "text":
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf8")
    elif format == "text folder":
        path.mkdir()
        for i, text in enumerate(texts):
            (path / f"a{i}.txt").write_text(text, encoding="utf8")
    elif format == "jsonl":
        lines = (json.dumps(row) + "\n" for row in rows)
        path.write_text("".join(lines), encoding="utf8")
    elif format in ("csv", "tsv"):
        with path.open("w", encoding="utf8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="," if format == "csv" else "\t")
            writer.writeheader()
            writer.writerows(rows)
    elif format == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif format == "spacy":
        write_docs(path, texts, has_ids=has_ids)
    elif format == "spacy folder":
        path.mkdir()
        write_docs(path / "1.spacy", texts[:2], has_ids=has_ids)
        write_docs(path / "2.spacy", texts[2:], first=2, has_ids=has_ids)
    return path


def write_docs(path: Path, texts: Sequence[str], *, first: int = 0, has_ids: bool = True) -> None:
    nlp = spacy.blank("en")
    docs = DocBin(store_user_data=has_ids)
    for i, text in enumerate(texts, start=first):
        doc = nlp.make_doc(text)
        doc.user_data |= {"id": f"a{i}", "number": i}
        docs.add(doc)
    docs.to_disk(path)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["predict", *map(str, arguments)])


def run_well(*arguments: object) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


def read_output(path: Path) -> list[dict[str, Any]]:
    """The rows of an output of any format, but the input's fields and what tables leave empty."""
    if path.suffix == ".jsonl":
        rows = read_lines(path)
    elif path.suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
    else:
        rows = _read_docs(path)
    for row in rows:
        row.pop("fields", None)
        row["spans"] = [{k: v for k, v in span.items() if v is not None} for span in row["spans"]]
    return rows


def _read_docs(path: Path) -> list[dict[str, Any]]:
    vocab = spacy.blank("en").vocab
    rows = []
    for file in sorted(path.glob("*")) if path.is_dir() else [path]:
        for doc in DocBin().from_disk(file).get_docs(vocab):
            spans = [
                {
                    "text": ent.text,
                    "label": ent.label_,
                    "start": ent.start_char,
                    "end": ent.end_char,
                    "probability": ent._.probability,
                }
                for ent in doc.ents
            ]
            row = {"id": doc.user_data["id"], "row": doc.user_data["row"]}
            rows.append({**row, "text": doc.text, "spans": spans})
    return rows


def read_tree(path: Path) -> dict[str, bytes]:
    """The content of a file, or of all files in a folder."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}
