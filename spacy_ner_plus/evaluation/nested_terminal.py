"""Scores of entities inside of others as a table on a terminal, in percent."""

from wasabi import msg

from .schema import DepthScores, Nesting
from .tables import NONE, percent, print_table


def print_nesting(nesting: Nesting | None) -> None:
    """Print scores of outermost and inner entities, if any are inner."""
    if nesting is None:
        return
    msg.divider("Entities inside of others")
    header = ("", "Gold", "Recall", "Predicted", "Precision", "F1", "95 % of F1")
    groups = [nesting.outer, nesting.inner]
    if len(nesting.depths) > len(groups):
        groups += nesting.depths[1:]
    print_table(header, [_depth_row(its) for its in groups])
    of_gold, of_predicted = nesting.gold, nesting.predicted
    named = (
        (
            "inside one of their own type",
            of_gold.nested_in_own_label,
            of_predicted.nested_in_own_label,
        ),
        ("of several types", of_gold.several_labels, of_predicted.several_labels),
        ("crossing others", of_gold.crossing, of_predicted.crossing),
    )
    for name, n_gold, n_predicted in named:
        if n_gold or n_predicted:
            print(f"Entities {name}: {n_gold:,} gold, {n_predicted:,} predicted.")
    on_level = nesting.on_level
    print(f"Micro F1 if outermost and inner ones must not be mixed up: {percent(on_level.f1)}.")


def _depth_row(its: DepthScores) -> tuple[str, ...]:
    name = f"{its.group} around it" if its.group.isdigit() else its.group
    ends = NONE if its.interval is None else " - ".join(percent(end, 1) for end in its.interval)
    return (
        name,
        f"{its.gold:,}",
        percent(its.recall),
        f"{its.predicted:,}",
        percent(its.precision),
        percent(its.f1),
        ends,
    )
