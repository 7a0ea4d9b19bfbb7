"""Figures as the page shows them."""

from typing import Any

NONE = "\N{EN DASH}"


def percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f}"


def decimals(number: float | None, n: int = 3) -> str:
    return NONE if number is None else f"{number:.{n}f}"


def count(number: float) -> str:
    return f"{number:,.0f}"


def size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def interval(ends: tuple[float, float] | None) -> str:
    return NONE if ends is None else f"{percent(ends[0])} to {percent(ends[1])}"


def last_part(path: str) -> str:
    """The name of a folder or file without where it is."""
    return path.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or path


def by_support(types: dict[str, Any]) -> dict[str, Any]:
    """The types with most gold entities first."""
    order = sorted(types, key=lambda label: (-types[label]["support"], label))
    return {label: types[label] for label in order}


def confusion(matrix: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: a gold type with its cells; the last row and column are for no entity.

    A cell's shade is its share of the row; in the last row, of predicted entities that stand for
    nothing, its share of the column. The cell of no gold entity and none predicted is empty.
    """
    labels, counts = matrix["labels"], matrix["counts"]
    columns = [sum(column) for column in zip(*counts, strict=True)]
    rows = []
    for label, row in zip(labels, counts, strict=True):
        cells = []
        for other, n, column in zip(labels, row, columns, strict=True):
            whole = column if label is None else sum(row)
            cells.append(
                {
                    "label": other,
                    "count": None if label is None and other is None else n,
                    "share": n / whole if whole else 0.0,
                    "right": label == other,
                }
            )
        rows.append({"label": label, "total": sum(row), "cells": cells})
    return rows
