"""Spans that are known to be wrong, from a reference to rows."""

import logging

import numpy as np
import pytest
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_ner_plus.annotation import incorrect_spans
from spacy_ner_plus.annotation.incorrect_spans import incorrect_rows

VOCAB = Vocab()
KEY = "incorrect_spans"
WORDS = ["Anna", "saw", "New", "York", "."]


def make(spans, *, words=WORDS, predicted=None, ents=None):
    """An Example whose reference has these spans, of tokens, known to be wrong."""
    reference = Doc(VOCAB, words)
    reference.spans[KEY] = [Span(reference, *span) for span in spans]
    if ents is not None:
        reference.set_ents([Span(reference, *ent) for ent in ents], default="outside")
    return Example(Doc(VOCAB, predicted or words), reference)


def test_rows_are_those_of_tokens_that_have_one():
    """Each once, in order; those that start or end elsewhere are none that a model could find."""
    example = make([(2, 4, "X"), (2, 4, "X"), (0, 1, "Y"), (1, 3, "X"), (3, 4, "X")])
    rows = np.array([0, 2, 3])
    assert incorrect_rows(example, KEY, rows) == [(0, 1, "Y"), (1, 3, "X"), (2, 3, "X")]
    assert incorrect_rows(example, None, rows) == []
    assert incorrect_rows(example, "others", rows) == []


def test_what_the_predicted_tokens_cut_is_left_out_and_told(caplog):
    incorrect_spans._tell_of_lost.cache_clear()
    reference = Doc(VOCAB, ["Anna", "-", "Lena", "bor"], [False, False, True, False])
    reference.spans[KEY] = [Span(reference, 0, 1, "X"), Span(reference, 0, 3, "X")]
    example = Example(Doc(VOCAB, ["Anna-Lena", "bor"]), reference)
    with caplog.at_level(logging.WARNING, "spacy_ner_plus"):
        assert incorrect_rows(example, KEY, np.arange(2)) == [(0, 1, "X")]
    assert "'Anna' (X) at characters 0-4 does not start and end where tokens do" in caplog.text


@pytest.mark.parametrize("rows", [np.arange(5), np.array([2, 3])])
def test_a_span_that_is_gold_too_is_an_error_that_names_document_and_span(rows):
    example = make([(2, 3, "LOC"), (2, 4, "LOC")], ents=[(2, 4, "LOC")])
    message = (
        r"The document 'Anna saw New York \. ' has the entity 'New York' of type 'LOC' at "
        r"characters 9-17, and says in doc\.spans\['incorrect_spans'\] that it is wrong"
    )
    with pytest.raises(ValueError, match=message):
        incorrect_rows(example, KEY, rows)


def test_of_another_type_or_place_it_is_no_contradiction():
    example = make([(2, 4, "ORG"), (1, 4, "LOC"), (2, 3, "LOC")], ents=[(2, 4, "LOC")])
    assert len(incorrect_rows(example, KEY, np.arange(5))) == 3
    # and of gold from elsewhere, that counts
    with pytest.raises(ValueError, match="'New York' of type 'ORG'"):
        incorrect_rows(example, KEY, np.arange(5), gold={(2, 4, "ORG"): None})


def test_a_span_without_a_label_is_an_error():
    with pytest.raises(ValueError, match="'New York' at characters 9-17 without a label"):
        incorrect_rows(make([(2, 4)]), KEY, np.arange(5))


def test_very_many_that_overlap_are_an_error(monkeypatch):
    monkeypatch.setattr(incorrect_spans, "MOST_OVERLAPPING", 3)
    # of four starts, three share a token at a time
    spans = [(0, 3, "X"), (0, 2, "X"), (1, 3, "X"), (2, 4, "X"), (3, 4, "X")]
    assert len(incorrect_rows(make(spans), KEY, np.arange(5))) == 5
    with pytest.raises(ValueError, match="4 spans that begin at different places and share"):
        incorrect_rows(make([*spans, (2, 3, "Y")]), KEY, np.arange(5))
