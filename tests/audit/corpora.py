"""Small corpora to audit."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import spacy

from spacy_ner_plus import SpanRecord, TextRecord, write
from spacy_ner_plus.audit.audited import AuditedCorpus, read_corpus

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


def make_corpus(folder: Path, parts: Mapping[str, Iterable[Marked]]) -> AuditedCorpus:
    """A corpus as it is read from files."""
    paths = write_parts(folder, parts)
    return read_corpus(paths, spacy.blank("en"))


def write_parts(folder: Path, parts: Mapping[str, Iterable[Marked]]) -> dict[str, Path]:
    """Files with our records."""
    paths = {name: folder / f"{name}.jsonl" for name in parts}
    for name, path in paths.items():
        write(map(record, parts[name]), path)
    return paths
