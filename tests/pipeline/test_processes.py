"""nlp.pipe(n_process=2) gives what one process gives, however the workers are started."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from spacy.language import Language

from spacy_ner_plus.models.runtime.processes import TOKENIZER_THREADS, TORCH_THREADS
from tests.pipeline.samples import TEXTS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# "forkserver" gives workers what "spawn" does.
METHODS = [name for name in multiprocessing.get_all_start_methods() if name != "forkserver"]
TIMEOUT = 300  # seconds after which the workers count as hanging: each imports torch


@pytest.fixture(scope="module")
def outcome(trained_dir: Path) -> subprocess.CompletedProcess[str]:
    """The program workers.py, where nothing is said about threads."""
    told = (TOKENIZER_THREADS, *TORCH_THREADS)
    return subprocess.run(
        [sys.executable, "-m", "tests.pipeline.workers", str(trained_dir), *METHODS],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=TIMEOUT,
        env={name: value for name, value in os.environ.items() if name not in told},
    )


@pytest.fixture(scope="module")
def reports(outcome: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert outcome.returncode == 0, outcome.stderr
    loaded: dict[str, Any] = json.loads(outcome.stdout)
    return loaded


@pytest.mark.parametrize("method", [*METHODS, "after"])
def test_workers_find_what_one_process_finds(reports: dict[str, Any], method: str) -> None:
    expected, found = reports["none"], reports[method]
    assert sum(map(len, expected["entities"])) >= 4 * 9
    for part in ("contexts", "entities", "spans"):
        assert found[part] == expected[part]
    for part in ("probabilities", "scores"):
        for some, others in zip(found[part], expected[part], strict=True):
            np.testing.assert_allclose(some, others, rtol=0, atol=1e-5)
    assert found["scores"] == found["probabilities"]


@pytest.mark.parametrize("method", METHODS)
def test_workers_have_one_torch_thread_each(reports: dict[str, Any], method: str) -> None:
    processes = reports[method]["processes"]
    assert len({process["id"] for process in processes}) == 2
    assert {process["torch_threads"] for process in processes} == {1}


def test_workers_leave_the_parents_threads_alone(reports: dict[str, Any]) -> None:
    (parent,) = {process["id"] for process in reports["none"]["processes"]}
    expected = {"id": parent, "torch_threads": 2, "tokenizer_threads": None}
    assert reports["after"]["processes"] == [expected] * (4 * len(TEXTS))


def test_workers_print_nothing(outcome: subprocess.CompletedProcess[str]) -> None:
    assert "tokenizers" not in outcome.stderr
    assert len(outcome.stdout.splitlines()) == 1


@pytest.mark.skipif("fork" not in METHODS, reason="this platform has no fork")
def test_forked_workers_refuse_a_model_on_a_gpu(
    own_trained: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is where CUDA was used before the fork; there may be no GPU here."""
    monkeypatch.setattr(multiprocessing, "Process", multiprocessing.get_context("fork").Process)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    tensor = SimpleNamespace(device=torch.device("cuda"))
    own_trained.get_pipe("ner_plus").shim._model = SimpleNamespace(
        parameters=lambda: iter([tensor]), head=SimpleNamespace(decoder=None)
    )
    with pytest.raises(ValueError, match=r"this process was forked.*\"spawn\".*n_process=1"):
        list(own_trained.pipe(TEXTS, n_process=2))
