"""Votes on texts to items, and items to spans with a status."""

import numpy as np
import pytest

from spacy_ner_plus.annotation.rule_hits import BLOCK, BLOCK_WORDS, HARD
from spacy_ner_plus.data.sources.rows import SourceDocument, Tokens
from spacy_ner_plus.voting.vote_table import VoteTable
from spacy_ner_plus.weak_labels.candidates import Candidates
from spacy_ner_plus.weak_labels.statuses import StatusLimits, as_record, decide
from spacy_ner_plus.weak_labels.voters import Vote

VOTERS = ("a", "b", "c")


def vote(start, end, label, voter, kind=HARD):
    return Vote(start, end, label, kind, voter)


def test_places_that_somebody_wants_are_items_of_all_voters():
    found = Candidates(VOTERS)
    found.add([vote(9, 13, "LOC", "b"), vote(0, 4, "PER", "a"), vote(0, 4, "LOC", "b")])
    found.add([])
    found.add([vote(0, 4, "PER", "c"), vote(0, 4, "PER", "c")])
    table = found.table()
    assert found.places == [[(0, 4), (9, 13)], [], [(0, 4)]]
    assert table.labels == ("LOC", "PER")
    assert table.votes.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 2]]
    assert not found.overlaps and not found.n_dropped


def test_blocks_say_none_of_what_they_mean_and_are_no_items():
    found = Candidates(VOTERS)
    found.add(
        [
            vote(0, 8, "LOC", "a"),
            vote(10, 14, "PER", "a"),
            vote(0, 8, "LOC", "b", BLOCK),  # this span, of its type
            vote(10, 14, "LOC", "b", BLOCK),  # of another type
            vote(5, 12, "", "c", BLOCK_WORDS),  # words of both, of any type
            vote(20, 22, "", "c", BLOCK),
        ]
    )
    assert found.table().votes.tolist() == [[1, 3, 3], [2, 0, 3]]


def test_a_voter_wants_the_longest_of_its_own_and_overlaps_of_others_are_counted():
    found = Candidates(VOTERS)
    found.add(
        [
            vote(0, 3, "LOC", "a"),
            vote(0, 8, "LOC", "a"),
            vote(4, 8, "LOC", "b"),
            vote(0, 8, "LOC", "c"),
            vote(0, 8, "PER", "c"),
        ]
    )
    assert found.places == [[(0, 8), (4, 8)]]
    assert found.table().votes.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert found.n_dropped == 2
    assert found.overlaps == {("a", "b"): 1, ("b", "c"): 1}


def decided(places, rows, probabilities, limits=(0.8, 0.2)):
    table = VoteTable.of_rows(VOTERS, ("LOC", "PER"), rows)
    spans = decide(places, table.votes, np.array(probabilities), table, StatusLimits(*limits))
    return [(s.start, s.end, s.label, s.status, s.probability, s.meta["votes"]) for s in spans]


def test_status_is_by_probability_and_the_most_probable_of_overlapping_ones_is_accepted():
    places = [(0, 4), (0, 8), (10, 12), (14, 16), (18, 20)]
    rows = [[1, 0, 0], [1, 1, 0], [2, 1, 3], [1, 2, 0], [0, 2, 0]]
    probabilities = [[0.15, 0.85, 0.0], [0.1, 0.9, 0.0], [0.85, 0.05, 0.1], [0.2, 0.5, 0.3],
                     [0.2, 0.0, 0.8]]  # fmt: skip
    assert decided(places, rows, probabilities) == [
        (0, 4, "LOC", "ignored", 0.85, {"a": "LOC"}),
        (0, 8, "LOC", "accepted", 0.9, {"a": "LOC", "b": "LOC"}),
        (10, 12, "LOC", "rejected", 0.05, {"a": "PER", "b": "LOC", "c": ""}),
        (10, 12, "PER", "rejected", 0.1, {"a": "PER", "b": "LOC", "c": ""}),
        (14, 16, "LOC", "ignored", 0.5, {"a": "LOC", "b": "PER"}),
        (18, 20, "PER", "accepted", 0.8, {"b": "PER"}),
    ]
    assert decided([], [], np.zeros((0, 3))) == []


@pytest.mark.parametrize("limits", [(0.5, 0.5), (1.1, 0.2), (0.5, -0.1), (0.2, 0.8)])
def test_limits_must_be_probabilities_in_their_order(limits):
    with pytest.raises(ValueError, match="must be from 0 to 1, the second larger"):
        StatusLimits(*limits)


def test_records_say_what_is_known_outside_of_candidates():
    tokens = Tokens(["Anna", " ", "saw"], [True, False, False])
    document = SourceDocument("a1", 1, "Anna  saw", tokens=tokens)
    record = as_record(document, [], unknown_outside=False)
    assert (record.id, record.unknown, record.spans) == ("a1", (), ())
    assert [(token.start, token.end) for token in record.tokens] == [(0, 4), (6, 9)]
    assert as_record(document, [], unknown_outside=True).unknown == ((0, 9),)
