"""What benchmarks/active_learning.py makes of its runs: curves, tokens to a target, and savings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from runs import Run

from spacy_ner_plus.metrics.bootstrap import percentile_interval
from spacy_ner_plus.metrics.spans import precision_recall_f1
from spacy_ner_plus.ranking.strategies import RANDOM

SAMPLES = 2000
ALL = "all"


@dataclass(frozen=True)
class Point:
    """What is learned from so many tokens.

    counts: (n_docs, 3) int64, of test documents: see metrics.spans.
    """

    tokens: int
    counts: np.ndarray

    @property
    def f1(self) -> float:
        """In percent."""
        return float(f1_of(self.counts.sum(axis=0)))


@dataclass(frozen=True)
class Curve:
    """The points of a strategy and seed. tokens: (n_points,). counts: (n_points, n_docs, 3)."""

    tokens: np.ndarray
    counts: np.ndarray

    def drawn(self, weights: np.ndarray) -> np.ndarray:
        """F1 of bootstrap samples in percent, (samples, n_points).

        weights: (samples, n_docs), how often each document is drawn.
        """
        return f1_of(np.einsum("sd,pdc->spc", weights, self.counts))


def save_points(points: Sequence[Point], folder: Path, run: Run) -> None:
    np.savez_compressed(
        _file(folder, run),
        tokens=[point.tokens for point in points],
        counts=np.stack([point.counts for point in points]),
    )


def read_curve(folder: Path, run: Run) -> Curve:
    with np.load(_file(folder, run)) as saved:
        return Curve(saved["tokens"], saved["counts"].astype(np.float64))


def _file(folder: Path, run: Run) -> Path:
    return run.path(folder).with_suffix(".npz")


def f1_of(counts: np.ndarray) -> np.ndarray:
    """F1 in percent of sums of counts, (..., 3) -> (...)."""
    scores: np.ndarray = 100 * precision_recall_f1(counts)[..., 2]
    return scores


def tokens_to(target: np.ndarray, tokens: np.ndarray, f1: np.ndarray) -> np.ndarray:
    """Tokens at which curves first reach a target, between points by the logarithm of tokens.

    target: (samples,). tokens: (n_points,), ascending. f1: (samples, n_points).
    RETURNS: (samples,) float64: those of the first point where that is enough, of the last one
        where none is.
    """
    is_there = f1 >= target[:, None]  # (samples, n_points)
    last = len(tokens) - 1
    place = np.where(is_there.any(axis=1), is_there.argmax(axis=1), last)  # (samples,)
    before = np.maximum(place - 1, 0)  # (samples,)
    rows = np.arange(len(f1))
    low, high = f1[rows, before], f1[rows, place]  # (samples,) each
    rise = np.where(high > low, high - low, 1.0)  # (samples,)
    share = np.clip((target - low) / rise, 0.0, 1.0)  # (samples,)
    share = np.where(is_there.any(axis=1) & (place > 0), share, 1.0)
    logs = np.log(tokens)
    found: np.ndarray = np.exp(logs[before] + share * (logs[place] - logs[before]))
    return found


def print_tables(
    folder: Path, data: str, strategies: Sequence[str], seeds: Sequence[int], target: float
) -> None:
    """Curves, tokens to the target and savings of a corpus; and a picture of the curves."""
    names = list(dict.fromkeys([RANDOM, *strategies]))
    curves = {
        name: [read_curve(folder, Run(f"{data}.{name}", seed)) for seed in seeds] for name in names
    }
    full = read_curve(folder, Run(f"{data}.{ALL}", seeds[0]))
    text = "\n".join(_lines(data, curves, full, target))
    print(text, flush=True)
    (folder / f"{data}.txt").write_text(text + "\n", encoding="utf8")
    _draw(folder / f"{data}.svg", data, curves, full, target)


def _lines(data: str, curves: dict[str, list[Curve]], full: Curve, target: float) -> Iterator[str]:
    n_docs, all_tokens = full.counts.shape[1], int(full.tokens[0])
    whole = float(f1_of(full.counts[0].sum(axis=0)))
    yield f"\n{data}: F1 on {n_docs:,} test sentences, mean of {len(curves[RANDOM])} seeds, by"
    yield f"annotated tokens; {whole:.2f} with all {all_tokens:,}"
    yield f"{'tokens':18}" + "".join(f"{n:>9,.0f}" for n in _tokens(curves[RANDOM]))
    one = np.ones((1, n_docs))
    for name, own in curves.items():
        f1 = np.mean([curve.drawn(one)[0] for curve in own], axis=0)  # (n_points,)
        yield f"{name:18}" + "".join(f"{score:9.2f}" for score in f1)
    yield f"\nTokens to {100 * target:g} % of that F1, and the share saved against random"
    needed = {name: _needed(own, full, target, one) for name, own in curves.items()}
    weights = _weights(n_docs, SAMPLES)
    drawn = {name: _needed(own, full, target, weights) for name, own in curves.items()}
    for name, (tokens, is_open) in needed.items():
        line = f"{name:18}{tokens.mean():>9,.0f}{100 * tokens.mean() / all_tokens:8.1f} %"
        if name != RANDOM:
            saved = 100 * (1 - tokens.mean() / needed[RANDOM][0].mean())
            low, high = percentile_interval(_savings(drawn[name][0], drawn[RANDOM][0]))
            line += f"{saved:8.1f} % saved ({low:.1f} to {high:.1f})"
        yield line + ("   not reached by all" if is_open else "")


def _tokens(curves: Sequence[Curve]) -> np.ndarray:
    mean: np.ndarray = np.mean([curve.tokens for curve in curves], axis=0)  # (n_points,)
    return mean


def _weights(n_docs: int, samples: int) -> np.ndarray:
    """How often the bootstrap draws each document, (samples, n_docs)."""
    share = np.full(n_docs, 1.0 / n_docs)
    return np.random.default_rng(0).multinomial(n_docs, share, size=samples).astype(np.float64)


def _needed(
    curves: Sequence[Curve], full: Curve, target: float, weights: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Tokens to the target, (n_seeds, samples); and whether a curve ends before."""
    wanted = target * full.drawn(weights)[:, 0]  # (samples,)
    found, is_open = [], False
    for curve in curves:
        f1 = curve.drawn(weights)  # (samples, n_points)
        found.append(tokens_to(wanted, curve.tokens, f1))
        is_open |= bool((f1.max(axis=1) < wanted).any()) and len(weights) == 1
    return np.stack(found), is_open


def _savings(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Percent saved in bootstrap samples: documents are drawn already, seeds are drawn here.

    own, others: (n_seeds, samples). A seed's two curves stay together.
    RETURNS: (samples,)
    """
    n_seeds, samples = own.shape
    drawn = np.random.default_rng(1).integers(n_seeds, size=(n_seeds, samples))
    columns = np.arange(samples)
    means = [tokens[drawn, columns].mean(axis=0) for tokens in (own, others)]  # (samples,) each
    saved: np.ndarray = 100 * (1 - means[0] / means[1])
    return saved


def _draw(
    path: Path, data: str, curves: dict[str, list[Curve]], full: Curve, target: float
) -> None:
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    one = np.ones((1, full.counts.shape[1]))
    for name, own in curves.items():
        f1 = np.mean([curve.drawn(one)[0] for curve in own], axis=0)  # (n_points,)
        style = {"color": "black", "linestyle": "--"} if name == RANDOM else {}
        axes.plot(_tokens(own), f1, label=name, marker=".", **style)
    wanted = target * full.drawn(one)[0, 0]
    axes.axhline(wanted, color="grey", linewidth=0.8)
    axes.annotate(f"{100 * target:g} % of all", (axes.get_xlim()[0], wanted), va="bottom")
    axes.set(xscale="log", xlabel="annotated tokens", ylabel="F1 (%)", title=data)
    axes.legend()
    figure.savefig(path)
