"""Numbers in settings and in sentences."""

from typing import Any

import pytest

from spacy_ner_plus.support.numbers import as_float, as_int, counted


def test_numbers_may_be_written_as_text() -> None:
    assert (as_float("2.5", "rate"), as_int("64", "n"), as_int(64.0, "n")) == (2.5, 64, 64)


@pytest.mark.parametrize("value", [True, None, "much", [1], 10**400, "1" * 5000 + "x"])
def test_what_is_no_number_is_told_shortly(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^rate = .{1,80} must be a number\.$"):
        as_float(value, "rate")


@pytest.mark.parametrize("value", [2.5, "nan", "inf", 10**400])
def test_what_is_no_whole_number(value: Any) -> None:
    with pytest.raises(ValueError, match=r"n = .* must be a "):
        as_int(value, "n")


def test_numbers_have_their_nouns() -> None:
    assert counted(1, "place") == "1 place"
    assert counted(0, "place") == "0 places"
    assert counted(1234, "entity", "entities") == "1,234 entities"
