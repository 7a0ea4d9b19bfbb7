"""The tables of benchmarks/nested.py and germeval.py."""

import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from math import isnan
from typing import Any

import numpy as np
from nested_data import read_gold
from nested_plan import Job, Kind, Wanted
from nested_runs import read_spans
from nested_scores import (
    F1,
    LEVELS,
    PRECISION,
    RECALL,
    calibration_error,
    differences,
    level_counts,
    level_scores,
)
from nested_systems import SYSTEMS, Setting

SAMPLES = 2000


@dataclass(frozen=True)
class Result:
    """What a system found in the test data of all divisions.

    counts: (n_documents, 2, 4), see level_counts; documents in the same order for all systems.
    ece_first, ece (float): Before calibration, or with spancat's threshold of 0.5, and after.
    threshold (float): That of `spancat`, the mean over the divisions; NaN for others.
    setting (Setting): Of the training.
    steps (int): Of a training.
    learns, reads (float): Words a second.
    """

    counts: np.ndarray
    ece_first: float
    ece: float
    threshold: float
    setting: Setting
    steps: int
    learns: float
    reads: float


def write_tables(wanted: Wanted, name: str, against: Sequence[str]) -> None:
    """Print all, and write it to NAME.txt and NAME.json.

    against (Sequence[str]): Systems with which the others are compared, if they are there.
    """
    results = {system: result_of(wanted, system) for system in wanted.systems}
    text = "\n".join(_lines(wanted, results, [one for one in against if one in results]))
    print(text)
    (wanted.folder / f"{name}.txt").write_text(text + "\n", encoding="utf8")
    content = {
        "machine": {"processor": platform.processor(), "system": platform.platform()},
        "divisions": [division.name for division in wanted.divisions],
        "seed": wanted.seed,
        "systems": {system: _as_json(result) for system, result in results.items()},
    }
    (wanted.folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", "utf8")


def result_of(wanted: Wanted, system: str) -> Result:
    jobs = wanted.finals(system)
    scores = [job.run.scores(wanted.folder) for job in jobs]
    gold = [read_gold(division.corpus("test")) for division in wanted.divisions]
    found = [read_spans(job, wanted.folder) for job in jobs]
    pairs = zip(gold, found, strict=True)
    counts = [level_counts(sentences, spans["last"]) for sentences, spans in pairs]
    sentences = list(chain.from_iterable(gold))
    errors = {
        name: calibration_error(sentences, list(chain.from_iterable(own[name] for own in found)))
        for name in ("first", "last")
    }
    trial = Job(wanted.first, system, Kind.TRIAL, wanted.seed)
    return Result(
        counts=np.concatenate(counts),
        ece_first=errors["first"],
        ece=errors["last"],
        threshold=float(np.mean([one.get("threshold", np.nan) for one in scores])),
        setting=jobs[0].setting,
        steps=int(scores[0]["steps"]),
        learns=trial.run.scores(wanted.folder)["train_words_per_second"],
        reads=wanted.speeds().run.scores(wanted.folder)[system],
    )


def _lines(wanted: Wanted, results: dict[str, Result], against: Sequence[str]) -> Iterator[str]:
    yield from _score_table(results)
    yield from _cost_table(results)
    for other in against:
        yield from _difference_table(results, other, wanted.seed)
    for system in wanted.systems:
        if SYSTEMS[system].is_searched:
            yield from _search_table(wanted, system)


def _score_table(results: dict[str, Result]) -> Iterator[str]:
    n_documents = len(next(iter(results.values())).counts)
    yield f"\nScores on the test data of all divisions, {n_documents:,} documents: all entities,"
    yield "outer ones, and those inside of others"
    columns = ("F1", "P", "R", "outer F1", "inner F1", "P", "R")
    yield f"{'':32}" + "".join(f"{column:>10}" for column in columns)
    for system, result in results.items():
        every, outer, inner = level_scores(result.counts.sum(axis=0))  # (3,) each
        order = (F1, PRECISION, RECALL)
        cells = [*every[list(order)], outer[F1], *inner[list(order)]]
        yield f"{SYSTEMS[system].title:32}" + "".join(f"{cell:10.2f}" for cell in cells)


def _cost_table(results: dict[str, Result]) -> Iterator[str]:
    yield "\nECE before and after calibration; words/s of learning, and of reading Docs of tokens,"
    yield "beside the first system; steps"
    columns = ("ECE first", "ECE", "learns", "reads", "of first", "steps")
    yield f"{'':32}" + "".join(f"{column:>10}" for column in columns)
    first = next(iter(results.values()))
    for system, its in results.items():
        cells = [f"{its.ece_first:.4f}", f"{its.ece:.4f}", f"{its.learns:,.0f}"]
        cells += [f"{its.reads:,.0f}", f"{its.reads / first.reads:.2f}", f"{its.steps:,}"]
        yield f"{SYSTEMS[system].title:32}" + "".join(f"{cell:>10}" for cell in cells)


def _difference_table(results: dict[str, Result], other: str, seed: int) -> Iterator[str]:
    yield f"\nF1 ahead of {SYSTEMS[other].title}, with 95 % intervals by the paired bootstrap over"
    yield "documents"
    yield f"{'':32}" + "".join(f"{level:>28}" for level in LEVELS)
    for system, result in results.items():
        if system != other and SYSTEMS[system].encoder == SYSTEMS[other].encoder:
            found = differences(result.counts, results[other].counts, SAMPLES, seed)
            cells = "".join(f"{found[level]!s:>28}" for level in LEVELS)
            yield f"{SYSTEMS[system].title:32}{cells}"


def _search_table(wanted: Wanted, system: str) -> Iterator[str]:
    search = wanted.search(system)
    yield f"\n{SYSTEMS[system].title}: what was tried with {wanted.first}"
    yield f"{'':32}{'steps':>10}{'threshold':>11}{'F1 dev':>10}"
    for job in search.jobs:
        its = job.run.scores(wanted.folder)
        mark = " (chosen)" if job.setting == search.chosen else ""
        name = f"rate {job.setting.rate} %{mark}"
        yield f"{name:32}{its['steps']:10,.0f}{its['threshold']:11.3f}{its['dev_f1']:10.2f}"


def _as_json(result: Result) -> dict[str, Any]:
    figures = {key: its for key, its in asdict(result).items() if key != "counts"}
    for key, its in figures.items():
        if isinstance(its, float) and isnan(its):  # JSON has none
            figures[key] = None
    scores = level_scores(result.counts.sum(axis=0)).tolist()  # (3, 3)
    rows = [dict(zip(("precision", "recall", "f1"), row, strict=True)) for row in scores]
    return {"scores": dict(zip(LEVELS, rows, strict=True)), **figures}
