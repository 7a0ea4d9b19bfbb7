"""What is told in a terminal of 80 columns: no path is broken, so that it can be copied."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from spacy_ner_plus.pages.telling import say

PACKAGE = Path(__file__).parents[2] / "spacy_ner_plus"
TSV = "Aspirin\tB-Chemical\nhelps\tO\n\n"


def test_lines_are_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/data/" + " and more/".join(["a long folder-name"] * 20)
    for tell in (say.good, say.warn, say.info, say.text):
        tell(f"Wrote {path}")
    assert capsys.readouterr().out.count(f"Wrote {path}") == 4


def test_commands_print_paths_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / ("my annotated texts of the year " * 4).strip()
    folder.mkdir()
    (folder / "in.tsv").write_text(TSV)
    result = CliRunner().invoke(app, ["convert", f"{folder}/in.tsv", f"{folder}/out.spacy"])
    assert result.exit_code == 0, result.output
    assert f"Wrote {folder}/out.spacy" in result.output


def test_nobody_tells_in_broken_lines() -> None:
    """wasabi's own messages are at most 80 columns wide."""
    users = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bmsg\.(good|warn|info|fail|text)\(", path.read_text(encoding="utf8"))
    ]
    assert not users
