import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spacy_ner_plus.training.project.smoke_run import (
    TRIAL_SCRIPT,
    clean_variables,
    find_wheels,
    run,
)
from tests.pipeline.spans.nested_samples import SENTENCES, trained_nlp

# The trial's main function, of a pipeline in a folder that it takes for the clean environment.
TRIAL = """
import runpy, sys
from pathlib import Path
script, sys.prefix, sentences, output = sys.argv[1:]
runpy.run_path(script)["main"](sys.prefix, Path(sentences), Path(output))
"""
OWN = "spacy_ner_plus-0.1.0-py3-none-any.whl"
PIPELINE = "en_demo-0.1.0-py3-none-any.whl"


def test_find_wheels_tells_pipeline_from_package(tmp_path: Path) -> None:
    for name in (PIPELINE, OWN, "spacy_ner_plus-0.1.0.tar.gz"):
        (tmp_path / name).touch()
    assert find_wheels(tmp_path) == (tmp_path / OWN, tmp_path / PIPELINE)


def test_clean_variables_hide_this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped = ("PYTHONPATH", "VIRTUAL_ENV", "HF_HUB_OFFLINE", "HF_HOME", "TRANSFORMERS_OFFLINE")
    for name in (*dropped, "KEPT"):
        monkeypatch.setenv(name, "1")
    variables = clean_variables()
    assert not set(dropped) & set(variables)
    assert variables["KEPT"] == "1"
    assert variables["PYTHONNOUSERSITE"] == "1"


@pytest.mark.slow
def test_lines_stay_in_order_in_a_pipe() -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from spacy_ner_plus.training.project.smoke_run import run\n"
        "print('first')\n"
        "run([sys.executable, '-c', 'print(\"second\")'], cwd=Path())"
    )
    variables = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    output = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
    ).stdout
    assert output.split() == ["first", "second"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.socket().connect(('127.0.0.1', 9))",
        "socket.getaddrinfo('localhost', 80)",
        "urllib.request.urlopen('http://127.0.0.1:9')",
    ],
)
def test_block_sockets_stops_every_connection(attempt: str) -> None:
    code = (
        "import runpy, socket, sys, urllib.request\n"
        "runpy.run_path(sys.argv[1])['block_sockets']()\n"
        "import ssl\n"  # derives a class from socket.socket
        f"{attempt}"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(TRIAL_SCRIPT)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "Sockets are blocked" in result.stderr


@pytest.mark.slow
def test_trial_shows_entities_within_others(tmp_path: Path) -> None:
    trained_nlp().to_disk(tmp_path / "model")
    sentences = tmp_path / "sentences.txt"
    sentences.write_text("\n".join(text for text, _ in SENTENCES[:2]), encoding="utf8")
    output = tmp_path / "page.html"
    arguments = [str(TRIAL_SCRIPT), str(tmp_path / "model"), str(sentences), str(output)]
    result = subprocess.run(
        [sys.executable, "-c", TRIAL, *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert re.search(r"^    PROTEIN +[01]\.\d\d  interleukin 2 receptor$", result.stdout, re.M)
    assert re.search(r"^    PROTEIN +[01]\.\d\d  interleukin 2$", result.stdout, re.M)
    page = output.read_text(encoding="utf8")
    assert 'class="spans"' in page
    assert re.search(r"PROTEIN [01]\.\d\d", page)


def test_failed_step_of_the_smoke_test_is_named_with_its_status(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    message = r"The smoke test failed: exit status 3 of .* -c raise SystemExit\(3\)"
    with pytest.raises(ValueError, match=message):
        run(command, cwd=tmp_path)
