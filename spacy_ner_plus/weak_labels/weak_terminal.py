"""Votes as tables on a terminal."""

import json
from collections.abc import Sequence

from wasabi import msg
from wasabi.util import locale_escape

from ..support.typed_json import to_json
from .weak_schema import WeakLabels

MOST_VOTERS, MOST_PAIRS, WIDTH = 30, 15, 40


def print_weak_labels(its: WeakLabels) -> None:
    """Print what voters say, how they go together, and what became of it."""
    msg.divider(locale_escape(f"Votes on {its.texts}"))
    _print_table(
        ("Voter", "Types", "Votes", "Alone", "Blocks", "Precision", "Recall"),
        [
            (
                _short(one.name),
                _short(", ".join(one.labels)),
                f"{one.votes:,}",
                f"{one.alone:,}",
                f"{one.blocks:,}",
                _percent(one.precision),
                _percent(one.recall),
            )
            for one in sorted(its.voters, key=lambda voter: -voter.votes)[:MOST_VOTERS]
        ],
        left=2,
    )
    _print_rest(len(its.voters) - MOST_VOTERS)
    print("Precision and recall are expected ones, by the agreement of all voters.")
    if its.pairs:
        msg.divider("Voters that meet")
        rows = [
            (
                _short(pair.one),
                _short(pair.other),
                _short(pair.example),
                f"{pair.conflict:,}",
                f"{pair.agree:,}",
                f"{pair.overlap:,}",
            )
            for pair in its.pairs[:MOST_PAIRS]
        ]
        header = ("Voter", "Other", "Conflict, such as", "Conflicts", "Agree", "Overlap")
        _print_table(header, rows, left=3)
        _print_rest(len(its.pairs) - MOST_PAIRS)
    msg.divider("Candidates")
    labels = sorted({*its.accepted, *its.rejected, *its.ignored})
    columns = (its.accepted, its.ignored, its.rejected)
    of_types = [
        (_short(label), *(f"{column.get(label, 0):,}" for column in columns)) for label in labels
    ]
    _print_table(("Type", "Accepted", "Undecided", "Rejected"), of_types, left=1)
    print(
        f"{its.documents:,} texts, {its.candidates:,} candidates; accepted from {its.threshold:g} "
        f"on, rejected up to {its.reject_below:g}."
        + (f" {its.dropped:,} votes lie in longer ones of their voter." if its.dropped else "")
    )


def weak_labels_json(its: WeakLabels) -> str:
    """All figures as JSON."""
    return json.dumps(to_json(its), indent=2, ensure_ascii=False)


def _print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, left: int) -> None:
    """Print rows below their header. left (int): Columns that are aligned to the left."""
    aligns = ("l",) * left + ("r",) * (len(header) - left)
    msg.table(rows, header=header, divider=True, aligns=aligns, max_col=60)


def _print_rest(n: int) -> None:
    if n > 0:
        print(f"And {n:,} more: see --json.")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."
