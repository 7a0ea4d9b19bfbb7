from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli import app

OWN = "spacy_ner_plus-0.1.0-py3-none-any.whl"
PIPELINE = "en_demo-0.1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no wheels"),
        ([OWN], OWN),
        ([PIPELINE], PIPELINE),
        ([OWN, PIPELINE, "en_demo-0.2.0-py3-none-any.whl"], "en_demo-0.2.0"),
    ],
)
def test_smoke_wants_one_wheel_of_each(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    result = CliRunner().invoke(app, ["project", "smoke", str(tmp_path)])
    assert result.exit_code == 1
    assert message in result.output
    assert "python -m spacy project run all" in result.output


def test_smoke_names_missing_sentences(tmp_path: Path) -> None:
    for name in (OWN, PIPELINE):
        (tmp_path / name).touch()
    missing = tmp_path / "sentences.txt"
    arguments = ["project", "smoke", str(tmp_path), "--sentences", str(missing)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert f"There is no file {missing}" in result.output
