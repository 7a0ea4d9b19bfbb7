"""The closest windows, against the distance to each window that there is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.pipeline.llm_reading.grounding.closest_windows import closest_windows
from spacy_ner_plus.pipeline.llm_reading.grounding.folded_text import FoldedText, fold
from spacy_ner_plus.pipeline.llm_reading.grounding.mentions import TokenBounds


def words_of(text: str) -> list[tuple[int, int]]:
    places, at = [], 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        places.append((start, at))
    return places


def edits(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, char in enumerate(one):
        new = [i + 1]
        for j, its in enumerate(other):
            new.append(min(row[j] + (char != its), row[j + 1] + 1, new[j] + 1))
        row = new
    return row[-1]


def by_enumeration(text: str, mention: str, least: float) -> set[tuple[int, int]]:
    """The longest and the shortest of the closest windows that end at a place."""
    places = words_of(text)
    most = int((1 - least) * len(mention) + 1e-9)
    distance = {
        (start, end): edits(fold(text[start:end]), mention)
        for start, _ in places
        for _, end in places
        if start < end
    }
    best = min(distance.values(), default=most + 1)
    if not most or best > most:
        return set()
    closest = [place for place, n in distance.items() if n == best]
    starts = {end: [start for start, its in closest if its == end] for _, end in closest}
    return {(pick(own), end) for end, own in starts.items() for pick in (min, max)}


@settings(deadline=None)
@given(
    st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=6).map(" ".join),
    st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=3).map(" ".join),
    st.sampled_from([0.5, 0.75, 0.8]),
)
def test_windows_are_the_closest(text: str, mention: str, least: float) -> None:
    folded = FoldedText(text, TokenBounds.of(words_of(text)))
    found = closest_windows(folded, mention, least)
    assert found == sorted(by_enumeration(text, mention, least))


@pytest.mark.parametrize(
    ("mention", "found"),
    [
        ("severe catalepsi", ["severe catalepsy"]),
        ("diabetes type 1", []),  # not type 2
        ("haloperidole", ["haloperidol"]),
        ("halo", []),
        ("x" * 400, []),
    ],
)
def test_numbers_must_be_the_same(mention: str, found: list[str]) -> None:
    text = "haloperidol for severe catalepsy and diabetes type 2"
    folded = FoldedText(text, TokenBounds.of(words_of(text)))
    assert [text[start:end] for start, end in closest_windows(folded, mention, 0.75)] == found


def test_nothing_is_like_anything_in_an_empty_text() -> None:
    assert closest_windows(FoldedText("  ", TokenBounds.of([])), "mention", 0.75) == []
