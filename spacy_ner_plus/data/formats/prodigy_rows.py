"""Prodigy's names and repetitions in spans, tokens and relations, and ours."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...records import RelationRecord, SpanRecord, TextRecord, TokenRecord
from .json_rows import bare_row, free_ids, object_at, objects_at, with_free
from .offset_rows import holds_spans
from .token_rows import TokensOfSpans

SPANS, RELATIONS, TOKENS = "spans", "relations", "tokens"
_FIRST, _LAST = "token_start", "token_end"
_HEAD, _CHILD = ("head", "head_span"), ("child", "child_span")


def foreign_key(row: dict[str, Any]) -> str | None:
    """Where a row has annotation that is another format's: such rows may hold Prodigy's keys."""
    if not isinstance(row.get(SPANS), list):
        for key in ("entities", "label", "labels"):
            if holds_spans(key, row.get(key)):
                return key
    tokens = row.get(TOKENS)
    if isinstance(tokens, list) and any(isinstance(one, str) for one in tokens):
        return TOKENS
    return next((key for key in ("ents", "tokenized_text") if key in row), None)


def read_spans(row: dict[str, Any], counts: Counter[str]) -> None:
    """Copy spans and relations as rows of our schema, in place.

    Relations are between places; their spans get ids where they have none.
    """
    if (key := foreign_key(row)) is not None:
        raise ValueError(
            f"{key!r} holds annotation that is not Prodigy's: name the format with --from."
        )
    if row.get(SPANS) is not None:
        spans = [dict(one) for one in objects_at(row, SPANS)]
        row[SPANS] = [one for one in spans if one.get("label") is not None]
        if n_bare := len(spans) - len(row[SPANS]):
            counts["spans without label passed over"] += n_bare
    if relations := list(objects_at(row, RELATIONS)):
        row[RELATIONS] = list(_relations(relations, row.get(SPANS) or [], counts))


def _relations(
    relations: list[dict[str, Any]], spans: list[dict[str, Any]], counts: Counter[str]
) -> Iterator[dict[str, Any]]:
    free = free_ids([one.get("id") for one in spans])
    for i, relation in enumerate(relations):
        if "tail" in relation:  # as our schema has it
            yield relation
            continue
        ends = [_end(f"{RELATIONS}[{i}]", relation, names, spans) for names in (_HEAD, _CHILD)]
        head, tail = ends
        if head is None or tail is None:
            counts["relations of words that are no entities passed over"] += 1
            continue
        for end in (head, tail):
            if end.get("id") is None:
                end["id"] = next(free)
        rest = {key: one for key, one in relation.items() if key not in (*_HEAD, *_CHILD)}
        yield {"head": head["id"], "tail": tail["id"], **rest}


def _end(
    name: str, relation: dict[str, Any], names: tuple[str, str], spans: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """The span at an end of a relation, by its id, its place, or its last token."""
    token, place = relation.get(names[0]), relation.get(names[1])
    if place is None:
        return next((one for one in spans if token is not None and one.get(_LAST) == token), None)
    place = object_at(place, f"{name}.{names[1]}")
    for keys in (("id", "start", "end"), ("start", "end", "label"), ("start", "end")):
        if keys[0] in place:
            for one in spans:
                if all(one.get(key) == place.get(key) for key in keys):
                    return one
    return None


def without_repeats(record: TextRecord, counts: Counter[str]) -> TextRecord:
    """A record without what its tokens repeat of its text, and its spans of its tokens."""
    if record.tokens is None:
        return record
    tokens = tuple(
        _bare_token(record.text, i, token, counts) for i, token in enumerate(record.tokens)
    )
    if record.spans is None:
        return replace(record, tokens=tokens)
    edges = TokensOfSpans(record)
    return replace(record, tokens=tokens, spans=tuple(_bare(one, edges) for one in record.spans))


def _bare_token(text: str, i: int, token: TokenRecord, counts: Counter[str]) -> TokenRecord:
    said = _said(text, i, token)
    if not token.other.keys() & said.keys():
        return token
    kept = {
        key: one
        for key, one in token.other.items()
        if key not in said or one != said[key] or type(one) is not type(said[key])
    }
    if "text" in kept:
        counts["tokens whose text is another than at their place"] += 1
    return replace(token, other=kept)


def _said(text: str, i: int, token: TokenRecord) -> dict[str, Any]:
    """What Prodigy says of a token besides its place."""
    has_space = text.startswith(" ", token.end)
    return {"text": text[token.start : token.end], "id": i, "ws": has_space}


def _bare(span: SpanRecord, edges: TokensOfSpans) -> SpanRecord:
    said = (span.other.get(_FIRST), span.other.get(_LAST))
    if said != edges.find(span):
        return span
    kept = {key: one for key, one in span.other.items() if key not in (_FIRST, _LAST)}
    return replace(span, other=kept)


def write_row(record: TextRecord, lost: Counter[str]) -> dict[str, Any]:
    """A record as a row, without an answer."""
    row = bare_row(record, SPANS, TOKENS, RELATIONS)
    edges = TokensOfSpans(record)
    if record.tokens is not None:
        row[TOKENS] = [_token_row(record, i, lost) for i in range(len(record.tokens))]
    if record.spans is not None:
        row[SPANS] = [_span_row(span, edges, lost) for span in record.spans]
    if record.relations:
        by_id = {span.id: span for span in record.spans or ()}
        row[RELATIONS] = [_relation_row(one, by_id, edges, lost) for one in record.relations]
    return row


def _token_row(record: TextRecord, i: int, lost: Counter[str]) -> dict[str, Any]:
    token = (record.tokens or ())[i]
    row = {**_said(record.text, i, token), "start": token.start, "end": token.end}
    if token.sentence_start is not None:
        row["sentence_start"] = token.sentence_start
    # what a token was read with, though its place says something else, is what it has
    told = {key: one for key, one in token.other.items() if key in ("text", "id", "ws")}
    rest = {key: one for key, one in token.other.items() if key not in told}
    return with_free(row | told, rest, " of tokens", lost)


def _span_row(span: SpanRecord, edges: TokensOfSpans, lost: Counter[str]) -> dict[str, Any]:
    row = {key: one for key, one in span.to_json().items() if key not in span.other}
    if (found := edges.find(span)) and not {_FIRST, _LAST} & span.other.keys():
        row |= dict(zip((_FIRST, _LAST), found, strict=True))
    return with_free(row, span.other, " of spans", lost)


def _relation_row(
    relation: RelationRecord,
    by_id: dict[Any, SpanRecord],
    edges: TokensOfSpans,
    lost: Counter[str],
) -> dict[str, Any]:
    row = {key: one for key, one in relation.to_json().items() if key not in relation.other}
    head, tail = by_id[row.pop("head")], by_id[row.pop("tail")]
    ends: dict[str, Any] = {}
    for (token, place), span in ((_HEAD, head), (_CHILD, tail)):
        found = edges.find(span)
        if found:  # Prodigy names the last token
            ends[token] = found[1]
        ends[place] = {"start": span.start, "end": span.end, "label": span.label, "id": span.id}
        if found:
            ends[place] |= {_FIRST: found[0], _LAST: found[1]}
    return with_free(ends | row, relation.other, " of relations", lost)
