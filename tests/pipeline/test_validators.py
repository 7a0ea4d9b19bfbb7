"""Validators: entities whose text does not satisfy what their type asks for are left out."""

from typing import Any

import pytest
from spacy.language import Language

from tests.pipeline.lookup_pipelines import lookup_nlp

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


BOMB = "(.*?a){20}P"
LONG, SHORT = "a" * 3000, "aP" * 20


def bomb_nlp(**settings: Any) -> tuple[Language, Any]:
    """A pipeline with a regex that takes LONG too long, and what has it."""
    nlp = lookup_nlp(
        {LONG: ("CODE", 0.5), SHORT: ("CODE", 0.5)}, validators={"CODE": {"regex": BOMB}}
    )
    lookup: Any = nlp.get_pipe("lookup")
    lookup.regex_budget = 0.05
    return nlp, lookup


def test_regex_that_takes_for_ever_refuses_is_told_and_switched_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nlp, lookup = bomb_nlp()
    lookup.regex_max_timeouts = 2
    found = [len(nlp(text).ents) for text in (SHORT, f"one {LONG}", f"two {LONG}", SHORT, LONG)]
    assert found == [1, 0, 0, 0, 0]
    name = f"The validator of 'CODE', the regex {BOMB!r},"
    assert caplog.text.count(f"{name} took longer than 0.05 s") == 2
    assert "begins with 'one aaa" in caplog.text
    assert caplog.text.count(f"{name} is switched off, after 2 documents") == 1
    assert "all entities of the type 'CODE' are refused from now on" in caplog.text
    assert lookup.validator_timeouts == {"CODE": 2}
    assert lookup.refused == {"CODE": 4}


def test_the_entities_of_one_document_have_one_budget_and_count_once() -> None:
    nlp, lookup = bomb_nlp()
    assert [ent.text for ent in nlp(f"{SHORT} {LONG} {LONG} {SHORT}").ents] == [SHORT]
    assert lookup.validator_timeouts == {"CODE": 1}
    assert lookup.refused == {"CODE": 3}


def test_another_regex_begins_anew() -> None:
    nlp, lookup = bomb_nlp()
    lookup.regex_max_timeouts = 1
    assert nlp(LONG).ents == nlp(SHORT).ents == ()
    lookup.validators = {"CODE": {"regex": "[aP]*"}}
    assert len(nlp(SHORT).ents) == 1


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
