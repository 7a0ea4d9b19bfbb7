"""Places of surface forms: as slicing every stretch of the tokens finds them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.annotation.surface_forms import (
    ENTITY,
    INSIDE,
    OVERLAPPING,
    UNKNOWN,
    UNLABELLED,
    FormPlace,
    SurfaceForms,
    find_places,
)

WORDS = st.lists(st.sampled_from("aAbc"), max_size=14)
FORMS = st.sets(st.lists(st.sampled_from("aAbc"), min_size=1, max_size=4).map(tuple), max_size=8)


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int, str]], list[bool]]:
    """Words, entities that may nest and overlap, and which words nothing is known about."""
    words = draw(WORDS)
    bounds = st.tuples(st.integers(0, len(words)), st.integers(0, len(words)))
    entities = draw(st.lists(st.tuples(bounds, st.sampled_from("XY")), max_size=4))
    is_missing = draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    return words, [(*sorted(b), label) for b, label in entities if b[0] != b[1]], is_missing


def expected_places(
    words: list[str],
    entities: list[tuple[int, int, str]],
    is_missing: list[bool],
    forms: set[tuple[str, ...]],
) -> list[FormPlace]:
    """By the definitions, one stretch after the other."""
    found = []
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            if tuple(words[start:end]) not in forms:
                continue
            inside = set(range(start, end))
            exact = [label for s, e, label in entities if (s, e) == (start, end)]
            if exact:
                found += [FormPlace(start, end, ENTITY, label) for label in exact]
            elif any(inside < set(range(s, e)) for s, e, _ in entities):
                found.append(FormPlace(start, end, INSIDE))
            elif any(inside & set(range(s, e)) for s, e, _ in entities):
                found.append(FormPlace(start, end, OVERLAPPING))
            elif any(is_missing[start:end]):
                found.append(FormPlace(start, end, UNKNOWN))
            else:
                found.append(FormPlace(start, end, UNLABELLED))
    free = [one for one in found if one.kind == UNLABELLED]
    return [
        FormPlace(one.start, one.end, INSIDE)
        if one in free and any(o.start <= one.start and one.end <= o.end and o != one for o in free)
        else one
        for one in found
    ]


@given(text=texts(), forms=FORMS)
def test_places_are_those_of_the_definitions(
    text: tuple[list[str], list[tuple[int, int, str]], list[bool]],
    forms: set[tuple[str, ...]],
) -> None:
    def key(place: FormPlace) -> tuple[int, int, str, str]:
        return place.start, place.end, place.kind, place.label or ""

    found = find_places(*text, SurfaceForms(forms))
    assert sorted(found, key=key) == sorted(expected_places(*text, forms), key=key)


def test_forms_are_spelt_as_they_are_and_have_words() -> None:
    forms = SurfaceForms([("New", "York"), ("York",), ("York",)])
    assert len(forms) == 2
    assert list(forms.find(["new", "York", "New", "York", "New"])) == [(1, 2), (2, 4), (3, 4)]
    with pytest.raises(ValueError, match="at least one word"):
        SurfaceForms([()])
