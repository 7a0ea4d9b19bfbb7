"""What tests of tools' formats have in common."""

import json
from dataclasses import replace
from pathlib import Path

from spacy_ner_plus.data.formats.form import Sample
from spacy_ner_plus.records import SpanRecord, TextRecord, TokenRecord

# Beyond U+FFFF, right to left, combining, with Windows' line ends, and nothing.
_TEXTS = ("😀 Anna 👩‍👩‍👧 bor.", "אנה גרה בלונד.", "Zoe\u0308 a\u0301bc.", "Anna\r\nbor i\r\nLund.")


def _record(text):
    words = text.split()
    starts = [text.index(word) for word in words]
    tokens = tuple(
        TokenRecord(start, start + len(word), i == 0)
        for i, (start, word) in enumerate(zip(starts, words, strict=True))
    )
    spans = tuple(SpanRecord(token.start, token.end, "PER") for token in tokens[:2])
    return TextRecord(text, id="a7", meta={"n": [1]}, spans=spans, tokens=tokens)


HARD = [*map(_record, _TEXTS), TextRecord("", tokens=())]


def sample(row):
    """What a file of a row begins with."""
    return Sample(Path("a.jsonl"), lines=(json.dumps(row),), value=row)


def written(format, records, folder, **options):
    """The rows that records become."""
    path = folder / "written.jsonl"
    format.write(records, path, **options)
    content = path.read_text(encoding="utf8")
    try:
        rows = json.loads(content)
    except json.JSONDecodeError:  # several, or none
        return [json.loads(line) for line in content.split("\n")[:-1]]
    return rows if content.startswith("[\n") or rows == [] else [rows]


def read_again(format, records, folder, write=None, **options):
    """The records of the file that they were written to."""
    path = folder / "again.jsonl"
    format.write(records, path, **(write or {}))
    return [record for _, record in format.source(path, **options).records()]


def bare(record):
    """Without the texts of spans, which their places tell."""
    spans = record.spans and tuple(replace(span, text=None) for span in record.spans)
    return replace(record, spans=spans)
