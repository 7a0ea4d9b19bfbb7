"""The section `decisions` on a terminal."""

from wasabi.util import locale_escape

from ...evaluation.tables import NONE, percent, print_table
from ..decisions import CheckedDecision, DecisionFindings, PlainSpan, Violation
from .in_context import one_line, shown_place

MOST_DECISIONS, EXAMPLES = 12, 2


def print_decisions(findings: DecisionFindings) -> None:
    """Print how far the data are as decided, and some places of each decision that are not."""
    decided = [one for one in findings.decisions if one.is_decided]
    if decided:
        header = ("Line", "Decision", "Agree", "Exceptions", "Against", "%")
        print_table(header, [_row(one) for one in decided], left=2)
    else:
        print("Nothing is decided yet.")
    if findings.n_undecided:
        print(f"Questions that nobody has decided: {findings.n_undecided:,}.")
    worst = sorted((one for one in decided if one.against), key=lambda one: -len(one.against))
    for one in worst[:MOST_DECISIONS]:
        print(locale_escape(f"\n{one.said}: {len(one.against):,} against"))
        for violation in one.against[:EXAMPLES]:
            print(locale_escape(f"  {_change(violation)}"))
            print(locale_escape(f"    {shown_place(violation.found)}"))
    if len(worst) > MOST_DECISIONS:
        print(f"\n{len(worst) - MOST_DECISIONS:,} more decisions have places against them.")


def _row(one: CheckedDecision) -> tuple[str, ...]:
    n_judged = one.agreeing + len(one.against)
    share = percent(len(one.against) / n_judged if n_judged else None, 1)
    exceptions = f"{one.exceptions:,}" if one.exceptions else NONE
    said = locale_escape(one.said)
    if not one.has_rule:
        return str(one.line), said, NONE, NONE, NONE, NONE
    return str(one.line), said, f"{one.agreeing:,}", exceptions, f"{len(one.against):,}", share


def _change(violation: Violation) -> str:
    found = violation.found
    now, suggested = _marked(found.text, found.start, violation.now), violation.suggested
    return (
        f"{one_line(found.before)[-25:]}{now} -> {_marked(found.text, found.start, suggested)}"
        f"{one_line(found.after)[:25]}"
    )


def _marked(text: str, offset: int, spans: list[PlainSpan]) -> str:
    """A text with entities in brackets, inner ones within outer ones."""
    opening = sorted(spans, key=lambda one: (one.start, -one.end))
    marks: dict[int, str] = {}
    for one in sorted(spans, key=lambda one: (one.end, -one.start)):
        marks[one.end - offset] = marks.get(one.end - offset, "") + f" {one.label}]"
    for one in opening:
        marks[one.start - offset] = marks.get(one.start - offset, "") + "["
    made, at = "", 0
    for stop in sorted({*marks, len(text)}):
        made += one_line(text[at:stop]) + marks.get(stop, "")
        at = stop
    return made
