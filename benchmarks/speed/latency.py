"""One short text by itself, as a service reads it: milliseconds a text.

The limit is the bare encoder on the text's wordpieces, cut and padded beforehand. What a system
takes more than that is its own.
"""

import statistics
from typing import Any

from benchmarks.speed.inference import systems
from benchmarks.speed.progress import Progress
from benchmarks.speed.settings import Run
from benchmarks.speed.training import start_workers
from benchmarks.speed.workers import Worker, WorkerError, stop_all

LENGTHS = (10, 50, 200)  # words
TURNS = 4  # for each round of the other parts


def time_all(run: Run) -> dict[str, Any]:
    """The median time of each system for a text of each length, as plain data."""
    run.progress.start("latency")
    workers = start_workers(run, systems(run))
    texts = {str(n): _text_of(run, n) for n in LENGTHS}
    turns, reads = TURNS * run.settings.amounts.rounds, run.settings.amounts.reads
    lengths = {
        n: _medians(workers, text, turns=turns, reads=reads, progress=run.progress)
        for n, text in texts.items()
    }
    stop_all(workers.values())
    return {"reads": reads * turns, "seconds": lengths}


def _text_of(run: Run, n_words: int) -> str:
    """The beginning of the test data, of so many words parted by blanks."""
    words = " ".join(run.test("sentences", 4 * n_words, again=True).raw).split()
    return " ".join(words[:n_words])


def _medians(
    workers: dict[str, Worker], text: str, *, turns: int, reads: int, progress: Progress
) -> dict[str, float]:
    """reads (int): Of the text in each turn of a system."""
    able = dict(workers)
    for name, worker in workers.items():
        try:
            worker.call("prepare", [text])
            _read(worker, text, reads)  # warm-up
        except WorkerError as error:
            progress.say(f"left out: {error}")
            del able[name]
    seconds: dict[str, list[float]] = {name: [] for name in able}
    for _ in range(turns):
        for name, worker in able.items():
            seconds[name] += _read(worker, text, reads)
    medians = {name: statistics.median(own) for name, own in seconds.items()}
    for name, median in medians.items():
        progress.say(f"{len(text.split())} words: {name}: {1e3 * median:.1f} ms")
    return medians


def _read(worker: Worker, text: str, n: int) -> list[float]:
    return [worker.call("read_one", text).seconds for _ in range(n)]
