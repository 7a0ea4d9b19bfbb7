"""What spaCy's `Doc.to_json` gives: a text with entities, sentences, tokens and groups of spans.

`ents` are the entities, or with `spans_key` those of `doc.spans[spans_key]`. Keys that spaCy has
besides (`cats`, `_`, `tag` of tokens, other groups) are kept; those of a record that it has not
are beside them, and spaCy passes over them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...records import SpanRecord, TextRecord
from ..sources.json_values import json_values
from .complete import check_complete
from .form import Format, Sample
from .json_rows import bare_row, object_at, objects_at, text_at, with_free, write_rows
from .tool_records import ToolRecords
from .written import Written

ENTS, SENTS, TOKENS, GROUPS, TEXT, ID = "ents", "sents", "tokens", "spans", "text", "id"
# Where a record keeps the groups of spans that are not its entities.
OTHER_GROUPS = "doc.spans"
# The attributes of a Doc, of which one says what it is annotated for.
ATTRIBUTES, LABELS = "_", "annotated_labels"


@dataclass
class DocJsonRecords(ToolRecords):
    """The rows of a file; see ToolRecords.

    spans_key (str): Take entities from doc.spans[spans_key]; None for doc.ents.
    """

    spans_key: str | None = None

    def entries(self) -> Iterator[tuple[str, Any]]:
        """See ToolRecords.entries."""
        return json_values(self.path)

    def row(self, entry: Any, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        row = dict(object_at(entry, "a row"))
        text_at(row)
        groups = object_at(row.pop(GROUPS, None) or {}, GROUPS)
        if self.spans_key is None:
            found = {ENTS: row.pop(ENTS, None)}
            spans = None if found[ENTS] is None else [_span(one) for one in objects_at(found, ENTS)]
        else:
            groups = dict(groups)
            found = {self.spans_key: groups.pop(self.spans_key, None)}
            is_known = found[self.spans_key] is not None
            spans = [_span(one) for one in objects_at(found, self.spans_key)] if is_known else None
        if groups:
            row[OTHER_GROUPS] = groups
        starts = None
        if row.get(SENTS) is not None:
            starts = {one.get("start") for one in objects_at(row, SENTS)}
        tokens = None
        if row.get(TOKENS) is not None:
            tokens = [_token(one, i, starts) for i, one in enumerate(objects_at(row, TOKENS))]
        row.pop(SENTS, None)
        if isinstance(row.get(ATTRIBUTES), dict) and LABELS in row[ATTRIBUTES]:
            attributes = dict(row.pop(ATTRIBUTES))
            row[LABELS] = attributes.pop(LABELS)
            row |= {ATTRIBUTES: attributes} if attributes else {}
        return row | {"spans": spans, TOKENS: tokens}


def _span(one: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty in spaCy if there is nothing."""
    return {key: value for key, value in one.items() if key not in ("kb_id", ID) or value != ""}


def _token(one: dict[str, Any], i: int, starts: set[Any] | None) -> dict[str, Any]:
    token = {key: value for key, value in one.items() if key != ID or value != i}
    if starts is not None and "sentence_start" not in token:
        token["sentence_start"] = token.get("start") in starts
    return token


def write_doc_json(
    records: Iterable[TextRecord], path: Path, spans_key: str | None = None
) -> Written:
    """Write records as rows that spaCy's `Doc.from_json` takes.

    spans_key (str): Put spans in doc.spans[spans_key], where they may overlap; None for doc.ents.
    RAISES (ValueError): A record of which a Doc would say something else, or whose entities overlap
        and go to doc.ents.
    """

    def rows(record: TextRecord, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        yield _as_row(record, spans_key, lost)

    return write_rows(records, path, rows)


def _as_row(record: TextRecord, spans_key: str | None, lost: Counter[str]) -> dict[str, Any]:
    if record.spans is not None:
        check_complete(replace(record, annotated_labels=None), "such rows")
    entities = [span for span in record.spans or () if span.is_accepted]
    lost["rejected spans"] += len(record.spans or ()) - len(entities)
    ids = {span.id for span in entities if span.id is not None}
    related = [one for one in record.relations if one.head in ids and one.tail in ids]
    lost["relations of rejected spans"] += len(record.relations) - len(related)
    row: dict[str, Any] = {TEXT: record.text}
    other = dict(record.other)
    groups = dict(other.pop(OTHER_GROUPS, {}))
    spans = [span.to_json() for span in entities]
    if record.spans is not None and spans_key is None:
        _check_flat(entities)
        row[ENTS] = spans
    elif record.spans is not None:
        groups[spans_key] = spans
    if record.tokens is not None:
        row |= _tokens_and_sentences(record, lost)
    if groups:
        row[GROUPS] = groups
    if record.annotated_labels is not None:
        row[ATTRIBUTES] = {**other.pop(ATTRIBUTES, {}), LABELS: list(record.annotated_labels)}
    row |= bare_row(replace(record, relations=tuple(related)), TEXT, TOKENS, "spans", LABELS)
    return with_free(row, other, "", lost)


def _check_flat(spans: list[SpanRecord]) -> None:
    for before, span in pairwise(sorted(spans, key=lambda one: (one.start, one.end))):
        if span.start < before.end:
            raise ValueError(
                f"{span.label} at characters {span.start}-{span.end} overlaps {before.label} at "
                f"{before.start}-{before.end}, which doc.ents can't: give spans_key."
            )


def _tokens_and_sentences(record: TextRecord, lost: Counter[str]) -> dict[str, Any]:
    """Sentences are said by themselves if they are known, or else by each token."""
    tokens = record.tokens or ()
    starts = [token.sentence_start for token in tokens]
    is_said = starts[:1] == [True] and None not in starts
    rows = []
    for i, token in enumerate(tokens):
        row = {ID: i, "start": token.start, "end": token.end}
        if not is_said and token.sentence_start is not None:
            row["sentence_start"] = token.sentence_start
        rows.append(with_free(row, token.other, " of tokens", lost))
    if not is_said:
        return {TOKENS: rows}
    edges = [i for i, is_start in enumerate(starts) if is_start]
    runs = [tokens[a:b] for a, b in pairwise([*edges, len(tokens)])]
    sentences = [{"start": run[0].start, "end": run[-1].end} for run in runs]
    return {SENTS: sentences, TOKENS: rows}


def _recognises(sample: Sample) -> bool:
    """Tokens tell it from what people write, and the lack of their texts from Prodigy's rows."""
    value = sample.value
    if not isinstance(value, dict) or not isinstance(value.get(TEXT), str):
        return False
    if isinstance(value.get(ENTS), list) and TOKENS not in value:
        return True
    tokens = value.get(TOKENS)
    has_tokens = isinstance(tokens, list) and all(
        isinstance(one, dict) and {ID, "start", "end"} <= one.keys() and TEXT not in one
        for one in tokens
    )
    return has_tokens and (isinstance(value.get(ENTS), list) or isinstance(value.get(GROUPS), dict))


FORMAT = Format((), DocJsonRecords, write_doc_json, _recognises)
