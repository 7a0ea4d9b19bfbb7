"""The training data of GLiNER: tokens, and entities whose first and last token are given.

`tokenized_text` has the tokens, `ner` the entities as [first token, last token, label], and
`relations`, if there are any, [head, tail, label], which count the elements of `ner`. A file is one
JSON list, as GLiNER's own scripts read it, or has a row a line.

What GLiNER has no place for is in keys of ours, which it passes over: `spans`, the entities of the
record as docs/records.md has them, if they say more than `ner`. If `ner` was changed since, it is
`ner` that counts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...records import TextRecord
from ..sources.json_values import json_values
from .complete import check_complete
from .form import Format, Sample
from .json_rows import LIST, bare_row, free_ids, list_at, with_free, write_rows
from .span_details import accepted, details_of, take_details
from .token_rows import (
    TokenRecords,
    TokensOfSpans,
    place_of,
    read_tokens,
    take_words,
    tokenized,
    write_tokens,
)
from .written import Written, keys_of_tokens

if TYPE_CHECKING:
    from spacy.language import Language

WORDS, ENTITIES, RELATIONS, LABELS = "tokenized_text", "ner", "relations", "ner_labels"
_INCLUSIVE = "ends are inclusive, so that an entity of one token has it twice"


class GlinerRecords(TokenRecords):
    """The rows of a file; see TokenRecords."""

    def entries(self) -> Iterator[tuple[str, Any]]:
        """See ToolRecords.entries."""
        return json_values(self.path)

    def row(self, entry: Any, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        row, words = take_words(entry, WORDS)
        text, tokens = read_tokens(words, row, WORDS, is_sentence=False)
        found = row.pop(ENTITIES, None)
        spans = None if found is None else list(_entities({ENTITIES: found}, tokens))
        spans = take_details(row, spans, counts)
        relations = list_at({RELATIONS: row.pop(RELATIONS, None)}, RELATIONS)
        if row.get(LABELS) is not None and row[LABELS] == row.get("annotated_labels"):
            del row[LABELS]
        spans, relations = _related(spans, relations)
        return {"text": text, "tokens": tokens, "spans": spans, "relations": relations, **row}


def _entities(row: dict[str, Any], tokens: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for i, one in enumerate(list_at(row, ENTITIES)):
        if not isinstance(one, list) or len(one) != 3:
            raise ValueError(f"{ENTITIES}[{i}] must be [first, last, label], got {str(one)[:80]}.")
        first, last, label = one
        name = f"{ENTITIES}[{i}], {one},"
        start, end = place_of(tokens, first, last, name, _INCLUSIVE)
        yield {"start": start, "end": end, "label": label}


def _related(
    spans: list[dict[str, Any]] | None, relations: list[Any]
) -> tuple[list[dict[str, Any]] | None, list[dict[str, Any]]]:
    """Spans with the ids that relations need, and relations with these ids."""
    if not relations:
        return spans, []
    spans = [dict(one) for one in spans or ()]
    entities = accepted(spans)
    free = free_ids(one.get("id") for one in spans)
    read = []
    for i, one in enumerate(relations):
        is_triple = isinstance(one, list) and len(one) == 3
        if not is_triple or not all(type(n) is int and 0 <= n < len(entities) for n in one[:2]):
            raise ValueError(
                f"{RELATIONS}[{i}] must be [head, tail, label], which count the {len(entities)} "
                f"elements of {ENTITIES} from 0, got {str(one)[:80]}."
            )
        ends = [entities[n] for n in one[:2]]
        for end in ends:
            if end.get("id") is None:
                end["id"] = next(free)
        read.append({"head": ends[0]["id"], "tail": ends[1]["id"], "label": one[2]})
    return spans, read


def write_gliner(
    records: Iterable[TextRecord],
    path: Path,
    container: str = LIST,
    nlp: "Language | None" = None,
) -> Written:
    """Write records as GLiNER's training data.

    container (str): "list": one JSON list. "lines": a row a line.
    nlp (Language): Its tokenizer cuts texts without tokens; None: there are no such.
    RAISES (ValueError): A record that it can't hold, or of which it would say something else.
    """

    def rows(record: TextRecord, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        yield _as_row(tokenized(record, nlp, "GLiNER's rows"), lost)

    return write_rows(records, path, rows, container)


def _as_row(record: TextRecord, lost: Counter[str]) -> dict[str, Any]:
    # which types a row is annotated for is what `ner_labels` says
    check_complete(replace(record, annotated_labels=None), "GLiNER's rows")
    words, keys = write_tokens(record, is_sentence=False)
    edges = TokensOfSpans(record)
    entities = [span for span in record.spans or () if span.is_accepted]
    row: dict[str, Any] = {
        WORDS: words,
        ENTITIES: [[*edges.tokens(span), span.label] for span in entities],
    }
    places = {span.id: i for i, span in enumerate(entities) if span.id is not None}
    if record.relations:
        row[RELATIONS] = list(_triples(record, places, lost))
    if record.annotated_labels is not None:
        row[LABELS] = list(record.annotated_labels)
    lost.update(keys_of_tokens(record))
    row |= keys | bare_row(record, "text", "tokens", "spans", "relations")
    row |= details_of(record.spans or ())
    return with_free(row, record.other, "", lost)


def _triples(record: TextRecord, places: dict[Any, int], lost: Counter[str]) -> Iterator[list[Any]]:
    for one in record.relations:
        if one.head not in places or one.tail not in places:
            lost["relations of annotations that are rejected"] += 1
            continue
        lost.update(
            f"{key} of relations" for key in one.to_json() if key not in ("head", "tail", "label")
        )
        yield [places[one.head], places[one.tail], one.label]


def _recognises(sample: Sample) -> bool:
    return isinstance(sample.value, dict) and WORDS in sample.value


FORMAT = Format((), GlinerRecords, write_gliner, _recognises, needs_tokens=True)
