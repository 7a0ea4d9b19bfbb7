"""A process of the long run: rounds of all checks, each with a seed of its own."""

import json
import logging
import os
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.fuzz.checks import Check, extremes, make_checks
from tests.fuzz.pipelines import SETUPS, random_setup
from tests.fuzz.properties import check_prediction
from tests.fuzz.strategies import real_texts

DATABASE = Path(".hypothesis") / "fuzz"  # failures, tried again by the next run
EXAMPLES = 120  # of the cheapest check in a round
ROUNDS_PER_EXTREME = 4


class Recorder:
    """Writes the example at hand, the number of examples, and findings to a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.examples = 0
        self.findings: set[str] = set()

    def begin(self, what: str) -> None:
        (self.folder / "current.txt").write_text(what, encoding="utf8", errors="backslashreplace")
        self.examples += 1
        if self.examples % 20 == 0:
            self.write_progress()

    def write_progress(self) -> None:
        temporary = self.folder / "progress.tmp"
        temporary.write_text(json.dumps({"examples": self.examples}))
        temporary.replace(self.folder / "progress.json")

    def add(self, name: str, round_seed: int, error: BaseException) -> None:
        """Keep an error, but not the same one twice: those of one line of code are one."""
        last = traceback.extract_tb(error.__traceback__)[-1]
        key = f"{name}-{type(error).__name__}-{Path(last.filename).stem}-{last.lineno}"
        if key in self.findings:
            return
        self.findings.add(key)
        lines = "".join(traceback.format_exception(error))
        path = self.folder / f"finding-{key}.txt"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(
            f"Again: python -m tests.fuzz --seed {round_seed} --rounds 1\n{lines}",
            encoding="utf8",
            errors="backslashreplace",
        )
        temporary.replace(path)


def work(folder: Path, first_seed: int, text: str | None, *, rounds: int | None) -> None:
    """Run round after round: until killed, or so many.

    folder (Path): Where the Recorder writes. first_seed (int): Of the first round; the next one
    has the next. text (str): A folder of texts to mutate, beside those of the repository.
    """
    torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", "1"))))
    logging.getLogger("spacy_ner_plus").setLevel(logging.ERROR)
    recorder = Recorder(folder)
    real = real_texts() + (real_texts(text) if text else ())
    giants = extremes()
    Random(first_seed).shuffle(giants)
    for i in count() if rounds is None else range(rounds):
        round_seed = first_seed + i
        rng = Random(round_seed)
        setups = [*rng.sample(SETUPS, 3), *(random_setup(rng) for _ in range(3))]
        for check in make_checks(setups, real):
            _run(check, round_seed, recorder)
        if i % ROUNDS_PER_EXTREME == ROUNDS_PER_EXTREME - 1:
            name, setup, recipes = giants[i // ROUNDS_PER_EXTREME % len(giants)]
            recorder.begin(f"extreme: {name} in {setup}")
            try:
                check_prediction(setup, recipes)
            except Exception as error:
                recorder.add(f"extreme, {name}", round_seed, error)
        recorder.write_progress()


def _run(check: Check, round_seed: int, recorder: Recorder) -> None:
    profile = settings(
        max_examples=max(4, EXAMPLES // check.cost),
        database=DirectoryBasedExampleDatabase(DATABASE),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=True,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
    test = seed(round_seed)(profile(given(**check.arguments)(_recorded(check, recorder))))
    try:
        test()
    except Exception as error:
        recorder.add(check.name, round_seed, error)


def _recorded(check: Check, recorder: Recorder) -> Callable[..., None]:
    def run(**arguments: Any) -> None:
        recorder.begin(f"{check.name}(**{arguments!r})")
        check.function(**arguments)

    run.__name__ = run.__qualname__ = check.name  # the key of its failures in the database
    return run
