"""Places in the order of the text, against all assignments that there are."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.pipeline.llm_reading.grounding.monotone_assignment import (
    CandidatePlace,
    assign_in_order,
)
from spacy_ner_plus.pipeline.llm_reading.grounding.ordered_anchors import ordered_anchors


def assignments(
    candidates: Sequence[Sequence[CandidatePlace]], start: int, end: int
) -> Iterator[tuple[CandidatePlace | None, ...]]:
    for chosen in product(*([None, *places] for places in candidates)):
        at, is_sound = start, True
        for place in chosen:
            if place is not None:
                is_sound &= at <= place.start and place.end <= end
                at = place.end
        if is_sound:
            yield chosen


def by_enumeration(
    candidates: Sequence[Sequence[CandidatePlace]], start: int, end: int
) -> list[CandidatePlace | None]:
    def score(chosen: tuple[CandidatePlace | None, ...]) -> tuple[int, int]:
        given = [place for place in chosen if place is not None]
        return len(given), sum(place.rank for place in given)

    all_of_them = set(assignments(candidates, start, end))
    best = max(map(score, all_of_them))
    options = [set(column) for column in zip(*(a for a in all_of_them if score(a) == best))]  # noqa: B905
    return [column.pop() if len(column) == 1 else None for column in options]


places = st.builds(
    lambda start, length, rank: CandidatePlace(start, start + length, rank),
    st.integers(0, 8),
    st.integers(1, 3),
    st.integers(0, 2),
)


def one_rank_a_place(found: list[CandidatePlace]) -> list[CandidatePlace]:
    return list({(place.start, place.end): place for place in found}.values())


candidate_lists = st.lists(
    st.lists(places, max_size=4).map(one_rank_a_place), min_size=1, max_size=4
)


@settings(deadline=None)
@given(candidate_lists, st.integers(0, 2), st.integers(6, 11))
def test_assignment_is_what_all_best_ones_agree_on(
    candidates: list[list[CandidatePlace]], start: int, end: int
) -> None:
    assert assign_in_order(candidates, start, end) == by_enumeration(candidates, start, end)


def test_as_many_as_there_are_places_are_in_order() -> None:
    own = [CandidatePlace(0, 5), CandidatePlace(10, 15), CandidatePlace(20, 25)]
    assert assign_in_order([own, own, own], 0, 30) == own


def test_too_few_are_nowhere() -> None:
    own = [CandidatePlace(0, 5), CandidatePlace(10, 15), CandidatePlace(20, 25)]
    assert assign_in_order([own, own], 0, 30) == [None, None]
    assert assign_in_order([own], 6, 19) == [own[1]]


def test_many_repeats_in_a_long_text() -> None:
    own = [CandidatePlace(2 * i, 2 * i + 1) for i in range(3000)]
    assert assign_in_order([own] * 3000, 0, 6000) == own


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=8))
def test_anchors_are_in_every_longest_subsequence(starts: list[int]) -> None:
    subsequences = [
        [i for i, is_in in enumerate(chosen) if is_in]
        for chosen in product([True, False], repeat=len(starts))
    ]
    rising = [one for one in subsequences if all(starts[a] < starts[b] for a, b in pairwise(one))]
    longest = max(map(len, rising))
    common = set.intersection(*(set(one) for one in rising if len(one) == longest))
    assert ordered_anchors(starts) == sorted(common)
