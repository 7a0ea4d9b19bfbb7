"""The words of a name, however it is spelt."""

import pytest

from spacy_ner_plus.redaction.folded_words import folded_name, folded_words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("O'Brien", "O\u2019BRIEN"),
        ("Trâ\u0323n", "Tra\u0323\u0302n"),  # the same marks in two orders
        ("Jo\u00adhn", "john"),
        ("Straße", "STRASSE"),
        ("Jean\u2010Luc", "jean-luc"),
    ],
)
def test_name_is_the_same_however_it_is_spelt(one: str, other: str) -> None:
    assert folded_name(one) == folded_name(other)


def test_names_that_differ_stay_apart() -> None:
    assert len({folded_name(name) for name in ("Muller", "Müller", "Mu ller", "Mullen")}) == 4


def test_words_have_the_places_that_they_are_at() -> None:
    text = "O\u2019Brien  saw\u00ad it"
    assert [text[word.start : word.end] for word in folded_words(text)] == [
        "O", "\u2019", "Brien", "saw\u00ad", "it"
    ]  # fmt: skip
