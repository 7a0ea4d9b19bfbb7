"""The figures as pictures, SVG and PNG. Needs matplotlib: spacy_ner_plus[bench]."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, OTHERS, LIMIT = "#1f6f8b", "#b8b8b8", "#444444"


def plot_speed(figures: dict[str, Any], folder: Path) -> None:
    """Words per second of all systems: a panel for each shape of texts and for training."""
    panels: dict[str, dict[str, Any]] = {}
    for shape, part in figures.get("inference", {}).get("shapes", {}).items():
        panels[f"Inference, {shape}"] = part["systems"]
    if "training" in figures:
        panels["Training"] = figures["training"]["systems"]
    if not panels:
        return
    heights = [len(systems) for systems in panels.values()]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(8, 1.2 + 0.35 * sum(heights) + 0.6 * len(panels)),
        gridspec_kw={"height_ratios": heights}, squeeze=False, layout="constrained",
    )  # fmt: skip
    for (title, systems), panel in zip(panels.items(), axes[:, 0], strict=True):
        _bars(panel, title, systems)
    _save(figure, folder / "speed")


def _bars(axes: Axes, title: str, systems: dict[str, Any]) -> None:
    names = list(systems)[::-1]
    speeds = [systems[name]["words_per_second"] for name in names]
    bars = axes.barh(names, speeds, color=[_colour(name) for name in names])
    labels = axes.bar_label(bars, [f"{speed:,.0f}" for speed in speeds], padding=3, fontsize=8)
    for label in labels:  # readable on the lines of the limits
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
    baselines = next(iter(systems.values()))["ratios"]
    for name in baselines:
        if name.startswith(("limit", "plain")):
            axes.axvline(systems[name]["words_per_second"], color=LIMIT, lw=0.8, ls="--")
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel("words/s (median)", fontsize=8)
    axes.set_xlim(0, 1.15 * max(speeds))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _colour(name: str) -> str:
    if name.startswith("ner_plus"):
        return OURS
    return LIMIT if name.startswith(("limit", "plain")) else OTHERS


def plot_growth(figures: dict[str, Any], folder: Path) -> None:
    """Time per word by length, number of documents and tags; memory along the stream."""
    if "growth" not in figures:
        return
    part = figures["growth"]
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    lines = [
        (axes[0, 0], "words", "words in one document", part["length"]),
        (axes[0, 1], "docs", "documents", part["documents"]),
        (axes[1, 0], "tags", "tags", part["tags"]),
    ]
    for panel, key, label, rows in lines:
        values = [1e6 * row["seconds"] / row["words"] for row in rows]
        panel.plot([row[key] for row in rows], values, "o-", color=OURS)
        panel.set(xscale="log", xlabel=label, ylabel="microseconds a word")
        panel.set_ylim(0, 1.2 * max(values))
    stream = part["documents"][-1]
    samples = stream["resident_mib"]
    at = [i * stream["docs"] / len(samples) for i in range(len(samples))]
    axes[1, 1].plot(at, samples, color=OURS)
    axes[1, 1].set(xlabel="documents streamed", ylabel="resident MiB", ylim=(0, 1.2 * max(samples)))
    for panel in axes.flat:
        panel.spines[["top", "right"]].set_visible(False)
    _save(figure, folder / "growth")


def _save(figure: Figure, path: Path) -> None:
    for ending in (".svg", ".png"):
        figure.savefig(path.with_suffix(ending), dpi=150)
    plt.close(figure)
