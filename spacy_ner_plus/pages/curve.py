"""The plot of a learning curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

from ..support.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_TYPES = 7
ALL = "all types (micro)"
# Okabe & Ito 2008: told apart by colour-blind people, too. The first is for all types.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6D1F")
MARKERS = "osD^vPX*"
FONT_SIZE = 11
LABEL_WIDTH = 0.1  # of the horizontal axis


@dataclass(frozen=True)
class CurveLine:
    """F1 of one type, or of all, at each point of a curve.

    name (str): The type, or ALL.
    mean (List[Optional[float]]): Shares, from 0 to 1; None where the type does not occur.
    sd (List[Optional[float]]): Their standard deviations; None of a single run.
    """

    name: str
    mean: list[float | None]
    sd: list[float | None]

    @property
    def end(self) -> float:
        """The last mean that there is."""
        return next((mean for mean in reversed(self.mean) if mean is not None), 0.0)


@dataclass(frozen=True)
class PlottedCurve:
    """A learning curve as it is drawn.

    n_docs (List[int]): Documents at each point.
    n_entities (List[float]): Entities in them.
    lines (List[CurveLine]): That of all types first; at most MAX_TYPES more.
    notes (str): What bands and lines there are.
    """

    n_docs: list[int]
    n_entities: list[float]
    lines: list[CurveLine]
    notes: str


def require_plots() -> None:
    """RAISES ValueError: If matplotlib is not installed."""
    require("matplotlib", "evaluate")


def save_learning_curve(curve: PlottedCurve, path: Path, *, title: str) -> None:
    """Draw F1 against the number of documents. Bands are a standard deviation to each side.

    path (Path): The picture, in the format of its suffix; the same curve gives the same bytes.
    """
    import matplotlib

    with matplotlib.rc_context({"font.size": FONT_SIZE, "svg.hashsalt": "spacy_ner_plus"}):
        figure = draw_learning_curve(curve, title)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, metadata=metadata, dpi=150)


def draw_learning_curve(curve: PlottedCurve, title: str) -> "Figure":
    """See save_learning_curve. RETURNS (Figure): The drawing, without a window for it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    x = curve.n_docs
    for number, line in enumerate(curve.lines):
        _draw_line(axes, x, line, number)
    axes.set_xscale("log", base=2)
    shown = _legible(x)
    axes.set_xticks([x[i] for i in shown], [f"{x[i]:,}\n{curve.n_entities[i]:,.0f}" for i in shown])
    axes.minorticks_off()
    axes.set_xlabel("Annotated documents, and entities in them (log scale)")
    axes.set_ylabel("F1 (%)")
    axes.set_title(title, loc="left", pad=22)
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    # by the height of the line ends, as they are seen
    handles = zip(curve.lines, axes.get_lines(), strict=True)
    order = sorted(handles, key=lambda pair: -pair[0].end)
    axes.legend(
        [handle for _, handle in order],
        [f"{line.name}: {100 * line.end:.1f}" for line, _ in order],
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        title=f"F1 with {x[-1]:,} documents",
        alignment="left",
    )
    axes.text(0, 1.01, curve.notes, transform=axes.transAxes, fontsize=FONT_SIZE - 2)
    return figure


def _legible(x: Sequence[int]) -> list[int]:
    """Which of these positions on a log scale can be labelled, beginning with the last."""
    chosen = [len(x) - 1]
    for i in reversed(range(len(x) - 1)):
        if log(x[chosen[-1]] / x[i]) > LABEL_WIDTH * log(x[-1] / x[0]):
            chosen.append(i)
    return chosen[::-1]


def _draw_line(axes: "Axes", x: list[int], line: CurveLine, number: int) -> None:
    y = [float("nan") if mean is None else 100 * mean for mean in line.mean]
    colour, width = COLOURS[number], 2.6 if line.name == ALL else 1.6
    axes.plot(x, y, color=colour, linewidth=width, marker=MARKERS[number], markersize=6)
    if any(sd is not None for sd in line.sd):
        by = [100 * (sd or 0.0) for sd in line.sd]
        low = [mean - sd for mean, sd in zip(y, by, strict=True)]
        high = [mean + sd for mean, sd in zip(y, by, strict=True)]
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
