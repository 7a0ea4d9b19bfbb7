"""Scores of entities inside of others."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.documents import Document
from spacy_ner_plus.evaluation.nested_scores import (
    INNER,
    OUTER,
    inner_ones,
    level_counts,
    nesting,
)
from spacy_ner_plus.nesting.nesting_counts import NestingCounts
from spacy_ner_plus.tags import Span
from tests.evaluation.corpora import corpus
from tests.evaluation.docs import flat_spans, make_document, overlapping_spans

pairs_of_sides = st.lists(st.tuples(overlapping_spans, overlapping_spans), min_size=1, max_size=3)


def is_inner(span: Span, side: list[Span]) -> bool:
    return any(s <= span[0] and span[1] <= e and (s, e) != span[:2] for s, e, _ in side)


@settings(deadline=None, max_examples=60)
@given(flat_spans, flat_spans)
def test_entities_that_share_no_token_have_no_nesting(
    gold: list[Span], predicted: list[Span]
) -> None:
    assert nesting([make_document(gold, predicted)], samples=5) is None


@settings(deadline=None, max_examples=100)
@given(pairs_of_sides)
def test_levels_are_counted_span_by_span(pairs: list[tuple[list[Span], list[Span]]]) -> None:
    documents = [make_document(*pair) for pair in pairs]
    found = nesting(documents, samples=5)
    if found is None:
        return
    for name, its, inner in (OUTER, found.outer, False), (INNER, found.inner, True):
        golds = [(s, p) for g, p in pairs for s in g if is_inner(s, g) == inner]
        others = [(s, g) for g, p in pairs for s in p if is_inner(s, p) == inner]
        assert its.group == name
        assert (its.gold, its.predicted) == (len(golds), len(others))
        assert its.found == sum(span in other for span, other in golds)
        assert its.correct == sum(span in other for span, other in others)
        assert (its.recall is None) == (its.f1 is None) == (not golds)
        if its.f1:
            assert its.f1 == pytest.approx(2 / (1 / its.precision + 1 / its.recall))
    assert sum(its.gold for its in found.depths[1:]) == found.inner.gold
    assert found.depths[0].gold == found.outer.gold
    n_right = sum(
        span in p and is_inner(span, g) == is_inner(span, p) for g, p in pairs for span in g
    )
    assert found.on_level.tp == n_right
    assert found.on_level.support == found.outer.gold + found.inner.gold
    for document, (_, predicted) in zip(documents, pairs, strict=True):
        flags = [is_inner(entity.span, predicted) for entity in document.predicted]
        assert inner_ones(document.predicted) == flags


def document_with(*predicted: Span) -> Document:
    return make_document([(0, 4, "A"), (1, 2, "B")], predicted)


def test_an_inner_entity_that_is_found_without_the_outer_one_is_on_another_level() -> None:
    found = nesting([document_with((1, 2, "B"))])
    assert found is not None
    assert (found.inner.recall, found.inner.precision, found.inner.f1) == (1.0, None, 0.0)
    assert (found.outer.recall, found.outer.precision, found.outer.f1) == (0.0, 1.0, 0.0)
    assert (found.on_level.tp, found.on_level.f1) == (0, 0.0)
    assert (found.gold, found.predicted) == (
        NestingCounts(spans=2, nested=1, deepest=2),
        NestingCounts(spans=1, deepest=1),
    )
    assert found.inner.interval is None  # of a single document


def test_intervals_are_those_of_documents_drawn_again() -> None:
    right, wrong = document_with((0, 4, "A"), (1, 2, "B")), document_with((0, 4, "A"))
    same = nesting([right] * 5, samples=50)
    assert same is not None and same.inner.interval == (1.0, 1.0)
    mixed = nesting([right, wrong] * 10, samples=200)
    assert mixed is not None and mixed.inner.interval is not None
    low, high = mixed.inner.interval
    assert low < mixed.inner.f1 < high  # type: ignore[operator]
    assert mixed.outer.interval == (1.0, 1.0)
    again = nesting([right, wrong] * 10, samples=200)
    assert again == mixed


def test_levels_of_a_corpus_add_up() -> None:
    documents = corpus("nested")
    found = nesting(documents, samples=20)
    assert found is not None
    assert found.inner.gold == found.gold.nested > 50
    assert level_counts(documents).sum() == sum(
        its.gold + its.found + its.predicted + its.correct for its in (found.outer, found.inner)
    )
    assert sum(len(document.gold) for document in documents) == found.outer.gold + found.inner.gold
