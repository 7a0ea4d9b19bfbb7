"""Where the steps write their figures, and what they are told."""

import argparse
import json
from pathlib import Path
from typing import Any


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """What each step is told: the device, and the folder of all that is not kept."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--work", type=Path, required=True)
    return parser


def save(work: Path, name: str, figures: dict[str, Any], table: str) -> None:
    """Write a step's figures for results.json, and its table, which is printed too."""
    folder = work / "results"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(figures, indent=1))
    (folder / f"{name}.txt").write_text(f"{name.upper()}\n{table}\n")
    print(table)
