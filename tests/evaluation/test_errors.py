"""Each entity in exactly one finding, of the right kind."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.documents import Entity
from spacy_ner_plus.evaluation.errors import CORRECT, NAMES, Finding, find_errors
from spacy_ner_plus.evaluation.nested_errors import NESTED_ERRORS
from spacy_ner_plus.tags import Span
from tests.evaluation.docs import (
    flat_spans,
    make_document,
    overlapping_spans,
    real_documents,
)

any_spans = st.one_of(flat_spans, overlapping_spans)
MIRRORED = {
    "too_short": "too_long",
    "too_long": "too_short",
    "split": "merged",
    "merged": "split",
    "missed": "spurious",
    "spurious": "missed",
}


def mirror(kind: str) -> str:
    """The kind of an error if gold and predicted entities are swapped."""
    place, _, side = kind.partition("_")
    if side in ("missed", "spurious"):
        return f"{place}_{MIRRORED[side]}"
    return MIRRORED.get(kind, kind)


def kinds(gold: list[Span], predicted: list[Span]) -> list[str]:
    return [finding.kind for finding in find_errors(make_document(gold, predicted))]


@pytest.mark.parametrize(
    ("gold", "predicted", "kind"),
    [
        ([(0, 2, "A")], [(0, 2, "A")], "correct"),
        ([(0, 2, "A")], [(0, 2, "B")], "type"),
        ([(0, 3, "A")], [(1, 3, "A")], "too_short"),
        ([(1, 3, "A")], [(0, 4, "A")], "too_long"),
        ([(0, 3, "A")], [(1, 4, "A")], "shifted"),
        ([(0, 3, "A")], [(0, 2, "B")], "boundary_and_type"),
        ([(0, 5, "A")], [(0, 2, "A"), (3, 5, "B")], "split"),
        ([(0, 2, "A"), (3, 5, "A")], [(0, 5, "A")], "merged"),
        ([(0, 2, "A")], [], "missed"),
        ([], [(0, 2, "A")], "spurious"),
        ([(0, 2, "A")], [(2, 4, "A")], "missed spurious"),
    ],
)
def test_kind(gold: list[Span], predicted: list[Span], kind: str) -> None:
    assert " ".join(kinds(gold, predicted)) == kind


NESTED = [(0, 4, "A"), (1, 2, "A")]


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        (NESTED, NESTED[:1], ["correct", "inner_missed"]),
        (NESTED, NESTED[1:], ["outer_missed", "correct"]),
        (NESTED, [], ["outer_missed", "inner_missed"]),
        # the one in the middle is an inner one
        ([(0, 6, "A"), *NESTED], [(1, 2, "A")], ["inner_missed", "outer_missed", "correct"]),
        ([(0, 2, "A"), (0, 2, "B")], [(0, 2, "A")], ["correct", "label_missed"]),
        # inside a gold entity, but no predicted one is there beside it
        ([(0, 4, "A")], [(0, 5, "A"), (2, 6, "A")], ["too_long", "spurious"]),
        ([(0, 4, "A"), (2, 6, "B")], [(0, 4, "A")], ["correct", "missed"]),
    ],
)
@pytest.mark.parametrize("swap", [False, True])
def test_what_shares_tokens_with_its_own_side_has_a_kind_of_its_own(
    gold: list[Span], predicted: list[Span], expected: list[str], swap: bool
) -> None:
    found = kinds(predicted, gold) if swap else kinds(gold, predicted)
    mirrored = [mirror(kind) for kind in expected]
    assert sorted(found) == sorted(mirrored if swap else expected)


def test_an_inner_entity_is_tied_to_the_inner_one_of_the_other_side() -> None:
    """By the number of tokens in common it would be the outer one."""
    found = find_errors(make_document([(0, 9, "A"), (4, 6, "B")], [(3, 7, "B")]))
    assert [(f.kind, [e.span for e in f.gold]) for f in found] == [
        ("outer_missed", [(0, 9, "A")]),
        ("too_long", [(4, 6, "B")]),
    ]


def test_a_nest_changes_no_ties_elsewhere() -> None:
    chain = [(0, 3, "A"), (4, 8, "A")], [(1, 5, "A"), (6, 9, "A")]
    nest = [(10, 12, "A"), (10, 11, "B")], [(10, 12, "B")]
    both = kinds(chain[0] + nest[0], chain[1] + nest[1])
    assert both[: len(kinds(*chain))] == kinds(*chain)
    assert sorted(both) == sorted(kinds(*chain) + kinds(*nest))


def test_repeated_predictions_are_right_once() -> None:
    assert kinds([(0, 2, "A")], [(0, 2, "A"), (0, 2, "A")]) == ["correct", "nested_inside"]


def test_a_chain_is_cut_where_the_overlap_is_least() -> None:
    found = find_errors(make_document([(0, 3, "A"), (4, 8, "A")], [(1, 5, "A"), (6, 9, "A")]))
    assert [(f.kind, f.gold[0].span, f.predicted[0].span) for f in found] == [
        ("shifted", (0, 3, "A"), (1, 5, "A")),
        ("shifted", (4, 8, "A"), (6, 9, "A")),
    ]


def test_overlapping_predictions_do_not_split_an_entity() -> None:
    assert kinds([(0, 5, "A")], [(0, 4, "A"), (1, 3, "A")]) == ["too_short", "inner_spurious"]


def test_of_equal_overlaps_the_same_label_wins() -> None:
    gold, predicted = [(0, 4, "A")], [(0, 3, "B"), (1, 4, "A")]
    assert sorted(kinds(gold, predicted)) == ["nested_inside", "too_short"]


def check_kind(finding: Finding) -> None:
    """What the names say."""
    gold, predicted = finding.gold, finding.predicted
    n = (len(gold), len(predicted))
    if finding.kind == "nested_inside" or finding.kind.endswith(("missed", "spurious")):
        assert n == ((0, 1) if finding.kind.endswith("spurious") else n)
        assert n == ((1, 0) if finding.kind.endswith("missed") else n)
        assert sum(n) == 1
        return
    assert all(g.start < p.end and p.start < g.end for g in gold for p in predicted)
    if finding.kind == "split":
        assert n[0] == 1 < n[1]
        return
    if finding.kind == "merged":
        assert n[1] == 1 < n[0]
        return
    [g], [p] = gold, predicted
    same_span, same_label = g.span[:2] == p.span[:2], g.label == p.label
    expected = {
        "correct": (True, True),
        "type": (True, False),
        "boundary_and_type": (False, False),
    }
    assert (same_span, same_label) == expected.get(finding.kind, (False, True))
    g_in_p, p_in_g = p.start <= g.start and g.end <= p.end, g.start <= p.start and p.end <= g.end
    if finding.kind == "too_short":
        assert p_in_g
    if finding.kind == "too_long":
        assert g_in_p
    if finding.kind == "shifted":
        assert not g_in_p and not p_in_g


def naive_place(own: Entity, side: Sequence[Entity]) -> str | None:
    """How an entity lies to others of its side, looked up one by one."""
    (start, end), label = own.span[:2], own.label
    places = {(e.start, e.end) for e in side} - {(start, end)}
    if any(e.span[:2] == (start, end) and e.label != label for e in side):
        return "label"
    if any(s <= start and end <= e for s, e in places):
        return "inner"
    return "outer" if any(start <= s and e <= end for s, e in places) else None


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(any_spans, any_spans)
def test_every_entity_is_in_one_finding_of_the_right_kind(
    gold: list[Span], predicted: list[Span]
) -> None:
    document = make_document(gold, predicted)
    found = find_errors(document)
    for finding in found:
        check_kind(finding)
    ids = Counter(id(e) for f in found for e in (*f.gold, *f.predicted))
    assert ids == Counter(id(e) for e in (*document.gold, *document.predicted))
    n_correct = sum(f.kind == CORRECT for f in found)
    assert n_correct == sum((Counter(gold) & Counter(predicted)).values())
    assert {f.kind for f in found} <= {CORRECT, *NAMES}
    for finding in found:
        if finding.kind in NESTED_ERRORS:
            [own] = finding.gold or finding.predicted
            side = document.gold if finding.gold else document.predicted
            assert naive_place(own, side) == finding.kind.partition("_")[0]
    assert [f.start for f in found] == sorted(f.start for f in found)
    for entities in (side for f in found for side in (f.gold, f.predicted)):
        assert list(entities) == sorted(entities, key=lambda entity: entity.start)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(any_spans, any_spans)
def test_what_is_alone_overlaps_nothing_that_is_alone(
    gold: list[Span], predicted: list[Span]
) -> None:
    alone = [f for f in find_errors(make_document(gold, predicted)) if not (f.gold and f.predicted)]
    golds = [e for f in alone for e in f.gold]
    others = [e for f in alone for e in f.predicted]
    assert not any(g.start < p.end and p.start < g.end for g in golds for p in others)


@settings(max_examples=100, deadline=None)
@given(flat_spans, flat_spans)
def test_the_other_way_round_errors_are_mirrored(gold: list[Span], predicted: list[Span]) -> None:
    there, back = Counter(kinds(gold, predicted)), Counter(kinds(predicted, gold))
    assert {mirror(kind): n for kind, n in there.items()} == back


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(any_spans, any_spans)
def test_pairs_hold_each_entity_once(gold: list[Span], predicted: list[Span]) -> None:
    for finding in find_errors(make_document(gold, predicted)):
        golds = [g for g, _ in finding.pairs if g is not None]
        others = [p for _, p in finding.pairs if p is not None]
        assert sorted(map(id, golds)) == sorted(map(id, finding.gold))
        assert sorted(map(id, others)) == sorted(map(id, finding.predicted))
        assert sum(None not in pair for pair in finding.pairs) == bool(golds and others)


def test_pairs_join_the_largest_overlap() -> None:
    [finding] = find_errors(make_document([(0, 5, "A")], [(0, 1, "A"), (2, 5, "B")]))
    labels = [(g and g.span, p and p.span) for g, p in finding.pairs]
    assert labels == [((0, 5, "A"), (2, 5, "B")), (None, (0, 1, "A"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("corpus", "nested"),
    [("bc5cdr", False), ("wnut17", False), ("crossner", False), ("bc5cdr", True)],
)
def test_corpora_are_accounted_for(corpus: str, nested: bool) -> None:
    documents = real_documents(corpus, nested=nested)
    counts: Counter[str] = Counter()
    for document in documents:
        found = find_errors(document)
        assert Counter(e for f in found for e in f.gold) == Counter(document.gold)
        assert Counter(e for f in found for e in f.predicted) == Counter(document.predicted)
        counts.update(f.kind for f in found)
    assert {CORRECT, "too_short", "too_long", "type", "missed", "spurious"} <= set(counts)
    assert not nested or {"inner_missed", "inner_spurious", "outer_missed"} <= set(counts)


@pytest.mark.slow
def test_a_document_of_many_errors_takes_no_time_for_each_pair() -> None:
    """100,000 entities on each side: all pairs would be 10 billion."""
    n = 100_000
    gold = [Entity(4 * i, 4 * i + 2, "A", 8 * i, 8 * i + 3) for i in range(n)]
    predicted = [Entity(4 * i + 1, 4 * i + 3, "A", 8 * i + 2, 8 * i + 5) for i in range(n)]
    document = make_document([], [], n_tokens=1)
    object.__setattr__(document, "gold", tuple(gold))
    object.__setattr__(document, "predicted", tuple(predicted))
    assert Counter(f.kind for f in find_errors(document)) == {"shifted": n}
