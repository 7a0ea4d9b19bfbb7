"""`ner-plus report`: print in short what `ner-plus evaluate` wrote."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from wasabi import msg

from ._errors import errors_as_messages
from .evaluate import METRICS, REPORT


def report_cli(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders that `ner-plus evaluate` wrote with --output")
    ],
) -> None:
    """Print scores and errors again that were evaluated before, and name their reports."""
    with errors_as_messages():
        from ..evaluation.terminal import print_summary

        read = [read_metrics(folder) for folder in folders]
        for metrics in read:
            print_summary(metrics)
    for report in (folder / REPORT for folder in folders):
        if report.exists():
            msg.good(f"To look at: {report}")


def read_metrics(folder: Path) -> dict[str, Any]:
    """Read what `ner-plus evaluate --output` wrote.

    RAISES ValueError: It is not there, or was written by another version of the command.
    """
    from ..evaluation.measures import SCHEMA, SCHEMA_VERSION

    path = folder / METRICS
    if not path.is_file():
        raise ValueError(
            f"There are no results in {folder}: run `ner-plus evaluate --output {folder}` first."
        )
    try:
        metrics = json.loads(path.read_text(encoding="utf8"))
    except ValueError as error:  # of JSON or of UTF-8
        raise ValueError(f"{path} can't be read: {error}. Run `ner-plus evaluate` again.") from None
    if not isinstance(metrics, dict):
        raise ValueError(f"{path} holds no metrics. Run `ner-plus evaluate` again.")
    version = (metrics.get("schema"), metrics.get("schema_version"))
    if version != (SCHEMA, SCHEMA_VERSION):
        raise ValueError(
            f"{path} has the schema {version}, but {(SCHEMA, SCHEMA_VERSION)} is expected: run "
            "`ner-plus evaluate` again."
        )
    return metrics
