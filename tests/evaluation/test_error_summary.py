"""Counts and costs of errors: each entity once, and gains as mending the documents gives them."""

from dataclasses import replace

import pytest

from spacy_ner_plus.evaluation.documents import Document
from spacy_ner_plus.evaluation.error_summary import summarise_errors
from spacy_ner_plus.evaluation.errors import CORRECT, ERRORS, NAMES, find_errors
from spacy_ner_plus.evaluation.exact import document_counts, exact_scores
from spacy_ner_plus.evaluation.schema import Confusion, SideCounts
from tests.evaluation.corpora import CORPORA, corpus
from tests.evaluation.docs import make_document


def micro_f1(documents: list[Document]) -> float:
    return exact_scores(*document_counts(documents)).micro.f1


def mended(document: Document, kind: str) -> Document:
    errors = [finding for finding in find_errors(document) if finding.kind == kind]
    wrong = {id(entity) for error in errors for entity in error.predicted}
    kept = [entity for entity in document.predicted if id(entity) not in wrong]
    found = [entity for error in errors for entity in error.gold]
    return replace(document, predicted=(*kept, *found))


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_every_entity_is_accounted_for_once(name: str) -> None:
    documents = corpus(name)
    summary = summarise_errors([f for document in documents for f in find_errors(document)])
    n_gold = sum(len(document.gold) for document in documents)
    n_predicted = sum(len(document.predicted) for document in documents)
    assert [kind.kind for kind in summary.kinds] == list(NAMES if name == "nested" else ERRORS)
    assert sum(kind.gold for kind in summary.kinds) + summary.correct == n_gold
    assert sum(kind.predicted for kind in summary.kinds) + summary.correct == n_predicted
    by_type = exact_scores(*document_counts(documents)).types
    assert list(summary.types) == list(by_type)
    for label, kinds in summary.types.items():
        scores = by_type[label]
        assert kinds[CORRECT] == SideCounts(gold=scores.tp, predicted=scores.tp)
        assert sum(of.gold for of in kinds.values()) == scores.support
        assert sum(of.predicted for of in kinds.values()) == scores.predicted


@pytest.mark.parametrize("name", CORPORA)
def test_rows_and_columns_of_the_confusion_add_up(name: str) -> None:
    documents = corpus(name)
    summary = summarise_errors([f for document in documents for f in find_errors(document)])
    labels, counts = summary.confusion.labels, summary.confusion.counts
    assert labels == [*summary.types, None]
    assert counts[-1][-1] == 0
    for i, label in enumerate(labels[:-1]):
        kinds = summary.types[label].values()
        assert sum(counts[i]) == sum(of.gold for of in kinds)
        assert sum(row[i] for row in counts) == sum(of.predicted for of in kinds)
    n_right = sum(counts[i][i] for i in range(len(labels) - 1))
    n_with_label = sum(  # the right type, with wrong boundaries or not
        g is not None and p is not None and g.label == p.label
        for document in documents
        for finding in find_errors(document)
        for g, p in finding.pairs
    )
    assert n_right == n_with_label > summary.correct


@pytest.mark.parametrize("name", CORPORA)
def test_gains_are_those_of_mending_the_documents(name: str) -> None:
    documents = corpus(name)
    summary = summarise_errors([f for document in documents for f in find_errors(document)])
    now = micro_f1(documents)
    assert sum(kind.errors > 0 for kind in summary.kinds) >= 7
    for kind in summary.kinds:
        then = micro_f1([mended(document, kind.kind) for document in documents])
        assert kind.f1_gain == pytest.approx(then - now, abs=1e-12)
        assert kind.share == pytest.approx((then - now) / (1 - now), abs=1e-12)


def test_nothing_is_lost_where_all_is_right() -> None:
    summary = summarise_errors(find_errors(make_document([(0, 2, "A")], [(0, 2, "A")])))
    assert summary.correct == 1
    assert {kind.f1_gain for kind in summary.kinds} == {0.0}
    assert {kind.share for kind in summary.kinds} == {0.0}


def test_no_entities_make_no_errors() -> None:
    summary = summarise_errors([])
    assert summary.confusion == Confusion(labels=[None], counts=[[0]])
    assert summary.types == {}
    assert {kind.f1_gain for kind in summary.kinds} == {0.0}
