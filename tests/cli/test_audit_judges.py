"""The options of `ner-plus audit` that say who reads the annotation a second time."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from tests.audit.corpora import write_parts


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return write_parts(tmp_path, {"train": ["[Ann](PER) slept."]})["train"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--model here --folds 3", "two ways to do the same"),
        ("--folds 3", "give --output FOLDER for their work"),
        ("--config x.cfg", "give --folds, too"),
        ("--override training.max_steps=3", "give --folds, too"),
        ("--override max_steps=3", "with its section"),
        ("--folds 1 --output out", "--folds must be 2 at least, got 1"),
        ("--folds 3 --output out --config x.cfg", "--config x.cfg: there is no such file"),
        ("--model nowhere", "There is no pipeline nowhere"),
    ],
)
def test_what_can_not_be_is_said_before_the_data_is_read(
    options: str, message: str, train: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["audit", str(train), *options.split()])
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "out").exists()
