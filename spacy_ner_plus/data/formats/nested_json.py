"""JSON lines of sentences with nested entities, as work on GENIA, ACE and the like exchanges them.

`tokens` has the tokens of a sentence, `entity_mentions` its entities: `start` and `end` count
tokens, the end exclusive; `entity_type` is the type, `text` what is covered. Relations are in
`relation_mentions`, as OneIE has them, with the ids of two mentions; its text of the sentence,
`sentence`, is used if it is there. All other keys are kept.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...records import RelationRecord, SpanRecord, TextRecord
from ..sources.json_values import json_values
from .complete import check_complete
from .form import Format, Sample
from .json_rows import bare_row, objects_at, with_free, write_rows
from .token_rows import (
    TEXT,
    TextError,
    TokenRecords,
    TokensOfSpans,
    place_of,
    places_in,
    read_tokens,
    take_words,
    tokenized,
    write_tokens,
)
from .written import Written, keys_of_tokens

if TYPE_CHECKING:
    from spacy.language import Language

WORDS, MENTIONS, RELATIONS = "tokens", "entity_mentions", "relation_mentions"
_SENTENCE = "sentence"
_EXCLUSIVE = "ends are exclusive, so that an entity of one token has start + 1 as its end"
_ROLES = ("Arg-1", "Arg-2")


class NestedJsonRecords(TokenRecords):
    """The rows of a file; see TokenRecords. A row is a sentence, if it says nothing else."""

    def entries(self) -> Iterator[tuple[str, Any]]:
        """See ToolRecords.entries."""
        return json_values(self.path)

    def row(self, entry: Any, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        row, words = take_words(entry, WORDS)
        if TEXT not in row and isinstance(row.get(_SENTENCE), str):
            self._take_sentence(row, words, counts)
        text, tokens = read_tokens(words, row, WORDS, is_sentence=True)
        is_known = row.get(MENTIONS) is not None
        spans = [
            _span(f"{MENTIONS}[{i}]", one, words, tokens, text)
            for i, one in enumerate(objects_at(row, MENTIONS))
        ]
        relations = [
            _relation(f"{RELATIONS}[{i}]", one) for i, one in enumerate(objects_at(row, RELATIONS))
        ]
        row = {key: one for key, one in row.items() if key not in (MENTIONS, RELATIONS)}
        return {
            "text": text,
            "tokens": tokens,
            "spans": spans if is_known else None,
            "relations": relations,
            **row,
        }

    def _take_sentence(self, row: dict[str, Any], words: Any, counts: Counter[str]) -> None:
        """Take the text that the row has, if it is that of its tokens."""
        try:
            places_in(row[_SENTENCE], words)
        except (TextError, TypeError):
            counts["sentences that are not made of their tokens, which are joined instead"] += 1
            return
        row[TEXT] = row[_SENTENCE]


def _span(
    name: str, mention: dict[str, Any], words: list[str], tokens: list[dict[str, Any]], text: str
) -> dict[str, Any]:
    span = dict(mention)
    first, last = span.pop("start", None), span.pop("end", None)
    label, surface = span.pop("entity_type", None), span.pop("text", None)
    stop = last - 1 if type(last) is int else last
    start, end = place_of(tokens, first, stop, f"{name}, {first}-{last},", _EXCLUSIVE)
    if surface is not None:
        _check_surface(f"{name}, {first}-{last},", surface, words, first, last)
        # what tokens joined by single spaces say is no slice of a text that has others
        span["text"] = text[start:end]
    return {"start": start, "end": end, "label": label, **span}


def _check_surface(name: str, surface: Any, words: list[str], first: int, last: int) -> None:
    """RAISES ValueError: The tokens are not what the mention says that it covers."""

    def says(stop: int) -> bool:
        return "".join("".join(words[first:stop]).split()) == "".join(str(surface).split())

    if not says(last):
        hint = " It would fit if ends were inclusive." if says(last + 1) else ""
        raise ValueError(
            f"{name} has the text {surface!r}, but its tokens are {words[first:last]}; "
            f"{_EXCLUSIVE}.{hint}"
        )


def _relation(name: str, mention: dict[str, Any]) -> dict[str, Any]:
    relation = dict(mention)
    ends: dict[Any, Any] = {}
    for i, one in enumerate(objects_at(relation, "arguments")):
        role = one.get("role")
        role = role if role in _ROLES else _ROLES[i] if i < 2 else None
        ends[role] = one.get("entity_id")
    if len(ends) != 2 or None in ends:
        raise ValueError(f"{name} must have two arguments, got {str(mention)[:80]}.")
    del relation["arguments"]
    label = relation.pop("relation_type", None)
    return {"head": ends[_ROLES[0]], "tail": ends[_ROLES[1]], "label": label, **relation}


def write_nested_json(
    records: Iterable[TextRecord], path: Path, nlp: "Language | None" = None
) -> Written:
    """Write records as JSON lines of tokens and mentions.

    nlp (Language): Its tokenizer cuts texts without tokens; None: there are no such.
    RAISES (ValueError): A record that they can't hold, or of which they would say something else.
    """

    def rows(record: TextRecord, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        yield _as_row(tokenized(record, nlp, "these rows"), lost)

    return write_rows(records, path, rows)


def _as_row(record: TextRecord, lost: Counter[str]) -> dict[str, Any]:
    check_complete(record, "mentions")
    words, keys = write_tokens(record, is_sentence=True)
    edges = TokensOfSpans(record)
    accepted = [span for span in record.spans or () if span.is_accepted]
    row: dict[str, Any] = {
        WORDS: words,
        MENTIONS: [_mention(record, span, edges, lost) for span in accepted],
    }
    ids = {span.id for span in accepted if span.id is not None}
    related = [one for one in record.relations if one.head in ids and one.tail in ids]
    if related:
        row[RELATIONS] = [_relation_mention(one, lost) for one in related]
    lost["rejected spans"] += len(record.spans or ()) - len(accepted)
    lost["relations of rejected spans"] += len(record.relations) - len(related)
    lost.update(keys_of_tokens(record))
    row |= keys | bare_row(record, "text", "tokens", "spans", "relations")
    return with_free(row, record.other, "", lost)


def _mention(
    record: TextRecord, span: SpanRecord, edges: TokensOfSpans, lost: Counter[str]
) -> dict[str, Any]:
    first, last = edges.tokens(span)
    row = {key: one for key, one in span.to_json().items() if key not in span.other}
    row |= {"start": first, "end": last + 1, "text": record.text[span.start : span.end]}
    mention = {"entity_type" if key == "label" else key: one for key, one in row.items()}
    return with_free(mention, span.other, " of spans", lost)


def _relation_mention(relation: RelationRecord, lost: Counter[str]) -> dict[str, Any]:
    row = {key: one for key, one in relation.to_json().items() if key not in relation.other}
    ends = (row.pop("head"), row.pop("tail"))
    mention = {
        "relation_type": row.pop("label"),
        "arguments": [
            {"entity_id": end, "role": role} for end, role in zip(ends, _ROLES, strict=True)
        ],
        **row,
    }
    return with_free(mention, relation.other, " of relations", lost)


def _recognises(sample: Sample) -> bool:
    value = sample.value
    return isinstance(value, dict) and WORDS in value and MENTIONS in value


FORMAT = Format((), NestedJsonRecords, write_nested_json, _recognises, needs_tokens=True)
