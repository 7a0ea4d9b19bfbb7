"""Partial credit, against nervaluate on whole documents."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator

from spacy_ner_plus.evaluation import partial as module
from spacy_ner_plus.evaluation.documents import Document, Entity
from spacy_ner_plus.evaluation.exact import document_counts, exact_scores
from spacy_ner_plus.evaluation.partial import SCHEMES, partial_scores
from spacy_ner_plus.tags import Span
from tests.evaluation.corpora import CORPORA, corpus
from tests.evaluation.docs import flat_spans, make_document, overlapping_spans

Rows = list[dict[str, str | int]]


def plain(entities: tuple[Entity, ...]) -> Rows:
    return [{"label": e.label, "start": e.start, "end": e.end - 1} for e in entities]


def assert_equal_to_nervaluate(documents: list[Document]) -> None:
    labels = sorted({e.label for d in documents for e in (*d.gold, *d.predicted)})
    gold = [plain(document.gold) for document in documents]
    found = [plain(document.predicted) for document in documents]
    expected = Evaluator(gold, found, tags=labels, loader="dict").evaluate()
    ours = partial_scores(documents)
    assert list(ours.types) == labels
    for scheme, theirs in SCHEMES.items():
        assert vars(getattr(ours, scheme)) == vars(expected["overall"][theirs])
        for label in labels:
            of_label = getattr(ours.types[label], scheme)
            assert vars(of_label) == vars(expected["entities"][label][theirs])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(flat_spans, flat_spans), st.tuples(overlapping_spans, overlapping_spans)
        ),
        min_size=1,
        max_size=3,
    )
)
def test_scores_are_those_of_nervaluate_on_whole_documents(
    pairs: list[tuple[list[Span], list[Span]]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PART", 1)  # cut wherever it can be done
        documents = [make_document(*pair) for pair in pairs]
        if any(document.gold or document.predicted for document in documents):
            assert_equal_to_nervaluate(documents)


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_scores_are_those_of_nervaluate_on_a_corpus(name: str) -> None:
    assert_equal_to_nervaluate(corpus(name))


@pytest.mark.parametrize("name", ["bc5cdr", "wnut17", "crossner"])
def test_the_strict_scheme_gives_the_exact_scores(name: str) -> None:
    exact = exact_scores(*document_counts(corpus(name)))
    partial = partial_scores(corpus(name))
    for ours, theirs in [
        (exact.micro, partial.strict),
        *((exact.types[label], partial.types[label].strict) for label in exact.types),
    ]:
        assert (theirs.precision, theirs.recall, theirs.f1) == pytest.approx(
            (ours.precision, ours.recall, ours.f1), rel=0, abs=1e-12
        )
        assert theirs.possible == ours.support


def test_every_entity_is_possible_or_actual_once() -> None:
    for name in CORPORA:
        documents = corpus(name)
        partial = partial_scores(documents)
        for scheme in SCHEMES:
            scores = getattr(partial, scheme)
            assert scores.possible == sum(len(d.gold) for d in documents)
            assert scores.actual == sum(len(d.predicted) for d in documents)


def test_an_entity_that_overlaps_takes_the_gold_one_of_another_that_is_right() -> None:
    """As docs/evaluation.md says of nervaluate and predictions that overlap each other."""
    document = make_document([(1, 3, "A")], [(0, 4, "A"), (1, 3, "A")])
    strict = partial_scores([document]).strict
    assert (strict.correct, strict.incorrect, strict.spurious) == (0, 1, 1)
    assert exact_scores(*document_counts([document])).micro.tp == 1


def test_scores_without_any_entity_are_zero() -> None:
    scores = partial_scores([make_document([], [])])
    assert scores.types == {}
    assert set(vars(scores.strict).values()) == {0}
