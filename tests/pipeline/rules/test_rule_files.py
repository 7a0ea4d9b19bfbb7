"""Rules from files and from rows: what is read, and what is refused with its place."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly

from spacy_ner_plus.pipeline.rule_matching.rule import read_rule
from spacy_ner_plus.pipeline.rule_matching.rule_reading import read_rules
from spacy_ner_plus.pipeline.rules.component import NerPlusRules

# As https://spacy.io/usage/rule-based-matching has them, and as Prodigy writes them.
PATTERNS: list[dict[str, Any]] = [
    {"label": "ORG", "pattern": "Apple", "id": "apple"},
    {"label": "GPE", "pattern": [{"LOWER": "san"}, {"LOWER": "francisco"}], "id": "san-francisco"},
    {"label": "GPE", "pattern": [{"LOWER": "san"}, {"LOWER": "fran"}], "id": "san-francisco"},
    {"label": "ORG", "pattern": "MyCorp Inc."},
    {"label": "DATE", "pattern": [{"TEXT": {"REGEX": "^[0-9]{4}$"}}, {"ORTH": "AD", "OP": "?"}]},
    {"label": "PHONE", "pattern": [{"ORTH": "("}, {"SHAPE": "ddd"}, {"ORTH": ")"}]},
    {"label": "DEVICE", "pattern": [{"LOWER": {"IN": ["pixel", "iphone"]}}, {"IS_DIGIT": True}]},
]
TEXT = (
    "Apple opened in San Francisco in 1976 AD , MyCorp Inc. in san Fran ; ( 123 ) is for iPhone 7 ."
)


def lines_of(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf8")
    return path


def rows_of(source: Any, **defaults: Any) -> list[dict[str, Any]]:
    return [rule.to_row() for rule, _ in read_rules(source, defaults)]


@pytest.fixture(params=["file", "folder", "list"])
def patterns(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "list":
        return PATTERNS
    if request.param == "file":
        srsly.write_jsonl(tmp_path / "patterns.jsonl", PATTERNS)
        return tmp_path / "patterns.jsonl"
    ruler = spacy.blank("en").add_pipe("entity_ruler")
    ruler.add_patterns(PATTERNS)  # type: ignore[attr-defined]
    ruler.to_disk(tmp_path / "entity_ruler")  # type: ignore[attr-defined]
    return tmp_path / "entity_ruler"


def test_patterns_of_the_entity_ruler_find_what_it_finds(patterns: Any) -> None:
    theirs, ours = spacy.blank("en"), spacy.blank("en")
    theirs.add_pipe("entity_ruler").add_patterns(PATTERNS)  # type: ignore[attr-defined]
    ours.add_pipe("ner_plus_rules").add_rules(patterns)  # type: ignore[attr-defined]
    expected = [(e.start, e.end, e.label_, e.ent_id_) for e in theirs(TEXT).ents]
    assert len(expected) == 7
    assert [(e.start, e.end, e.label_, e.ent_id_) for e in ours(TEXT).ents] == expected


def test_folder_of_an_entity_ruler_says_how_phrases_are_compared(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": "ORG", "pattern": "Apple"}])
    ruler.to_disk(tmp_path / "ruler")
    assert rows_of(tmp_path / "ruler")[0]["attribute"] == "LOWER"


def test_every_kind_of_file(tmp_path: Path) -> None:
    listed = lines_of(tmp_path / "drugs.csv", "Phrase,id,label", "aspirin,D1,DRUG", '"a, b",,')
    tabs = lines_of(tmp_path / "tabs.tsv", "phrase\tweight\tkind", '5" pipe\t2\tsoft', "\t\t")
    words = lines_of(tmp_path / "words.txt", "\ufeffone", "", " two words ")
    rules = lines_of(
        tmp_path / "rules.jsonl",
        '{"rules_version": 1}',
        '{"label": "X", "regex": "a+", "kind": "soft", "weight": -1, "rule": "as", "id": 7}',
        "",
        '{"phrase": "no", "kind": "block_words"}',
    )
    assert rows_of([{"path": str(listed), "label": "OTHER", "attribute": "lower"}, rules]) == [
        {"label": "DRUG", "phrase": "aspirin", "id": "D1", "rule": "drugs", "attribute": "LOWER"},
        {"label": "OTHER", "phrase": "a, b", "rule": "drugs", "attribute": "LOWER"},
        {"label": "X", "regex": "a+", "kind": "soft", "weight": -1.0, "id": "7", "rule": "as"},
        {"phrase": "no", "kind": "block_words", "rule": "rules", "attribute": "ORTH"},
    ]
    named = rows_of([{"path": tabs, "label": "PIPE", "rule": "pipes"}])
    assert [(row["phrase"], row["weight"], row["rule"]) for row in named[:1]] == [
        ('5" pipe', 2.0, "pipes")
    ]
    assert [row["phrase"] for row in rows_of(words, label="N")] == ["one", "two words"]


def test_columns_that_say_nothing_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = lines_of(tmp_path / "drugs.csv", "phrase,label,source", "aspirin,DRUG,x", "pill,DRUG,y")
    assert len(rows_of(path)) == 2
    assert caplog.text.count("of its columns, 'source' are not read: only") == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"label": "X"}', "needs one of pattern, phrase and regex"),
        ('{"label": "X", "phrase": "a", "regex": "a"}', "and not phrase and regex"),
        ('{"phrase": "a"}', "A hard rule needs a label"),
        ('{"label": "X", "phrase": " "}', "phrase = ' ' must be text that is not empty"),
        ('{"label": "X", "pattern": []}', "must be a list of objects"),
        ('{"label": "X", "pattern": ["a"]}', "must be a list of objects"),
        ('{"label": "X", "pattern": [{"FOO": 1}]}', "is none of spaCy's Matcher"),
        ('{"label": "X", "pattern": [{"TEXT": {"REGEX": "("}}]}', "is none of spaCy's Matcher"),
        ('{"label": "X", "regex": "(a"}', "'[(]a' is no regular expression: missing [)]"),
        ('{"label": "X", "regex": "a*"}', "finds the empty text"),
        ('{"label": "X", "phrase": "a", "kind": "firm"}', "kind = 'firm' is unknown"),
        ('{"label": "X", "phrase": "a", "weight": 2}', "weight is for rules of the kind soft"),
        ('{"label": "X", "phrase": "a", "kind": "soft", "weight": "much"}', "must be a number"),
        ('{"label": "X", "phrase": "a", "kind": "soft", "weight": Infinity}', "that is finite"),
        ('{"label": "X", "phrase": "a", "attribute": "LEMMA"}', "attribute = 'LEMMA' is unknown"),
        ('{"label": "X", "regex": "a", "attribute": "LOWER"}', "attribute is for phrases"),
        ('{"label": "X", "phrase": "a", "wieght": 2}', r"A rule has no \['wieght'\]"),
        ('{"label": ["X"], "phrase": "a"}', "must be text"),
        ('{"label": "X", "phrase": "\\ud83d"}', "is half a character"),
        ('{"label": "X", "regex": "\\ud83d"}', "is half a character"),
        ('{"label": "X", "pattern": [{"LOWER": "\\ud83d"}]}', "is half a character"),
        ('{"label": "\\ud83d", "phrase": "a"}', "is half a character"),
        (f'{{"label": "X", "phrase": "a", "kind": "soft", "weight": {10**400}}}', "be a number"),
        ('{"label": "X", "phrase": "a"', "no JSON"),
        ('["X"]', "no object"),
        ('{"rules_version": 1}', "must be the first line"),
    ],
)
def test_line_that_is_no_rule_is_named_and_nothing_added(
    tmp_path: Path, line: str, message: str
) -> None:
    path = lines_of(tmp_path / "rules.jsonl", '{"label": "Y", "phrase": "good"}', line)
    pipe = NerPlusRules(spacy.blank("en"))
    with pytest.raises(ValueError, match=f"rules.jsonl, line 2: .*{message}"):
        pipe.add_rules(path)
    assert (len(pipe), pipe.labels) == (0, ())


def test_phrases_with_two_weights_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = lines_of(tmp_path / "a.csv", "phrase,label,kind,weight", "a,X,soft,1", "a,X,soft,2")
    pipe = NerPlusRules(spacy.blank("en")).add_rules(path)
    assert [row["weight"] for row in pipe.rules] == [1.0]
    assert "1 rows of phrases repeat others with another weight" in caplog.text


def test_rules_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    path = lines_of(tmp_path / "rules.jsonl", '{"rules_version": 2}')
    with pytest.raises(ValueError, match=r"line 1: .*reads no other rules"):
        list(read_rules(path))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.jsonl", "none.jsonl"),
        ("none.txt", "There is no file none.txt"),
        ("rules.xlsx", "must end in"),
        ({"path": "a.csv", "lable": "X"}, r"Rules have no \['lable'\]"),
        ([{"label": "X"}], "rule 1: A rule needs one of"),
        ([3], "rule 1: A rule must be an object"),
    ],
)
def test_source_that_is_none(source: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(read_rules(source))


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.jsonl", ""), ("a.jsonl", "\n\n"), ("a.csv", "phrase,label\n"), ("a.txt", "")],
)
def test_file_without_rules_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    pipe = NerPlusRules(spacy.blank("en"))
    with pytest.raises(ValueError, match=f"{name} has no rules: add some, or leave it out"):
        pipe.add_rules(tmp_path / name, label="X")


def test_other_columns_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = lines_of(tmp_path / "a.csv", "phrase,kind,note", "a,soft,1", "b,hard,2")
    NerPlusRules(spacy.blank("en")).add_rules(path, label="X")  # read three times
    [told] = caplog.messages
    assert told.endswith(
        "a.csv: of its columns, 'note' are not read: only phrase, label, id, kind, weight, rule, "
        "attribute are."
    )


def test_pattern_that_is_no_plain_data() -> None:
    rule = {"label": "X", "pattern": [{"LOWER": {"IN": {"a"}}}]}
    with pytest.raises(ValueError, match=r"rule 1: pattern = .* is no plain data"):
        NerPlusRules(spacy.blank("en")).add_rules([rule])


def test_pattern_that_asks_for_more_than_there_is_is_named() -> None:
    pipe = NerPlusRules(spacy.blank("en"))
    pipe.add_patterns([{"label": "X", "pattern": [{"LOWER": "a"}]}])
    pipe.add_patterns([{"label": "X", "pattern": [{"POS": "NOUN"}]}])
    with pytest.raises(ValueError, match=r"The pattern \[{'POS': 'NOUN'}\] asks for what no"):
        pipe(pipe.nlp.make_doc("a b"))


def test_latin_text_is_refused_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes("Müller\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"words.txt, line 1: byte 2, 0xfc, is not UTF-8"):
        list(read_rules({"path": tmp_path / "words.txt", "label": "X"}))


@pytest.mark.parametrize("row", [*PATTERNS, {"label": "X", "regex": r"\d", "kind": "soft"}])
def test_rows_of_rules_are_read_again(row: dict[str, Any]) -> None:
    rule = read_rule(row)
    assert read_rule(json.loads(json.dumps(rule.to_row()))) == rule
