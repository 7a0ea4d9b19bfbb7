"""What the benchmarks with one process a run share: which runs are left, and starting them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from spacy.language import Language
from spacy.training import Example
from thinc.api import Optimizer


@dataclass(frozen=True)
class Run:
    """One training with one seed; `after` must be done before it starts."""

    name: str
    seed: int
    after: "Run | None" = None

    def path(self, folder: Path) -> Path:
        """Where its scores are; a run that has them is not repeated."""
        return folder / f"{self.name}-{self.seed}.json"

    def log(self, folder: Path) -> Path:
        """Where what it prints is."""
        return self.path(folder).with_suffix(".log")

    def is_done(self, folder: Path) -> bool:
        return self.path(folder).exists()

    def scores(self, folder: Path) -> dict[str, float]:
        scores: dict[str, float] = json.loads(self.path(folder).read_text())
        return scores

    def save(self, folder: Path, scores: dict[str, float]) -> None:
        unfinished = self.path(folder).with_suffix(".part")
        unfinished.write_text(json.dumps(scores, indent=2))
        unfinished.replace(self.path(folder))


def run_all(runs: list[Run], folder: Path, jobs: int, threads: int = 1) -> None:
    """Start this script once for each run that is left, `jobs` at a time, some threads each.

    The script gets two further arguments: --run NAME SEED.
    """
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false",
    }
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [run for run in runs if not run.is_done(folder)]
    running: dict[Run, subprocess.Popen[bytes]] = {}
    try:
        while waiting or running:
            ready = [run for run in waiting if run.after is None or run.after.is_done(folder)]
            for run in ready[: jobs - len(running)]:
                waiting.remove(run)
                command = [sys.executable, *sys.argv, "--run", run.name, str(run.seed)]
                with run.log(folder).open("wb") as log:
                    running[run] = subprocess.Popen(
                        command, env=environment, stdout=log, stderr=subprocess.STDOUT
                    )
            time.sleep(0.1)
            for run, process in list(running.items()):
                if process.poll() is None:
                    continue
                del running[run]
                if process.returncode or not run.is_done(folder):
                    raise SystemExit(
                        f"{run.name}, seed {run.seed}: exit status {process.returncode}; "
                        f"see {run.log(folder)}"
                    )
                print(f"done: {run.name}, seed {run.seed}", flush=True)
    finally:  # nobody would wait for the others
        for process in running.values():
            process.kill()
            process.wait()


def batches(
    examples: list[Example], *, words: int, steps: int, seed: int
) -> Iterator[list[Example]]:
    """`steps` batches of at least `words` tokens, shuffled anew for each pass over the data."""
    yield from fresh_batches(lambda: examples, words=words, steps=steps, seed=seed)


def fresh_batches(
    read: Callable[[], list[Example]], *, words: int, steps: int, seed: int
) -> Iterator[list[Example]]:
    """Likewise, of data that are read anew for each pass."""
    order = Random(seed)
    batch: list[Example] = []
    n_batches = 0
    while True:
        examples = read()
        for example in order.sample(examples, len(examples)):
            batch.append(example)
            if sum(len(eg.predicted) for eg in batch) >= words:
                yield batch
                batch = []
                n_batches += 1
                if n_batches == steps:
                    return


def learn(
    nlp: Language, optimizer: Optimizer, stream: Iterator[list[Example]], **settings: Any
) -> float:
    """nlp.update on each batch. RETURNS (float): Seconds."""
    started = time.perf_counter()
    for batch in stream:
        nlp.update(batch, sgd=optimizer, **settings)
        optimizer.step_schedules()
    return time.perf_counter() - started
