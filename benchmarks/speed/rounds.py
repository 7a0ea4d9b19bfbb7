"""Taking turns: A B C A B C ..., and what is made of it."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.speed.machine import Memory
from benchmarks.speed.progress import Progress
from benchmarks.speed.workers import Worker, WorkerError


@dataclass(frozen=True)
class Pass:
    """One turn of one system.

    others: share of the machine that other processes used. gpu_use: percent of the time that the
    GPU was busy.
    """

    seconds: float
    words: int
    pieces: int
    memory: Memory
    others: float
    gpu_use: float = 0.0

    @property
    def words_per_second(self) -> float:
        return self.words / self.seconds

    @property
    def pieces_per_second(self) -> float:
        return self.pieces / self.seconds


Turns = dict[str, list[Pass]]
"""For each system, its passes, one a round."""


@dataclass(frozen=True)
class Summary:
    """The median pass, and how it compares.

    ratios (Dict[str, float]): For each baseline, the median over the rounds of this system's
        pieces per second by those of the baseline in the same round.
    ratio_range (Dict[str, Tuple[float, float]]): The least and the largest of these.
    peak_mib, gpu_peak_mib (float): The most memory of any round.
    others (float): The largest share of the machine that other processes used in a round.
    gpu_use (float): The median percentage of the time that the GPU was busy.
    """

    words_per_second: float
    pieces_per_second: float
    ratios: dict[str, float]
    ratio_range: dict[str, tuple[float, float]]
    peak_mib: float
    gpu_peak_mib: float
    others: float
    gpu_use: float = 0.0


def take_turns(
    workers: dict[str, Worker],
    one_pass: Callable[[Worker], Pass],
    *,
    rounds: int,
    progress: Progress,
) -> Turns:
    """Let each system do one pass, then each the next; systems that fail are left out."""
    turns: Turns = {name: [] for name in workers}
    for number in range(rounds):
        for name in list(turns):
            try:
                done = one_pass(workers[name])
            except WorkerError as error:
                progress.say(f"left out: {error}")
                del turns[name]
                continue
            turns[name].append(done)
            progress.say(
                f"round {number + 1} of {rounds}: {name}: {done.words_per_second:,.0f} words/s, "
                f"{done.pieces_per_second:,.0f} pieces/s ({done.seconds:.1f} s)"
            )
    return turns


def summarise(turns: Turns, baselines: Mapping[str, str]) -> dict[str, Summary]:
    """The medians of each system, beside each baseline that took part.

    baselines (Mapping[str, str]): From the name of a ratio to that of a system.
    """
    return {name: _summary(passes, turns, baselines) for name, passes in turns.items()}


def _summary(passes: list[Pass], turns: Turns, baselines: Mapping[str, str]) -> Summary:
    ratios = {
        name: [
            own.pieces_per_second / other.pieces_per_second
            for own, other in zip(passes, turns[baseline], strict=True)
        ]
        for name, baseline in baselines.items()
        if baseline in turns
    }
    return Summary(
        words_per_second=statistics.median(p.words_per_second for p in passes),
        pieces_per_second=statistics.median(p.pieces_per_second for p in passes),
        ratios={name: statistics.median(values) for name, values in ratios.items()},
        ratio_range={name: (min(values), max(values)) for name, values in ratios.items()},
        peak_mib=max(p.memory.peak for p in passes),
        gpu_peak_mib=max(p.memory.gpu_peak for p in passes),
        others=max(p.others for p in passes),
        gpu_use=statistics.median(p.gpu_use for p in passes),
    )


def as_json(turns: Turns, summaries: Mapping[str, Summary]) -> dict[str, Any]:
    """Summaries with all the passes they are made of."""
    return {
        name: {**asdict(summary), "rounds": [asdict(done) for done in turns[name]]}
        for name, summary in summaries.items()
    }
