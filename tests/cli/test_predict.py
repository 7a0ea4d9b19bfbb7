import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.cli._util import import_code

from tests import tiny
from tests.pipeline.samples import initialized_nlp
from tests.prediction.samples import TEXTS, read_lines, run, write_input

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = initialized_nlp(tiny.save_encoder(tmp_path_factory.mktemp("encoder")), n=20)
    folder = tmp_path_factory.mktemp("model")
    nlp.to_disk(folder)
    return folder


def test_a_run_of_rejects_only_fails(model: Path, tmp_path: Path) -> None:
    source = write_input(tmp_path / "in.csv", "csv", TEXTS)
    result = run(model, source, tmp_path / "out.jsonl")
    assert result.exit_code == 0
    source.write_text("text,number\na,b,c\n")
    result = run(model, source, tmp_path / "none.jsonl")
    assert result.exit_code == 1
    assert "Not one row could be processed" in result.stderr
    assert len(read_lines(tmp_path / "none.jsonl.rejects.jsonl")) == 1


def test_predict_runs_as_a_command_and_goes_on_as_another(model: Path, tmp_path: Path) -> None:
    """The first stops at a reject, the second is a process of its own, as users start it."""
    source = write_input(tmp_path / "in.csv", "csv", TEXTS)
    with source.open("a") as file:
        file.write("too,many,columns,here\n")
    output = tmp_path / "new" / "out.jsonl"
    arguments = [model, source, output, "--chunk-size", "2", "--keep-fields"]
    stopped = run(*arguments, "--max-rejects", "0")
    assert stopped.exit_code == 1
    assert "1 of 7 rows were rejected" in stopped.stderr
    assert not output.exists()
    done = subprocess.run(
        [sys.executable, "-m", "spacy", "ner-plus", "predict", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rejects = tmp_path / "new" / "out.jsonl.rejects.jsonl"
    assert f"Warning: 1 rows rejected: see {rejects}" in done.stderr
    assert "Went on after 7 rows" in done.stdout
    assert f"Wrote {output}" in done.stdout
    assert [row["text"] for row in read_lines(output)] == TEXTS
    assert [row["fields"] for row in read_lines(output)] == [{"number": str(i)} for i in range(6)]
    [reject] = read_lines(rejects)
    assert reject == {
        "file": "in.csv",
        "row": 8,
        "reason": "the row has 4 columns, the header has 3",
        "raw": "too,many,columns,here",
    }


def test_code_of_a_pipeline_is_imported_and_part_of_what_a_run_is(tmp_path: Path) -> None:
    code = tmp_path / "code_of_a_component.py"
    code.write_text(
        "from spacy.language import Language\n"
        "from spacy.tokens import Span\n"
        "@Language.component('first_is_x')\n"
        "def first_is_x(doc):\n"
        "    doc.ents = [Span(doc, 0, 1, 'X')]\n"
        "    return doc\n"
    )
    nlp = spacy.blank("en")
    import_code(code)
    nlp.add_pipe("first_is_x")
    nlp.to_disk(tmp_path / "model")
    source = write_input(tmp_path / "in.txt", "text", ["aspirin helps", "so it does"])
    output = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "spacy", "ner-plus", "predict", tmp_path / "model"]
    arguments = [source, output, "--code", code]
    done = subprocess.run(
        [*map(str, [*command, *arguments])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [row["spans"][0]["text"] for row in read_lines(output)] == ["aspirin", "so"]
