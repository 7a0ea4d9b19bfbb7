"""Small corpora to audit."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import spacy
from spacy.language import Language

from spacy_ner_plus import SpanRecord, TextRecord, write
from spacy_ner_plus.annotation.doc_records import place_record
from spacy_ner_plus.audit.audited import PLACING, AuditedCorpus, AuditedPart, AuditedText

NASTY = "</script><script>document.title='broken'</script>\u2028\u202e<b>bold</b>"
Marked = str | TextRecord
"""A text with entities as [text](LABEL), or a record."""


def record(marked: Marked, **fields: object) -> TextRecord:
    """The record of a text in which entities are [marked](LABEL)."""
    if isinstance(marked, TextRecord):
        return marked
    text, spans = "", []
    rest = marked
    while "[" in rest:
        before, _, rest = rest.partition("[")
        surface, _, rest = rest.partition("](")
        label, _, rest = rest.partition(")")
        start = len(text) + len(before)
        spans.append(SpanRecord(start, start + len(surface), label))
        text += before + surface
    return TextRecord(text + rest, spans=tuple(spans), **fields)  # type: ignore[arg-type]


@cache
def english() -> Language:
    """Its tokenizer, made once."""
    return spacy.blank("en")


def make_corpus(parts: Mapping[str, Iterable[Marked]]) -> AuditedCorpus:
    """A corpus as it would be read from files."""
    made = {}
    for name, records in parts.items():
        texts = []
        for number, one in enumerate(map(record, records)):
            placed = place_record(one, english(), None, PLACING)
            where, placements = f"{name}.jsonl, line {number + 1}", placed.fitted.placements
            texts.append(AuditedText(name, number, where, one, placed.doc, placements))
        made[name] = AuditedPart(name, Path(f"{name}.jsonl"), texts)
    return AuditedCorpus(made, english())


def write_parts(folder: Path, parts: Mapping[str, Iterable[Marked]]) -> dict[str, Path]:
    """Files with our records."""
    paths = {name: folder / f"{name}.jsonl" for name in parts}
    for name, path in paths.items():
        write(map(record, parts[name]), path)
    return paths
