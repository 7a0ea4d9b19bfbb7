"""`ner-plus report`: print in short what `ner-plus evaluate` wrote."""

from pathlib import Path
from typing import Annotated

import typer

from ..pages.telling import say
from ._errors import errors_as_messages


def report_cli(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders that `ner-plus evaluate` wrote with --output")
    ],
) -> None:
    """Print scores and errors again that were evaluated before, and name their reports."""
    with errors_as_messages():
        from .. import read_metrics
        from ..evaluation.evaluate import REPORT
        from ..evaluation.terminal import print_summary

        read = [read_metrics(folder) for folder in folders]
        for metrics in read:
            print_summary(metrics)
    for report in (folder / REPORT for folder in folders):
        if report.exists():
            say.good(f"To look at: {report}")
