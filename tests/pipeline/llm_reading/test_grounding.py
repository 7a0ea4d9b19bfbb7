# ruff: noqa: RUF001
"""From mentions to characters: found right or not at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.pipeline.llm_reading.grounding.ground_mentions import ground_mentions
from spacy_ner_plus.pipeline.llm_reading.grounding.mentions import (
    GROUNDINGS,
    REASONS,
    Grounding,
    Mention,
    TokenBounds,
)
from tests.pipeline.llm_reading.test_closest_windows import words_of


def ground(
    text: str,
    *mentions: str,
    tokens: list[tuple[int, int]] | None = None,
    **settings: object,
) -> Grounding:
    """Mentions as "LABEL:text", or text alone."""
    given = [one.rpartition(":") for one in mentions]
    return ground_mentions(
        text,
        TokenBounds.of(words_of(text) if tokens is None else tokens),
        [Mention(name, label or "X") for label, _, name in given],
        **settings,  # type: ignore[arg-type]
    )


def places(grounding: Grounding) -> list[tuple[int, int, int, str]]:
    return [(one.index, one.start, one.end, one.how) for one in grounding.found]


def reasons(grounding: Grounding) -> dict[int, str]:
    return {one.index: one.reason for one in grounding.lost}


def characters(text: str) -> list[tuple[int, int]]:
    return [(i, i + 1) for i, char in enumerate(text) if not char.isspace()]


def test_a_mention_is_found_as_it_stands_or_reads_or_is_like() -> None:
    text = "Haloperidol gave severe  Catalepsy and hyperthermya"
    found = ground(text, "Haloperidol", "severe catalepsy", "hyperthermia")
    assert places(found) == [
        (0, 0, 11, "exact"),
        (1, 17, 34, "normalised"),
        (2, 39, 51, "fuzzy"),
    ]
    strict = ground(text, "hyperthermia", least_similarity=None)
    assert reasons(strict) == {0: "absent"}


def test_signs_around_a_mention_do_not_matter_unless_the_text_has_them() -> None:
    text = "aspirin , Acme Inc. won"
    found = ground(text, '"aspirin."', "Acme Inc.", "!?")
    assert places(found) == [(0, 0, 7, "normalised"), (1, 10, 19, "exact")]
    assert reasons(found) == {2: "absent"}


def test_single_places_are_found_in_any_order() -> None:
    text = "Paris and London and Rome"
    assert [p[:3] for p in places(ground(text, "Rome", "London", "Paris"))] == [
        (0, 21, 25),
        (1, 10, 16),
        (2, 0, 5),
    ]


def test_as_many_mentions_as_places_are_all_of_them() -> None:
    found = ground("Paris , London , Paris", "LOC:Paris", "LOC:Paris", "LOC:London")
    assert [one.place for one in found.found] == [(0, 5), (17, 22), (8, 14)]


def test_repeats_get_their_labels_in_order() -> None:
    text = "Washington met in Washington"
    found = ground(text, "PER:Washington", "LOC:Washington")
    assert [one.place for one in found.found] == [(0, 10), (18, 28)]


def test_neighbours_say_which_of_several_places_is_meant() -> None:
    text = "aspirin , fever , aspirin , rash , aspirin"
    found = ground(text, "fever", "aspirin", "rash")
    assert [one.place for one in found.found] == [(10, 15), (18, 25), (28, 32)]


def test_what_the_order_leaves_open_is_not_guessed() -> None:
    text = "aspirin , fever , aspirin , aspirin"
    found = ground(text, "fever", "aspirin")
    assert reasons(found) == {1: "ambiguous"}
    assert found.lost[0].places == ((0, 7), (18, 25), (28, 35))
    everywhere = ground(text, "fever", "aspirin", repeats="all")
    assert [one.place for one in everywhere.found] == [(10, 15), (0, 7), (18, 25), (28, 35)]


def test_a_mention_out_of_order_leads_nobody_astray() -> None:
    text = "Rome aspirin fever aspirin rash aspirin Oslo"
    found = ground(text, "Oslo", "Rome", "fever", "aspirin", "rash")
    assert [one.place for one in found.found if one.index == 3] == [(19, 26)]


def test_two_labels_for_one_place_are_none() -> None:
    found = ground("Paris won", "PER:Paris", "LOC:Paris")
    assert not found.found
    assert reasons(found) == {0: "ambiguous", 1: "ambiguous"}


def test_one_too_many_is_counted() -> None:
    found = ground("Paris won", "Paris", "Paris", "paris")
    assert places(found) == [(0, 0, 5, "exact")]
    assert reasons(found) == {1: "surplus", 2: "surplus"}


def test_a_place_within_another_mention_is_none_unless_they_may_nest() -> None:
    text = "University of Cambridge in Cambridge"
    mentions = ("ORG:University of Cambridge", "LOC:Cambridge")
    assert [one.place for one in ground(text, *mentions).found] == [(0, 23), (27, 36)]
    assert reasons(ground(text, *mentions, may_nest=True)) == {}  # what follows is the second
    nested = ground("University of Cambridge", *mentions, may_nest=True)
    assert [one.place for one in nested.found] == [(0, 23), (14, 23)]


def test_the_exact_one_of_two_that_read_alike_is_meant() -> None:
    found = ground("May may may", "May")
    assert places(found) == [(0, 0, 3, "exact")]


@pytest.mark.parametrize(
    ("text", "mention", "reason"),
    [
        ("Paris", "London", "absent"),
        ("COVID-19 spread", "COVID", "off_tokens"),
        ("Paris", "  \u200b", "empty"),
        ("Paris", "", "empty"),
        ("", "Paris", "absent"),
    ],
)
def test_what_has_no_place_has_a_reason(text: str, mention: str, reason: str) -> None:
    assert reasons(ground(text, mention)) == {0: reason}


@pytest.mark.parametrize(
    ("text", "mention", "place"),
    [
        ("北京大学在北京市", "北京市", (5, 8)),
        ("ฉันไปกรุงเทพ", "กรุงเทพ", (5, 12)),
        ("\u202bגר בתל אביב\u202c", "תל אביב", (5, 12)),
        ("👩\u200d🔬 in Zürich 🇨🇭", "Zu\u0308rich", (7, 13)),
        ("a\r\nNew\r\nYork", "New York", (3, 12)),
    ],
)
def test_scripts_without_spaces_and_letters_of_several_points(
    text: str, mention: str, place: tuple[int, int]
) -> None:
    [found] = ground(text, mention, tokens=characters(text)).found
    assert found.place == place


def test_many_absent_mentions_in_a_long_text_are_bounded() -> None:
    text = "word " * 4000
    found = ground(text, *(f"{'nothing like it' * 9} {i:05}" for i in range(200)))
    counts = found.counts()
    assert counts["unsearched"] > 0
    assert counts["unsearched"] + counts["absent"] == 200


WORDS = ["a", "A", "b", "a b", "c"]


@st.composite
def answers_in_order(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    """A text, and some annotation of it that does not nest."""
    text = " ".join(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8)))
    places, gold, at = words_of(text), [], 0
    while at < len(places):
        length = draw(st.integers(0, min(2, len(places) - at)))
        if length:
            label = draw(st.sampled_from(["X", "Y"]))
            gold.append((places[at][0], places[at + length - 1][1], label))
        at += max(length, 1)
    return text, gold


@settings(deadline=None, max_examples=200)
@given(answers_in_order())
def test_no_answer_in_order_is_grounded_wrongly(
    case: tuple[str, list[tuple[int, int, str]]],
) -> None:
    text, gold = case
    mentions = [Mention(text[start:end], label) for start, end, label in gold]
    found = ground_mentions(text, TokenBounds.of(words_of(text)), mentions)
    for one in found.found:
        assert one.place == gold[one.index][:2]
        assert one.how == "exact"
    assert {one.reason for one in found.lost} <= {"ambiguous"}
    for lost in found.lost:
        assert gold[lost.index][:2] in lost.places


@settings(deadline=None, max_examples=100)
@given(
    st.text("aAbB \u0301é’1", max_size=12),
    st.lists(st.text("aAbB \u0301é'12", max_size=5), max_size=5),
    st.booleans(),
    st.sampled_from(["in_order", "all"]),
)
def test_any_answer_gives_stretches_of_tokens(
    text: str, names: list[str], may_nest: bool, repeats: str
) -> None:
    tokens = words_of(text)
    mentions = [Mention(name, "XY"[i % 2]) for i, name in enumerate(names)]
    found = ground_mentions(
        text, TokenBounds.of(tokens), mentions, may_nest=may_nest, repeats=repeats
    )
    for one in found.found:
        assert one.start in {start for start, _ in tokens}
        assert one.end in {end for _, end in tokens}
        assert one.how in GROUNDINGS
    assert len({one.place for one in found.found}) == len(found.found)
    assert {one.reason for one in found.lost} <= set(REASONS)
    indices = [*{one.index for one in found.found}, *(one.index for one in found.lost)]
    assert sorted(indices) == list(range(len(mentions)))
    if repeats == "in_order":
        assert len(found.found) + len(found.lost) == len(mentions)
