"""Which format gives back what it was given: every format x every file.

    python benchmarks/formats.py assets/bc5cdr-columns/test.tsv assets/wnut17/dev.tsv

PATHS are annotated files or folders of any format, with its options behind commas where it needs
any: tasks.jsonl,format=doccano,text_field=body. Each is read, written in every format, and read
again. A text with emoji, Hebrew, combining marks and CRLF is always among them. In the table:

    =   the records are the same in everything
    s   texts, their order, ids and entities are the same; what else there was is lost, and counted
    e   texts, their order and entities are the same; ids are lost, and counted
    w   the same but for white space in the texts, which is counted
    -   refused, with a message that says why
    !   something else came back, or something was lost unsaid: there must be none

What was lost or refused is listed below the table.
"""

import argparse
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

import spacy_ner_plus
from spacy_ner_plus import SpanRecord, TextRecord
from spacy_ner_plus.data.formats.record_files import FORMATS, open_records
from spacy_ner_plus.records import LAYER

Read = list[tuple[str, TextRecord]]
SAME, ENTITIES_AND_IDS, ENTITIES, SPACED, REFUSED, WRONG = "=", "s", "e", "w", "-", "!"
# What a file of a format is named. Layouts of columns are as good as formats.
NAMES = {name: f"out{one.suffixes[0] if one.suffixes else ''}" for name, one in FORMATS.items()}
NAMES["uima"] = "out.zip"
OUTPUTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in FORMATS if name != "columns"},
    # beside doc.ents: a group of spans, where they may overlap
    **{f"{name}, group": (name, {"spans_key": "sc"}) for name in ("doc-json", "spacy")},
    **{
        f"columns {one}": ("columns", {"layout": one})
        for one in ("tsv", "uner", "conllu", "germeval")
    },
}


@dataclass(frozen=True)
class Outcome:
    """A cell of the table. note (str): What was lost, or why nothing was written."""

    mark: str
    note: str = ""


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        hard = Path(folder) / "hard.jsonl"
        hard.write_text(json.dumps(hard_text().to_json(), ensure_ascii=False) + "\n", "utf8")
        table, sources = {}, {}
        for given in tqdm([str(hard), *args.paths], unit="file"):
            sources[given] = read(given)
            table[given] = every_format(sources[given], Path(folder))
    print_table(table, sources)
    if any(one.mark == WRONG for cells in table.values() for one in cells.values()):
        raise SystemExit(1)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="+", metavar="PATHS")
    return parser.parse_args()


def hard_text() -> TextRecord:
    """Emoji, right to left, combining marks and CRLF, with entities behind and within each."""
    text = "👩🏽‍🚀 Zoë met דוד בן גוריון\r\nin Zu\u0308rich 🇨🇭, near São Paulo."
    wanted = {
        "👩🏽‍🚀": "MISC",
        "Zoë": "PER",
        "דוד בן גוריון": "PER",
        "Zu\u0308rich": "LOC",
        "São Paulo": "LOC",
    }
    spans = [
        SpanRecord(start := text.index(part), start + len(part), label, text=part)
        for part, label in wanted.items()
    ]
    return TextRecord(text, id="hard", spans=tuple(spans))


def read(given: str) -> Read:
    path, options = parse(given)
    return list(open_records(path, options.pop("format", None), **options).records())


def every_format(source: Read, folder: Path) -> dict[str, Outcome]:
    plainly = Path(tempfile.mkdtemp(dir=folder)) / "records.jsonl"
    spacy_ner_plus.write((record for _, record in source), plainly)
    return {name: there_and_back(plainly, source, name) for name in OUTPUTS}


def there_and_back(path: Path, source: Read, name: str) -> Outcome:
    format, options = OUTPUTS[name]
    options = dict(options)
    group = {"spans_key": options.pop("spans_key")} if "spans_key" in options else {}
    output = Path(tempfile.mkdtemp(dir=path.parent)) / NAMES[format]
    try:
        done = spacy_ner_plus.convert(path, output, to=format, options=options, **group)
    except ValueError as error:
        return Outcome(REFUSED, " ".join(str(error).replace(str(path), path.name).split()))
    lost = Counter(done.lost)
    try:
        back = list(open_records(output, format, **group).records())
    except ValueError as error:
        if "--offsets" not in str(error):
            raise
        back = list(open_records(output, format, offsets="characters").records())
        told = compare(source, back, lost)
        return replace(told, note="; ".join(filter(None, ["needs --offsets", told.note])))
    return compare(source, back, lost)


def parse(given: str) -> tuple[Path, dict[str, str]]:
    path, *options = given.split(",")
    return Path(path), dict(option.split("=", 1) for option in options)


def compare(source: Read, back: Read, lost: Counter[str]) -> Outcome:
    note = "; ".join(f"{what} {n:,}" for what, n in sorted(lost.items()))
    given = [plain(record) for _, record in source]
    found = [plain(record) for _, record in back]
    if given == found and not lost:
        return Outcome(SAME)
    if not lost and given == [replace(one, tokens=None) for one in found]:
        return Outcome(SAME, "tokens were added")
    is_layered = any(LAYER in span.meta for record in given for span in record.spans or ())
    in_order = [[without_layers(one) for one in side] for side in (given, found)]
    if not (lost or is_layered) and in_order[0] == in_order[1]:
        return Outcome(SAME, "layers were added, and are the entities' order")
    if [surfaces(one) for one in given] != [surfaces(one) for one in found]:
        return Outcome(WRONG, f"entities differ; {note}")
    if [entities(one) for one in given] != [entities(one) for one in found]:
        is_told = any(name in what for what in lost for name in ("white space", "line breaks"))
        return Outcome(SPACED if is_told else WRONG, note)
    if not lost:
        return Outcome(WRONG, "something was lost unsaid")
    has_ids = [one.id for one in given] == [one.id for one in found]
    return Outcome(ENTITIES_AND_IDS if has_ids else ENTITIES, note)


def plain(record: TextRecord) -> TextRecord:
    """With the texts of spans, which some formats give and others do not."""
    if record.spans is None:
        return record
    text = record.text
    spans = tuple(replace(span, text=text[span.start : span.end]) for span in record.spans)
    return replace(record, spans=spans)


def without_layers(record: TextRecord) -> TextRecord:
    """With entities from left to right, and without the columns of tags that hold such as nest."""
    if record.spans is None:
        return record
    spans = [
        replace(span, meta={key: value for key, value in span.meta.items() if key != LAYER})
        for span in record.spans
    ]
    spans.sort(key=lambda span: (span.start, -span.end, span.label))
    return replace(record, spans=tuple(spans))


def entities(record: TextRecord) -> tuple[str, Counter[tuple[int, int, str]] | None]:
    if record.spans is None:
        return record.text, None
    accepted = (span for span in record.spans if span.is_accepted)
    return record.text, Counter((span.start, span.end, span.label) for span in accepted)


def surfaces(record: TextRecord) -> tuple[str, Counter[tuple[int, str, str]] | None]:
    """As entities, without looking at white space."""
    text, found = entities(record)
    if found is None:
        return bare(text), None
    elements = found.elements()
    return bare(text), Counter(
        (len(bare(text[:i])), bare(text[i:j]), its) for i, j, its in elements
    )


def bare(text: str) -> str:
    return "".join(text.split())


def print_table(table: dict[str, dict[str, Outcome]], sources: dict[str, Read]) -> None:
    width = max(map(len, OUTPUTS))
    paths = list(table)
    for number, path in enumerate(paths, start=1):
        n_entities = sum(len(record.spans or ()) for _, record in sources[path])
        counts = f"{len(sources[path]):,} texts, {n_entities:,} entities"
        print(f"{number:3}  {'/'.join(Path(path).parts[-3:])}: {counts}")
    print(f"\n{'':{width}}" + "".join(f"{number:4}" for number in range(1, len(paths) + 1)))
    for name in OUTPUTS:
        print(f"{name:{width}}" + "".join(f"{table[path][name].mark:>4}" for path in paths))
    print()
    for number, path in enumerate(paths, start=1):
        for name in OUTPUTS:
            if (one := table[path][name]).note:
                print(f"{number:3} {name:{width}} {one.mark} {one.note[:200]}")


if __name__ == "__main__":
    main()
