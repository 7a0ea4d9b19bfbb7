"""What benchmarks/nested.py and germeval.py have to run, and about how long that takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from nested_data import Division
from nested_systems import SYSTEMS, Setting, Steps, planned_steps
from runs import Run

# Longer training has so many times as many steps.
LONGER = 3
# Besides learning: starting, reading data, calibrating and finding the entities of test data.
OTHER_SECONDS = 30.0
# A word that is evaluated takes a third of the time of one that is learned.
EVALUATED = 1 / 3
PLANNED = Setting()


class Kind(StrEnum):
    """What a run is for."""

    TRIAL = "trial"
    LEARN = "learn"
    SPEED = "speed"


@dataclass(frozen=True)
class Job:
    """A run.

    division, system (str): Their names; of speeds, those of several systems, joined.
    setting (Setting): Of a training.
    """

    division: str
    system: str
    kind: Kind
    seed: int
    setting: Setting = PLANNED

    @property
    def run(self) -> Run:
        """The same as it is started and saved."""
        parts = (self.division, self.system, self.kind, self.setting.rate, self.setting.longer)
        return Run(".".join(map(str, parts)), self.seed)

    @classmethod
    def read(cls, name: str, seed: int) -> "Job":
        """From the name of its run."""
        division, system, kind, rate, longer = name.rsplit(".", 4)
        return cls(division, system, Kind(kind), seed, Setting(int(rate), int(longer)))

    def spans(self, folder: Path) -> Path:
        """Where the entities are that a training found in test data."""
        return self.run.path(folder).with_suffix(".spans")

    def model(self, folder: Path) -> Path:
        """The pipeline that a training with the first division leaves."""
        return folder / f"{self.run.name}-{self.seed}"

    def work(self, folder: Path) -> Path:
        """What is there while it trains."""
        return folder / f"{self.run.name}-{self.seed}.training"


@dataclass(frozen=True)
class Search:
    """What was tried of a system with the first division.

    jobs (List[Job]): In the order in which they are to be run; the last ones may be undone.
    chosen (Optional[Setting]): The best on development data; None as long as something is undone.
    """

    jobs: list[Job]
    chosen: Setting | None


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    divisions (Sequence[Division]): Each is trained on and tested by itself.
    systems (Sequence[str]): Names.
    rates (Sequence[int]): In percent: learning rates to try, where they are searched for.
    lengthenings (int): How often training is made longer at most, as long as that helps.
    folder (Path): Of the results.
    """

    divisions: Sequence[Division]
    systems: Sequence[str]
    rates: Sequence[int]
    lengthenings: int
    seed: int
    folder: Path

    @property
    def first(self) -> str:
        """The name of the division with which settings are chosen, and speeds are measured."""
        return self.divisions[0].name

    def trials(self) -> list[Job]:
        """How fast each learns."""
        return [Job(self.first, name, Kind.TRIAL, self.seed) for name in self.systems]

    def next_trainings(self) -> list[Job]:
        """Those that can be started with what is known by now; none if all is done."""
        jobs = [job for name in self.systems for job in self._trainings(name)]
        return [job for job in dict.fromkeys(jobs) if not job.run.is_done(self.folder)]

    def finals(self, system: str) -> list[Job]:
        """The trainings that count, one a division; none before their setting is known."""
        setting = self.search(system).chosen if SYSTEMS[system].is_searched else PLANNED
        if setting is None:
            return []
        return [self._learning(system, setting, division.name) for division in self.divisions]

    def speeds(self) -> Job:
        """How fast these systems read, in turns."""
        return Job(self.first, "+".join(self.systems), Kind.SPEED, self.seed)

    def search(self, system: str) -> Search:
        """Rates first; then the best of them with more steps, as long as that helps."""
        jobs = [self._learning(system, Setting(rate)) for rate in self.rates]
        if not self._are_done(jobs):
            return Search(jobs, None)
        best = max(jobs, key=self._score)
        for _ in range(self.lengthenings):
            setting = replace(best.setting, longer=LONGER * best.setting.longer)
            longer = self._learning(system, setting)
            jobs.append(longer)
            if not self._are_done([longer]):
                return Search(jobs, None)
            if self._score(longer) <= self._score(best):
                break
            best = longer
        return Search(jobs, best.setting)

    def _trainings(self, system: str) -> Iterator[Job]:
        if SYSTEMS[system].is_searched:
            yield from self.search(system).jobs
        yield from self.finals(system)

    def _learning(self, system: str, setting: Setting, division: str | None = None) -> Job:
        return Job(division or self.first, system, Kind.LEARN, self.seed, setting)

    def _are_done(self, jobs: Sequence[Job]) -> bool:
        return all(job.run.is_done(self.folder) for job in jobs)

    def _score(self, job: Job) -> float:
        return job.run.scores(self.folder)["dev_f1"]


def least_and_most(wanted: Wanted, system: str) -> tuple[int, int]:
    """Of how many planned trainings a system takes the time at least and at most."""
    n_divisions = len(wanted.divisions)
    if not SYSTEMS[system].is_searched:
        return n_divisions, n_divisions
    lengths = [LONGER ** (i + 1) for i in range(wanted.lengthenings)]
    least = len(wanted.rates) + sum(lengths[:1]) + n_divisions - 1
    longest = max([1, *lengths])
    return least, len(wanted.rates) + sum(lengths) + longest * (n_divisions - 1)


def learned_words(steps: Steps, dev_words: int) -> float:
    """About how many words a training reads; evaluated ones by a third."""
    n_evaluations = steps.max_steps // steps.eval_frequency
    return steps.max_steps * steps.batch_words + EVALUATED * n_evaluations * dev_words


def plan_lines(wanted: Wanted) -> Iterator[str]:
    """A line a system: steps and minutes of all that is to be run, whether it is done or not."""
    yield f"{'to be run':32}{'steps':>8}{'words/s':>10}{'minutes, at least':>20}{'at most':>20}"
    division = wanted.divisions[0]
    words, dev_words = division.words("train"), division.words("dev")
    totals = [0.0, 0.0]
    for job in wanted.trials():
        steps = planned_steps(SYSTEMS[job.system].encoder, words, dev_words)
        speed = job.run.scores(wanted.folder)["train_words_per_second"]
        seconds = OTHER_SECONDS + learned_words(steps, dev_words) / speed
        minutes = [n * seconds / 60 for n in least_and_most(wanted, job.system)]
        totals = [total + own for total, own in zip(totals, minutes, strict=True)]
        cells = "".join(map("{:20.1f}".format, minutes))
        yield f"{job.system:32}{steps.max_steps:8,}{speed:10,.0f}{cells}"
    yield f"{'all, with all cores busy':50}" + "".join(map("{:20.1f}".format, totals))
