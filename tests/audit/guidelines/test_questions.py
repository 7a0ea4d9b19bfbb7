"""The cases of each kind of question, against those that enumerating all stretches finds."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.audit.guidelines.case import code, plain
from spacy_ner_plus.audit.guidelines.edge import Edge
from spacy_ner_plus.audit.guidelines.joint import Joined
from spacy_ner_plus.audit.guidelines.marked_text import MarkedEntity, MarkedText
from spacy_ner_plus.audit.guidelines.nested import Nested
from spacy_ner_plus.audit.guidelines.surface_form import IN_PART, NEVER, SurfaceForm
from tests.audit.guidelines.texts import WORDS, flat_texts, make_text, nested_texts

FOUND = tuple[str, tuple[int, int]]


def stretches(text: MarkedText) -> Iterator[tuple[int, int]]:
    n = len(text.starts)
    return ((start, end) for start in range(n) for end in range(start + 1, n + 1))


def tags(text: MarkedText) -> list[str]:
    """For each word what it is in: a type and the number of its entity, O, or ?."""
    made = ["?" if i in text.missing else "O" for i in range(len(text.starts))]
    for number, (start, end, label) in enumerate(text.entities):
        made[start:end] = [f"{label}{number}"] * (end - start)
    return made


def is_one_sentence(text: MarkedText, start: int, end: int) -> bool:
    return not text.opens & {*range(start, end)} - {start}


def edge_cases(text: MarkedText, side: str, word: str) -> set[FOUND]:
    """Of LOC, in a flat text."""
    words, around, found = text.words, tags(text), set()
    for start, end in stretches(text):
        first, rest = (start, (start + 1, end)) if side == "left" else (end - 1, (start, end - 1))
        if end - start < 2 or words[first] != word:
            continue
        if MarkedEntity(start, end, "LOC") in text.entities:
            found.add(("inside", (start, end)))
        elif MarkedEntity(*rest, "LOC") in text.entities and around[first] == "O":
            begins_inside = words[rest[0] if side == "left" else rest[1] - 1] == word
            is_longer = rest[1] - rest[0] > 1
            if not (begins_inside and is_longer) and is_one_sentence(text, start, end):
                found.add(("outside", (start, end)))
    return found


@given(flat_texts(), st.sampled_from(["left", "right"]), st.sampled_from(WORDS))
@settings(deadline=None)
def test_edges_are_all_found(text: MarkedText, side: str, word: str) -> None:
    found = Edge("LOC", side, (word,)).cases(text)
    expected = edge_cases(text, side, word.casefold())
    assert {(case.practice, case.whole) for case in found} == expected


@given(flat_texts(), st.sampled_from(["left", "right"]))
@settings(deadline=None)
def test_edges_are_mended_to_the_other_practice(text: MarkedText, side: str) -> None:
    """And the case is then as the rule says: any other way it would be found again."""
    edge = Edge("LOC", side, ("the", "and", "the and"))
    for case in edge.cases(text):
        rule = "inside" if case.practice == "outside" else "outside"
        (entity,) = edge.mended(case, rule)
        words = (case.whole[1] - case.whole[0]) - (case.parts[0][1] - case.parts[0][0])
        assert " ".join(text.words[case.whole[0] : case.whole[1]]).count(" ") + 1 > words
        assert entity[:2] == (case.whole if rule == "inside" else case.parts[0])
        others = set(text.entities) - set(case.now)
        again = edge.cases(text.with_entities({*others, entity}))
        mended = [one for one in again if one.now == (entity,)]
        assert rule == "outside" or [one.practice for one in mended] == ["inside"]


def joined_cases(text: MarkedText, word: str) -> set[FOUND]:
    around, found = tags(text), set()
    for start, end in stretches(text):
        if (
            MarkedEntity(start, end, "LOC") in text.entities
            and word in text.words[start + 1 : end - 1]
        ):
            found.add(("one", (start, end)))
    for left, right in pairwise(text.entities):
        gap = range(left.end, right.start)
        if (
            left.label == right.label == "LOC"
            and len(gap) == 1
            and text.words[gap[0]] == word
            and around[gap[0]] == "O"
            and is_one_sentence(text, left.start, right.end)
        ):
            found.add(("two", (left.start, right.end)))
    return found


@given(flat_texts(), st.sampled_from(WORDS))
@settings(deadline=None)
def test_joints_are_all_found(text: MarkedText, word: str) -> None:
    found = list(Joined("LOC", (word,)).cases(text))
    assert {(one.practice, one.whole) for one in found} == joined_cases(text, word.casefold())


@given(flat_texts())
@settings(deadline=None)
def test_joints_are_mended_to_what_is_left_between(text: MarkedText) -> None:
    joined = Joined("LOC", ("and", ",", ", and"))
    for case in joined.cases(text):
        if case.practice == "one":
            parts = joined.mended(case, "two")
            assert len(parts) >= 2
            assert (parts[0].start, parts[-1].end) == case.whole
            for left, right in pairwise(parts):
                assert set(text.words[left.end : right.start]) <= {"and", ","}
        else:
            assert joined.mended(case, "one") == (MarkedEntity(*case.whole, "LOC"),)


FORMS = ("Bonn", "Bonn Zoo", "the", "Bonn and Ulm", "the the")


def form_cases(text: MarkedText) -> set[FOUND]:
    spelt = [one for one in stretches(text) if text.surface(*one) in FORMS]
    found: set[FOUND] = set()
    for start, end in spelt:
        if any(s <= start and end <= e and (s, e) != (start, end) for s, e in spelt):
            continue
        touching = [one for one in text.entities if one.start < end and start < one.end]
        if len(touching) == 1 and touching[0][:2] == (start, end):
            found.add((touching[0].label, (start, end)))
        elif set(tags(text)[start:end]) == {"O"}:
            found.add((NEVER, (start, end)))
        elif touching and all(start <= one.start and one.end <= end for one in touching):
            found.add((IN_PART, (start, end)))
    return found


@given(flat_texts())
@settings(deadline=None)
def test_forms_are_all_found(text: MarkedText) -> None:
    found = SurfaceForm(FORMS).cases(text)
    assert {(case.practice, case.whole) for case in found} == form_cases(text)


@given(nested_texts())
@settings(deadline=None)
def test_nestings_are_all_found(text: MarkedText) -> None:
    expected = {
        (outer, inner)
        for outer in text.entities
        for inner in text.entities
        if outer.label == "ORG" and inner.label == "LOC"
        if outer.start <= inner.start and inner.end <= outer.end and outer[:2] != inner[:2]
    }
    nested = Nested("LOC", "ORG")
    found = list(nested.cases(text))
    assert {case.now for case in found} == expected
    for case in found:
        assert nested.mended(case, "outer") == case.now[:1]
        assert nested.mended(case, "inner") == case.now[1:]
        assert [nested.agrees(case, rule) for rule in nested.rules] == [False, False, True]


def test_several_words_and_any_white_space_are_compared() -> None:
    text = make_text(
        ["Prime", "Minister", "May", "met", "Mr.", "May"], [(2, 3, "PER"), (4, 6, "PER")]
    )
    edge = Edge("PER", "left", ("prime minister", "mr.", "minister"))
    assert [(case.practice, case.whole) for case in edge.cases(text)] == [
        ("outside", (0, 3)),
        ("inside", (4, 6)),
    ]
    spaced = MarkedText("New\n York!", (0, 5, 9), (3, 9, 10), frozenset(), frozenset(), ())
    assert [case.whole for case in SurfaceForm(("New York",)).cases(spaced)] == [(0, 2)]


def test_words_within_an_enclosing_entity_are_beside_the_inner_one() -> None:
    text = make_text(["the", "Bank", "of", "England"], [(0, 4, "ORG"), (3, 4, "LOC")])
    cases = list(Edge("LOC", "left", ("of",)).cases(text))
    assert [(case.practice, case.whole) for case in cases] == [("outside", (2, 4))]
    assert not list(
        Edge("LOC", "left", ("of",)).cases(text.with_entities([MarkedEntity(2, 3, "ORG")]))
    )


def test_what_is_annotated_both_ways_is_nested_and_no_case() -> None:
    text = make_text(["the", "Bonn", "and", "Ulm", "Zoo"], [(0, 2, "LOC"), (1, 2, "LOC")])
    assert not list(Edge("LOC", "left", ("the",)).cases(text))
    parts = [(1, 2, "LOC"), (3, 5, "LOC")]
    both = make_text(["the", "Bonn", "and", "Ulm", "Zoo"], [*parts, (1, 5, "LOC")])
    assert not list(Joined("LOC", ("and",)).cases(both))
    assert [
        one.practice
        for one in Joined("LOC", ("and",)).cases(
            make_text(["the", "Bonn", "and", "Ulm", "Zoo"], [*parts, (1, 5, "ORG")])
        )
    ] == ["two"]


@pytest.mark.parametrize("text", ["`", "a`b", "``", "`` `", "plain", "a``` b"])
def test_code_shows_any_text(text: str) -> None:
    """As CommonMark reads it: a run of as many backticks ends it."""
    shown = code(text)
    fence = re.match("`+", shown)
    assert fence is not None
    inner = shown[len(fence[0]) : -len(fence[0])]
    assert inner.strip(" ") == text.strip(" ")
    assert fence[0] not in re.findall("`+", inner)
    assert plain(f"a {shown} b {shown}") == f"a “{text}” b “{text}”"
