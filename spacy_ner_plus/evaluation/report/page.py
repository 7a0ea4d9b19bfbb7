"""The page: a template for each section, styles and scripts within, nothing loaded."""

from typing import Any

from markupsafe import Markup

from ...pages import figures, html
from ...support.typed_json import to_json
from ..data_notes import off_token_notes, source_notes
from ..schema import Metrics
from ..type_notes import type_notes
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
    "nesting": "Nesting",
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
    has_thresholds = _is_there("thresholds", metrics)
    types = figures.by_support(metrics.exact.types)
    with_gold = [label for label, its in types.items() if its.support]
    script = _script()
    return (
        html.environment(__package__)
        .get_template("report.html")
        .render(
            metrics=metrics,
            notes=type_notes(metrics.types),
            off_tokens=[*source_notes(metrics), *off_token_notes(metrics)],
            sections={key: title for key, title in TITLES.items() if _is_there(key, metrics)},
            types=types,
            confusion=figures.confusion(confusion.labels, confusion.counts),
            f1_plot=plots.f1_of_types(types, metrics.intervals, metrics.exact.micro.shown[2]),
            kinds_plot=plots.f1_gains(metrics.errors.kinds),
            reliability_plot=plots.reliability(confidence.reliability) if confidence else None,
            curves_plot=plots.curves(confidence.curves.micro) if confidence else None,
            trade_plot=plots.precision_recall(confidence.curves, with_gold) if confidence else None,
            thresholds=html.embedded(_threshold_data(metrics)) if has_thresholds else None,
            errors=html.embedded(browser_data(errors, metrics.errors.kinds, most_errors)),
            style=html.style(),
            script=Markup(script),
            script_hash=html.script_hash(script),
        )
    )


def _is_there(section: str, metrics: Metrics) -> bool:
    if section == "thresholds":
        return metrics.confidence is not None and metrics.confidence.thresholds.can_help
    return section != "nesting" or metrics.nesting is not None


def _threshold_data(metrics: Metrics) -> dict[str, Any]:
    """What thresholds.js gets. Types of which nothing is right have no threshold to choose."""
    confidence = metrics.confidence
    assert confidence is not None
    curves, chosen = confidence.curves, confidence.thresholds
    types = {label: its for label, its in chosen.types.items() if its.f1 is not None}
    # one number is for all types of the pipeline, and those that are left out are not to have it
    all_labels = [name for its in chosen.types.values() for name in its.labels]
    return to_json(
        {
            "micro": curves.micro,
            "curves": curves.types,
            "types": types,
            "wanted_precision": chosen.wanted_precision,
            "all_labels": all_labels if metrics.types.left_out else None,
        }
    )


def _script() -> str:
    return '"use strict";\n' + "\n".join(html.static(__package__, name) for name in SCRIPTS)
