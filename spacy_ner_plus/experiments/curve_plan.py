"""Learning curve: how scores grow with the number of annotated documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

import numpy as np
from thinc.api import Config

from ..data.splitting.annotated_corpus import AnnotatedCorpus
from ..data.splitting.stratification import stratify
from ..pages.curve import ALL, MAX_TYPES, CurveLine, PlottedCurve
from ..pages.figures import by_support
from .results import CurvePoint, MeasureSpreads, NamedScores, RunScores
from .runs import Plan, Run
from .summary import summarise, types_with_gold
from .trial import config_settings

PLAN = "subsets.json"
SCHEMA = "spacy_ner_plus.learning-curve"


@dataclass(frozen=True)
class Curve:
    """A learning curve to be measured.

    plan (Plan): Its runs: all repeats of the smallest share, then those of the next.
    shares (Tuple[float, ...]): Of the training data, ascending.
    repeats (int): How often each share is trained with.
    """

    plan: Plan
    shares: tuple[float, ...]
    repeats: int

    def points(self, corpus: AnnotatedCorpus, results: Sequence[RunScores]) -> list[CurvePoint]:
        """The points, a share each.

        results (Sequence[RunScores]): Of the plan's runs.
        """
        points = []
        for i, share in enumerate(self.shares):
            part = slice(i * self.repeats, (i + 1) * self.repeats)
            runs, scores = self.plan.runs[part], results[part]
            subsets = [run.train + run.dev for run in runs]
            points.append(
                CurvePoint(
                    share=share,
                    n_docs=len(subsets[0]),
                    n_entities=mean(corpus.n_entities(subset) for subset in subsets),
                    runs=[NamedScores(run.name, s) for run, s in zip(runs, scores, strict=True)],
                    summary=summarise(scores),
                )
            )
        return points


def plan_learning_curve(
    config: Config,
    corpus: AnnotatedCorpus,
    *,
    shares: Sequence[float],
    repeats: int,
    dev_share: float,
    seed: int,
    further_settings: dict[str, Any],
) -> Curve:
    """Choose subsets of a corpus, each within the next, with about the same entities per document.

    A document is for training, or for the choice of the checkpoint, in all subsets that have it.

    config (Config): The interpolated config.
    dev_share (float): How much of each subset is for the choice of the checkpoint.
    seed (int): Of the choice of the first repeat; the next have the numbers that follow. Training
        has the config's seed (or this where that is null), counted on in the same manner.
    further_settings (Dict[str, Any]): What else the outcome depends on.
    RAISES ValueError: If a subset would have too few documents, or for settings that can't be.
    """
    shares = sorted(shares)
    if len(shares) < 2 or len(set(shares)) < len(shares) or not 0 < shares[0] < shares[-1] <= 1:
        raise ValueError(
            f"--shares must be two or more different numbers above 0, up to 1, got {shares}."
        )
    if repeats < 1:
        raise ValueError(f"--repeats must be 1 at least, got {repeats}.")
    configured = config["training"].get("seed")
    training_seed = seed if configured is None else configured
    chosen = [_nested_subsets(corpus, shares, dev_share, seed + r) for r in range(repeats)]
    runs = [
        Run(
            name=f"share-{share:g}-repeat-{repeat + 1}",
            title=f"Share {share:g}" + (f", repeat {repeat + 1}" if repeats > 1 else ""),
            seed=training_seed + repeat,
            train=chosen[repeat][i][0],
            dev=chosen[repeat][i][1],
            test=None,
        )
        for i, share in enumerate(shares)
        for repeat in range(repeats)
    ]
    settings = {
        "train_sha256": corpus.sha256,
        "shares": list(shares),
        "repeats": repeats,
        "seed": seed,
        "dev_share": dev_share,
    }
    plan = Plan(PLAN, SCHEMA, {**settings, **further_settings, **config_settings(config)}, runs)
    return Curve(plan, tuple(shares), repeats)


def describe_last_gain(points: Sequence[CurvePoint]) -> str:
    """Say what the last doubling of the data gained, or the last step where none is a doubling.

    points (Sequence[CurvePoint]): See Curve.points.
    """
    last = points[-1]
    halves = [point for point in points[:-1] if 2 * point.share <= last.share]
    before = halves[-1] if halves else points[-2]
    gains = [
        100 * (new.scores.micro.f1 - old.scores.micro.f1)
        for old, new in zip(before.runs, last.runs, strict=True)
    ]
    factor = last.share / before.share
    step = "The last doubling of the data" if factor == 2 else f"{factor:.3g} times the data"
    gain = mean(gains)
    text = (
        f"{step}, from {before.n_docs:,} to {last.n_docs:,} documents, "
        f"{'gained' if gain >= 0 else 'lost'} {abs(gain):.1f} points of F1"
    )
    if len(gains) == 1:
        return f"{text}, in one repeat: --repeats 3 shows how much of it is chance."
    return f"{text} on average (standard deviation {stdev(gains):.1f} over {len(gains)} repeats)."


def plotted(points: Sequence[CurvePoint]) -> PlottedCurve:
    """What the plot of a curve shows: F1 over all types, and of the most frequent ones.

    points (Sequence[CurvePoint]): See Curve.points.
    """
    lines = [_line(ALL, [point.summary.micro for point in points])]
    lines += [
        _line(label, [point.summary.per_type.get(label) for point in points])
        for label in frequent_types(points)
    ]
    notes = []
    if (n_runs := len(points[0].runs)) > 1:
        notes.append(f"bands: ± standard deviation of {n_runs} repeats")
    if (n_types := len(types_with_gold(run.scores for run in points[-1].runs))) > MAX_TYPES:
        notes.append(f"the {MAX_TYPES} most frequent of {n_types} types")
    return PlottedCurve(
        n_docs=[point.n_docs for point in points],
        n_entities=[point.n_entities for point in points],
        lines=lines,
        notes="; ".join(notes),
    )


def frequent_types(points: Sequence[CurvePoint]) -> list[str]:
    """The types with most gold entities in the scored data, as many as can be told apart.

    There are none where there is but one type, which is all of them.
    """
    its = points[-1].runs[0].scores.per_type
    types = {label: scores for label, scores in its.items() if scores.support}
    if len(types) == 1:
        return []
    return list(by_support(types))[:MAX_TYPES]


def _line(name: str, scores: Sequence[MeasureSpreads | None]) -> CurveLine:
    f1 = [None if its is None else its.f1 for its in scores]
    return CurveLine(
        name,
        mean=[None if its is None else its.mean for its in f1],
        sd=[None if its is None else its.sd for its in f1],
    )


def _nested_subsets(
    corpus: AnnotatedCorpus, shares: Sequence[float], dev_share: float, seed: int
) -> list[tuple[list[int], list[int]]]:
    """Documents for training and for the choice of the checkpoint, of each share."""
    train, dev = (
        _first_shares(corpus, documents, shares, seed)
        for documents in corpus.carve(np.arange(len(corpus)), dev_share, seed)
    )
    for share, *parts in zip(shares, train, dev, strict=True):
        if not all(parts):
            raise ValueError(
                f"{share:g} of {len(corpus)} documents are too few ({corpus.path}): with "
                f"--dev-share {dev_share:g} they give {len(parts[0])} to train with and "
                f"{len(parts[1])} for the choice of the checkpoint. Leave out the smallest of the "
                "--shares."
            )
    return list(zip(train, dev, strict=True))


def _first_shares(
    corpus: AnnotatedCorpus, documents: np.ndarray, shares: Sequence[float], seed: int
) -> list[list[int]]:
    """Divide documents into slices, balanced by labels, and join the first of them."""
    steps = np.diff([*shares, 1.0] if shares[-1] < 1 else shares, prepend=0.0)
    slices = stratify(corpus.counts[documents], steps.tolist(), seed)
    return [documents[slices <= i].tolist() for i in range(len(shares))]
