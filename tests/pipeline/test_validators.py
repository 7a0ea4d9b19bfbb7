"""Validators: entities whose text does not satisfy what their type asks for are left out."""

from typing import Any

import pytest

from tests.pipeline.test_entity_pipe import lookup_nlp

WORDS = {"DE89370400440532013000": ("IBAN", 0.9), "DE89370400440532013001": ("IBAN", 0.9)}
CODES = {"XG-4500": ("CODE", 0.8), "pain": ("Disease", 0.8), "XG": ("CODE", None)}


def test_checksum_refuses_and_counts() -> None:
    nlp = lookup_nlp(WORDS, validators={"IBAN": "iban"})
    doc = nlp("to DE89370400440532013000 or DE89370400440532013001 ?")
    assert [ent.text for ent in doc.ents] == ["DE89370400440532013000"]
    assert len(doc.spans["lookup"]) == 1
    assert nlp.get_pipe("lookup").refused == {"IBAN": 1}  # type: ignore[attr-defined]


def test_regex_must_match_the_whole_text_of_its_own_type() -> None:
    nlp = lookup_nlp(CODES, validators={"CODE": {"regex": "[A-Z]+-[0-9]+"}})
    docs = list(nlp.pipe(["XG-4500 pain XG", "pain", "XG"]))
    assert [[ent.text for ent in doc.ents] for doc in docs] == [["XG-4500", "pain"], ["pain"], []]
    assert nlp.get_pipe("lookup").refused == {"CODE": 2}  # type: ignore[attr-defined]


def test_regex_that_takes_for_ever_refuses_and_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("spacy_ner_plus.pipeline.validators.BUDGET", 0.01)
    word = "a" * 3000
    nlp = lookup_nlp({word: ("CODE", 0.5)}, validators={"CODE": {"regex": "(.*?a){20}P"}})
    assert nlp(word).ents == ()
    assert "The validator of 'CODE', the regex '(.*?a){20}P', took longer than" in caplog.text
    assert nlp.get_pipe("lookup").refused == {"CODE": 1}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("validators", "message"),
    [
        ("iban", "must have for each type"),
        ({"IBAN": "ibn"}, "'ibn' of 'IBAN' is unknown: use .*iban, isbn, luhn"),
        ({"IBAN": {"regex": "("}}, "of 'IBAN' is no regular expression"),
        ({"IBAN": {"regex": 3}}, "of 'IBAN' is no regular expression"),
        ({"IBAN": {"regexp": "a"}}, "is unknown"),
    ],
)
def test_what_is_no_validator_is_an_error(validators: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lookup_nlp(WORDS, validators=validators)
    nlp = lookup_nlp(WORDS)
    nlp.get_pipe("lookup").validators = validators  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=message):
        nlp("a text")


def test_validator_of_a_type_that_there_is_not_is_an_error() -> None:
    nlp = lookup_nlp(WORDS, validators={"Iban": "iban"})
    with pytest.raises(ValueError, match=r"validators names the types \['Iban'\]"):
        nlp("a text")
