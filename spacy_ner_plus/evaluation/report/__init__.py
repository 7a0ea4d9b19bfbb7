"""What an evaluation found as one HTML file, which shows itself without any network request."""

from pathlib import Path
from typing import Any

from ...support.durable import written_whole
from ..schema import Metrics
from .page import MOST_ERRORS, render_report


def write_report(
    metrics: Metrics, errors: list[dict[str, Any]], path: Path, *, most_errors: int = MOST_ERRORS
) -> None:
    """Write report.html: see render_report.

    path (Path): The file to write.
    """
    page = render_report(metrics, errors, most_errors)
    # Paths may hold bytes that are no UTF-8, which Python keeps as lone surrogates.
    with written_whole(path) as unfinished:
        unfinished.write_text(page, encoding="utf8", errors="replace", newline="\n")
