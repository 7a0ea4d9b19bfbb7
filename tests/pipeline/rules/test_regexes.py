"""Regexes over the text: token boundaries, and those that would run for ever."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.pipeline.rules.component import NerPlusRules

BOMB = "(.*?,){20}P"
COMMAS = "1," * 2000


def rules_nlp(*rows: dict[str, Any], **settings: Any) -> tuple[Language, NerPlusRules]:
    nlp = spacy.blank("xx")
    pipe: Any = nlp.add_pipe("ner_plus_rules", config={"rules": list(rows), **settings})
    return nlp, pipe


def found(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_regex_that_runs_for_ever_is_stopped_told_and_switched_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bomb = {"label": "X", "regex": BOMB, "rule": "bomb"}
    code = {"label": "CODE", "regex": "[A-Z]{2}-[0-9]{4}"}
    word = {"label": "WORD", "phrase": "good"}
    nlp, pipe = rules_nlp(bomb, code, word, regex_budget=0.02, regex_max_timeouts=2)
    texts = [f"good XG-{i}500 {COMMAS}" for i in range(4)]
    docs = list(nlp.pipe(texts))
    expected = [[("good", "WORD"), (f"XG-{i}500", "CODE")] for i in range(4)]
    assert [found(doc) for doc in docs] == expected
    assert pipe.counts.timeouts == {"bomb": 2}
    assert pipe.counts.switched_off == ["bomb"]
    assert caplog.text.count("'bomb' took longer than 0.02 s") == 2
    assert "begins with 'good XG-0500 1,1,1" in caplog.text
    assert caplog.text.count("'bomb' is switched off, after 2 documents") == 1


def test_documents_of_a_batch_that_fails_are_counted_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = [{"label": "X", "regex": BOMB, "rule": "bomb"}, {"label": "WORD", "phrase": "good"}]
    nlp, pipe = rules_nlp(*rows, regex_budget=0.02)
    pipe.set_error_handler(lambda *_: None)
    docs = [nlp.make_doc(f"good {i} {COMMAS}") for i in range(2)] + [nlp.make_doc("good")]
    docs[2].set_ents([], default="outside")
    docs[2]._.rule_hits = {pipe.name: 3}
    assert [found(doc) for doc in pipe.pipe(docs)] == [[("good", "WORD")]] * 2
    assert pipe.counts.timeouts == {"bomb": 2}
    assert pipe.counts.switched_off == []
    assert caplog.text.count("'bomb' took longer than 0.02 s") == 2


def test_validators_have_the_same_limits() -> None:
    rows = [{"label": "X", "regex": "a+"}, {"label": "WORD", "phrase": "good"}]
    nlp, pipe = rules_nlp(
        *rows,
        regex_budget=0.02,
        regex_max_timeouts=1,
        validators={"X": {"regex": "(.*?a){20}P"}, "WORD": {"regex": "good"}},
    )
    docs = list(nlp.pipe([f"good {'a' * 3000} {'b' * i}" for i in range(3)]))
    assert [found(doc) for doc in docs] == [[("good", "WORD")]] * 3
    assert pipe.validator_timeouts == {"X": 1}
    assert pipe.refused == {"X": 3}


def test_matches_before_the_time_is_over_are_kept() -> None:
    nlp, pipe = rules_nlp({"label": "X", "regex": f"first|{BOMB}"}, regex_budget=0.05)
    assert found(nlp(f"first {COMMAS}")) == [("first", "X")]
    assert pipe.counts.timeouts.total() == 1


def test_quick_matches_without_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1000))
    for module in ("rule_matching.regex_search", "regex_limits"):
        clock = f"spacy_ner_plus.pipeline.{module}.thread_time"
        monkeypatch.setattr(clock, lambda: float(next(ticks)))
    nlp, pipe = rules_nlp({"label": "X", "regex": "a"}, regex_budget=2.5)
    doc = nlp("a " * 50)
    assert 0 < len(doc.ents) < 50
    assert pipe.counts.timeouts == {"a": 1}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("strict", ["(500)"]), ("expand", ["XG-4500", "(500)"])],
)
def test_matches_off_token_boundaries(mode: str, expected: list[str]) -> None:
    nlp, pipe = rules_nlp({"label": "X", "regex": r"\(?500\)?"}, alignment_mode=mode)
    assert [text for text, _ in found(nlp("XG-4500 and (500)"))] == expected
    assert pipe.counts.off_tokens == 1


@pytest.mark.parametrize(
    ("text", "regex", "expected"),
    [
        ("Herr Müller über Größe", r"\bM\w+ \w+", "Müller über"),
        ("הוא גר בתל אביב היום", "בתל אביב", "בתל אביב"),
        ("so 😀😀 end", r"\p{Emoji_Presentation}+", "😀😀"),
        ("cafe\u0301 noir here", "cafe\u0301 noir", "cafe\u0301 noir"),
        ("x  XG-1 \n y", r"\s+XG-1\s+", "XG-1"),
        ("order no. 4500 now", r"no\. (?P<entity>\d+)", "4500"),
    ],
)
def test_text_of_any_script_is_found_where_it_is(text: str, regex: str, expected: str) -> None:
    nlp, pipe = rules_nlp({"label": "X", "regex": regex}, alignment_mode="expand")
    assert found(nlp(text)) == [(expected, "X")]
    assert pipe.counts.off_tokens == 0


def test_empty_matches_are_none() -> None:
    nlp, _ = rules_nlp({"label": "X", "regex": r"(?=b)|c"})
    assert found(nlp("a b c")) == [("c", "X")]


def test_empty_document_and_spaces() -> None:
    nlp, pipe = rules_nlp({"label": "X", "regex": r"\s|a"}, {"label": "Y", "phrase": "b"})
    assert [len(nlp(text).ents) for text in ("", "   ", " a", "\n")] == [0, 0, 1, 0]
    assert pipe.counts.off_tokens == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"regex_budget": 0}, "regex_budget = 0"),
        ({"regex_budget": "long"}, "regex_budget = 'long' must be a number"),
        ({"regex_max_timeouts": 0}, "at least 1"),
        ({"alignment_mode": "contract"}, "alignment_mode = 'contract' is unknown"),
        ({"soft_ents": "yes"}, "soft_ents = 'yes' is unknown: use one of True, False"),
        ({"soft_ents": 1}, "soft_ents = 1 is unknown"),
        ({"ids": "id"}, "ids = 'id' is unknown: use one of ent_id, kb_id"),
        ({"phrase_matcher_attr": "LEMMA"}, "phrase_matcher_attr = 'LEMMA' is unknown"),
        ({"existing_ents": "constrain"}, "existing_ents = 'constrain' is unknown"),
    ],
)
def test_settings_are_checked_whenever_they_are_set(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NerPlusRules(spacy.blank("xx"), **settings)
    nlp, pipe = rules_nlp({"label": "X", "regex": "a"})
    nlp("a")
    for name, value in settings.items():
        setattr(pipe, name, value)
    if "long" not in settings.values():
        with pytest.raises(ValueError, match=message):
            nlp("a")


def test_settings_may_be_changed() -> None:
    nlp, pipe = rules_nlp({"label": "X", "regex": "500"})
    assert found(nlp("XG-4500")) == []
    pipe.alignment_mode = "expand"
    assert found(nlp("XG-4500")) == [("XG-4500", "X")]


def test_validator_of_no_type_is_no_documents_fault() -> None:
    nlp, pipe = rules_nlp({"label": "X", "regex": "a"}, validators={"Y": "luhn"})
    pipe.set_error_handler(lambda *_: None)
    with pytest.raises(ValueError, match=r"validators names the types \['Y'\]"):
        list(nlp.pipe(["a"]))


def test_rules_in_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.csv"):
        NerPlusRules(spacy.blank("xx")).add_rules(tmp_path / "none.csv", label="X")
