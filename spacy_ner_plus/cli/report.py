"""`ner-plus report`: print the scores that `ner-plus evaluate` wrote."""

import json
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import typer
from wasabi import msg

from spacy_ner_plus.cli._errors import errors_as_messages


def report_cli(
    paths: Annotated[
        list[Path], typer.Argument(help="JSON files that `ner-plus evaluate` wrote with --output")
    ],
) -> None:
    """Print scores again that were evaluated before."""
    for path in paths:
        with errors_as_messages():
            record = read_record(path)
        print_scores(record)


def read_record(path: Path) -> dict[str, Any]:
    """Read what `ner-plus evaluate --output` wrote. RAISES (ValueError): It is not there."""
    if not path.is_file():
        raise ValueError(f"There are no results in {path}: run `ner-plus evaluate` first.")
    return json.loads(path.read_text(encoding="utf8"))


def print_scores(record: dict[str, Any]) -> None:
    """Print one line a type, then micro and macro averages, in percent.

    record (Dict[str, Any]): As `spacy_ner_plus.cli.evaluate.evaluate` returns it.
    """
    scores = record["scores"]
    types = scores["ents_per_type"]
    rows = [
        (label, *_percent(per_type["p"], per_type["r"], per_type["f"]), f"{per_type['support']:,}")
        for label, per_type in sorted(types.items())
    ]
    support = sum(per_type["support"] for per_type in types.values())
    micro = [scores[f"ents_{key}"] for key in "prf"]
    macro = [mean(per_type[key] for per_type in types.values()) for key in "prf"]
    rows += [
        ("micro", *_percent(*micro), f"{support:,}"),
        ("macro", *_percent(*macro), f"{support:,}"),
    ]
    msg.divider(f"{record['model']} on {record['data']}")
    msg.table(
        rows,
        header=("Type", "Precision", "Recall", "F1", "Support"),
        aligns=("l", "r", "r", "r", "r"),
        divider=True,
    )
    msg.text(
        f"{record['n_docs']:,} documents, {record['n_words']:,} words, "
        f"{record['words_per_second']:,.0f} words/s"
    )


def _percent(*values: float) -> list[str]:
    return [f"{100 * value:.2f}" for value in values]
