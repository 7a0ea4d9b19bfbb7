"""The JSON that spaCy 2 was trained with: documents of paragraphs of sentences of tokens.

Each paragraph is a text. `ner` tags are BILUO, and "-" where annotation is missing. What a token
has besides (`tag`, `head`, `dep`, ...) is kept, and so are the paragraph's other keys. What spaCy
has no place for is in keys of ours (see span_details and token_rows), which it passes over.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...records import Stretch, TextRecord
from ..sources.json_values import json_values
from .biluo import read_biluo, write_biluo
from .form import Format, Sample
from .json_rows import LIST, bare_row, list_at, objects_at, text_at, with_free, write_rows
from .span_details import DETAILS, details_of, take_details
from .token_rows import (
    SENTENCE_STARTS,
    STARTS,
    TEXT,
    TokenRecords,
    TokensOfSpans,
    found_places,
    read_tokens,
    tokenized,
)
from .written import Written

if TYPE_CHECKING:
    from spacy.language import Language

PARAGRAPHS, SENTENCES, TOKENS = "paragraphs", "sentences", "tokens"
RAW, ORTH, SPACE, NER, ID, UNKNOWN = "raw", "orth", "space", "ner", "id", "unknown"
# Of a record of a document that has several paragraphs: its number, from 0.
PARAGRAPH = "paragraph"
# Of a paragraph: what is read here; null says nothing in these.
_READ = (RAW, "entities", SENTENCE_STARTS, UNKNOWN, DETAILS)
# Of a token: what its place says.
_READ_OF_TOKENS = (ORTH, SPACE, NER)


class SpacyJsonRecords(TokenRecords):
    """The paragraphs of a file; see TokenRecords."""

    def entries(self) -> Iterator[tuple[str, Any]]:
        """See ToolRecords.entries. An entry has the document's id, its number in it, and itself."""
        for where, value in json_values(self.path):
            paragraphs = value.get(PARAGRAPHS) if isinstance(value, dict) else None
            if not isinstance(paragraphs, list):
                yield where, (None, None, value)
            elif len(paragraphs) == 1:
                yield where, (value.get(ID), None, paragraphs[0])
            else:
                for i, paragraph in enumerate(paragraphs):
                    yield f"{where}, {PARAGRAPHS}[{i}]", (value.get(ID), i, paragraph)

    def row(self, entry: Any, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        id, number, value = entry
        if not isinstance(value, dict) or SENTENCES not in value:
            raise ValueError(f"there are no {PARAGRAPHS} with {SENTENCES} in {str(value)[:80]}.")
        row = {key: one for key, one in value.items() if one is not None or key not in _READ}
        tokens, sentence_starts = _tokens(row, counts)
        row[TEXT] = text_at(row, RAW) if RAW in row else None
        row.pop(RAW, None)
        if row[TEXT] is None and any(SPACE in token for token in tokens):
            row[TEXT] = "".join(f"{token[ORTH]}{token.get(SPACE) or ''}" for token in tokens)
        row.setdefault(SENTENCE_STARTS, sentence_starts)
        words = [token[ORTH] for token in tokens]
        text, placed = read_tokens(words, row, ORTH, is_sentence=True)
        for i, (place, token) in enumerate(zip(placed, tokens, strict=True)):
            place |= {key: one for key, one in token.items() if key not in _READ_OF_TOKENS}
            if place.get(ID) == i:
                del place[ID]
        entities, missing = read_biluo([token.get(NER) for token in tokens])
        if row.pop("entities", None) and not any(NER in token for token in tokens):
            counts["entities of paragraphs without ner tags passed over"] += 1
        spans = [
            {"start": placed[start]["start"], "end": placed[end - 1]["end"], "label": label}
            for start, end, label in entities
        ]
        is_known = not tokens or not all(missing) or UNKNOWN in row or DETAILS in row
        row.setdefault(UNKNOWN, _stretches(missing, placed) if is_known else [])
        row["spans"] = take_details(row, spans if is_known else None, counts)
        if number is not None:
            row.setdefault(PARAGRAPH, number)
        row = {key: one for key, one in row.items() if one != [] or key not in ("cats", "links")}
        return row | {"text": text, "tokens": placed, "id": id}


def _tokens(row: dict[str, Any], counts: Counter[str]) -> tuple[list[dict[str, Any]], list[bool]]:
    """The tokens of a paragraph, and whether a sentence starts with each."""
    tokens: list[dict[str, Any]] = []
    starts: list[bool] = []
    for i, sentence in enumerate(objects_at(row, SENTENCES)):
        found = list(objects_at(sentence, TOKENS))
        for j, token in enumerate(found):
            if not isinstance(token.get(ORTH), str):
                raise ValueError(f"{SENTENCES}[{i}].{TOKENS}[{j}] must have {ORTH}, its text.")
        tokens += found
        starts += [True, *[False] * len(found)][: len(found)]
        if brackets := list_at(sentence, "brackets"):
            counts["brackets passed over"] += len(brackets)
    del row[SENTENCES]
    return tokens, starts


def _stretches(missing: Sequence[bool], tokens: list[dict[str, Any]]) -> list[list[int]]:
    """The characters of tokens whose annotation is missing."""
    numbered = groupby(enumerate(missing), key=lambda one: one[1])
    runs = [[i for i, _ in run] for is_missing, run in numbered if is_missing]
    return [[tokens[run[0]]["start"], tokens[run[-1]]["end"]] for run in runs]


def write_spacy_json(
    records: Iterable[TextRecord], path: Path, nlp: "Language | None" = None
) -> Written:
    """Write records as spaCy 2's training data.

    nlp (Language): Its tokenizer cuts texts without tokens; None: there are no such.
    RAISES (ValueError): A record whose entities overlap or are not on token boundaries.
    """
    documents = _Documents(nlp)
    return write_rows(records, path, documents.rows, LIST, documents.rest)


class _Documents:
    """Paragraphs as documents: those that one had, and that follow each other, are one again."""

    def __init__(self, nlp: "Language | None") -> None:
        self._nlp = nlp
        self._opened: list[dict[str, Any]] = []

    def rows(self, record: TextRecord, lost: Counter[str]) -> list[dict[str, Any]]:
        """The documents that are whole, now that a record follows."""
        paragraph = _paragraph(tokenized(record, self._nlp, "spaCy's paragraphs"), lost)
        number = record.other.get(PARAGRAPH)
        if self._opened and number is not None:
            [document] = self._opened
            paragraphs = document[PARAGRAPHS]
            before = paragraphs[-1].get(PARAGRAPH)
            if document[ID] == record.id and type(before) is int and number == before + 1:
                paragraphs.append(paragraph)
                return []
        whole, self._opened = self.rest(), [{ID: record.id, PARAGRAPHS: [paragraph]}]
        return whole

    def rest(self) -> list[dict[str, Any]]:
        """What is left in the end."""
        for document in self._opened:
            if len(document[PARAGRAPHS]) > 1 and document[PARAGRAPHS][0].get(PARAGRAPH) == 0:
                for paragraph in document[PARAGRAPHS]:  # whose place says it
                    del paragraph[PARAGRAPH]
        return self._opened


def _paragraph(record: TextRecord, lost: Counter[str]) -> dict[str, Any]:
    places = [(token.start, token.end) for token in record.tokens or ()]
    words = [record.text[start:end] for start, end in places]
    tags, stretches = _tags(record, places)
    rows = [
        with_free(
            {
                ID: i,
                ORTH: words[i],
                SPACE: " " * record.text.startswith(" ", token.end),
                NER: tags[i],
            },
            token.other,
            " of tokens",
            lost,
        )
        for i, token in enumerate(record.tokens or ())
    ]
    starts = [token.sentence_start for token in record.tokens or ()]
    edges = [i for i, is_start in enumerate(starts) if is_start or i == 0]
    sentences = [rows[a:b] for a, b in pairwise([*edges, len(rows)])]
    row: dict[str, Any] = {
        RAW: record.text,
        SENTENCES: [{TOKENS: sentence, "brackets": []} for sentence in sentences],
        "cats": [],
    }
    if found_places(record.text, words) != places:
        row[STARTS] = [start for start, _ in places]
    if starts != [i in edges for i in range(len(rows))]:
        row[SENTENCE_STARTS] = starts
    row |= bare_row(record, "text", "tokens", "spans", "id", UNKNOWN)
    details = details_of(record.spans or ())
    if record.spans is not None and (record.unknown != stretches or (rows and set(tags) == {"-"})):
        row[UNKNOWN] = [list(one) for one in record.unknown]
    if record.spans is None and record.unknown:
        lost["unknown characters of texts without annotation"] += 1
    if record.spans is None and not rows:
        lost["that nothing is known about an empty text"] += 1
    other = dict(record.other)
    if "cats" in other:
        row["cats"] = other.pop("cats")
    return with_free(row | details, other, "", lost)


def _tags(record: TextRecord, places: list[Stretch]) -> tuple[list[str], tuple[Stretch, ...]]:
    """The tags of a record, and the characters that they say are unknown."""
    if record.spans is None:
        return ["-"] * len(places), ()
    edges = TokensOfSpans(record)
    found = [(edges.tokens(span), span.label) for span in record.spans if span.is_accepted]
    opened = [*record.unknown]
    opened += [(span.start, span.end) for span in record.spans if span.status == "ignored"]
    missing = [
        i
        for i, (start, end) in enumerate(places)
        if any(start < stop and first < end for first, stop in opened)
    ]
    spans = [(first, last + 1, label) for (first, last), label in found]
    tags = write_biluo(len(places), spans, missing)
    rows = [{"start": start, "end": end} for start, end in places]
    stretches = _stretches([tag == "-" for tag in tags], rows)
    return tags, tuple((start, end) for start, end in stretches)


def _recognises(sample: Sample) -> bool:
    return isinstance(sample.value, dict) and PARAGRAPHS in sample.value


FORMAT = Format((), SpacyJsonRecords, write_spacy_json, _recognises, needs_tokens=True)
