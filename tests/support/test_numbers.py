"""Numbers in sentences."""

from spacy_ner_plus.support.numbers import counted


def test_numbers_have_their_nouns() -> None:
    assert counted(1, "place") == "1 place"
    assert counted(0, "place") == "0 places"
    assert counted(1234, "entity", "entities") == "1,234 entities"
