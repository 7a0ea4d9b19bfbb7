import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app

pytestmark = pytest.mark.slow

TEXTS = [
    "Aspirin against fever and severe pain .",
    "No fever after aspirin .",
    "Pain , fever , and again pain .",
    "Nothing at all .",
]
GOLD = {"fever": "DISEASE", "pain": "DISEASE", "aspirin": "DRUG"}


def model(folder: Path, patterns: dict[str, str], spans_key: str | None = None) -> Path:
    """A pipeline that knows some words."""
    nlp = spacy.blank("en")
    config = {"annotate_ents": spans_key is None, "spans_key": spans_key}
    ruler = nlp.add_pipe("span_ruler", config={**config, "phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": label, "pattern": word} for word, label in patterns.items()])
    nlp.to_disk(folder)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    docs = [annotated(nlp, text) for _ in range(5) for text in TEXTS]
    path = tmp_path / "test.spacy"
    DocBin(docs=docs).to_disk(path)
    return path


def annotated(nlp: spacy.language.Language, text: str) -> Doc:
    doc = nlp.make_doc(text)
    words = [GOLD.get(token.lower_) for token in doc]
    spans = [Span(doc, i, i + 1, label) for i, label in enumerate(words) if label]
    doc.set_ents(spans)
    doc.spans["found"] = spans
    return doc


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return model(tmp_path / "good", GOLD)


@pytest.fixture
def poor(tmp_path: Path) -> Path:
    """Does not know aspirin, and finds too much."""
    return model(tmp_path / "poor", {"fever": "DISEASE", "pain": "DISEASE", "nothing": "DRUG"})


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["compare", *(str(argument) for argument in arguments)])


def test_compare_puts_two_pipelines_side_by_side(
    good: Path, poor: Path, data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "new" / "folder"
    result = run(good, poor, data, "--output", output, "--swaps", 500, "--samples", 50)
    assert result.exit_code == 0, result.output
    assert f"A, the baseline:   {good}" in result.output
    assert "Gold entities that only A finds: 3 of 10" in result.output
    assert "Speed: A " in result.output
    assert "A is better than B by" in result.output

    comparison = json.loads((output / "comparison.json").read_text("utf8"))
    assert comparison["schema"] == "spacy_ner_plus.comparison"
    assert comparison["schema_version"] == 1
    assert comparison["a"]["model"] == str(good)
    assert comparison["b"]["components"] == ["span_ruler"]
    assert comparison["b"]["speed"]["words"] == comparison["counts"]["words"]
    assert comparison["gate"] is None
    assert comparison["significance"]["swaps"] == 500
    drug = comparison["exact"]["types"]["DRUG"]
    assert (drug["a"]["f1"], drug["b"]["f1"], drug["difference"]["f1"]) == (1.0, 0.0, -1.0)
    assert comparison["entities"]["gold"] == {"both": 30, "a_only": 10, "b_only": 0, "neither": 0}
    assert comparison["entities"]["wrong"] == {"both": 0, "a_only": 0, "b_only": 5}

    rows = [json.loads(line) for line in (output / "differences.jsonl").open(encoding="utf8")]
    assert len(rows) == 15
    assert rows[0]["meta"]["kind"] == "found_by_a_only"
    assert rows[0]["text"] == TEXTS[0]
    assert rows[0]["spans"][0] == {"start": 0, "end": 7, "label": "DRUG", "text": "Aspirin"}
    assert [row["meta"]["document"] for row in rows] == sorted(
        row["meta"]["document"] for row in rows
    )


def test_compare_takes_predictions_and_says_no_speed(
    good: Path, data: Path, tmp_path: Path
) -> None:
    path = tmp_path / "predictions.jsonl"
    entity = {"label": "DISEASE", "start": 16, "end": 21, "probability": 0.9}
    rows: list[dict[str, Any]] = [{"text": text, "entities": []} for text in TEXTS * 5]
    rows[0]["entities"] = [entity]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf8")
    result = run(path, good, data, "--examples", 0)
    assert result.exit_code == 0, result.output
    assert "Speed" not in result.output
    assert "B is better than A" in result.output
    assert "only B finds" not in result.output


def test_compare_of_a_model_with_itself_finds_no_difference(good: Path, data: Path) -> None:
    result = run(good, good, data, "--max-drop", 0, "--max-type-drop", 0, "--min-support", 1)
    assert result.exit_code == 0, result.output
    assert "Micro F1 of A and B is the same." in result.output
    assert result.output.splitlines()[-1] == (
        "Gate passed: micro F1 drops by no more than 0 points, none of the 2 types with 1 gold "
        "entities or more drops by more than 0."
    )


def test_compare_exits_with_1_if_the_gate_fails(
    good: Path, poor: Path, data: Path, tmp_path: Path
) -> None:
    result = run(good, poor, data, "--max-drop", 0.5, "--output", tmp_path)
    assert result.exit_code == 1
    last = result.output.splitlines()[-1]
    # 30 of 40 found, 5 wrong: F1 is 2 * 30 / (35 + 40)
    assert last.startswith("Gate failed: micro F1 drops by 20.00 points, from 100.00 to 80.00 (0.5")
    gate = json.loads((tmp_path / "comparison.json").read_text("utf8"))["gate"]
    assert not gate["passed"]
    assert run(good, poor, data, "--max-drop", 20).exit_code == 0
    assert run(poor, good, data, "--max-drop", 0).exit_code == 0
    by_type = run(good, poor, data, "--max-type-drop", 50, "--min-support", 10)
    assert by_type.exit_code == 1
    assert by_type.output.splitlines()[-1].startswith("Gate failed: F1 of DRUG drops by 100.00")
    assert run(good, poor, data, "--max-type-drop", 50, "--min-support", 11).exit_code == 0


def test_compare_lets_a_drop_pass_that_may_be_chance(
    good: Path, poor: Path, tmp_path: Path
) -> None:
    docs = [annotated(spacy.blank("en"), text) for text in TEXTS]
    DocBin(docs=docs).to_disk(tmp_path / "few.spacy")
    command = (good, poor, tmp_path / "few.spacy", "--max-drop", 1)
    assert run(*command).exit_code == 1
    result = run(*command, "--significant")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].startswith("Gate passed, not significant: micro F1")


def test_compare_exits_with_2_on_errors(good: Path, data: Path, tmp_path: Path) -> None:
    blank = tmp_path / "blank"
    spacy.blank("en").to_disk(blank)
    other = tmp_path / "other.jsonl"
    other.write_text('{"text": "Another text", "entities": []}\n', "utf8")
    for command, message in [
        ((good, good, tmp_path / "none.spacy"), "There is no corpus"),
        ((good, tmp_path / "none", data), "none"),
        ((good, blank, data), f"B ({blank}): No component of this pipeline sets doc.ents"),
        ((other, good, data), f"A ({other}): {other}, line 1 is about another text"),
        ((good, good, data, "--significant"), "--significant needs --max-drop"),
        ((good, good, data, "--max-drop", "-1"), "--max-drop"),
        ((good, good, data, "--tokens", "words"), "words"),
    ]:
        result = run(*command)
        assert result.exit_code == 2, (command, result.output)
        assert message in " ".join(result.stderr.split()), (command, result.stderr)


def test_compare_takes_groups_of_spans(data: Path, tmp_path: Path) -> None:
    good = model(tmp_path / "a", GOLD, spans_key="found")
    poor = model(tmp_path / "b", {"fever": "DISEASE", "severe pain": "DISEASE"}, spans_key="found")
    result = run(good, poor, data, "--spans-key", "found", "--output", tmp_path)
    assert result.exit_code == 0, result.output
    comparison = json.loads((tmp_path / "comparison.json").read_text("utf8"))
    assert comparison["spans_key"] == "found"
    assert comparison["exact"]["micro"]["a"]["f1"] == 1.0
    assert comparison["entities"]["gold"] == {"both": 15, "a_only": 25, "b_only": 0, "neither": 0}
    kinds = {kind["kind"]: kind["b"] for kind in comparison["errors"]["kinds"]}
    assert kinds["too_long"] == 5


def test_compare_counts_the_types_that_are_wanted(good: Path, data: Path, tmp_path: Path) -> None:
    other = model(tmp_path / "other", {"fever": "Disease", "pain": "DISEASE", "all": "NUMBER"})
    result = run(good, other, data, "--labels", "DISEASE", "--map", "Disease=DISEASE")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    head = lines[: next(i for i, line in enumerate(lines) if "Exact matches" in line)]
    assert "Only these types count (--labels): DISEASE." in head
    assert "A: Left out: DRUG (10 gold, 10 predicted)." in head
    assert "B: Left out: DRUG (10 gold, 0 predicted), NUMBER (0 gold, 5 predicted)." in head
    assert "B: Renamed (--map): Disease to DISEASE (0 gold, 15 predicted)." in head
    assert lines[-1] == "Micro F1 of A and B is the same."
    assert run(good, other, data, "--labels", "disease").exit_code == 2


def test_compare_of_data_without_entities_says_that_nothing_is_better(
    good: Path, poor: Path, tmp_path: Path
) -> None:
    doc = spacy.blank("en").make_doc("Nothing at all .")
    doc.set_ents([], default="outside")
    DocBin(docs=[doc, doc]).to_disk(tmp_path / "none.spacy")
    result = run(good, poor, tmp_path / "none.spacy")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.output.splitlines()]
    assert ["micro", "-", "0.00", "-", "-", "-", "-", "0"] in rows
    assert ["DRUG", "-", "-", "-", "-", "-"] in rows
    assert "There are no gold entities, so nothing says which" in result.output
    result = run(good, poor, tmp_path / "none.spacy", "--max-drop", "1")
    assert result.exit_code == 2
    assert "has no gold entities, without which no gate can fail" in result.output
