"""A check of rules as tables on a terminal."""

import json

from wasabi import msg
from wasabi.util import locale_escape

from ...annotation.rule_hits import HARD
from ...support.numbers import counted
from ...support.typed_json import to_json
from ..tables import percent, print_table
from .rule_check_schema import RuleCheck, RuleConflict, RuleScores

MOST_CONFLICTS, MOST_NEVER, WIDTH = 10, 10, 40


def print_rule_check(check: RuleCheck) -> None:
    """Print what each rule finds, what never matches, and what conflicts."""
    msg.divider(locale_escape(f"{check.rules} on {check.data}"))
    header = ("Rule", "Label", "Kind", "Hits", "Precision", "Recall", "Entities", "Blocked")
    print_table(header, [_row(its) for its in check.scores], left=3)
    n_documents = counted(check.documents, "document")
    left_out = check.documents_without_annotation
    print(
        f"{n_documents}, {check.gold:,} annotated entities of these types. Together, the rules "
        f"make {counted(check.entities, 'entity', 'entities')}, of which {check.right:,} are right."
        + (f" Left out: {left_out:,} without annotation." if left_out else "")
    )
    _print_notes(check)
    _print_never(check.scores)
    _print_conflicts(check.conflicts)


def rule_check_json(check: RuleCheck) -> str:
    """All of a check as JSON."""
    return json.dumps(to_json(check), indent=2, ensure_ascii=False)


def _row(its: RuleScores) -> tuple[str, ...]:
    name = _short(its.name) + (f" ({its.n_rules:,})" if its.form == "phrase" else "")
    return (
        name,
        its.label or "any",
        its.kind,
        f"{its.hits:,}",
        percent(its.precision),
        percent(its.recall),
        f"{its.entities:,}",
        f"{its.blocked:,}",
    )


def _print_notes(check: RuleCheck) -> None:
    kept_out = sum(its.found for its in check.scores if its.kind.startswith("block"))
    if kept_out:
        print(f"Blocks keep out {counted(kept_out, 'annotated entity', 'annotated entities')}.")
    if check.off_tokens:
        print(f"Matches of regexes that don't start and end where tokens do: {check.off_tokens:,}.")
    for label, n_refused in check.refused.items():
        print(locale_escape(f"Refused by the validator of {label}: {n_refused:,}."))
    for its in check.scores:
        if its.timeouts:
            times = counted(its.timeouts, "document")
            end = ", and it was switched off" if its.is_switched_off else ""
            print(locale_escape(f"The regex {_short(its.name)} took too long for {times}{end}."))


def _print_never(scores: list[RuleScores]) -> None:
    never = [its for its in scores if its.n_never]
    if not never:
        return
    msg.divider("Never match")
    for its in never[:MOST_NEVER]:
        of_what = f"{_short(its.name)}, {its.label or 'any'}"
        if its.kind != HARD:
            of_what += f" ({its.kind})"
        if its.form != "phrase":
            print(locale_escape(of_what))
            continue
        some = ", ".join(map(_short, its.never[:3])) + ", ..." * (its.n_never > 3)
        of_all = f"{its.n_never:,} of {its.n_rules:,} phrases"
        print(locale_escape(f"{of_what}: {of_all}: {some}"))
    _print_rest(len(never) - MOST_NEVER)


def _print_conflicts(conflicts: list[RuleConflict]) -> None:
    if not conflicts:
        return
    msg.divider("Conflicts")
    header = ("Taken", "Not taken", "Example", "Times")
    rows = [
        (
            f"{_short(its.winner)} {its.winner_label}",
            f"{_short(its.loser)} {its.loser_label}",
            f"{_short(its.winner_example)} | {_short(its.example)}",
            f"{its.n:,}",
        )
        for its in conflicts[:MOST_CONFLICTS]
    ]
    print_table(header, rows, left=3)
    _print_rest(len(conflicts) - MOST_CONFLICTS)


def _print_rest(n: int) -> None:
    if n > 0:
        print(f"And {n:,} more: see --json.")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."
