"""Where annotations go that do not start and end with tokens, against brute force."""

from itertools import combinations

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.annotation.offsets import TokenEdges
from spacy_ner_plus.annotation.overlaps import check_overlaps, choose_flat
from spacy_ner_plus.annotation.placement import OUTCOMES, Placing, place_span, trimmed
from spacy_ner_plus.records import SpanRecord
from tests.record_strategies import stretches

NLP = spacy.blank("en")


@st.composite
def docs(draw):
    words = draw(st.lists(st.text("ab.😀", min_size=1, max_size=3) | st.just("\n"), min_size=1))
    return Doc(NLP.vocab, words, [draw(st.booleans()) for _ in words])


def runs(doc):
    """The characters of all runs of tokens that do not start or end with white space."""
    solid = [token for token in doc if not token.is_space]
    return [(a.idx, b.idx + len(b)) for a in solid for b in solid if a.i <= b.i]


@settings(deadline=None, max_examples=100)
@given(docs(), st.data())
def test_snap_is_the_smallest_cover_and_contract_the_largest_run_within(doc, data):
    start, end = data.draw(stretches(len(doc.text)))
    span, edges = SpanRecord(start, end, "X", text=doc.text[start:end]), TokenEdges(doc)
    touched = [t for t in doc if t.idx < end and t.idx + len(t) > start and not t.is_space]
    covers = [
        run for run in runs(doc)
        if touched and run[0] <= touched[0].idx and touched[-1].idx + len(touched[-1]) <= run[1]
    ]  # fmt: skip
    within = [run for run in runs(doc) if start <= run[0] and run[1] <= end]
    is_run = (start, end) in runs(doc)
    for policy, wanted in (
        ("snap", min(covers, key=lambda run: run[1] - run[0], default=None)),
        ("contract", max(within, key=lambda run: run[1] - run[0], default=None)),
        ("missing", None),
    ):
        found = place_span(span, doc.text, edges, Placing(policy))
        assert found.span is span
        if is_run:
            assert (found.outcome, found.placed, found.done) == ("kept", span, ())
        elif wanted is None:
            assert (found.outcome, found.placed, found.done) == ("refused", None, ("misaligned",))
            assert found.message == str(found.misfit)
        else:
            assert found.outcome == "changed"
            assert (found.placed.start, found.placed.end) == wanted
            assert found.placed.text == doc.text[slice(*wanted)]
            assert found.done == ({"snap": "snapped", "contract": "contracted"}[policy],)


@pytest.mark.parametrize(
    ("text", "space", "punctuation"),
    [
        (" Anna \n", "Anna", "Anna"),
        ("Anna,", "Anna,", "Anna"),
        ('"Anna"', '"Anna"', "Anna"),
        ("(Anna) .", "(Anna) .", "Anna"),
        ("(Anna", "(Anna", "Anna"),
        ("Anna )", "Anna )", "Anna"),
        ("interleukin (IL)", "interleukin (IL)", "interleukin (IL)"),
        ("(IL) receptor (R)", "(IL) receptor (R)", "(IL) receptor (R)"),
        ("U.S.", "U.S.", "U.S."),
        ("50 %", "50 %", "50 %"),
        ("...", "...", "..."),
        ("  ", "  ", "  "),
        ("«Anna» und", "«Anna» und", "«Anna» und"),
    ],
)
def test_edges_are_trimmed_of_what_is_no_part_of_names(text, space, punctuation):
    """Each is annotated whole."""
    before = "See "
    doc = NLP.make_doc(f"{before}{text} there")
    place = len(before), len(before) + len(text)
    for trim, wanted in (("off", text), ("space", space), ("punctuation", punctuation)):
        assert doc.text[slice(*trimmed(doc.text, TokenEdges(doc), place, trim))] == wanted


def test_what_is_trimmed_is_changed_and_may_be_snapped_as_well():
    doc = NLP.make_doc("Anna saw Parkinsonism .")
    span = SpanRecord(8, 18, "X", text=" Parkinson")
    found = place_span(span, doc.text, TokenEdges(doc), Placing("snap", trim="space"))
    assert (found.outcome, found.done) == ("changed", ("trimmed", "snapped"))
    assert found.placed == SpanRecord(9, 21, "X", text="Parkinsonism")
    assert (found.misfit.starts, found.misfit.ends) == ((9,), (8, 21))


def test_options_are_checked():
    with pytest.raises(ValueError, match="--misaligned drop must be one of error, snap"):
        Placing("drop")
    with pytest.raises(ValueError, match="--trim all must be one of off, space, punctuation"):
        Placing(trim="all")
    for wrong, message in (
        ("shortest", "--overlaps shortest must be one of error, longest, first, or labels:A,B"),
        ("labels:A,,B", "--overlaps labels:A,,B must be"),
        ("labels:A,A", "names a type twice"),
    ):
        with pytest.raises(ValueError, match=message):
            Placing(overlaps=wrong)
    check_overlaps("labels:A, B")
    assert OUTCOMES == ("kept", "changed", "refused")


@st.composite
def crossing(draw):
    places = draw(st.lists(stretches(9), max_size=7))
    return [SpanRecord(*place, draw(st.sampled_from("ABC"))) for place in places]


KEYS = {
    "first": lambda span: 0,
    "longest": lambda span: span.start - span.end,
    "labels:B,A": lambda span: ("BA".find(span.label) % 3, span.start - span.end),
}


@pytest.mark.parametrize("overlaps", KEYS)
@settings(max_examples=100)
@given(crossing())
def test_of_overlapping_ones_each_gives_way_to_a_better_one_that_remains(overlaps, spans):
    found = choose_flat(spans, overlaps)
    assert sorted(found) == list(range(len(spans)))
    remaining = [i for i, winner in found.items() if winner is None]
    for i, j in combinations(remaining, 2):
        assert spans[i].end <= spans[j].start or spans[j].end <= spans[i].start
    key = KEYS[overlaps]
    for i, winner in found.items():
        if winner is not None:
            assert winner in remaining
            assert spans[winner].start < spans[i].end and spans[i].start < spans[winner].end
            assert (key(spans[winner]), winner) < (key(spans[i]), i)
