"""The section `label_errors` on a terminal."""

from wasabi.util import locale_escape

from ...evaluation.tables import percent, print_table
from ..label_errors.likely_errors import LabelErrors, LikelyError
from ..plain_span import PlainSpan
from .in_context import one_line, shown_occurrence, shown_place
from .left_out import LONGER, print_left_out

SHOWN = 10


def print_label_errors(errors: LabelErrors) -> None:
    """Print who read, how sure they are of the annotation, and the likeliest errors."""
    print(
        locale_escape(
            f"Read again by {errors.judged_by}: {errors.n_disagreements:,} stretches otherwise "
            f"than annotated, {len(errors.findings):,} of them likely errors."
        )
    )
    if errors.n_not_judged:
        print(f"Not judged, for lack of annotation or of labels: {errors.n_not_judged:,} more.")
    print_left_out(errors.left_out, LONGER)
    rows = [
        (one.label or "no entity", f"{one.n:,}", percent(one.mean, 1)) for one in errors.confidences
    ]
    print_table(("Annotated as", "Number", "Mean probability"), rows)
    if errors.by_kind:
        kinds = ", ".join(f"{kind} {n:,}" for kind, n in errors.by_kind.items())
        print(f"By what is wrong: {kinds}. The likeliest:")
    for number, one in enumerate(errors.findings[:SHOWN], 1):
        _print_finding(number, one)


def _print_finding(number: int, one: LikelyError) -> None:
    print(locale_escape(f"{number:>3}. {shown_occurrence(one.occurrence)}"))
    sides = (
        ("annotated", one.annotated, one.annotated_probability),
        ("suggested", one.suggested, one.suggested_probability),
    )
    for name, spans, probability in sides:
        print(locale_escape(f"     {name}: {_listed(spans)}, {percent(probability, 1)} %"))
    print(locale_escape(f"     {shown_place(one.occurrence)}"))


def _listed(spans: list[PlainSpan]) -> str:
    return ", ".join(one_line(str(span)) for span in spans) or "no entity"
