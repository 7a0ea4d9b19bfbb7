"""The measures of an evaluation as tables on a terminal, in percent."""

from collections.abc import Iterable, Mapping
from shutil import get_terminal_size
from typing import Any

from wasabi import msg
from wasabi.util import locale_escape

from .confidence_types import Thresholds, ThresholdScores
from .data_notes import data_notes
from .nested_terminal import print_nesting
from .schema import (
    Confusion,
    ErrorKind,
    ErrorSummary,
    Metrics,
    RunCost,
    Slices,
    Tokenisation,
)
from .score_types import CountedMeasures, MeasureIntervals, PartialScores
from .tables import NONE, percent, print_table, scores_in_percent
from .type_notes import first_of, type_notes

MOST_EXAMPLES, MOST_CONFUSIONS, MOST_LOST = 5, 5, 3


def print_metrics(metrics: Metrics, rows: Iterable[Mapping[str, Any]]) -> None:
    """Print all measures.

    rows (Iterable[Mapping[str, Any]]): As in errors.jsonl, for the examples.
    """
    print_scores(metrics)
    _print_partial(metrics.partial)
    _print_errors(metrics.errors)
    _print_examples(metrics.errors, rows)
    _print_slices(metrics.slices)
    print_nesting(metrics.nesting)
    _print_confidence(metrics)
    _print_tokenisation(metrics.tokenisation)
    _print_speed(metrics.speed)


def print_summary(metrics: Metrics) -> None:
    """Print the scores, what errors cost, and how far probabilities can be trusted."""
    print_scores(metrics)
    _print_errors(metrics.errors)
    print_nesting(metrics.nesting)
    if metrics.confidence is not None:
        after = metrics.confidence.reliability.after
        print(
            f"Mean probability {percent(after.mean_probability)} %, right "
            f"{percent(after.precision)} %, ECE {after.ece:.4f}."
        )
    _print_speed(metrics.speed)


def print_scores(metrics: Metrics) -> None:
    """Print what there is to know of the types, a line for each, then the averages.

    The interval is that of F1.
    """
    counts = metrics.counts
    msg.divider(f"{metrics.model} on {metrics.data}")
    for note in type_notes(metrics.types):
        print(locale_escape(note))
    header = ("Type", "Precision", "Recall", "F1", "95 % of F1", "Gold", "Predicted")
    print_table(header, _score_rows(metrics))
    print(f"{counts.documents:,} documents, {counts.words:,} words.", end="")
    if counts.documents_without_annotation:
        print(f" Left out: {counts.documents_without_annotation:,} without annotation.", end="")
    if counts.not_judged:
        print(
            f"\nNeither right nor wrong, for lack of annotation: {counts.not_judged:,} more "
            "predicted entities.",
            end="",
        )
    if counts.gold_not_judged:
        print(
            f"\nNeither found nor missed, for lack of annotation: {counts.gold_not_judged:,} more "
            "gold entities.",
            end="",
        )
    print()
    for note in data_notes(metrics):
        print(note)
    _print_never_predicted(metrics)


def _score_rows(metrics: Metrics) -> list[tuple[str, ...]]:
    exact, ends, counts = metrics.exact, metrics.intervals, metrics.counts
    rows: list[tuple[str, ...]] = []
    for label, its in exact.types.items():
        totals = (f"{its.support:,}", f"{its.predicted:,}")
        of_type = _interval(ends.types[label] if ends and its.support else None)
        rows.append((label, *scores_in_percent(its), of_type, *totals))
    averages = (
        ("micro", exact.micro, ends.micro if ends and exact.micro.support else None),
        ("macro", exact.macro, ends.macro if ends else None),
        ("weighted", exact.weighted, ends.weighted if ends else None),
    )
    totals = (f"{counts.gold:,}", f"{counts.predicted:,}")
    rows += [
        (name, *scores_in_percent(its), _interval(of_its), *totals)
        for name, its, of_its in averages
    ]
    return rows


def _print_never_predicted(metrics: Metrics) -> None:
    """Types that the pipeline has, but does not find."""
    lacking = metrics.types.gold_only
    of_gold = ((label, its) for label, its in metrics.exact.types.items() if label not in lacking)
    never = [label for label, its in of_gold if not its.predicted]
    if never:
        print(f"Types that were never predicted: {first_of(never)}.")


def _print_partial(partial: PartialScores) -> None:
    schemes = {
        "strict": partial.strict,
        "exact": partial.exact,
        "partial": partial.partial,
        "type": partial.type,
    }
    rows = []
    for name, its in schemes.items():
        counts = (its.correct, its.incorrect, its.partial, its.missed, its.spurious)
        rows.append((name, *scores_in_percent(its), *(f"{n:,}" for n in counts)))
    msg.divider("Partial credit (SemEval-2013)")
    header = ("", "Precision", "Recall", "F1", "Right", "Wrong", "Partly", "Missed", "Spurious")
    print_table(header, rows, spacing=2)


def _print_errors(errors: ErrorSummary) -> None:
    kinds = _by_cost(errors)
    msg.divider("Errors, by what mending them would add to F1")
    if not kinds:
        print("\nThere are none.")
        return
    rows = [
        (
            kind.name,
            f"{kind.errors:,}",
            f"{kind.gold:,}",
            f"{kind.predicted:,}",
            f"+{percent(kind.f1_gain)}",
            f"{100 * kind.share:.0f} %",
        )
        for kind in kinds
    ]
    print_table(("", "Errors", "Gold", "Predicted", "F1", "Of the loss"), rows)
    confused = _confused(errors.confusion)
    if confused:
        print(f"Types taken for others: {', '.join(confused[:MOST_CONFUSIONS])}.")


def _by_cost(errors: ErrorSummary) -> list[ErrorKind]:
    return sorted((kind for kind in errors.kinds if kind.errors), key=lambda kind: -kind.f1_gain)


def _confused(confusion: Confusion) -> list[str]:
    labels = confusion.labels[:-1]
    cells = [
        (confusion.counts[i][j], gold, found)
        for i, gold in enumerate(labels)
        for j, found in enumerate(labels)
        if i != j and confusion.counts[i][j]
    ]
    return [f"{gold} for {found} {n:,}" for n, gold, found in sorted(cells, key=lambda c: -c[0])]


def _print_examples(errors: ErrorSummary, rows: Iterable[Mapping[str, Any]]) -> None:
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        first.setdefault(row["meta"]["kind"], row)
    for kind in _by_cost(errors)[:MOST_EXAMPLES]:
        if kind.kind in first:
            row = first[kind.kind]
            print(f"\n{kind.name}, {row['meta']['id']}")
            for side in ("gold", "predicted"):
                entities = map(_entity, row["meta"][side])
                print(locale_escape(f"  {side:9}  {'; '.join(entities) or NONE}"))
            print(locale_escape(f"  in         {_excerpt(row, get_terminal_size().columns - 13)}"))


def _entity(entity: Mapping[str, Any]) -> str:
    probability = entity.get("probability")
    text = " ".join(entity["text"].split())
    shown = f"{text} ({entity['label']})"
    return shown if probability is None else f"{shown} {probability:.2f}"


def _excerpt(row: Mapping[str, Any], width: int) -> str:
    """A line of the text with the error in its middle."""
    entities = [*row["meta"]["gold"], *row["meta"]["predicted"]]
    middle = (min(e["start"] for e in entities) + max(e["end"] for e in entities)) // 2
    text = row["text"]
    if len(text) <= width:
        return " ".join(text.split())
    width -= 2 * len("... ")
    start = max(0, min(middle - width // 2, len(text) - width))
    words = text[start : start + width].split()
    if start:
        words[0] = "..."  # it may be cut
    if start + width < len(text):
        words[-1] = "..."
    return " ".join(words)


def _print_slices(slices: Slices) -> None:
    named = {
        "text in training data": slices.seen,
        "the same text there is": slices.ambiguity,
        "length in tokens": slices.length,
        "first token": slices.position,
        "wordpieces a token": slices.pieces,
    }
    rows: list[tuple[str, ...]] = []
    for name, groups in named.items():
        for i, group in enumerate(groups or []):
            of_gold = (f"{group.gold:,}", percent(group.recall, 1))
            of_predicted = (f"{group.predicted:,}", percent(group.precision, 1))
            rows.append(("" if i else name, group.group, *of_gold, *of_predicted))
    msg.divider("Which entities")
    print_table(("", "", "Gold", "Recall", "Predicted", "Precision"), rows, left=2)


def _print_confidence(metrics: Metrics) -> None:
    confidence = metrics.confidence
    msg.divider("How sure it is")
    if confidence is None:
        no_probabilities = "\nThe predicted entities have no probabilities."
        print(no_probabilities if metrics.counts.predicted else "\nNo entities are predicted.")
        return
    after, before = confidence.reliability.after, confidence.reliability.before
    states = {"without calibration": before, "as the pipeline gives them": after}
    rows = [
        (
            name if before else "",
            f"{state.n:,}",
            percent(state.mean_probability),
            percent(state.precision),
            f"{state.ece:.4f}",
            f"{state.log_loss:.4f}",
        )
        for name, state in states.items()
        if state
    ]
    print_table(("", "Entities", "Probability", "Right", "ECE", "Log loss"), rows)
    for name, its in confidence.levels.items():
        print(f"Of {its.n:,} predicted entities {name}: ECE {its.ece:.4f}.")
    if confidence.without_probability:
        print(
            f"Not among them: {confidence.without_probability:,} predicted entities without a "
            "probability.\nThey stay at any threshold."
        )
    if not confidence.thresholds.can_help:
        why = (
            "Nothing that is predicted is right"
            if metrics.counts.gold
            else "There are no gold entities"
        )
        print(f"{why}, so there is no threshold to choose.")
        return
    _print_thresholds(confidence.thresholds, metrics.exact.types)


def _print_thresholds(thresholds: Thresholds, types: Mapping[str, CountedMeasures]) -> None:
    wanted = 100 * thresholds.wanted_precision
    rows = []
    for label, its in thresholds.types.items():
        best, reaching = its.f1, its.precision
        at_best = ("none right" if types[label].support else "no gold", NONE, NONE, NONE)
        at_precision = (NONE, NONE)
        if best:
            at_best = (f"{best.threshold:g}", *_percents(best))
        if reaching:
            at_precision = (f"{reaching.threshold:g}", percent(reaching.recall))
        rows.append((label, *at_best, *at_precision))
    header = ("Type", "Best F1 at", "Precision", "Recall", "F1", f"{wanted:g} % prec. at", "Recall")
    print_table(header, rows)
    print("To paste; choose on development data, for those of test data flatter:")
    config = thresholds.config
    print(locale_escape(f"  best F1:         {config.f1}"))
    print(locale_escape(f"  {wanted:g} % precision:  {config.precision}"))


def _print_tokenisation(tokenisation: Tokenisation | None) -> None:
    if tokenisation is None:
        return
    msg.divider("Tokens")
    lost, n_gold = tokenisation.lost, tokenisation.gold
    if not lost:
        print(f"\nAll {n_gold:,} gold entities fit the tokens that the pipeline makes.")
        return
    print(f"\n{lost:,} of {n_gold:,} gold entities don't fit the tokens that the pipeline makes:")
    for example in tokenisation.examples[:MOST_LOST]:
        print(locale_escape(f"  {example}"))


def _print_speed(speed: RunCost | None) -> None:
    if speed is None:
        return
    parts = [f"{speed.words_per_second:,.0f} words/s"]
    parts += [f"{place} {n / 1e6:,.0f} MB at most" for place, n in speed.peak_memory.items()]
    print(f"\n{'; '.join(parts)}.")


def _percents(its: ThresholdScores) -> tuple[str, str, str]:
    return percent(its.precision), percent(its.recall), percent(its.f1)


def _interval(ends: MeasureIntervals | None) -> str:
    """The interval of F1."""
    return NONE if ends is None else " - ".join(percent(end, 1) for end in ends.f1)
