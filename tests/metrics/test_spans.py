import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_ner_plus.metrics.spans import Counts, count_spans, summarise
from spacy_ner_plus.tags import TagScheme

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


def test_count_spans_wants_start_end_and_label_right():
    gold = [(0, 2, "PER"), (3, 4, "LOC"), (5, 7, "ORG"), (8, 9, "PER")]
    predicted = [(0, 2, "PER"), (3, 4, "ORG"), (5, 6, "ORG"), (9, 10, "MISC")]
    assert count_spans(gold, predicted) == {
        "LOC": Counts(0, 0, 1),
        "MISC": Counts(0, 1, 0),
        "ORG": Counts(0, 2, 1),
        "PER": Counts(1, 0, 1),
    }


def test_count_spans_counts_a_repeated_span_once_and_takes_nested_ones():
    gold = [(0, 3, "A"), (0, 3, "A"), (1, 2, "A"), (0, 3, "B")]
    assert count_spans(gold, [(1, 2, "A"), (1, 2, "A"), (0, 3, "B")]) == {
        "A": Counts(1, 0, 1),
        "B": Counts(1, 0, 0),
    }


def test_counts_give_zero_where_a_ratio_has_no_cases():
    empty = Counts()
    assert (empty.precision, empty.recall, empty.f1, empty.support) == (0.0, 0.0, 0.0, 0)
    missed, wrong = Counts(fn=3), Counts(fp=3)
    assert (missed.precision, missed.recall, missed.f1, missed.support) == (0.0, 0.0, 0.0, 3)
    assert (wrong.precision, wrong.recall, wrong.f1, wrong.support) == (0.0, 0.0, 0.0, 0)


def test_counts_add_up_and_give_ratios():
    counts = Counts(2, 1, 0) + Counts(4, 1, 3)
    assert counts == Counts(6, 2, 3)
    assert counts.support == 9
    assert counts.precision == 6 / 8
    assert counts.recall == 6 / 9
    assert counts.f1 == pytest.approx(2 * (6 / 8) * (6 / 9) / (6 / 8 + 6 / 9))


def test_summarise_equals_the_example_of_seqeval():
    # seqeval's README: y_true O O O B-MISC I-MISC I-MISC O / B-PER I-PER O, y_pred with MISC one
    # token early; micro 0.50, macro 0.50.
    summary = summarise(
        [
            count_spans([(3, 6, "MISC")], [(2, 6, "MISC")]),
            count_spans([(0, 2, "PER")], [(0, 2, "PER")]),
        ]
    )
    assert summary.per_type == {"MISC": Counts(0, 1, 1), "PER": Counts(1, 0, 0)}
    assert summary.micro == Counts(1, 1, 1)
    assert summary.micro.f1 == 0.5
    assert (summary.macro_precision, summary.macro_recall, summary.macro_f1) == (0.5, 0.5, 0.5)


def test_summarise_takes_the_macro_mean_of_f1_over_types_that_occur():
    summary = summarise([{"A": Counts(3, 1, 0), "B": Counts(0, 2, 0), "C": Counts()}])
    assert list(summary.per_type) == ["A", "B"]
    assert summary.macro_precision == (3 / 4 + 0) / 2
    assert summary.macro_recall == (1 + 0) / 2
    assert summary.macro_f1 == pytest.approx((6 / 7 + 0) / 2)


def test_summarise_of_nothing_is_zero():
    summary = summarise([])
    assert summary.per_type == {}
    assert summary.micro == Counts()
    assert (summary.macro_precision, summary.macro_recall, summary.macro_f1) == (0.0, 0.0, 0.0)


@settings(deadline=None)
@given(corpus=corpora())
def test_summarise_equals_spacys_ner_scores(corpus):
    vocab = Vocab()
    examples = []
    for n_tokens, *span_sets in corpus:
        gold, predicted = (Doc(vocab, words=["w"] * n_tokens) for _ in range(2))
        for doc, spans in zip((gold, predicted), span_sets, strict=True):
            doc.set_ents([Span(doc, *span) for span in spans], default="outside")
        examples.append(Example(predicted, gold))
    scores = get_ner_prf(examples)
    summary = summarise(count_spans(gold, predicted) for _, gold, predicted in corpus)
    if not summary.per_type:
        assert scores["ents_f"] is None
        return
    assert scores["ents_p"] == pytest.approx(summary.micro.precision)
    assert scores["ents_r"] == pytest.approx(summary.micro.recall)
    assert scores["ents_f"] == pytest.approx(summary.micro.f1)
    assert scores["ents_per_type"] == {
        label: pytest.approx({"p": counts.precision, "r": counts.recall, "f": counts.f1})
        for label, counts in summary.per_type.items()
    }
