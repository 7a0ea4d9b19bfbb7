"""What an evaluation found as one HTML file, which shows itself without any network request."""

from pathlib import Path
from typing import Any

from .page import render


def write_report(
    metrics: dict[str, Any], errors: list[dict[str, Any]], path: Path, *, most_errors: int = 5000
) -> None:
    """Write report.html.

    metrics (dict): As in metrics.json.
    errors (List[dict]): The rows of errors.jsonl.
    path (Path): The file to write.
    most_errors (int): How many errors the file holds at most, to stay quick to open. Of more, a
        share of every kind is kept; the page says so.
    RAISES ValueError: If matplotlib is not installed.
    """
    page = render(metrics, errors, most_errors)
    # Paths may hold bytes that are no UTF-8, which Python keeps as lone surrogates.
    path.write_text(page, encoding="utf8", errors="replace", newline="\n")
