"""`ner-plus agreement`: figures, files, the gate, and errors that teach."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from tests.audit.agreement.annotated import record, write_annotators

PER, ORG = (0, 7, "PER"), (22, 37, "ORG")


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Two annotators who differ in an entity."""
    paths = write_annotators(tmp_path, anna=[record(PER, ORG)] * 2, ben=[record(PER)] * 2)
    return list(map(str, paths))


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["agreement", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_figures_are_printed_and_written(paths: list[str], tmp_path: Path) -> None:
    code, out, _ = run(*paths, "--output", str(tmp_path / "out"), "--examples", "1")
    assert code == 0
    assert "Agreement of anna, ben" in out
    assert "adjudication.jsonl (2 texts)" in out
    assert out.count("missed by one, ") == 1
    metrics = json.loads((tmp_path / "out" / "agreement.json").read_text(encoding="utf8"))
    assert metrics["micro"]["f1"] == pytest.approx(2 / 3)
    assert "</html>" in (tmp_path / "out" / "agreement.html").read_text(encoding="utf8")


def test_types_and_bootstrap_are_options(paths: list[str], tmp_path: Path) -> None:
    options = ["--map", "PER=PERSON", "--labels", "PERSON", "--samples", "7", "--seed", "3"]
    code, _, _ = run(*paths, *options, "--output", str(tmp_path / "out"))
    assert code == 0
    metrics = json.loads((tmp_path / "out" / "agreement.json").read_text(encoding="utf8"))
    assert list(metrics["labels"]) == ["PERSON"]
    assert (metrics["samples"], metrics["seed"], metrics["micro"]["f1"]) == (7, 3, 1.0)


@pytest.mark.parametrize(("least", "code"), [("0.9", 1), ("0.1", 0)])
def test_gate_is_on_alpha(least: str, code: int, paths: list[str]) -> None:
    found, out, _ = run(*paths, "--min-alpha", least)
    assert found == code
    assert ("is below 0.9, which --min-alpha wants" in out) == (code == 1)


def test_gate_fails_without_alpha(tmp_path: Path) -> None:
    paths = write_annotators(tmp_path, anna=[record()], ben=[record()])
    code, out, _ = run(*map(str, paths), "--min-alpha", "0")
    assert code == 1
    assert "all tokens have the same value" in out


def test_errors_are_messages(paths: list[str], tmp_path: Path) -> None:
    code, _, error = run(paths[0])
    assert code == 2
    assert "does not say who annotated its 2 texts" in error
    code, _, error = run(paths[0], str(tmp_path / "none.jsonl"))
    assert code == 2
    assert "There is no file" in error
    code, out, error = run(*paths, "--output", paths[0])
    assert (code, out) == (2, "")
    assert "is a file" in error
