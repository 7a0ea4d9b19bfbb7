"""How fast annotated texts are read, beside json alone, and in how much memory.

    python benchmarks/records.py assets/bc5cdr-columns/train.tsv assets/wnut17/train.tsv

Makes files of --records texts of about 200 characters, with their entities: our JSON Lines, rows
with [start, end, label], and one array of Label Studio, as it imports tasks and as it exports them.
One text in a hundred has an emoji, so that the unit of offsets matters. `read` finds format and
unit itself. The limit is json.loads of each line, and json.load of an array, of a tenth of the
records, as all would take 10 GB. raw_decode is json's decoder on one element of the array after the
other, which is faster than json.load, as it keeps nothing. All run in processes of their own, by
turns; what counts is their processor time, without imports. Memory is what the process has taken at
most.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import spacy_ner_plus as ner_plus  # loads nothing before it is used
from spacy_ner_plus.support.peak_memory import peak_memory

LENGTH = 120  # sentences are put together until there are as many characters
EMOJI, EMOJI_EVERY = "\N{PILL}", 100
TIME = "2024-05-02T09:31:07.000213Z"
LINES, WHOLE, ARRAY = "json.loads", "json.load", "raw_decode"
READ, CONVERT, ROUND_TRIP, MAKE = "read", "convert", "loads and dumps", "make"
JSONL, OFFSETS, TASKS, EXPORT = "jsonl", "offsets", "label-studio", "label-studio export"
# By form: what sets its limit, and the systems that are held against it.
SYSTEMS = {
    JSONL: (LINES, READ),
    OFFSETS: (LINES, READ),
    TASKS: (WHOLE, ARRAY, READ),
    EXPORT: (WHOLE, ARRAY, READ),
    "jsonl to label-studio": (ROUND_TRIP, CONVERT),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, nargs="+", help="annotated files whose texts are used")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="for all files; a temporary one if not given")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)  # a system and a path
    args = parser.parse_args()
    if args.run:
        system, path = args.run[0], Path(args.run[1])
        print(json.dumps(make_files(args, path) if system == MAKE else run(system, path)))
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        figures = measure(args, Path(folder))
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(figures, indent=2))


def measure(args: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Print a table. RETURNS: Its rows."""
    sizes: dict[str, int] = child(
        MAKE, folder
    )  # what is started by a large process begins as large
    print(f"{'form':22}{'system':19}{'records/s':>11}{'of the limit':>14}", end="")
    print("".join(f"{f'MB at {n:,}':>17}" for n in sizes.values()))
    rows = []
    for form, systems in SYSTEMS.items():
        turns = [
            {
                (one, size): child(one, folder / f"{size} {form.split(' to ')[0]}")
                for one in systems
                for size in sizes
                if (one, size) != (WHOLE, "all")
            }
            for _ in range(args.rounds)
        ]
        for one in systems:
            rows.append(summary(turns, form, one, sizes))
            print("{:22}{:19}{:11,.0f}{:14.2f}".format(*list(rows[-1].values())[:4]), end="")
            print("".join(f"{one:17,.0f}" for one in rows[-1]["megabytes"]), flush=True)
    return rows


def summary(
    turns: list[dict[tuple[str, str], dict[str, float]]],
    form: str,
    system: str,
    sizes: dict[str, int],
) -> dict[str, Any]:
    """A row of the table: of the largest file that the system reads."""

    def seconds(turn: dict[tuple[str, str], dict[str, float]], system: str) -> float:
        size = "few" if system == WHOLE else "all"
        return turn[system, size]["seconds"] / sizes[size]

    limit = SYSTEMS[form][0]
    found = [size for size in sizes if (system, size) in turns[0]]
    return {
        "form": form,
        "system": system,
        "records per second": 1 / statistics.median(seconds(turn, system) for turn in turns),
        "of the limit": statistics.median(
            seconds(turn, limit) / seconds(turn, system) for turn in turns
        ),
        "megabytes": [max(turn[system, size]["megabytes"] for turn in turns) for size in found],
    }


def child(system: str, path: Path) -> Any:
    """What a process of its own says, with this one's arguments."""
    command = [sys.executable, *sys.argv, "--run", system, str(path)]
    return json.loads(subprocess.check_output(command))


def make_files(args: argparse.Namespace, folder: Path) -> dict[str, int]:
    """Make all files. RETURNS (Dict[str, int]): How many records are in them."""
    texts = [row for path in args.data for row in joined(ner_plus.read(path))]
    sizes = {"few": max(1, args.records // 10), "all": args.records}
    for size, n_records in sizes.items():
        for form, make in FILES.items():
            make(numbered(texts, n_records), folder / f"{size} {form}")
    return sizes


def run(system: str, path: Path) -> dict[str, float]:
    """Read a file. RETURNS: Processor seconds, and the most memory that the process has taken."""
    if system in (READ, CONVERT):
        assert ner_plus.read and ner_plus.convert  # which are imported so
    started = time.process_time()
    RUNS[system](path)
    seconds = time.process_time() - started
    return {"seconds": seconds, "megabytes": peak_memory()["memory"] / 1e6}


# Systems


def read_lines(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            json.loads(line)


def read_array(path: Path) -> None:
    """The elements one after the other. Each is known to be shorter than what is read at once."""
    scan = json.JSONDecoder().raw_decode
    with path.open(encoding="utf8") as file:
        text, at = file.read(1 << 20), 2
        while True:
            if len(text) - at < 1 << 16 and (more := file.read(1 << 20)):
                text, at = text[at:] + more, 0
            _, at = scan(text, at)
            if text[at] != ",":
                return
            at += 2


def read_whole(path: Path) -> None:
    with path.open("rb") as file:
        json.load(file)


def read_records(path: Path) -> None:
    for _ in ner_plus.read(path):
        pass


def round_trip(path: Path) -> None:
    with path.open("rb") as file, path.with_name("copy").open("w", encoding="utf8") as copy:
        for line in file:
            copy.write(json.dumps(json.loads(line), ensure_ascii=False) + "\n")


def convert_records(path: Path) -> None:
    ner_plus.convert(path, path.with_name("converted.json"), to="label-studio")


RUNS: dict[str, Callable[[Path], None]] = {
    LINES: read_lines,
    ARRAY: read_array,
    WHOLE: read_whole,
    READ: read_records,
    ROUND_TRIP: round_trip,
    CONVERT: convert_records,
}


# Files


def joined(sentences: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Rows with texts of about LENGTH characters, their entities with what they cover."""
    text, spans = "", list[dict[str, Any]]()
    for record in sentences:
        text += " " * bool(text)
        for span in record.spans or ():
            place = {"start": span.start + len(text), "end": span.end + len(text)}
            covered = record.text[span.start : span.end]
            spans.append({**place, "label": span.label, "text": covered})
        text += record.text
        if len(text) >= LENGTH:
            yield {"text": text, "spans": spans}
            text, spans = "", []


def numbered(rows: list[dict[str, Any]], n_records: int) -> Iterator[dict[str, Any]]:
    """The rows again and again. Some texts have an emoji before their entities."""
    for i, row in zip(range(n_records), cycle(rows)):
        if i % EMOJI_EVERY:
            yield {"id": i, **row}
        else:
            spans = [
                {**span, "start": span["start"] + 2, "end": span["end"] + 2}
                for span in row["spans"]
            ]
            yield {"id": i, "text": f"{EMOJI} {row['text']}", "spans": spans}


def write_lines(rows: Iterable[dict[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_array(rows: Iterable[dict[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf8") as file:
        for i, row in enumerate(rows):
            file.write(("[\n" if i == 0 else ",\n") + json.dumps(row, ensure_ascii=False))
        file.write("\n]\n")


def offsets_row(row: dict[str, Any]) -> dict[str, Any]:
    """Nothing but the texts of entities would tell the unit, so an emoji stands behind them."""
    shift = 2 * row["text"].startswith(EMOJI)
    text = row["text"][shift:] + f" {EMOJI}" * bool(shift)
    places = [[one["start"] - shift, one["end"] - shift, one["label"]] for one in row["spans"]]
    return {"text": text, "entities": places}


def exported(row: dict[str, Any]) -> dict[str, Any]:
    """A task with all that Label Studio exports of it."""
    tag = {"from_name": "label", "to_name": "text", "type": "labels", "origin": "manual"}
    results = [
        {
            "value": {
                "start": span["start"],
                "end": span["end"],
                "text": span["text"],
                "labels": [span["label"]],
            },
            "id": f"a{row['id']:08x}{i}",
            **tag,
        }
        for i, span in enumerate(row["spans"])
    ]
    annotation = {
        "id": row["id"],
        "completed_by": 1,
        "result": results,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": TIME,
        "updated_at": TIME,
        "draft_created_at": None,
        "lead_time": 12.25,
        "prediction": {},
        "result_count": len(results),
        "unique_id": f"7d9d2e1c-9b1c-4a63-8c1d-{row['id']:012d}",
        "import_id": None,
        "last_action": None,
        "task": row["id"],
        "project": 1,
        "updated_by": 1,
        "parent_prediction": None,
        "parent_annotation": None,
        "last_created_by": None,
    }
    return {
        "id": row["id"],
        "annotations": [annotation],
        "file_upload": "1a2b3c4d-texts.json",
        "drafts": [],
        "predictions": [],
        "data": {"text": row["text"]},
        "meta": {},
        "created_at": TIME,
        "updated_at": TIME,
        "inner_id": row["id"],
        "total_annotations": 1,
        "cancelled_annotations": 0,
        "total_predictions": 0,
        "comment_count": 0,
        "unresolved_comment_count": 0,
        "last_comment_updated_at": None,
        "project": 1,
        "updated_by": 1,
        "comment_authors": [],
    }


def write_tasks(rows: Iterable[dict[str, Any]], path: Path) -> None:
    ner_plus.write(map(ner_plus.TextRecord.from_json, rows), path, "label-studio")


FILES: dict[str, Callable[[Iterable[dict[str, Any]], Path], None]] = {
    JSONL: write_lines,
    OFFSETS: lambda rows, path: write_lines(map(offsets_row, rows), path),
    TASKS: write_tasks,
    EXPORT: lambda rows, path: write_array(map(exported, rows), path),
}


if __name__ == "__main__":
    main()
