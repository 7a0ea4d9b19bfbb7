"""What `ner-plus train` says and refuses. tests/training has the runs themselves."""

import io
import logging
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from spacy import util
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app
from spacy_ner_plus.training import loop
from tests.small_files import no_file_over
from tests.training.runs import command, finish, read_tree, run, start, write_config
from tests.training.test_resuming import KILLED, die_at_call

pytestmark = pytest.mark.slow

FEW_STEPS = {"max_steps = 24": "max_steps = 8", "eval_frequency = 6": "eval_frequency = 4"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_dir: Path) -> Path:
    """A folder with a config, data, and in `out` a run that was killed after 3 steps."""
    folder = tmp_path_factory.mktemp("killed")
    config = write_config(folder, tiny_encoder_dir, changes=FEW_STEPS)
    arguments = [config, "--output", folder / "out", "--checkpoint-every", 3]
    log = folder / "log.txt"
    killed = run(*arguments, log=log, before=die_at_call(loop, "subdivide_batch", 5))
    assert killed == KILLED, log.read_text()
    return folder


@pytest.fixture
def killed(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template / "out", tmp_path / "out")
    return tmp_path / "out"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is shown of log messages. Levels and handlers are afterwards as before."""
    stream = io.StringIO()
    monkeypatch.setattr(util.logger_stream_handler, "stream", stream)
    loggers = [util.logger, logging.getLogger("spacy_ner_plus")]
    before = [(logger.level, [*logger.handlers]) for logger in loggers]
    yield stream
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


def test_verbose_shows_where_an_error_is_from(
    template: Path, killed: Path, logged: io.StringIO
) -> None:
    arguments = [template / "config.cfg", "--output", killed]
    result = invoke(*arguments)
    assert "Traceback" not in result.stderr
    verbose = invoke(*arguments, "--verbose")
    assert verbose.exit_code == result.exit_code == 1
    assert "Traceback (most recent call last)" in verbose.stderr
    assert "find_checkpoint" in verbose.stderr
    assert verbose.stderr.endswith(result.stderr)


def test_verbose_shows_messages_of_this_package(
    template: Path, tmp_path: Path, logged: io.StringIO
) -> None:
    arguments = [template / "config.cfg", "--overwrite", "--training.max_steps", 1]
    arguments += ["--components.ner_plus.model.max_batch_pieces", 64]
    assert invoke(*arguments, "--output", tmp_path / "a").exit_code == 0
    assert logged.getvalue() == ""
    assert invoke(*arguments, "--output", tmp_path / "b", "--verbose").exit_code == 0
    assert re.search(r"\[INFO\] A training batch has \d+ padded wordpieces", logged.getvalue())
    assert "[INFO] Pipeline: ['ner_plus']" in logged.getvalue()  # spaCy's own


def test_train_refuses_to_start_over_a_checkpoint_unless_told(template: Path, killed: Path) -> None:
    before = read_tree(killed)
    result = invoke(template / "config.cfg", "--output", killed)
    assert result.exit_code == 1
    assert "holds a checkpoint after 3 steps" in result.output
    assert "--resume" in result.output
    assert "--overwrite" in result.output
    assert read_tree(killed) == before
    both = invoke(template / "config.cfg", "--output", killed, "--resume", "--overwrite")
    assert both.exit_code == 1
    assert "exclude each other" in both.output
    log = killed / "log.txt"
    assert run(template / "config.cfg", "--output", killed, "--overwrite", log=log) == 0
    assert "Resumed" not in log.read_text()
    assert not (killed / "checkpoint").exists()


def test_train_names_settings_that_differ(template: Path, killed: Path) -> None:
    changes = ["--training.dropout", "0.5", "--training.optimizer.L2", "0.1"]
    result = invoke(template / "config.cfg", "--output", killed, "--resume", *changes)
    assert result.exit_code == 1
    assert "training.dropout: 0.2 then, 0.5 now" in result.output
    assert "training.optimizer.L2: 0.01 then, 0.1 now" in result.output
    assert "training.max_steps" in result.output  # may be changed


def test_train_resumes_with_another_end(template: Path, killed: Path) -> None:
    log = killed / "log.txt"
    arguments = [template / "config.cfg", "--output", killed, "--resume"]
    assert run(*arguments, "--training.max_steps", 2, log=log) == 0
    assert "Resumed after 3 steps" in log.read_text()
    assert not (killed / "checkpoint").exists()
    assert (killed / "model-last").is_dir()


@pytest.mark.parametrize("split", ["train", "dev"])
def test_train_says_which_data_differ(template: Path, killed: Path, split: str) -> None:
    path = template / f"{split}.spacy"
    content = path.read_bytes()
    other = {"train": "dev", "dev": "train"}[split]
    path.write_bytes((template / f"{other}.spacy").read_bytes())
    log = killed / "log.txt"
    status = run(template / "config.cfg", "--output", killed, "--resume", log=log)
    path.write_bytes(content)
    assert status == 1
    then, now = (60, 10) if split == "train" else (10, 60)
    name = {"train": "training", "dev": "development"}[split]
    assert f"{name} data: {then} examples then, {now} now" in log.read_text()


def test_train_names_damaged_file(template: Path, killed: Path) -> None:
    weights = next((killed / "checkpoint" / "3").rglob("weights.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    result = invoke(template / "config.cfg", "--output", killed, "--resume")
    assert result.exit_code == 1
    assert f"{weights} has another SHA-256" in result.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_train_stops_at_a_signal_and_goes_on(
    template: Path, tmp_path: Path, number: signal.Signals
) -> None:
    log = tmp_path / "log.txt"
    endless = [template / "config.cfg", "--output", tmp_path / "out", "--checkpoint-every", 10000]
    endless += ["--training.eval_frequency", 10000]
    process = start(command(*endless, "--training.max_steps", 0), log)
    while not (tmp_path / "out" / "model-last" / "meta.json").exists():
        assert process.is_alive(), log.read_text()
        time.sleep(0.01)
    os.kill(process.pid, number)
    assert finish(process) == 130
    n_steps = int(re.search(r"stopped after (\d+) steps", log.read_text())[1])
    assert [path.name for path in (tmp_path / "out/checkpoint").iterdir()] == [str(n_steps)]
    assert run(*endless, "--training.max_steps", n_steps + 1, "--resume", log=log) == 0
    assert f"Resumed after {n_steps} steps" in log.read_text()


def test_train_resumes_from_nothing_with_a_message(template: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert run(template / "config.cfg", "--output", tmp_path / "out", "--resume", log=log) == 0
    assert "There is no checkpoint" in log.read_text()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "model-best",
        "model-last",
    ]


@pytest.mark.parametrize("limit", [3_000, 60_000])
def test_full_disk_in_training_leaves_whole_pipelines_and_is_resumed(
    template: Path, killed: Path, limit: int
) -> None:
    before = read_tree(killed / "model-last"), read_tree(killed / "model-best")
    with no_file_over(limit):
        result = invoke(template / "config.cfg", "--output", killed, "--resume")
    assert result.exit_code == 1
    assert re.search(r"Error: /\S+ can't be written: the disk is full", result.stderr)
    assert "the same command with --resume goes on from the last checkpoint" in result.stderr
    assert (read_tree(killed / "model-last"), read_tree(killed / "model-best")) == before
    result = invoke(template / "config.cfg", "--output", killed, "--resume")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in killed.iterdir()) == ["model-best", "model-last"]


def test_train_without_a_gpu_begins_nothing(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thinc.util.has_gpu", False)
    result = invoke(template / "config.cfg", "--output", tmp_path / "new", "--gpu-id", 0)
    assert result.exit_code == 1
    assert re.search(r"Error: --gpu-id 0: (Cannot use GPU|No GPU).*leave it out", result.stderr)
    assert not (tmp_path / "new").exists()
