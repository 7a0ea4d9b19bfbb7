"""The page: a template for each section, styles and scripts within, nothing loaded."""

from typing import Any

from markupsafe import Markup

from ...pages import figures, html
from ...support.typed_json import to_json
from ..confidence_types import Confidence
from ..schema import Metrics
from . import plots
from .error_browser import browser_data

# To stay quick to open.
MOST_ERRORS = 5000
SCRIPTS = ("errors.js", "thresholds.js", "page.js")
TITLES = {
    "scores": "Scores",
    "kinds": "Error types",
    "confusion": "Confusion matrix",
    "slices": "Slices",
    "calibration": "Calibration",
    "thresholds": "Thresholds",
    "errors": "Errors",
    "tokens": "Tokenisation",
}
"""Sections in the order of the page; the key is the template's name and the section's id."""


def render_report(
    metrics: Metrics, errors: list[dict[str, Any]], most_errors: int = MOST_ERRORS
) -> str:
    """The page as HTML.

    errors (List[Dict[str, Any]]): The rows of errors.jsonl.
    most_errors (int): How many errors the page holds at most. Of more, a share of every kind is
        kept; the page says so.
    RAISES ValueError: If matplotlib is not installed.
    """
    confidence, confusion = metrics.confidence, metrics.errors.confusion
    types = figures.by_support(metrics.exact.types)
    script = _script()
    return (
        html.environment(__package__)
        .get_template("report.html")
        .render(
            metrics=metrics,
            sections={key: title for key, title in TITLES.items() if _is_there(key, metrics)},
            types=types,
            confusion=figures.confusion(confusion.labels, confusion.counts),
            f1_plot=plots.f1_of_types(types, metrics.intervals, metrics.exact.micro.f1),
            kinds_plot=plots.f1_gains(metrics.errors.kinds),
            reliability_plot=plots.reliability(confidence.reliability) if confidence else None,
            curves_plot=plots.curves(confidence.curves.micro) if confidence else None,
            trade_plot=plots.precision_recall(confidence.curves, types) if confidence else None,
            thresholds=html.embedded(_threshold_data(confidence)) if confidence else None,
            errors=html.embedded(browser_data(errors, metrics.errors.kinds, most_errors)),
            style=html.style(),
            script=Markup(script),
            script_hash=html.script_hash(script),
        )
    )


def _is_there(section: str, metrics: Metrics) -> bool:
    return metrics.confidence is not None if section == "thresholds" else True


def _threshold_data(confidence: Confidence) -> dict[str, Any]:
    """What thresholds.js gets."""
    curves = confidence.curves
    return to_json({"micro": curves.micro, "curves": curves.types}) | to_json(confidence.thresholds)


def _script() -> str:
    return '"use strict";\n' + "\n".join(html.static(__package__, name) for name in SCRIPTS)
