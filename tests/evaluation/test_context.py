from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.context import CONTEXT_TOKENS, InText, excerpt
from spacy_ner_plus.evaluation.documents import Document
from spacy_ner_plus.records import SpanRecord
from tests.evaluation.docs import N_TOKENS, make_document, overlapping_spans


def sentences(*starts: int) -> Document:
    return replace(make_document([], [], n_tokens=200), sentence_starts=starts)


def test_excerpt_is_the_sentence() -> None:
    shown = excerpt(sentences(0, 5, 9), 6, 8, InText([]))
    assert (shown.offset, shown.text) == (2 * 5, "t t t t")
    shown = excerpt(sentences(0, 5, 9), 4, 6, InText([]))  # over the end of a sentence
    assert (shown.offset, len(shown.text)) == (0, 2 * 9 - 1)


def test_excerpt_of_a_long_sentence_is_some_tokens() -> None:
    shown = excerpt(sentences(0, 5), 100, 102, InText([]))
    assert shown.offset == 2 * (100 - CONTEXT_TOKENS)
    assert len(shown.text) == 2 * (2 + 2 * CONTEXT_TOKENS) - 1
    assert excerpt(make_document([], [], n_tokens=200), 100, 102, InText([])) == shown
    assert excerpt(sentences(0), 0, 1, InText([])).offset == 0
    assert excerpt(sentences(0), 199, 200, InText([])).text.count("t") == CONTEXT_TOKENS + 1


@given(overlapping_spans, st.integers(0, N_TOKENS - 1), st.integers(1, 3))
def test_excerpt_cuts_no_entity(spans, start, length) -> None:
    document = replace(make_document(spans, []), sentence_starts=(0, 3, 4, 8))
    end = min(N_TOKENS, start + length)
    shown = excerpt(document, start, end, InText(document.gold))
    first, last = shown.offset, shown.offset + len(shown.text)
    assert document.text[first:last] == shown.text
    assert first <= document.token_starts[start] < last
    assert document.token_starts[end - 1] < last
    touched = [e for e in document.gold if e.start_char < last and first < e.end_char]
    assert shown.within(InText(document.gold)) == touched


@given(overlapping_spans, st.integers(0, 2 * N_TOKENS), st.integers(1, 9))
def test_entities_touching_a_part_are_all_that_share_a_character(spans, first, length) -> None:
    gold = make_document(spans, []).gold
    found = InText(reversed(gold)).touching(first, first + length)
    part = set(range(first, first + length))
    shared = [e for e in gold if part & set(range(e.start_char, e.end_char))]
    assert found == sorted(shared, key=lambda e: (e.start_char, e.end_char, e.label))


def test_excerpt_gives_offsets_in_itself() -> None:
    [entity] = make_document([], [(6, 8, "A")], probability=0.5).predicted
    shown = excerpt(sentences(0, 5, 9), 6, 8, InText([entity]))
    assert shown.span(entity) == SpanRecord(2, 5, "A", text="t t", probability=0.5)
    row = {"start": 2, "end": 5, "label": "A", "text": "t t", "probability": 0.5}
    assert shown.rows([entity]) == [row]
