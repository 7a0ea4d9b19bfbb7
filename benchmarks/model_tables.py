"""The tables and the plot of benchmarks/models.py."""

import json
import platform
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import exp, log
from pathlib import Path

from model_plan import ALL, Job, Kind, Wanted, learning_threads, reading_threads
from model_systems import ABLATED, TITLES

from spacy_ner_plus.pages.figures import NONE

Scores = dict[str, float]
MIB = 1 << 20


@dataclass(frozen=True)
class Curve:
    """F1 of a system in percent by the number of sentences: mean and standard deviation."""

    name: str
    mean: dict[int, float]
    deviation: dict[int, float]


def write_tables(wanted: Wanted, folder: Path) -> None:
    """Print all, and write it to models.txt, models.json and models.svg."""
    text = "\n".join(_lines(wanted, folder))
    print(text)
    (folder / "models.txt").write_text(text + "\n", encoding="utf8")
    figures = {job.run.name: results(wanted, job, folder) for job in _shown(wanted, folder)}
    machine = {"processor": platform.processor(), "system": platform.platform()}
    content = {"machine": machine, "seeds": list(wanted.seeds), "runs": figures}
    (folder / "models.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf8")
    curves = {data: curves_of(wanted, data, folder) for data in wanted.partly}
    if curves and len(wanted.sizes) > 1:
        from model_plots import plot_curves

        plot_curves(curves, folder / "models.svg")


def _shown(wanted: Wanted, folder: Path) -> Iterator[Job]:
    """One job for all seeds of the same."""
    for job in (*wanted.trainings(), *wanted.speeds(folder)):
        if job.seed == wanted.seeds[0]:
            yield job


def results(wanted: Wanted, job: Job, folder: Path) -> list[Scores]:
    """Those of all seeds that there are."""
    runs = [Job(job.data, job.system, job.kind, job.amount, seed).run for seed in wanted.seeds]
    return [run.scores(folder) for run in runs if run.is_done(folder)]


def _lines(wanted: Wanted, folder: Path) -> Iterator[str]:
    for data in wanted.partly:
        yield from _f1_table(wanted, data, folder)
        yield from crossings(curves_of(wanted, data, folder))
    for data in wanted.data if ALL in wanted.sizes else ():
        yield from _cost_table(wanted, data, folder)
    if wanted.ablations:
        yield from _ablation_table(wanted, wanted.ablated_size, folder)


def _f1_table(wanted: Wanted, data: str, folder: Path) -> Iterator[str]:
    yield f"\n{data}: F1 on test data by sentences to learn from, seeds {list(wanted.seeds)}"
    yield f"{'':32}" + "".join(f"{size:>14}" for size in wanted.sizes)
    for name in wanted.systems:
        cells = []
        for size in wanted.sizes:
            job = Job(data, name, Kind.LEARN, size, wanted.seeds[0])
            cells.append(spread([100 * its["f1"] for its in results(wanted, job, folder)]))
        yield f"{TITLES[name]:32}" + "".join(f"{cell:>14}" for cell in cells)


def _cost_table(wanted: Wanted, data: str, folder: Path) -> Iterator[str]:
    yield f"\n{data}, all sentences, seed {wanted.seeds[0]}: F1 with its interval; s to learn, of"
    yield "which cores were busy, and threads; words/s from tokenised Docs and from texts, and"
    yield "threads; MB on disk; MiB of memory at most in learning and in reading; ECE"
    columns = ("F1", "from", "to", "s", "cores", "th", "tokens/s", "words/s", "th", "MB",
               "learn", "read", "ECE")  # fmt: skip
    yield f"{'':32}" + "".join(f"{column:>9}" for column in columns)
    for name in wanted.systems:
        job = Job(data, name, Kind.LEARN, ALL, wanted.seeds[0])
        threads = reading_threads(wanted, name, folder)
        its = job.run.scores(folder)
        read = Job(data, name, Kind.SPEED, str(threads), job.seed).run.scores(folder)
        cells = [f"{100 * its[key]:.2f}" for key in ("f1", "f1_low", "f1_high")]
        cells += [f"{its['train_seconds']:.0f}"]
        cells += [f"{its['train_cpu_seconds'] / its['train_seconds']:.1f}"]
        cells += [str(learning_threads(wanted, job, folder))]
        cells += [f"{read['tokens_per_second']:,.0f}", f"{read['words_per_second']:,.0f}"]
        cells += [str(threads), f"{its['bytes'] / 1e6:.1f}"]
        cells += [f"{its['train_memory'] / MIB:,.0f}", f"{read['memory'] / MIB:,.0f}"]
        cells += [f"{its['ece']:.4f}" if "ece" in its else NONE]
        yield f"{TITLES[name]:32}" + "".join(f"{cell:>9}" for cell in cells)


def _ablation_table(wanted: Wanted, size: str, folder: Path) -> Iterator[str]:
    data, seeds = wanted.data[0], list(wanted.seeds_of(size))
    yield f"\n{data}, {size} sentences: the BiLSTM, seeds {seeds}; F1, and what is gained over"
    yield "it; F1 of the best tag of each token instead of the best valid sequence"
    yield f"{'':32}{'F1':>14}{'gain':>9}{'each token':>14}"
    full = _f1s(wanted, ABLATED, size, folder, "f1")
    for name in wanted.ablated():
        own = _f1s(wanted, name, size, folder, "f1")
        raw = _f1s(wanted, name, size, folder, "raw_f1")
        gain = statistics.mean(full) - statistics.mean(own) if full and own else float("nan")
        yield f"{TITLES[name]:32}{spread(own):>14}{gain:9.2f}{spread(raw):>14}"


def _f1s(wanted: Wanted, name: str, size: str, folder: Path, figure: str) -> list[float]:
    job = Job(wanted.data[0], name, Kind.LEARN, size, wanted.seeds[0])
    return [100 * its[figure] for its in results(wanted, job, folder) if figure in its]


def spread(values: Sequence[float]) -> str:
    """Mean, and standard deviation where there are several; a dash for none."""
    if not values:
        return NONE
    deviation = f" ({statistics.stdev(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{deviation}"


# Curves


def curves_of(wanted: Wanted, data: str, folder: Path) -> list[Curve]:
    """F1 by sentences of each system that has any."""
    curves = []
    for name in wanted.systems:
        mean, deviation = {}, {}
        for size in wanted.sizes:
            job = Job(data, name, Kind.LEARN, size, wanted.seeds[0])
            found = results(wanted, job, folder)
            if found:
                n = int(found[0]["sentences"])
                f1 = [100 * its["f1"] for its in found]
                mean[n] = statistics.mean(f1)
                deviation[n] = statistics.stdev(f1) if len(f1) > 1 else 0.0
        if mean:
            curves.append(Curve(TITLES[name], mean, deviation))
    return curves


@dataclass(frozen=True)
class Crossing:
    """Where a system begins to be better than another: with so many sentences, at which F1."""

    better: str
    than: str
    sentences: float
    f1: float


def find_crossings(curves: Sequence[Curve]) -> list[Crossing]:
    """Of any two systems, on straight lines over the logarithm of the number of sentences."""
    found = []
    for one, other in combinations(curves, 2):
        sizes = sorted(set(one.mean) & set(other.mean))
        gaps = {n: one.mean[n] - other.mean[n] for n in sizes}
        for less, more in pairwise(sizes):
            if gaps[less] * gaps[more] >= 0:
                continue
            share = gaps[less] / (gaps[less] - gaps[more])
            sentences = exp(log(less) + share * log(more / less))
            f1 = one.mean[less] + share * (one.mean[more] - one.mean[less])
            better, than = (one, other) if gaps[more] > 0 else (other, one)
            found.append(Crossing(better.name, than.name, sentences, f1))
    return sorted(found, key=lambda crossing: crossing.sentences)


def crossings(curves: Sequence[Curve]) -> Iterator[str]:
    """A line for each."""
    for its in find_crossings(curves):
        yield (
            f"  from about {its.sentences:,.0f} sentences on (F1 {its.f1:.0f}), "
            f"{its.better} finds more than {its.than}"
        )
