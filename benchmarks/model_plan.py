"""What benchmarks/models.py has to run, and about how long that takes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from model_systems import ABLATED, ALL_SYSTEMS, SPACY_WORDS, System
from runs import Run

from spacy_ner_plus.training.project.plan_steps import plan_batch, plan_steps

ALL = "all"
# More threads than one are taken if they are so much faster.
WORTH_THREADS = 1.1
# Besides learning: starting, reading data, calibrating, scoring and the intervals of scores.
OTHER_SECONDS = 30.0
# A word that is evaluated takes a third of the time of one that is learned.
EVALUATED = 1 / 3
SPEED_SECONDS = 30.0


class Kind(StrEnum):
    """What a run is for."""

    TRIAL = "trial"
    LEARN = "learn"
    SPEED = "speed"


@dataclass(frozen=True)
class Job:
    """A run.

    data, system (str): Name of a corpus, and of a system.
    amount (str): Sentences to learn from, or "all"; of other kinds, threads.
    """

    data: str
    system: str
    kind: Kind
    amount: str
    seed: int

    @property
    def run(self) -> Run:
        """The same as it is started and saved."""
        return Run(f"{self.data}.{self.system}.{self.kind}.{self.amount}", self.seed)

    @classmethod
    def read(cls, name: str, seed: int) -> "Job":
        """From the name of its run."""
        data, system, kind, amount = name.rsplit(".", 3)
        return cls(data, system, Kind(kind), amount, seed)


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    partly, whole (Sequence[str]): Corpora of which parts are learned from, too, and others.
    systems, ablations (Sequence[str]): The latter are of the first corpus.
    sizes (Sequence[str]): Numbers of sentences, and "all".
    threads (Sequence[int]): To be tried.
    """

    partly: Sequence[str]
    whole: Sequence[str]
    systems: Sequence[str]
    ablations: Sequence[str]
    sizes: Sequence[str]
    seeds: Sequence[int]
    threads: Sequence[int]

    @property
    def data(self) -> list[str]:
        """All corpora, without repetition."""
        return list(dict.fromkeys([*self.partly, *self.whole]))

    def trials(self) -> list[Job]:
        """With the first corpus, by itself each; what is true of the BiLSTM is of its ablations."""
        names = dict.fromkeys([*self.systems, *self.ablated()[:1]])
        return [
            Job(self.data[0], name, Kind.TRIAL, str(n), self.seeds[0])
            for name in names
            for n in self.threads
        ]

    def is_timed(self, job: Job) -> bool:
        """Whether a training's time is shown, so that it gets the threads that suit it."""
        is_first = job.seed == self.seeds[0] and job.system in self.systems
        return job.kind is Kind.LEARN and job.amount == ALL and is_first

    def trainings(self) -> list[Job]:
        """The smallest first, so that a first table is there soon."""
        jobs = dict.fromkeys(self._trainings())
        return sorted(jobs, key=lambda job: float("inf") if job.amount == ALL else int(job.amount))

    def _trainings(self) -> Iterator[Job]:
        parts = sorted((size for size in self.sizes if size != ALL), key=int)
        for size in parts:
            for seed in self.seeds:
                for data in self.partly:
                    yield from (Job(data, name, Kind.LEARN, size, seed) for name in self.systems)
        first = self.seeds[0]
        for data in self.data if ALL in self.sizes else ():
            yield from (Job(data, name, Kind.LEARN, ALL, first) for name in self.systems)
        for name in self.ablated():
            for seed in self.seeds_of(self.ablated_size):
                yield Job(self.data[0], name, Kind.LEARN, self.ablated_size, seed)

    def ablated(self) -> list[str]:
        """The ablations, and what they are compared with."""
        return [ABLATED, *self.ablations] if self.ablations else []

    @property
    def ablated_size(self) -> str:
        """What the ablations learn from: the largest part, as seeds tell chance there."""
        parts = sorted((size for size in self.sizes if size != ALL), key=int)
        return parts[-1] if parts else ALL

    def seeds_of(self, size: str) -> Sequence[int]:
        """The seeds with which so many sentences are learned from."""
        return self.seeds[:1] if size == ALL else self.seeds

    def speed_trials(self) -> list[Job]:
        """How fast the pipelines of all sentences of the first corpus read, by itself each."""
        if ALL not in self.sizes:
            return []
        return [
            Job(self.data[0], name, Kind.SPEED, str(n), self.seeds[0])
            for name in self.systems
            for n in self.threads
        ]

    def speeds(self, folder: Path) -> list[Job]:
        """Those of all corpora; of all but the first, with the threads that are faster there."""
        trials = self.speed_trials()
        return trials + [
            Job(data, name, Kind.SPEED, str(reading_threads(self, name, folder)), self.seeds[0])
            for data in self.data[1:]
            for name in self.systems
            if trials
        ]


def learning_threads(wanted: Wanted, job: Job, folder: Path) -> int:
    """The threads that a training gets: those that it learns fastest with, if it is timed."""
    if not wanted.is_timed(job):
        return 1
    trials = [one for one in wanted.trials() if one.system == job.system]
    return _faster(trials, folder, "train_words_per_second")


def reading_threads(wanted: Wanted, system: str, folder: Path) -> int:
    """The threads that a system reads texts fastest with; one while there are no trials."""
    trials = [job for job in wanted.speed_trials() if job.system == system]
    return _faster(trials, folder, "words_per_second")


def _faster(jobs: Iterable[Job], folder: Path, figure: str) -> int:
    best, chosen = 0.0, 1
    for job in sorted(jobs, key=lambda one: int(one.amount)):
        if job.run.is_done(folder):
            found = job.run.scores(folder)[figure]
            if found > WORTH_THREADS * best:
                best, chosen = found, int(job.amount)
    return chosen


def learned_words(system: System, words: int, dev_words: int) -> float:
    """About how many words a training reads, each as often as it does; evaluated ones by a third.

    words, dev_words (int): Those of the data.
    """
    if system.passes is None:
        return SPACY_WORDS if system.kind == "spacy" else words
    batch = int(plan_batch(words, system.most_words).value)
    max_steps, frequency = plan_steps(words, dev_words, batch, system.passes)
    n_evaluations = int(max_steps.value) // int(frequency.value)
    return int(max_steps.value) * batch + EVALUATED * n_evaluations * dev_words


def seconds_of(job: Job, wanted: Wanted, words: dict[str, dict[str, int]], folder: Path) -> float:
    """About how long a run takes.

    words (Dict[str, Dict[str, int]]): By corpus, words and sentences of "train" and "dev".
    """
    if job.kind is not Kind.LEARN:
        return SPEED_SECONDS
    counts = words[job.data]
    n_words, n_dev = counts["train"], counts["dev"]
    if job.amount != ALL:
        share = min(1.0, int(job.amount) / counts["train_sentences"])
        n_words, n_dev = int(n_words * share), int(n_words * share / 4)
    threads = str(learning_threads(wanted, job, folder))
    base = ABLATED if job.system in wanted.ablations else job.system
    trial = Job(wanted.data[0], base, Kind.TRIAL, threads, wanted.seeds[0]).run
    if not trial.is_done(folder):
        return float("nan")
    learned = learned_words(ALL_SYSTEMS[job.system], max(n_words, 1), n_dev)
    return OTHER_SECONDS + learned / trial.scores(folder)["train_words_per_second"]


def plan_lines(
    wanted: Wanted, words: dict[str, dict[str, int]], folder: Path, jobs: int
) -> list[str]:
    """A line a system: runs that are left and their minutes, and what all take together."""
    lines = [f"{'to be run':32}{'runs':>6}{'minutes':>10}"]
    total = 0.0
    for name in [*wanted.systems, *wanted.ablations]:
        left = [
            job
            for job in (*wanted.trainings(), *wanted.speeds(folder))
            if job.system == name and not job.run.is_done(folder)
        ]
        seconds = [seconds_of(job, wanted, words, folder) for job in left]
        lines.append(f"{name:32}{len(left):6}{sum(seconds) / 60:10.1f}")
        for job, own in zip(left, seconds, strict=True):
            at_once = 1 if job.kind is Kind.SPEED or wanted.is_timed(job) else jobs
            total += own / at_once
    return [*lines, f"{f'all, {jobs} thread(s) at once':38}{total / 60:10.1f}"]
