"""benchmarks/gpu.sh where there is no GPU: short steps, and what becomes of those that fail."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu.__main__ import Outcome, run_step, write
from benchmarks.gpu.same_entities import compare
from benchmarks.gpu.steps import FULL, TINY, Paths, Step, make_steps
from tests import tiny

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "gpu.sh"


def python(code: str, *, limit: float = 60.0) -> Step:
    return Step("step", limit, [sys.executable, "-c", code])


def run(tmp_path: Path, step: Step, left: float = 60.0) -> tuple[Outcome, str]:
    path = tmp_path / "log"
    with path.open("w") as log:
        outcome = run_step(step, left, log, None)
    return outcome, path.read_text()


def test_a_step_that_fails_says_how(tmp_path: Path) -> None:
    outcome, log = run(tmp_path, python("print('words'); raise SystemExit(3)"))
    assert (outcome.status, outcome.exit_code) == ("failed", 3)
    assert log.endswith("words\n")


def test_a_step_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; child = [sys.executable, '-c', 'import time; time.sleep(600)']; "
        "process = subprocess.Popen(child); print(process.pid, flush=True); process.wait()"
    )
    outcome, log = run(tmp_path, python(code, limit=3.0))
    assert outcome.status == "too long"
    pid = int(log.split()[-1])
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _is_running(pid):
        time.sleep(0.05)
    assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_no_step_begins_when_time_is_over(tmp_path: Path) -> None:
    outcome, log = run(tmp_path, python("print(1)"), left=0.0)
    assert (outcome.status, log) == ("no time left", "")


def test_what_steps_have_written_is_kept_whatever_becomes_of_others(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path, tmp_path, tmp_path)
    paths.results.mkdir()
    (paths.results / "same.json").write_text('{"texts": 3}')
    (paths.results / "train.json").write_text('{"steps": ')
    (paths.results / "same.txt").write_text("a table")
    write(paths, [Outcome("same", "ok", 2.0, 0), Outcome("train", "too long", 75.0)])
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["same"] == {"texts": 3}
    assert "no JSON" in results["train"]
    assert [step["status"] for step in results["steps"]] == ["ok", "too long"]
    assert (tmp_path / "tables.txt").read_text() == "a table"


def test_every_step_has_a_module_and_all_fit_into_the_time() -> None:
    paths = Paths(*[Path("/nowhere")] * 4)
    for is_tiny in (False, True):
        for step in make_steps(paths, device="cuda", tiny=is_tiny):
            _, *rest = step.command
            names = [rest[1]] if rest[0] == "-m" else []
            for name in names:
                path = ROOT / Path(*name.split("."))
                assert name == "pytest" or path.with_suffix(".py").exists(), name
    important = make_steps(paths, device="cuda", tiny=False)[:4]
    assert [step.name for step in important] == ["environment", "tests", "train", "same"]
    assert sum(step.limit for step in important) < 350
    assert TINY.train_steps < FULL.train_steps


def test_compare_counts_texts_and_not_entities() -> None:
    expected = [[(0, 1, "A", 0.5), (2, 3, "A", 0.5)], [(0, 1, "A", 0.9)], []]
    found = [[(0, 1, "B", 0.5)], [(0, 1, "A", 0.8)], []]
    result: dict[str, Any] = compare(found, expected)
    assert result["different"] == 1
    assert result["largest"] == pytest.approx(0.1)


def test_script_refuses_options_that_it_does_not_know() -> None:
    result = subprocess.run(
        ["bash", str(SCRIPT), "--devise", "cpu"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "unknown option --devise" in result.stderr


@pytest.mark.slow
def test_script_on_the_cpu(tmp_path: Path) -> None:
    """The smallest run that trains, reads with it, and has a step that fails."""
    encoder = tiny.save_encoder(tmp_path / "encoder", max_position_embeddings=514)
    data = tmp_path / "data"
    data.mkdir()
    lines = (ROOT / "assets" / "bc5cdr-columns" / "train.tsv").read_text().split("\n")[:300]
    for split in ("train", "dev", "test"):
        (data / f"{split}.tsv").write_text("\n".join(lines))
    command = [
        *("bash", SCRIPT, "--device", "cpu", "--tiny", "--python", sys.executable),
        *("--encoder", encoder, "--data", data, "--output", tmp_path / "out"),
        *("--steps", "environment,train,same,processes,crf"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, env=environment
    )
    log = (tmp_path / "out" / "log.txt").read_text()
    assert result.returncode == 0, result.stdout + log
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [step["status"] for step in results["steps"]] == ["ok"] * 5
    assert results["environment"]["works"]
    assert results["train"]["steps"] == 2
    assert results["same"]["fp32"]["different"] == 0
    assert results["same"]["back on the CPU"] == {"different": 0, "largest": 0.0}
    assert set(results["crf"]["sentences"]) == {"cpu"}
    assert "TRAIN" in (tmp_path / "out" / "tables.txt").read_text()
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"log.txt", "results.json", "summary.txt", "tables.txt"}
