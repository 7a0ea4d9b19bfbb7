"""Partial credit, against nervaluate on whole documents."""

from collections.abc import Callable

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
@given(st.lists(st.tuples(flat_spans, flat_spans), min_size=1, max_size=3))
def test_scores_are_those_of_nervaluate_on_whole_documents(
    pairs: list[tuple[list[Span], list[Span]]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PART", 1)  # cut wherever it can be done
        documents = [make_document(*pair) for pair in pairs]
        if any(document.gold or document.predicted for document in documents):
            assert_equal_to_nervaluate(documents)


def naive_pairs(document: Document, same: Callable[[Entity, Entity], bool]) -> int:
    """How many entities of the two sides can be paired, each once."""
    free = list(document.predicted)
    n_pairs = 0
    for g in document.gold:
        for p in free:
            if same(g, p):
                free.remove(p)
                n_pairs += 1
                break
    return n_pairs


@settings(max_examples=100, deadline=None)
@given(st.one_of(flat_spans, overlapping_spans), overlapping_spans)
def test_as_many_are_right_as_can_be_where_entities_overlap(
    gold: list[Span], predicted: list[Span]
) -> None:
    document = make_document(gold, predicted)
    partial = partial_scores([document])
    exact = exact_scores(*document_counts([document]))
    assert partial.strict.correct == exact.micro.tp
    n_same = naive_pairs(document, lambda g, p: g.span[:2] == p.span[:2])
    assert partial.exact.correct == partial.partial.correct == n_same
    assert partial.type.correct >= partial.strict.correct
    for label, its in exact.types.items():
        assert partial.types[label].strict.correct == its.tp
    for scheme in SCHEMES:
        its = getattr(partial, scheme)
        n_pairs = its.correct + its.incorrect + its.partial
        assert (its.possible, its.actual) == (len(gold), len(predicted))
        assert its.missed == len(gold) - n_pairs and its.spurious == len(predicted) - n_pairs


def test_overlapping_entities_leave_what_is_elsewhere_to_nervaluate() -> None:
    """The counts of a document are those of its stretches."""
    far = [(0, 2, "A"), (3, 5, "A")], [(1, 4, "A")]
    near = [(6, 10, "A"), (7, 9, "B")], [(7, 9, "B"), (8, 12, "A")]
    whole = make_document(far[0] + near[0], far[1] + near[1])
    apart = [make_document(*far), make_document(*near)]
    assert partial_scores([whole]) == partial_scores(apart)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CORPORA if name != "nested"])
def test_scores_are_those_of_nervaluate_on_a_corpus(name: str) -> None:
    assert_equal_to_nervaluate(corpus(name))


@pytest.mark.parametrize("name", CORPORA)
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


def test_an_entity_that_overlaps_leaves_the_gold_one_to_another_that_is_right() -> None:
    """nervaluate goes from left to right, and would give it to the first."""
    document = make_document([(1, 3, "A")], [(0, 4, "A"), (1, 3, "A")])
    strict = partial_scores([document]).strict
    assert (strict.correct, strict.incorrect, strict.spurious) == (1, 0, 1)
    found = Evaluator(
        [plain(document.gold)], [plain(document.predicted)], tags=["A"], loader="dict"
    ).evaluate()["overall"]["strict"]
    assert (found.correct, found.incorrect, found.spurious) == (0, 1, 1)


def test_the_same_label_comes_before_the_same_span_for_the_type() -> None:
    scores = partial_scores([make_document([(0, 3, "A"), (0, 3, "B")], [(0, 3, "C"), (0, 2, "B")])])
    assert (scores.exact.correct, scores.exact.incorrect) == (1, 1)
    assert (scores.partial.correct, scores.partial.partial) == (1, 1)
    assert (scores.type.correct, scores.type.incorrect) == (1, 1)
    assert scores.strict.correct == 0
    assert scores.types["B"].partial.partial == 1


def test_scores_without_any_entity_are_zero() -> None:
    scores = partial_scores([make_document([], [])])
    assert scores.types == {}
    assert set(vars(scores.strict).values()) == {0}
