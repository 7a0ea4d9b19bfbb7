"""Records on tokens: each annotation is kept, changed or refused, and nothing else changes."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.annotation.doc_records import place_record, span_records
from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.annotation.fitting import fit_record
from spacy_ner_plus.annotation.offsets import TokenEdges
from spacy_ner_plus.annotation.placement import POLICIES, TRIMS, Placing
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord
from tests.record_strategies import records

NLP = spacy.blank("en")
OVERLAPS = ("error", "longest", "first", "labels:x,y")


@settings(deadline=None, max_examples=100)
@given(
    records().filter(lambda record: record.spans is not None),
    st.builds(
        Placing,
        st.sampled_from(POLICIES),
        st.sampled_from(TRIMS),
        st.sampled_from(OVERLAPS),
        st.booleans(),
    ),
    st.booleans(),
)
def test_what_comes_in_is_kept_or_changed_or_refused(record, placing, is_flat):
    doc = NLP.make_doc(record.text)
    edges = TokenEdges(doc)
    fitted = fit_record(record, edges, placing, is_flat=is_flat)
    accepted = [span for span in record.spans if span.is_accepted]
    assert [one.span for one in fitted.placements] == accepted
    outcomes = Counter(one.outcome for one in fitted.placements)
    assert outcomes.keys() <= {"kept", "changed", "refused"}
    assert outcomes.total() == len(accepted)
    found = [span for span in fitted.record.spans if span.is_accepted]
    n_repeated = sum("repeated" in one.done for one in fitted.placements)
    assert len(found) == outcomes["kept"] + outcomes["changed"] - n_repeated
    assert all(edges.tokens(span.start, span.end) for span in found)
    for one in fitted.placements:
        assert (one.placed is None) == (one.outcome == "refused") == bool(one.message)
        assert (one.placed == one.span) == (one.outcome == "kept" or one.done == ("repeated",))
    if is_flat and placing.overlaps != "error":
        ends = sorted((span.start, span.end) for span in found)
        assert all(a[1] <= b[0] for a, b in pairwise(ends))
    refused = {(o.span.start, o.span.end) for o in fitted.placements if o.placed is None}
    assert set(fitted.record.unknown) == {*record.unknown, *refused}
    others = [span for span in record.spans if not span.is_accepted]
    assert [span for span in fitted.record.spans if not span.is_accepted] == others
    assert len(fitted.record.relations) + fitted.n_relations_lost == len(record.relations)
    rest = {"spans": (), "unknown": (), "relations": ()}
    assert replace(fitted.record, **rest) == replace(record, **rest)
    # what fits is left as it is from then on
    again = fit_record(fitted.record, edges, replace(placing, trim="off"), is_flat=is_flat)
    assert {one.outcome for one in again.placements} <= {"kept"}
    assert again.record == fitted.record


def test_two_that_become_the_same_are_one_with_the_relations_of_both():
    record = TextRecord(
        "Parkinsonism in Oslo",
        spans=(
            SpanRecord(0, 9, "X", id=1),
            SpanRecord(9, 12, "X", id=2),
            SpanRecord(16, 20, "Y", id=3),
        ),
        relations=(RelationRecord(2, 3, "in"),),
    )
    edges = TokenEdges(NLP.make_doc(record.text))
    fitted = fit_record(record, edges, Placing("snap", merges_repeated=True), is_flat=True)
    assert fitted.record.spans == (SpanRecord(0, 12, "X", id=1), SpanRecord(16, 20, "Y", id=3))
    assert fitted.record.relations == (RelationRecord(1, 3, "in"),)
    assert [one.done for one in fitted.placements] == [("snapped",), ("snapped", "repeated"), ()]


@pytest.mark.parametrize("overlaps", ["longest", "first", "labels:X"])
def test_of_two_that_are_the_same_one_remains(overlaps):
    twice = (SpanRecord(0, 4, "X", id=1), SpanRecord(0, 4, "X", id=2))
    record = TextRecord("Oslo", spans=twice)
    edges = TokenEdges(NLP.make_doc(record.text))
    fitted = fit_record(record, edges, Placing(overlaps=overlaps), is_flat=True)
    assert fitted.record.spans == twice[:1]
    assert [one.outcome for one in fitted.placements] == ["kept", "refused"]


def test_tokens_of_what_gave_way_are_missing_and_its_relations_lost():
    record = TextRecord(
        "New York City Hall",
        spans=(SpanRecord(0, 13, "A", id=1), SpanRecord(4, 18, "B", id=2)),
        relations=(RelationRecord(1, 2, "x"), RelationRecord(1, 1, "y")),
    )
    placed = place_record(record, NLP, placing=Placing(overlaps="labels:A"))
    assert [token.ent_iob for token in placed.doc] == [3, 1, 1, 0]
    assert placed.fitted.n_relations_lost == 1
    [_, refused] = placed.fitted.placements
    assert refused.message == "B at characters 4-18 overlaps A at 0-13, which remains"


@pytest.mark.parametrize("overlaps", ["error", "longest"])
def test_all_go_to_a_key_and_what_remains_to_ents_as_well(overlaps):
    record = TextRecord("New York City", spans=(SpanRecord(0, 8, "A"), SpanRecord(0, 13, "B")))
    placed = place_record(record, NLP, "sc", Placing(overlaps=overlaps))
    assert [span.label for span in span_records(placed.doc, EntitySource("sc"))] == ["A", "B"]
    assert [span.label for span in span_records(placed.doc)] == ["B"]
    assert {one.outcome for one in placed.fitted.placements} == {"kept"}
