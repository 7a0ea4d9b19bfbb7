"""Annotated spans of which the setting `allow` lets only some be found together."""

import warnings

from ...nesting.nesting_counts import NestingCounts


def warn_of_excluding(counts: NestingCounts, allow: str, name: str) -> None:
    """Say how many annotated spans exclude others, if any do.

    counts (NestingCounts): How the annotated spans of the training data lie.
    allow (str): Which may be found together: see models.decoding.span_choice.
    name (str): The component.
    """
    found = []
    if allow == "flat" and counts.nested:
        found.append(f"{counts.nested} lie within longer ones")
    if allow == "flat" and counts.several_labels:
        found.append(f"{counts.several_labels} have the place of another with another label")
    if allow in ("flat", "nested") and counts.crossing:
        found.append(f"{counts.crossing} cross others")
    if found:
        warnings.warn(
            f"Of {counts.spans} gold spans {', '.join(found)}: of such, '{name}' finds only some "
            f'together with allow = "{allow}". Its scores can\'t be perfect; "all" permits what '
            "is annotated.",
            stacklevel=3,
        )
