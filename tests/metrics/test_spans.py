"""Counts and scores of spans, against counting by hand, without arrays and with spaCy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_ner_plus.metrics.spans import count_spans, precision_recall_f1, scores_of
from spacy_ner_plus.tags import TagScheme
from tests.metrics import naive

LABELS = ["A", "B", "C"]


@st.composite
def span_lists(draw, n_tokens):
    scheme = TagScheme("BIO", LABELS)
    # Any row of tag ids becomes valid when an I- that goes on from nothing is read as O.
    tags = draw(st.lists(st.integers(0, scheme.n_tags - 1), min_size=n_tokens, max_size=n_tokens))
    for i, tag in enumerate(tags):
        before = tags[i - 1] if i else 0
        tags[i] = tag if scheme.transitions[before, tag] and (i or scheme.starts[tag]) else 0
    starts, ends, labels = scheme.decode(tags)
    return [
        (int(start), int(end), LABELS[label])
        for start, end, label in zip(starts, ends, labels, strict=True)
    ]


@st.composite
def corpora(draw):
    lengths = draw(st.lists(st.integers(1, 8), max_size=4))
    return [(n, draw(span_lists(n)), draw(span_lists(n))) for n in lengths]


def by_label(gold, predicted):
    """The counts of one document."""
    labels, counts = count_spans([gold], [predicted])
    return dict(zip(labels, map(tuple, counts[0].tolist()), strict=True))


def test_count_spans_wants_start_end_and_label_right():
    gold = [(0, 2, "PER"), (3, 4, "LOC"), (5, 7, "ORG"), (8, 9, "PER")]
    predicted = [(0, 2, "PER"), (3, 4, "ORG"), (5, 6, "ORG"), (9, 10, "MISC")]
    assert by_label(gold, predicted) == {
        "LOC": (0, 0, 1),
        "MISC": (0, 1, 0),
        "ORG": (0, 2, 1),
        "PER": (1, 0, 1),
    }


def test_count_spans_takes_nested_spans_and_counts_each_of_equal_ones():
    gold = [(0, 3, "A"), (1, 2, "A"), (0, 3, "B")]
    assert by_label(gold, [(1, 2, "A"), (1, 2, "A"), (0, 3, "B")]) == {
        "A": (1, 1, 1),
        "B": (1, 0, 0),
    }
    assert by_label([(0, 1, "A"), (0, 1, "A")], [(0, 1, "A")]) == {"A": (1, 0, 1)}


def test_count_spans_keeps_documents_apart():
    labels, counts = count_spans([[(0, 1, "A")], [(2, 3, "B")]], [[(0, 1, "A")], [(0, 1, "A")]])
    assert labels == ["A", "B"]
    assert counts.tolist() == [[[1, 0, 0], [0, 0, 0]], [[0, 1, 0], [0, 0, 1]]]


def test_count_spans_gives_columns_to_the_labels_that_are_named():
    labels, counts = count_spans([[]], [[(0, 1, "C")]], labels=["C", "D"])
    assert labels == ["C", "D"]
    assert counts.tolist() == [[[0, 1, 0], [0, 0, 0]]]


def test_ratios_without_cases_are_zero():
    counts = np.array([[0, 0, 0], [0, 0, 3], [0, 3, 0]])
    assert not precision_recall_f1(counts).any()


def test_ratios_of_counts():
    precision, recall, f1 = precision_recall_f1(np.array([6, 2, 3]))
    assert (precision, recall) == (6 / 8, 6 / 9)
    assert f1 == pytest.approx(2 * (6 / 8) * (6 / 9) / (6 / 8 + 6 / 9))


def test_scores_equal_the_example_of_seqeval():
    # seqeval's README: y_true O O O B-MISC I-MISC I-MISC O / B-PER I-PER O, y_pred with MISC one
    # token early; micro 0.50, macro 0.50.
    labels, counts = count_spans(
        [[(3, 6, "MISC")], [(0, 2, "PER")]], [[(2, 6, "MISC")], [(0, 2, "PER")]]
    )
    total = counts.sum(axis=0)
    assert labels == ["MISC", "PER"]
    assert total.tolist() == [[0, 1, 1], [1, 0, 0]]
    scores = scores_of(total)
    assert scores.micro[2] == 0.5
    assert scores.macro.tolist() == [0.5, 0.5, 0.5]


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), max_size=6))
def test_scores_are_those_without_arrays(rows):
    counts = {str(i): row for i, row in enumerate(rows)}
    scores = scores_of(np.array(rows, dtype=np.int64).reshape(-1, 3))
    assert scores.micro.tolist() == list(naive.micro(counts))
    assert scores.macro == pytest.approx(naive.macro(counts), rel=1e-12)
    assert scores.weighted == pytest.approx(naive.weighted(counts), rel=1e-12)
    assert scores.types.tolist() == [list(naive.ratios(*row)) for row in rows]


def test_scores_of_many_tables_are_those_of_each():
    counts = np.random.default_rng(0).integers(0, 3, size=(4, 5, 3))
    together = scores_of(counts)
    for i, table in enumerate(counts):
        alone = scores_of(table)
        for name in ("micro", "macro", "weighted", "types"):
            assert getattr(together, name)[i].tolist() == getattr(alone, name).tolist()


def test_scores_take_the_mean_over_types_that_occur():
    scores = scores_of(np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]]))
    assert scores.macro[:2].tolist() == [(3 / 4 + 0) / 2, (1 + 0) / 2]
    assert scores.macro[2] == pytest.approx((6 / 7 + 0) / 2)


def test_scores_of_nothing_are_zero():
    labels, counts = count_spans([], [])
    assert labels == []
    scores = scores_of(counts.sum(axis=0))
    assert scores.micro.tolist() == scores.macro.tolist() == scores.weighted.tolist() == [0, 0, 0]


@settings(deadline=None)
@given(corpus=corpora())
def test_scores_equal_spacys_ner_scores(corpus):
    vocab = Vocab()
    examples = []
    for n_tokens, *span_sets in corpus:
        gold, predicted = (Doc(vocab, words=["w"] * n_tokens) for _ in range(2))
        for doc, spans in zip((gold, predicted), span_sets, strict=True):
            doc.set_ents([Span(doc, *span) for span in spans], default="outside")
        examples.append(Example(predicted, gold))
    expected = get_ner_prf(examples)
    labels, counts = count_spans([gold for _, gold, _ in corpus], [found for *_, found in corpus])
    if not labels:
        assert expected["ents_f"] is None
        return
    scores = scores_of(counts.sum(axis=0))
    assert scores.micro == pytest.approx([expected[f"ents_{key}"] for key in "prf"])
    assert expected["ents_per_type"] == {
        label: pytest.approx(dict(zip("prf", its, strict=True)))
        for label, its in zip(labels, scores.types.tolist(), strict=True)
    }
