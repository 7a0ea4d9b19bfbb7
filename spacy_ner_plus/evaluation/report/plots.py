"""The plots of the report."""

from collections.abc import Sequence
from typing import Any
from unicodedata import east_asian_width

import numpy as np
from markupsafe import Markup

from ...pages import figures, svg
from ..confidence_types import Reliability, ThresholdCurve, ThresholdCurves
from ..schema import ErrorKind
from ..score_types import CountedMeasures, Intervals

WIDTH = 430  # pixels: to be read on a phone without scrolling
ROW = 22
BLUE, ORANGE, GREY, LIGHT, INK = "#1f5fa8", "#b45309", "#4d5560", "#9db8d9", "#1c2024"
# Of types in one plot: told apart without the colour too.
LINES = ((BLUE, "--"), (ORANGE, "-."), ("#15803d", ":"), ("#7c3aed", (0, (8, 2))))


def f1_of_types(
    types: dict[str, CountedMeasures], intervals: Intervals | None, micro_f1: float | None
) -> Markup:
    """F1 of each type as a dot, its interval as a line, micro F1 as a dashed one.

    Types without gold entities have none.
    """
    with svg.style():
        plot = _rows([svg.shown(label) for label in types], 0.18)
        known = [label for label, its in types.items() if its.support]
        f1 = 100 * np.array([types[label].f1 for label in known])
        y = np.flatnonzero([its.support for its in types.values()])
        if intervals is not None:
            ends = 100 * np.array([intervals.types[label].f1 for label in known])
            plot.hlines(y, *ends.reshape(-1, 2).T, color=LIGHT, linewidth=4)
        plot.plot(f1, y, "o", color=BLUE, markersize=7)
        if micro_f1 is not None:
            plot.axvline(100 * micro_f1, color=GREY, linestyle="--", linewidth=1)
        plot.set_xlim(*_zoom(plot.dataLim.intervalx if known else (0.0, 100.0)))
        for row in sorted({*range(len(types))} - {*y.tolist()}):
            plot.annotate(
                "no gold", (0, row), xycoords=("axes fraction", "data"), xytext=(4, 0),
                textcoords="offset points", va="center", fontsize=10.5, color=GREY,
            )  # fmt: skip
        plot.set_xlabel("F1 (%); dashed: micro")
        plot.locator_params(axis="x", integer=True, nbins=6)
        plot.grid(axis="x")
        what = "; ".join(
            f"{label}: {figures.percent(its.f1) if its.support else 'no gold entities'}"
            for label, its in types.items()
        )
        return svg.element(_figure(plot), "f1", "F1 of each type", _plain(what))


def f1_gains(kinds: list[ErrorKind]) -> Markup:
    """What micro F1 would gain if all errors of a kind were mended. Bars have the kind as id."""
    with svg.style():
        plot = _rows([kind.name for kind in kinds], 0.0)
        gains = [100 * kind.f1_gain for kind in kinds]
        bars = plot.barh(range(len(kinds)), gains, color=BLUE, height=0.62)
        for bar, kind, gain in zip(bars, kinds, gains, strict=True):
            bar.set_gid(f"bar-{kind.kind}")
            plot.annotate(
                f"{gain:+.1f} ({figures.count(kind.errors)})",
                (max(0.0, gain), bar.get_y() + bar.get_height() / 2),
                xytext=(5, 0), textcoords="offset points", va="center", fontsize=10.5,
            )  # fmt: skip
        plot.set_xlim(min([0.0, *gains]), 1.4 * max([0.1, *gains]))
        plot.set_xlabel("points of F1 gained if mended (errors)")
        plot.grid(axis="x")
        what = "; ".join(
            f"{kind.name}: {figures.percent(kind.f1_gain)} points, {kind.errors} errors"
            for kind in kinds
        )
        return svg.element(_figure(plot), "gains", "F1 gained by mending each kind", what)


def reliability(states: Reliability) -> Markup:
    """Precision of entities against their probability by bins, before and after calibration."""
    with svg.style():
        plot = svg.axes(WIDTH, 400, (54, 14, 42, 14))
        plot.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
        looks = (
            (states.before, "before calibration", ORANGE, "s", "none"),
            (states.after, "as the pipeline gives them", BLUE, "o", BLUE),
        )
        said = []
        for state, name, color, marker, face in looks:
            if state is None:
                continue
            x = [each.probability for each in state.bins]
            y = [each.accuracy for each in state.bins]
            plot.plot(
                x, y, marker, linestyle="-", linewidth=0.8, color=color, markerfacecolor=face,
                markersize=6.5, label=f"{name}: ECE {state.ece:.3f}",
            )  # fmt: skip
            said.append(f"{name}: expected calibration error {state.ece:.3f}")
        low = min(0.8, float(np.floor(10 * max(0.0, _lowest(states) - 0.01)) / 10))
        plot.set_xlim(low, 1 + 0.02 * (1 - low))
        plot.set_ylim(low, 1 + 0.02 * (1 - low))
        plot.set_xlabel("mean probability")
        plot.set_ylabel("share that is right")
        plot.grid()
        plot.legend(loc="upper left", fontsize=10.5, handletextpad=0.5, borderaxespad=0)
        return svg.element(_figure(plot), "reliability", "Reliability diagram", "; ".join(said))


def curves(curve: ThresholdCurve) -> Markup:
    """Precision, recall and F1 over the threshold.

    The script redraws lines and marker for other types: the figure tells where 0 and 1 of both axes
    are, in its own units.
    """
    with svg.style():
        plot = svg.axes(WIDTH, 300, (48, 14, 42, 30))
        x = np.array(curve.threshold)
        lines = (
            ("precision", curve.precision, BLUE, "-"),
            ("recall", curve.recall, ORANGE, "--"),
            ("F1", curve.f1, INK, ":"),
        )
        for name, scores, color, line in lines:
            y, gid = 100 * np.array(scores), f"line-{name.lower()}"
            plot.plot(x, y, line, color=color, linewidth=1.8, label=name, gid=gid)
        plot.axvline(0, color=GREY, linewidth=1.5, gid="marker")
        plot.set_xlim(0, 1)
        plot.set_ylim(0, 100)
        plot.set_xlabel("threshold")
        plot.set_ylabel("%")
        plot.grid()
        plot.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=10.5, borderaxespad=0.2
        )
        left, bottom = plot.transData.transform((0, 0))
        right, top = plot.transData.transform((1, 100))
        return svg.element(
            _figure(plot),
            "curves",
            "Precision, recall and F1 over the threshold",
            "The figures at each threshold are beside the slider.",
            [left, 300 - bottom, right, 300 - top],
        )


def precision_recall(curves: ThresholdCurves, types: Sequence[str]) -> Markup:
    """Precision against recall as the threshold rises, of all types together and of some.

    types (Sequence[str]): The most important first; as many are shown as can be told apart.
    """
    with svg.style():
        plot = svg.axes(WIDTH, 340, (48, 14, 42, 30))
        shown = [label for label in types if label in curves.types][: len(LINES)]
        lines = [(label, curves.types[label], *LINES[i]) for i, label in enumerate(shown)]
        for name, curve, color, line in [("all types", curves.micro, INK, "-"), *lines]:
            recall, precision = 100 * np.array(curve.recall), 100 * np.array(curve.precision)
            plot.plot(
                recall, precision, linestyle=line, color=color, linewidth=1.8,
                label=svg.shown(name, 14),
            )  # fmt: skip
        low, _ = _zoom(plot.dataLim.intervaly)
        plot.set_xlim(0, 100)
        plot.set_ylim(low, 101)
        plot.set_xlabel("recall (%)")
        plot.set_ylabel("precision (%)")
        plot.grid()
        plot.legend(loc="lower left", fontsize=10.5)
        what = "; ".join(
            f"{label}: without a threshold, precision {figures.percent(curve.precision[0])} and "
            f"recall {figures.percent(curve.recall[0])}"
            for label, curve in [
                ("all types", curves.micro),
                *((label, curves.types[label]) for label in types if label in curves.types),
            ]
        )
        return svg.element(_figure(plot), "trade", "Precision against recall", _plain(what))


def _rows(names: list[str], pad: float) -> Any:
    """Axes with a row for each name, the first on top."""
    left = 14 + 6.6 * max([6, *(_columns(name) for name in names)])
    height = max(1, len(names)) * ROW + 52
    plot = svg.axes(WIDTH, height, (min(left, 0.5 * WIDTH), 14, 42, 10))
    plot.set_yticks(range(len(names)), names)
    plot.set_ylim(max(1, len(names)) - 0.5 + pad, -0.5 - pad)
    plot.spines["left"].set_visible(False)
    return plot


def _columns(text: str) -> float:
    """The width of a text in letters: those of East Asia are wider."""
    return sum(1.7 if east_asian_width(c) in "WF" else 0.95 for c in text)


def _figure(plot: Any) -> Any:
    return plot.get_figure()


def _zoom(ends: Any) -> tuple[float, float]:
    """The range of an axis of percentages that is not mostly empty."""
    low = float(np.floor(max(0.0, ends[0] - 2) / 10) * 10)
    return min(low, 90.0), 101.0 if ends[1] > 90 else min(100.0, float(ends[1]) + 5)


def _lowest(states: Reliability) -> float:
    bins = [*states.after.bins, *(states.before.bins if states.before else ())]
    return min((min(each.probability, each.accuracy) for each in bins), default=0.0)


def _plain(text: str) -> str:
    """Text that XML allows."""
    return svg.shown(text, len(text))
