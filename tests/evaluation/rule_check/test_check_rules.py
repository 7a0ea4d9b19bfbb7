"""Checking rules: each figure against one that is counted by hand, and what is shown of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_ner_plus import check_rules
from spacy_ner_plus.cli import app
from spacy_ner_plus.evaluation.rule_check.rule_check_schema import RuleScores

ROWS: list[dict[str, Any]] = [
    {"label": "DRUG", "phrase": "aspirin", "rule": "drugs"},
    {"label": "DRUG", "phrase": "ibuprofen", "rule": "drugs"},
    {"label": "DRUG", "phrase": "pain", "rule": "drugs"},
    {"label": "SIGN", "pattern": [{"LOWER": "chest"}, {"LOWER": "pain"}], "rule": "chest"},
    {"label": "SIGN", "regex": "pain", "kind": "soft", "rule": "pains"},
    {"label": "CODE", "regex": "[A-Z]{2}-[0-9]+", "rule": "codes"},
    {"label": "CODE", "regex": "never", "rule": "nothing"},
    {"phrase": "fever", "kind": "block", "rule": "stop"},
    {"label": "SIGN", "phrase": "no", "kind": "block_words", "rule": "stop words"},
]
# Words; entities; and whether it is annotated.
DOCS: list[tuple[str, list[tuple[int, int, str]] | None]] = [
    ("aspirin for chest pain", [(0, 1, "DRUG"), (2, 4, "SIGN")]),
    ("pain and fever , no pain", [(0, 1, "SIGN"), (2, 3, "SIGN"), (4, 6, "SIGN")]),
    ("XG-4500 and XG-1 and aspirin", [(0, 1, "CODE")]),
    ("aspirin aspirin", None),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("rules")
    nlp = spacy.blank("en")
    docs = []
    for text, entities in DOCS:
        doc = Doc(nlp.vocab, words=text.split())
        if entities is not None:
            doc.set_ents([Span(doc, *entity) for entity in entities], default="outside")
        docs.append(doc)
    DocBin(docs=docs).to_disk(folder / "data.spacy")
    srsly.write_jsonl(folder / "rules.jsonl", ROWS)
    nlp.add_pipe("ner_plus_rules", "my_rules").add_rules(ROWS)  # type: ignore[attr-defined]
    nlp.to_disk(folder / "model")
    yield folder


def figures(its: RuleScores) -> tuple[Any, ...]:
    counts = (its.hits, its.right, its.wrong, its.entities, its.blocked, its.found, its.gold)
    return (its.n_rules, its.n_never, *counts)


def test_entities_inside_of_others_are_those_of_a_group(folder: Path, tmp_path: Path) -> None:
    """An inner one is right there, and wrong among the outermost ones of doc.ents."""
    doc = Doc(spacy.blank("en").vocab, words=["aspirin", "for", "chest", "pain"])
    doc.set_ents([Span(doc, 0, 4, "NOTE")], default="outside")
    inner = [(0, 4, "NOTE"), (0, 1, "DRUG"), (2, 4, "SIGN"), (3, 4, "SIGN")]
    doc.spans["sc"] = [Span(doc, *entity) for entity in inner]
    DocBin(docs=[doc]).to_disk(tmp_path / "nested.spacy")
    data = tmp_path / "nested.spacy"
    nested = check_rules(folder / "rules.jsonl", data, spans_key="sc")
    flat = check_rules(folder / "rules.jsonl", data)
    right = [{its.name: its.right for its in one.scores if its.hits} for one in (nested, flat)]
    assert right == [{"drugs": 1, "chest": 1, "pains": 1}, {"drugs": 0, "chest": 0, "pains": 0}]
    assert (nested.spans_key, nested.gold, flat.gold) == ("sc", 3, 0)
    with pytest.raises(ValueError, match=r"None of the 1 documents .* in doc\.spans\['x'\]"):
        check_rules(folder / "rules.jsonl", data, spans_key="x")


@pytest.mark.parametrize("rules", ["rules.jsonl", "model"])
def test_figures(folder: Path, rules: str) -> None:
    check = check_rules(folder / rules, folder / "data.spacy")
    scores = {its.name: figures(its) for its in check.scores}
    assert scores == {
        # rules, never, hits, right, wrong, entities, blocked, found, gold
        "drugs": (3, 1, 5, 1, 4, 4, 0, 1, 1),
        "chest": (1, 0, 1, 1, 0, 1, 0, 1, 4),
        "pains": (1, 0, 3, 1, 2, 0, 0, 1, 4),
        "codes": (1, 0, 2, 1, 1, 2, 0, 1, 1),
        "nothing": (1, 1, 0, 0, 0, 0, 0, 0, 1),
        "stop": (1, 0, 1, 0, 1, 0, 0, 1, 6),
        "stop words": (1, 0, 1, 0, 1, 0, 0, 1, 4),
    }
    assert (check.documents, check.documents_without_annotation) == (3, 1)
    assert (check.entities, check.right, check.gold) == (7, 3, 6)
    [conflict] = check.conflicts
    assert (conflict.winner, conflict.loser, conflict.n) == ("chest", "drugs", 1)
    assert (conflict.winner_example, conflict.example) == ("chest pain", "pain")
    assert [its.never for its in check.scores if its.name == "drugs"] == [["ibuprofen"]]


@pytest.mark.parametrize(
    ("sort", "first"),
    [("hits", "drugs"), ("precision", "chest"), ("name", "chest"), ("wrong", "drugs")],
)
def test_order(folder: Path, sort: str, first: str) -> None:
    check = check_rules(folder / "rules.jsonl", folder / "data.spacy", sort=sort)
    assert check.scores[0].name == first


def test_components_before_the_rules_are_run(folder: Path) -> None:
    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("attribute_ruler")
    ruler.add([[{"TEXT": "aspirin"}]], {"POS": "NOUN"})
    ruler.add([[{"TEXT": {"NOT_IN": ["aspirin"]}}]], {"POS": "X"})
    pipe: Any = nlp.add_pipe("ner_plus_rules")
    pipe.add_patterns([{"label": "DRUG", "pattern": [{"POS": "NOUN"}]}])
    nlp.add_pipe("sentencizer")
    [its] = check_rules(nlp, folder / "data.spacy").scores
    assert (its.hits, its.right) == (2, 1)


def test_types_that_are_not_annotated_are_not_judged(folder: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["aspirin", "pain"])
    doc.set_ents([], default="missing")
    doc.set_ents([Span(doc, 1, 2, "SIGN")], default="missing")
    blocked = Doc(nlp.vocab, words=["fever", "no"])
    blocked.set_ents([Span(blocked, 1, 2, "SIGN")], default="missing")
    DocBin(docs=[doc, blocked]).to_disk(tmp_path / "part.spacy")
    check = check_rules(folder / "rules.jsonl", tmp_path / "part.spacy")
    drugs = next(its for its in check.scores if its.name == "drugs")
    assert (drugs.hits, drugs.not_judged, drugs.wrong) == (2, 1, 1)
    blocks = {its.name: (its.right, its.wrong, its.not_judged) for its in check.scores}
    assert (blocks["stop"], blocks["stop words"]) == ((0, 0, 1), (0, 1, 0))


def test_regexes_that_take_too_long_are_told(folder: Path) -> None:
    nlp = spacy.blank("en")
    config = {"regex_budget": 1e-9, "regex_max_timeouts": 2}
    pipe: Any = nlp.add_pipe("ner_plus_rules", config=config)
    pipe.add_regex("a", "DRUG", rule="slow")
    [its] = check_rules(nlp, folder / "data.spacy").scores
    assert (its.timeouts, its.is_switched_off) == (2, True)


def test_hits_that_a_validator_refuses_are_no_hits(folder: Path) -> None:
    nlp = spacy.blank("en")
    config: dict[str, Any] = {"validators": {"CODE": {"regex": ".*00"}}}
    pipe: Any = nlp.add_pipe("ner_plus_rules", config=config)
    pipe.add_regex("[A-Z]{2}-[0-9]+", "CODE")
    check = check_rules(nlp, folder / "data.spacy")
    assert check.refused == {"CODE": 1}
    assert (check.scores[0].hits, check.scores[0].precision) == (1, 1.0)


# The command


def run(*words: Any) -> Any:
    return CliRunner().invoke(app, ["rules", "check", *map(str, words)])


def test_command_prints_tables(folder: Path) -> None:
    shown = run(folder / "rules.jsonl", folder / "data.spacy")
    assert shown.exit_code == 0, shown.output
    lines = [" ".join(line.split()) for line in shown.output.splitlines()]
    assert "drugs (3) DRUG hard 5 20.00 100.00 4 0" in lines
    assert "stop (1) any block 1 0.00 - 0 0" in lines
    assert "drugs, DRUG: 1 of 3 phrases: ibuprofen" in lines
    assert "nothing, CODE" in lines
    assert "chest SIGN drugs DRUG chest pain | pain 1" in lines
    assert "Blocks keep out 2 annotated entities." in lines
    assert any("make 7 entities, of which 3 are right. Left out: 1" in line for line in lines)


def test_command_prints_json(folder: Path) -> None:
    shown = run(folder / "model", folder / "data.spacy", "--json", "--sort", "name")
    found = json.loads(shown.stdout)
    assert (found["schema"], found["schema_version"]) == ("spacy_ner_plus.rule_check", 1)
    drugs = found["scores"][2]
    assert (drugs["name"], drugs["precision"], drugs["recall"]) == ("drugs", 0.2, 1.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.jsonl", "data.spacy"], "There is no"),
        (["none", "data.spacy"], "There is no pipeline"),
        (["rules.jsonl", "none.spacy"], "There is no corpus"),
        (["rules.jsonl", "data.spacy", "--sort", "luck"], "--sort luck: use one of hits"),
        (["model", "data.spacy", "--component", "other"], "a component 'other' of rules"),
        (["rules.jsonl", "data.spacy", "--component", "x"], "is a file, so leave it out"),
        (["rules.jsonl", "data.spacy", "--lang", "qq"], "spaCy has no such language"),
    ],
)
def test_wrong_calls(folder: Path, words: list[str], message: str) -> None:
    paths = [folder / word if i < 2 else word for i, word in enumerate(words)]
    shown = run(*paths)
    assert shown.exit_code == 1
    assert message in shown.output


def test_data_without_annotation(folder: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    DocBin(docs=[nlp("aspirin")]).to_disk(tmp_path / "raw.spacy")
    with pytest.raises(ValueError, match="None of the 1 documents"):
        check_rules(folder / "rules.jsonl", tmp_path / "raw.spacy")
