"""The plot of benchmarks/models.py: F1 by the number of sentences, a line for each system."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from model_tables import Curve, find_crossings

from spacy_ner_plus.pages.curve import COLOURS, MARKERS
from spacy_ner_plus.pages.svg import STYLE, style


def plot_curves(curves: Mapping[str, Sequence[Curve]], path: Path) -> None:
    """Draw a panel for each corpus; bands are a standard deviation, rings are crossing points.

    curves (Mapping[str, Sequence[Curve]]): By corpus.
    path (Path): An .svg file; the same figures give the same bytes.
    """
    with style():
        figure = Figure(figsize=(5 * len(curves) + 2.5, 4.6), layout="constrained")
        panels = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
        for axes, (data, its) in zip(panels, curves.items(), strict=True):
            _draw(axes, data, its)
        panels[0].set_ylabel("F1 (%)")
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right center")
        figure.savefig(path, metadata={"Date": None})


def _draw(axes: Axes, data: str, curves: Sequence[Curve]) -> None:
    sizes = sorted({n for curve in curves for n in curve.mean})
    for curve, colour, marker in zip(curves, COLOURS, MARKERS, strict=False):
        x = sorted(curve.mean)
        y = [curve.mean[n] for n in x]
        axes.plot(x, y, color=colour, marker=marker, markersize=5, label=curve.name)
        low = [curve.mean[n] - curve.deviation[n] for n in x]
        high = [curve.mean[n] + curve.deviation[n] for n in x]
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    for crossing in find_crossings(curves):
        axes.plot(crossing.sentences, crossing.f1, "o", markersize=12, markerfacecolor="none",
                  markeredgecolor=STYLE["axes.edgecolor"])  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{n:,}" for n in sizes])
    axes.minorticks_off()
    axes.set_xlabel("sentences to learn from (log scale)")
    axes.set_title(data, loc="left")
    axes.grid(axis="y")
