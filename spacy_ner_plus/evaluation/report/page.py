"""The page: a template for each section, styles and scripts within, nothing loaded."""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from . import figures, plots
from .errors import browser_data

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


def render(metrics: dict[str, Any], errors: list[dict[str, Any]], most_errors: int) -> str:
    """The page as HTML."""
    confidence = metrics["confidence"]
    micro = metrics["exact"]["micro"]
    types = figures.by_support(metrics["exact"]["types"])
    script = _script()
    return (
        _environment()
        .get_template("report.html")
        .render(
            metrics=metrics,
            sections={key: title for key, title in TITLES.items() if _is_there(key, metrics)},
            types=types,
            confusion=figures.confusion(metrics["errors"]["confusion"]),
            f1_plot=plots.f1_of_types(types, metrics["intervals"], micro["f1"]),
            kinds_plot=plots.f1_gains(metrics["errors"]["kinds"]),
            reliability_plot=plots.reliability(confidence["reliability"]) if confidence else None,
            curves_plot=plots.curves(confidence["curves"]["micro"]) if confidence else None,
            trade_plot=plots.precision_recall(confidence["curves"], types) if confidence else None,
            thresholds=_embedded(_threshold_data(confidence)) if confidence else None,
            errors=_embedded(browser_data(errors, metrics["errors"]["kinds"], most_errors)),
            style=Markup(_static("style.css")),
            script=Markup(script),
            script_hash=_hash(script),
        )
    )


def _is_there(section: str, metrics: dict[str, Any]) -> bool:
    return metrics["confidence"] is not None if section == "thresholds" else True


def _threshold_data(confidence: dict[str, Any]) -> dict[str, Any]:
    curves = confidence["curves"]
    return {"micro": curves["micro"], "curves": curves["types"], **confidence["thresholds"]}


def _embedded(data: Any) -> Markup:
    """JSON for a script element: no text in it can end the element or open a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=figures.percent,
        decimals=figures.decimals,
        count=figures.count,
        size=figures.size,
        interval=figures.interval,
        name=figures.last_part,
    )
    return environment


def _static(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf8")


def _script() -> str:
    return '"use strict";\n' + "\n".join(_static(name) for name in SCRIPTS)


def _hash(script: str) -> str:
    """What the page's Content-Security-Policy allows to run: this script and no other."""
    digest = hashlib.sha256(script.encode("utf8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
