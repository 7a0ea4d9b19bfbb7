"""The plot of a learning curve."""

from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def require_plots() -> None:
    """RAISES ValueError: If matplotlib is not installed."""
    require("matplotlib", "evaluate")


def save_learning_curve(points: Sequence[dict[str, Any]], path: Path, *, title: str) -> None:
    """Draw F1 against the number of documents, over all types and for each of the most frequent.

    points (Sequence[Dict[str, Any]]): See Curve.points. Bands are a standard deviation to each
        side, where there are several repeats.
    path (Path): The picture, in the format of its suffix; the same points give the same bytes.
    """
    import matplotlib

    with matplotlib.rc_context({"font.size": FONT_SIZE, "svg.hashsalt": "spacy_ner_plus"}):
        figure = draw_learning_curve(points, title)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, metadata=metadata, dpi=150)


def draw_learning_curve(points: Sequence[dict[str, Any]], title: str) -> "Figure":
    """See save_learning_curve. RETURNS (Figure): The drawing, without a window for it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    lines = {ALL: [point["summary"]["micro"] for point in points]}
    for label in frequent_types(points):
        lines[label] = [point["summary"]["per_type"].get(label) for point in points]
    x = [point["n_docs"] for point in points]
    for number, (name, scores) in enumerate(lines.items()):
        _draw_line(axes, x, scores, name, number)
    axes.set_xscale("log", base=2)
    shown = [points[i] for i in _legible(x)]
    axes.set_xticks(
        [point["n_docs"] for point in shown],
        [f"{point['n_docs']:,}\n{point['n_entities']:,.0f}" for point in shown],
    )
    axes.minorticks_off()
    axes.set_xlabel("Annotated documents, and entities in them (log scale)")
    axes.set_ylabel("F1 (%)")
    axes.set_title(title, loc="left", pad=22)
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    # by the height of the line ends, as they are seen
    ends = {name: next((s["f1"]["mean"] for s in reversed(v) if s), 0) for name, v in lines.items()}
    handles = dict(zip(lines, axes.get_lines(), strict=True))
    order = sorted(lines, key=lambda name: -ends[name])
    axes.legend(
        [handles[name] for name in order],
        [f"{name}: {100 * ends[name]:.1f}" for name in order],
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        title=f"F1 with {x[-1]:,} documents",
        alignment="left",
    )
    axes.text(0, 1.01, _notes(points), transform=axes.transAxes, fontsize=FONT_SIZE - 2)
    return figure


def frequent_types(points: Sequence[dict[str, Any]]) -> list[str]:
    """The types with most gold entities in the scored data, as many as can be told apart; none
    where there is but one, which is all of them.
    """
    types = points[-1]["runs"][0]["scores"]["per_type"]
    if len(types) == 1:
        return []
    return sorted(types, key=lambda label: (-types[label]["support"], label))[:MAX_TYPES]


def _legible(x: Sequence[int]) -> list[int]:
    """Which of these positions on a log scale can be labelled, beginning with the last."""
    chosen = [len(x) - 1]
    for i in reversed(range(len(x) - 1)):
        if log(x[chosen[-1]] / x[i]) > LABEL_WIDTH * log(x[-1] / x[0]):
            chosen.append(i)
    return chosen[::-1]


def _notes(points: Sequence[dict[str, Any]]) -> str:
    """What bands and lines there are."""
    notes = []
    if (n_runs := len(points[0]["runs"])) > 1:
        notes.append(f"bands: ± standard deviation of {n_runs} repeats")
    if (n_types := len(points[-1]["runs"][0]["scores"]["per_type"])) > MAX_TYPES:
        notes.append(f"the {MAX_TYPES} most frequent of {n_types} types")
    return "; ".join(notes)


def _draw_line(
    axes: "Axes", x: list[int], scores: list[dict[str, Any] | None], name: str, number: int
) -> None:
    nothing: dict[str, Any] = {"mean": float("nan"), "sd": None}
    f1 = [score["f1"] if score else nothing for score in scores]
    y = [100 * value["mean"] for value in f1]
    colour, width = COLOURS[number], 2.6 if name == ALL else 1.6
    axes.plot(x, y, color=colour, linewidth=width, marker=MARKERS[number], markersize=6)
    if any(value["sd"] is not None for value in f1):
        sd = [100 * (value["sd"] or 0.0) for value in f1]
        low = [mean - by for mean, by in zip(y, sd, strict=True)]
        high = [mean + by for mean, by in zip(y, sd, strict=True)]
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
