"""Whole runs, killed for real, against runs that were not."""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from spacy_ner_plus.cli import app
from spacy_ner_plus.prediction import journal
from spacy_ner_plus.support import durable
from tests.prediction.samples import TEXTS, read_lines, read_tree, run, run_well, write_input
from tests.small_files import no_file_over
from tests.training.runs import finish, start

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("loaded")]

KILLED = -signal.SIGKILL


def write_mixed(path: Path, n: int) -> Path:
    """Good and bad rows."""
    write_input(path, "jsonl", [f"{TEXTS[i % 6]} {i}" for i in range(n)])
    lines = path.read_text().splitlines()
    lines[::7] = ["no json"] * len(lines[::7])
    path.write_text("\n".join(lines))
    return path


def n_chunks(output: Path) -> int:
    folder = output.with_name(f"{output.name}.unfinished")
    return len(list(folder.glob("[0-9]*"))) if folder.exists() else 0


def die_at_call(owner: object, name: str, n_calls: int) -> Callable[[], None]:
    """Something to do in a run: have it killed when a function is called for the nth time."""

    def prepare() -> None:
        original = getattr(owner, name)
        calls: list[int] = []

        def counted(*arguments: object, **named: object) -> object:
            calls.append(1)
            if len(calls) == n_calls:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **named)

        setattr(owner, name, counted)

    return prepare


def in_process(*arguments: object, before: Callable[[], None] = lambda: None) -> Callable[[], None]:
    def target() -> None:
        before()
        app(["predict", *map(str, arguments)], prog_name="ner-plus")

    return target


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("out.jsonl", ["--k-best", 2]),
        ("out.parquet", ["--keep-fields"]),
        ("out.spacy", []),
        ("out", ["--output-format", "spacy"]),
    ],
)
def test_kills_at_any_moment_lead_to_the_same_bytes(
    name: str, arguments: list[object], model: Path, tmp_path: Path
) -> None:
    source = write_mixed(tmp_path / "in.jsonl", 60)
    arguments = [*arguments, "--chunk-size", 3]
    (tmp_path / "whole").mkdir()
    whole, output = tmp_path / "whole" / name, tmp_path / name
    run_well(model, source, whole, *arguments)
    log = tmp_path / "log.txt"
    n_killed, status = 0, KILLED
    while status == KILLED:
        before = n_chunks(output)
        process = start(in_process(model, source, output, *arguments), log)
        while process.is_alive() and n_chunks(output) == before:
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.02))
        if n_killed < 3:
            process.kill()
        status = finish(process)
        n_killed += status == KILLED
    assert status == 0, log.read_text()
    assert n_killed == 3
    assert read_tree(output) == read_tree(whole)
    rejects = tmp_path / f"{name}.rejects.jsonl"
    assert rejects.read_bytes() == whole.with_name(rejects.name).read_bytes()
    assert [row["row"] for row in read_lines(rejects)] == list(range(1, 61, 7))
    assert "Went on after" in log.read_text()
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {"in.jsonl", "log.txt", "whole", name, rejects.name}


@pytest.mark.parametrize("name", ["out.jsonl", "out"])
def test_kill_while_files_are_put_in_place_leads_to_the_same_bytes(
    name: str, model: Path, tmp_path: Path
) -> None:
    source = write_mixed(tmp_path / "in.jsonl", 12)
    arguments = ["--chunk-size", 6, *(["--output-format", "spacy"] if name == "out" else [])]
    (tmp_path / "whole").mkdir()
    whole, output = tmp_path / "whole" / name, tmp_path / name
    run_well(model, source, whole, *arguments)
    log = tmp_path / "log.txt"
    done = []
    for prepare in [
        die_at_call(journal, "write_atomically", 1),  # before it is said what is run
        die_at_call(journal.Path, "rename", 2),  # of the first chunk, after what was left is gone
        die_at_call(durable, "sync", 8),  # of the second chunk
        die_at_call(journal, "concatenate", 1),
        die_at_call(journal.Path, "replace", 1),
        die_at_call(journal.Path, "replace", 2),
        die_at_call(journal.Path, "rename", 1),  # all is in place, the work folder too
    ]:
        process = start(in_process(model, source, output, *arguments, before=prepare), log)
        assert finish(process) == KILLED, log.read_text()
        done.append(n_chunks(output))
    assert done == [0, 0, 1, 2, 2, 2, 2]
    assert output.exists()
    run_well(model, source, output, *arguments)
    assert read_tree(output) == read_tree(whole)
    rejects = f"{name}.rejects.jsonl"
    assert (tmp_path / rejects).read_bytes() == whole.with_name(rejects).read_bytes()
    assert not output.with_name(f"{name}.unfinished").exists()


@pytest.fixture
def begun(model: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Input and output of a run that was stopped by rejects after the first of four chunks."""
    source = write_mixed(tmp_path / "in.jsonl", 12)
    output = tmp_path / "out.jsonl"
    result = run(model, source, output, "--chunk-size", 3, "--max-rejects", 0)
    assert result.exit_code == 1
    assert "1 of 3 rows were rejected, --max-rejects is 0" in result.stderr
    assert n_chunks(output) == 1
    return source, output


def test_another_limit_of_rejects_goes_on(begun: tuple[Path, Path], model: Path) -> None:
    source, output = begun
    assert run(model, source, output, "--chunk-size", 3, "--max-rejects", 0).exit_code == 1
    assert n_chunks(output) == 1
    result = run_well(model, source, output, "--chunk-size", 3, "--max-rejects", 2)
    assert "Went on after 3 rows" in result.output
    assert len(read_lines(output)) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--chunk-size", 4], "chunk size: 3 then, 4 now"),
        (["--text-field", "id"], 'text field: "text" then, "id" now'),
        (["--k-best", 2], "k best: null then, 2 now"),
        (["--rows", "0.4"], 'rows: "records, version 1" then, "0.4" now'),
    ],
)
def test_other_settings_are_refused(
    arguments: list[object], message: str, begun: tuple[Path, Path], model: Path
) -> None:
    source, output = begun
    result = run(model, source, output, "--chunk-size", 3, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "use --overwrite to begin anew" in result.stderr
    assert n_chunks(output) == 1
    run_well(model, source, output, "--chunk-size", 3, *arguments, "--overwrite")


def test_run_of_version_0_4_is_refused(begun: tuple[Path, Path], model: Path) -> None:
    """It says nothing of its rows, which are others."""
    source, output = begun
    identity = output.with_name("out.jsonl.unfinished") / "run.json"
    said = json.loads(identity.read_text())
    del said["rows"]
    identity.write_text(json.dumps(said))
    for arguments, now in (([], "records, version 1"), (["--rows", "0.4"], "0.4")):
        result = run(model, source, output, "--chunk-size", 3, *arguments)
        assert result.exit_code == 1
        assert f'rows: not set then, "{now}" now' in result.stderr
        assert "use --overwrite to begin anew" in result.stderr
    assert n_chunks(output) == 1


def test_other_input_is_refused(begun: tuple[Path, Path], model: Path) -> None:
    source, output = begun
    source.write_text(source.read_text().replace("thrombosis", "Thrombosis"))
    result = run(model, source, output, "--chunk-size", 3)
    assert "content of the input: " in result.stderr


def test_other_model_is_refused(begun: tuple[Path, Path], model: Path, tmp_path: Path) -> None:
    source, output = begun
    other = tmp_path / "other"
    for name, content in ((p.relative_to(model), p) for p in model.rglob("*") if p.is_file()):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_bytes(content.read_bytes())
    meta = (other / "meta.json").read_text()
    (other / "meta.json").write_text(meta.replace('"version":"0.0.0"', '"version":"0.0.1"'))
    result = run(other, source, output, "--chunk-size", 3)
    assert "content of the model: " in result.stderr
    assert 'name of the model: "en_pipeline-0.0.0" then, "en_pipeline-0.0.1" now' in result.stderr


def test_other_package_is_refused(
    begun: tuple[Path, Path], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = begun
    original = journal.differences
    monkeypatch.setattr(
        journal,
        "differences",
        lambda before, now: original(before, {**now, "version of spacy": "9.9"}),
    )
    result = run(model, source, output, "--chunk-size", 3)
    assert 'version of spacy: "3.' in result.stderr
    assert '" then, "9.9" now' in result.stderr


@pytest.mark.parametrize("name", ["part", "rejects.jsonl", "chunk.json"])
def test_damaged_chunk_is_noticed(name: str, begun: tuple[Path, Path], model: Path) -> None:
    source, output = begun
    path = output.with_name("out.jsonl.unfinished") / "00000000" / name
    path.write_bytes(path.read_bytes()[:-2])
    result = run(model, source, output, "--chunk-size", 3)
    assert result.exit_code == 1
    assert "is missing or damaged: begin anew with --overwrite" in result.stderr


def test_missing_chunk_is_noticed(begun: tuple[Path, Path], model: Path) -> None:
    source, output = begun
    chunk = output.with_name("out.jsonl.unfinished") / "00000000"
    chunk.rename(chunk.with_name("00000001"))
    result = run(model, source, output, "--chunk-size", 3)
    assert result.exit_code == 1
    assert "00000000 is missing or damaged" in result.stderr


def test_run_without_a_chunk_is_begun_anew(model: Path, tmp_path: Path) -> None:
    source = write_mixed(tmp_path / "in.jsonl", 8)
    output = tmp_path / "out.jsonl"
    wrong = run(model, source, output, "--spans-key", "typo")
    assert wrong.exit_code == 1
    assert "sets doc.spans['typo'] in the first 6 documents" in wrong.stderr
    assert "for --spans-key: 'ner_plus'" in wrong.stderr
    run_well(model, source, output, "--spans-key", "ner_plus")


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), 130), (OSError(28, "No space left on device"), 1)]
)
def test_interrupted_run_says_how_to_go_on(
    error: BaseException,
    status: int,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = write_mixed(tmp_path / "in.jsonl", 12)
    output = tmp_path / "out.jsonl"
    original = journal.file_digest

    def fail_in_the_second_chunk(path: Path) -> str:
        if n_chunks(output) == 1:
            raise error
        return original(path)

    with monkeypatch.context() as patch:
        patch.setattr(journal, "file_digest", fail_in_the_second_chunk)
        result = run(model, source, output, "--chunk-size", 6)
    assert result.exit_code == status
    assert f"What is done is in {output}.unfinished" in result.stderr
    assert len(result.stderr.splitlines()) <= 2
    assert "Went on after 6 rows" in run_well(model, source, output, "--chunk-size", 6).output


def test_full_disk_is_told_and_gone_on_from(model: Path, tmp_path: Path) -> None:
    """Where the chunks have room, and all of them together do not."""
    source = write_mixed(tmp_path / "in.jsonl", 60)
    output = tmp_path / "out.jsonl"
    whole = run_well(model, source, output, "--chunk-size", 6) and output.read_bytes()
    with no_file_over(len(whole) // 2):
        result = run(model, source, output, "--chunk-size", 6, "--overwrite")
    assert result.exit_code == 1
    assert f"Error: {output} can't be written: the disk is full" in result.stderr
    assert f"What is done is in {output}.unfinished" in result.stderr
    assert output.read_bytes() == whole
    assert "Went on after 60 rows" in run_well(model, source, output, "--chunk-size", 6).output
    assert output.read_bytes() == whole


@pytest.mark.skipif(sys.platform == "win32", reason="there is no lock")
@pytest.mark.parametrize("arguments", [[], ["--overwrite"]])
def test_two_processes_do_not_work_on_the_same(
    arguments: list[object], begun: tuple[Path, Path], model: Path
) -> None:
    source, output = begun
    before = read_tree(output.with_name("out.jsonl.unfinished") / "00000000")
    with journal.Journal(output) as other:
        other._lock()
        result = run(model, source, output, "--chunk-size", 3, *arguments)
        assert result.exit_code == 1
        assert f"Another process is at work on {output}" in result.stderr
    assert read_tree(output.with_name("out.jsonl.unfinished") / "00000000") == before
    run_well(model, source, output, "--chunk-size", 3, *arguments)


def test_process_that_begins_at_the_same_moment_is_refused(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    with journal.Journal(output) as ours, journal.Journal(output) as other:
        ours.open({}, overwrite=False)
        with pytest.raises(ValueError, match="Another process is at work"):
            other._make_folder()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_device_is_not_replaced(model: Path, tmp_path: Path) -> None:
    source = write_mixed(tmp_path / "in.jsonl", 8)
    os.mkfifo(tmp_path / "out.jsonl")
    result = run(model, source, tmp_path / "out.jsonl", "--overwrite")
    assert result.exit_code == 1
    assert "neither file nor folder" in result.stderr
    assert (tmp_path / "out.jsonl").is_fifo()


def test_output_is_replaced_only_if_told_so(model: Path, tmp_path: Path) -> None:
    source = write_mixed(tmp_path / "in.jsonl", 8)
    output = tmp_path / "out.jsonl"
    run_well(model, source, output)
    before = read_tree(tmp_path)
    result = run(model, source, output)
    assert result.exit_code == 1
    assert "is there already: use --overwrite" in result.stderr
    assert read_tree(tmp_path) == before
    source.write_text('{"text": "One."}')
    run_well(model, source, output, "--overwrite")
    assert len(read_lines(output)) == 1
    assert not (tmp_path / "out.jsonl.rejects.jsonl").exists()  # there are none any more


def test_folder_is_replaced_only_if_it_holds_nothing_else(model: Path, tmp_path: Path) -> None:
    source = write_mixed(tmp_path / "in.jsonl", 8)
    output = tmp_path / "out"
    arguments = [model, source, output, "--output-format", "spacy", "--overwrite"]
    run_well(*arguments, "--chunk-size", 2)
    assert len(list(output.iterdir())) == 4
    run_well(*arguments)
    assert [path.name for path in output.iterdir()] == ["00000000.spacy"]
    (output / "thesis.docx").touch()
    result = run(*arguments)
    assert result.exit_code == 1
    assert "such as thesis.docx" in result.stderr
