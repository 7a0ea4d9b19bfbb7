"""A comparison as tables on a terminal, at most 80 columns wide for types with short names."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wasabi import msg
from wasabi.util import locale_escape

from ...annotation.entity_source import EntitySource
from ..score_types import Measures
from ..tables import NONE, percent, print_table, scores_in_percent
from ..type_notes import type_notes
from .comparison_schema import (
    ComparisonMetrics,
    Drop,
    EntityComparison,
    EntityComparisons,
    ErrorComparison,
    ExactComparison,
    GateResult,
    MeanComparison,
    NestingComparison,
    SumComparison,
    SystemSummary,
    TypeComparison,
)

# What examples are of, by their key in differences.DIFFERENCES.
TITLES = {
    "found_by_b_only": "Gold entities that only B finds",
    "found_by_a_only": "Gold entities that only A finds",
    "wrong_in_a_only": "Spurious entities that only A predicts",
    "wrong_in_b_only": "Spurious entities that only B predicts",
}
# Characters of context in an example, on either side of the entity.
BEFORE, AFTER = 28, 28
MOST_CHARACTERS = 40
SPACING = 2


def print_comparison(comparison: ComparisonMetrics) -> None:
    """Print all of a comparison but its gate and examples."""
    a, b, counts = comparison.a, comparison.b, comparison.counts
    print(locale_escape(f"A, the baseline:   {a.model}"))
    print(locale_escape(f"B, the candidate:  {b.model}"))
    print(locale_escape(f"Data:              {comparison.data}"))
    print(f"{counts.documents:,} documents, {counts.words:,} words, {counts.gold:,} gold entities.")
    if counts.documents_without_annotation:
        print(f"Left out: {counts.documents_without_annotation:,} without annotation.")
    if a.not_judged or b.not_judged:
        print(
            "Neither right nor wrong, for lack of annotation: predicted entities, "
            f"{a.not_judged:,} of A\nand {b.not_judged:,} of B."
        )
    if counts.gold_not_judged:
        print(f"Not among the gold entities, for lack of annotation: {counts.gold_not_judged:,}.")
    _print_sources(comparison)
    _print_types(a, b)
    _print_scores(comparison.exact)
    _print_differences(comparison)
    _print_entities(comparison.entities)
    _print_errors(comparison.errors)
    _print_nesting(comparison.nesting)
    if a.speed and b.speed:
        rates = (a.speed.words_per_second, b.speed.words_per_second)
        print(f"Speed: A {rates[0]:,.0f} words/s, B {rates[1]:,.0f} words/s\n")
    print(verdict(comparison))


def verdict(comparison: ComparisonMetrics) -> str:
    """Whether B is better by micro F1, in a sentence."""
    micro = comparison.exact.micro
    points, p = 100 * micro.difference.f1, micro.p.f1
    if not micro.a.support:
        return "There are no gold entities, so nothing says which of them is better."
    if not points:
        return "Micro F1 of A and B is the same."
    better, worse = ("B", "A") if points > 0 else ("A", "B")
    return (
        f"{better} is better than {worse} by {abs(points):.2f} points of micro F1; p = {p:.4f}"
        + ("." if p < 0.05 else ", so it may be chance.")
    )


def print_examples(rows: Sequence[Mapping[str, Any]], n: int) -> None:
    """Print some examples of each way to differ, from all over the data.

    rows (Sequence[Mapping[str, Any]]): See differences.difference_rows.
    n (int): How many of each.
    """
    for kind, title in TITLES.items():
        # other wrong predictions are about gold entities, and shown with these
        alone = [
            row
            for row in rows
            if row["meta"]["kind"] == kind and (kind.startswith("found") or _has_no_gold(row))
        ]
        n_shown = min(n, len(alone))
        if not n_shown:
            continue
        msg.divider(f"{title}: {n_shown} of {len(alone):,}")
        for i in range(n_shown):
            _print_example(alone[i * len(alone) // n_shown])


def gate_message(result: GateResult) -> str:
    """What a gate says, in one line."""
    failed = [_describe(drop) for drop in result.drops if drop.failed]
    if failed:
        return f"Gate failed: {'; '.join(failed)}."
    if result.drops:
        return f"Gate passed, not significant: {'; '.join(map(_describe, result.drops))}."
    kept = []
    if result.max_drop is not None:
        kept.append(f"micro F1 drops by no more than {result.max_drop:g} points")
    if result.max_type_drop is not None:
        kept.append(
            f"no type has {result.min_support} gold entities, so none was looked at"
            if not result.types
            else f"none of the {len(result.types)} types with {result.min_support} gold entities "
            f"or more drops by more than {result.max_type_drop:g}"
        )
    return f"Gate passed: {', '.join(kept)}."


def _describe(drop: Drop) -> str:
    name = "micro F1" if drop.type is None else f"F1 of {drop.type}"
    return (
        f"{name} drops by {drop.points:.2f} points, from {100 * drop.a:.2f} to "
        f"{100 * drop.b:.2f} ({drop.allowed:g} allowed; p = {drop.p:.4f})"
    )


def _print_types(a: SystemSummary, b: SystemSummary) -> None:
    """What there is to know of the types, once where it is the same of both."""
    of_a, of_b = type_notes(a.types), type_notes(b.types)
    lines = [note for note in of_a if note in of_b]
    lines += [f"A: {note}" for note in of_a if note not in of_b]
    lines += [f"B: {note}" for note in of_b if note not in of_a]
    for line in lines:
        print(locale_escape(line))


def _print_scores(exact: ExactComparison) -> None:
    rows = []
    for name, its in _score_rows(exact):
        pairs = zip(scores_in_percent(its.a), scores_in_percent(its.b), strict=True)
        scores = [score for pair in pairs for score in pair]
        support = f"{its.a.support:,}" if isinstance(its, SumComparison) else ""
        rows.append((name, *scores, support))
    msg.divider("Exact matches, in percent")
    header = ("Type", "P: A", "P: B", "R: A", "R: B", "F1: A", "F1: B", "Gold")
    print_table(header, rows, spacing=SPACING)


def _print_differences(comparison: ComparisonMetrics) -> None:
    rows: list[tuple[str, ...]] = []
    for name, its in _score_rows(comparison.exact):
        if isinstance(its, SumComparison) and not its.a.support:
            rows.append((name, NONE, NONE, NONE, NONE, NONE))
            continue
        points = [f"{100 * difference:+.2f}" for difference in _measures(its.difference)]
        ends = [f"{100 * end:+.2f}" for end in its.interval.f1] if its.interval else [NONE]
        p = its.p_corrected if isinstance(its, TypeComparison) else its.p
        rows.append((name, *points, " to ".join(ends), f"{p.f1:.4f}"))
    msg.divider("B - A, in points")
    header = ("Type", "P", "R", "F1", "95 % interval of F1", "p of F1")
    print_table(header, rows, spacing=SPACING)
    test, counts = comparison.significance, comparison.counts
    ways = f"all {test.swaps:,} swaps" if test.exact else f"{test.swaps:,} random swaps"
    print(
        f"p: randomisation test, {ways} of the {counts.documents_that_differ:,} documents that\n"
        "differ; p of types is corrected for their number (Holm)."
    )
    bootstrap = comparison.bootstrap
    print(
        f"Interval: paired bootstrap over {counts.documents:,} documents, "
        f"{bootstrap.samples:,} samples.\n"
        if bootstrap
        else "Interval: none from a single document.\n"
    )


def _print_entities(entities: EntityComparisons) -> None:
    def row(name: str, its: EntityComparison) -> tuple[str, ...]:
        gold, wrong = its.gold, its.wrong
        found_by = (gold.both, gold.a_only, gold.b_only, gold.neither)
        counts = (*found_by, wrong.both, wrong.a_only, wrong.b_only)
        return (name, *(f"{n:,}" for n in counts))

    rows = [row(label, its) for label, its in entities.types.items()]
    rows.append(row("all", entities))
    msg.divider("Gold entities found by, and wrong ones predicted by")
    header = ("Type", "Both", "A only", "B only", "Neither", "Wrong: both", "A only", "B only")
    print_table(header, rows, spacing=SPACING)


def _print_errors(errors: ErrorComparison) -> None:
    def row(name: str, a: int, b: int, found_by_b: int, found_by_a: int) -> tuple[str, ...]:
        return (name, f"{a:,}", f"{b:,}", f"{b - a:+,}", f"{found_by_b:,}", f"{found_by_a:,}")

    kinds = errors.kinds
    rows = [row(kind.name, kind.a, kind.b, kind.found_by_b, kind.found_by_a) for kind in kinds]
    found_by_b = sum(kind.found_by_b for kind in kinds)
    found_by_a = sum(kind.found_by_a for kind in kinds)
    rows.append(row("all", errors.a, errors.b, found_by_b, found_by_a))
    msg.divider("Errors")
    print_table(("Error", "A", "B", "B - A", "B finds", "A finds"), rows, spacing=SPACING)
    print(
        "B finds: gold entities that A gets wrong in this way and B finds. A finds: those\n"
        "that B gets wrong in this way and A finds.\n"
    )


def _print_nesting(nesting: NestingComparison | None) -> None:
    if nesting is None:
        return
    rows = []
    for its in (nesting.outer, nesting.inner):
        points = NONE if its.difference is None else f"{100 * its.difference:+.2f}"
        ends = [f"{100 * end:+.2f}" for end in its.interval] if its.interval else [NONE]
        of_both = [percent(score) for score in (its.a.recall, its.b.recall, its.a.f1, its.b.f1)]
        rows.append((its.a.group, f"{its.a.gold:,}", *of_both, points, " to ".join(ends)))
    msg.divider("Entities inside of others, in percent")
    header = ("", "Gold", "R: A", "R: B", "F1: A", "F1: B", "B - A", "95 % interval")
    print_table(header, rows, spacing=SPACING)
    print()


def _print_sources(comparison: ComparisonMetrics) -> None:
    """Where entities are, if not all in doc.ents."""
    gold = EntitySource(comparison.spans_key, with_ents=comparison.gold_in_ents)
    of_both = {"A": EntitySource(comparison.a.spans_key), "B": EntitySource(comparison.b.spans_key)}
    if gold.may_nest:
        print(f"Gold entities are those in {gold.where}.")
    for side, source in of_both.items():
        if source != gold:
            print(f"Those of {side} are in {source.where}.")


def _score_rows(exact: ExactComparison) -> Iterator[tuple[str, MeanComparison]]:
    yield from exact.types.items()
    yield "micro", exact.micro
    yield "macro", exact.macro


def _measures(its: Measures) -> tuple[float, float, float]:
    return its.precision, its.recall, its.f1


def _has_no_gold(row: Mapping[str, Any]) -> bool:
    return not any(row["meta"][side] and row["meta"][side]["gold"] for side in "ab")


def _print_example(row: Mapping[str, Any]) -> None:
    meta = row["meta"]
    entity = meta["entity"]
    text = row["text"]
    before = _one_line(text[: entity["start"]])
    after = _one_line(text[entity["end"] :])
    before = before if len(before) <= BEFORE else "..." + before[-BEFORE:]
    after = after if len(after) <= AFTER else after[:AFTER] + "..."
    shown = _shortened(entity["text"])
    print(locale_escape(f"document {meta['document']}: {before}[{shown}]{after}"))
    verdicts = [_in_words(side, meta[side]) for side in "ab" if meta[side]]
    print(locale_escape(f"  {entity['label']}. {'; '.join(verdicts)}\n"))


def _in_words(side: str, found: Mapping[str, Any]) -> str:
    """The kind of error, and what is predicted in the place of a gold entity."""
    predicted = [] if found["kind"] == "correct" or not found["gold"] else found["predicted"]
    instead = [f"{_shortened(p['text'])} ({p['label']})" for p in predicted]
    return ", ".join([f"{side.upper()}: {found['name']}", *instead])


def _shortened(text: str) -> str:
    text = _one_line(text)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 3] + "..."


def _one_line(text: str) -> str:
    """White space as single spaces, at the ends too."""
    return " ".join(f"|{text}|".split())[1:-1]
