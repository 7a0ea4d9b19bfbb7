"""The section `overlap` on a terminal."""

from wasabi.util import locale_escape

from ...evaluation.tables import percent, print_table
from ..overlap import KINDS, OTHER, UNSEEN, Overlap, SeenCounts, SeenForm

SHOWN_FORMS = 5


def print_overlap(overlap: Overlap) -> None:
    """Print how many entities of each part are known from train, and the most frequent others."""
    rows = []
    for name, part in overlap.parts.items():
        rows.append((f"{name}: entities", *_row(part.all)))
        rows += [(f"  {label}", *_row(seen)) for label, seen in part.labels.items()]
        rows.append(("  different, by label", *_row(part.different)))
    print_table(("In train with", *KINDS, "All"), rows)
    for name, part in overlap.parts.items():
        for kind in (OTHER, UNSEEN):
            if forms := part.forms[kind][:SHOWN_FORMS]:
                print(locale_escape(f"{name}, {kind}: {', '.join(map(_shown, forms))}."))


def _row(seen: SeenCounts) -> tuple[str, ...]:
    return (*(f"{percent(share, 1)} %" for share in seen.shares), f"{seen.entities:,}")


def _shown(form: SeenForm) -> str:
    known = ", ".join(f"{label} {n:,}" for label, n in form.train.items())
    return f"{form.text} {form.label} {form.count:,}" + (f" (train: {known})" if known else "")
