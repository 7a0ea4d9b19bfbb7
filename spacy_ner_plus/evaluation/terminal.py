"""The measures of an evaluation as tables on a terminal, in percent."""

from collections.abc import Iterable, Iterator, Sequence
from shutil import get_terminal_size
from typing import Any

from wasabi import msg
from wasabi.util import locale_escape

MOST_EXAMPLES, MOST_CONFUSIONS, MOST_LOST, MOST_LABELS = 5, 5, 3, 8
AVERAGES = ("micro", "macro", "weighted")
SCHEMES = ("strict", "exact", "partial", "type")
SLICES = {
    "seen": "text in training data",
    "length": "length in tokens",
    "position": "first token",
    "pieces": "wordpieces a token",
}
NONE = "-"


def print_metrics(metrics: dict[str, Any], rows: Iterable[dict[str, Any]]) -> None:
    """Print all measures.

    metrics (Dict[str, Any]): As in metrics.json.
    rows (Iterable[Dict[str, Any]]): As in errors.jsonl, for the examples.
    """
    print_scores(metrics)
    _print_partial(metrics["partial"])
    _print_errors(metrics["errors"])
    _print_examples(metrics["errors"], rows)
    _print_slices(metrics["slices"])
    _print_confidence(metrics["confidence"], metrics["counts"]["predicted"])
    _print_tokenisation(metrics["tokenisation"])
    _print_speed(metrics["speed"])


def print_summary(metrics: dict[str, Any]) -> None:
    """Print the scores, what errors cost, and how far probabilities can be trusted."""
    print_scores(metrics)
    _print_errors(metrics["errors"])
    confidence = metrics["confidence"]
    if confidence is not None:
        after = confidence["reliability"]["after"]
        print(
            f"Mean probability {_percent(after['mean_probability'])} %, right "
            f"{_percent(after['precision'])} %, ECE {after['ece']:.4f}."
        )
    _print_speed(metrics["speed"])


def print_scores(metrics: dict[str, Any]) -> None:
    """Print a line a type, then the averages. The interval is that of F1."""
    exact, intervals, counts = metrics["exact"], metrics["intervals"], metrics["counts"]
    n_predicted = {label: s["tp"] + s["fp"] for label, s in exact["types"].items()}
    rows = [
        (
            label,
            *_percents(score),
            _interval(intervals and intervals["types"][label]["f1"]),
            f"{score['support']:,}",
            f"{n_predicted[label]:,}",
        )
        for label, score in exact["types"].items()
    ]
    totals = (f"{counts['gold']:,}", f"{counts['predicted']:,}")
    rows += [
        (name, *_percents(exact[name]), _interval(intervals and intervals[name]["f1"]), *totals)
        for name in AVERAGES
    ]
    msg.divider(f"{metrics['model']} on {metrics['data']}")
    _table(("Type", "Precision", "Recall", "F1", "95 % of F1", "Gold", "Predicted"), rows)
    print(f"{counts['documents']:,} documents, {counts['words']:,} words.", end="")
    if counts["documents_without_annotation"]:
        print(f" Left out: {counts['documents_without_annotation']:,} without annotation.", end="")
    if counts["not_judged"]:
        print(
            f"\nNeither right nor wrong, for lack of annotation: {counts['not_judged']:,} more "
            "predicted entities.",
            end="",
        )
    print()
    for line in _unshared(exact["types"]):
        print(line)


def _unshared(types: dict[str, Any]) -> Iterator[str]:
    """Types that only one side has, as of a pipeline with other names for the same."""
    never_predicted = [label for label, s in types.items() if not s["tp"] + s["fp"]]
    not_in_gold = [label for label, s in types.items() if not s["support"]]
    for labels, what in (
        (never_predicted, "Types that were never predicted"),
        (not_in_gold, "Types that are predicted, but not in gold"),
    ):
        if labels:
            more = f" and {len(labels) - MOST_LABELS} more" if len(labels) > MOST_LABELS else ""
            yield f"{what}: {', '.join(labels[:MOST_LABELS])}{more}."


def _print_partial(partial: dict[str, Any]) -> None:
    columns = ("correct", "incorrect", "partial", "missed", "spurious")
    rows = [
        (key, *_percents(partial[key]), *(f"{partial[key][column]:,}" for column in columns))
        for key in SCHEMES
    ]
    msg.divider("Partial credit (SemEval-2013)")
    header = ("", "Precision", "Recall", "F1", "Right", "Wrong", "Partly", "Missed", "Spurious")
    _table(header, rows, spacing=2)


def _print_errors(errors: dict[str, Any]) -> None:
    kinds = _by_cost(errors)
    msg.divider("Errors, by what mending them would add to F1")
    if not kinds:
        print("\nThere are none.")
        return
    rows = [
        (
            kind["name"],
            f"{kind['errors']:,}",
            f"{kind['gold']:,}",
            f"{kind['predicted']:,}",
            f"+{_percent(kind['f1_gain'])}",
            f"{100 * kind['share']:.0f} %",
        )
        for kind in kinds
    ]
    _table(("", "Errors", "Gold", "Predicted", "F1", "Of the loss"), rows)
    confused = _confused(errors["confusion"])
    if confused:
        print(f"Types taken for others: {', '.join(confused[:MOST_CONFUSIONS])}.")


def _by_cost(errors: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(
        (kind for kind in errors["kinds"] if kind["errors"]), key=lambda kind: -kind["f1_gain"]
    )


def _confused(confusion: dict[str, Any]) -> list[str]:
    labels = confusion["labels"][:-1]
    cells = [
        (confusion["counts"][i][j], gold, found)
        for i, gold in enumerate(labels)
        for j, found in enumerate(labels)
        if i != j and confusion["counts"][i][j]
    ]
    return [f"{gold} for {found} {n:,}" for n, gold, found in sorted(cells, key=lambda c: -c[0])]


def _print_examples(errors: dict[str, Any], rows: Iterable[dict[str, Any]]) -> None:
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        first.setdefault(row["meta"]["kind"], row)
    for kind in _by_cost(errors)[:MOST_EXAMPLES]:
        if kind["kind"] in first:
            row = first[kind["kind"]]
            print(f"\n{kind['name']}, {row['meta']['id']}")
            for side in ("gold", "predicted"):
                entities = map(_entity, row["meta"][side])
                print(locale_escape(f"  {side:9}  {'; '.join(entities) or NONE}"))
            print(locale_escape(f"  in         {_excerpt(row, get_terminal_size().columns - 13)}"))


def _entity(entity: dict[str, Any]) -> str:
    probability = entity.get("probability")
    text = " ".join(entity["text"].split())
    shown = f"{text} ({entity['label']})"
    return shown if probability is None else f"{shown} {probability:.2f}"


def _excerpt(row: dict[str, Any], width: int) -> str:
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


def _print_slices(slices: dict[str, Any]) -> None:
    rows: list[tuple[str, ...]] = []
    for key, name in SLICES.items():
        for i, group in enumerate(slices[key] or []):
            of_gold = (f"{group['gold']:,}", _percent(group["recall"], 1))
            of_predicted = (f"{group['predicted']:,}", _percent(group["precision"], 1))
            rows.append(("" if i else name, group["group"], *of_gold, *of_predicted))
    msg.divider("Which entities")
    _table(("", "", "Gold", "Recall", "Predicted", "Precision"), rows, left=2)


def _print_confidence(confidence: dict[str, Any] | None, n_predicted: int) -> None:
    msg.divider("How sure it is")
    if confidence is None:
        no_probabilities = "\nThe predicted entities have no probabilities."
        print(no_probabilities if n_predicted else "\nNo entities are predicted.")
        return
    names = {"before": "without calibration", "after": "as the pipeline gives them"}
    reliability = confidence["reliability"]
    rows = [
        (
            name if reliability["before"] else "",
            f"{reliability[key]['n']:,}",
            _percent(reliability[key]["mean_probability"]),
            _percent(reliability[key]["precision"]),
            f"{reliability[key]['ece']:.4f}",
            f"{reliability[key]['log_loss']:.4f}",
        )
        for key, name in names.items()
        if reliability[key]
    ]
    header = ("", "Entities", "Probability", "Right", "ECE", "Log loss")
    _table(header, rows)
    if confidence["without_probability"]:
        print(
            f"Not among them: {confidence['without_probability']:,} predicted entities without a "
            "probability.\nThey stay at any threshold."
        )
    _print_thresholds(confidence["thresholds"])


def _print_thresholds(thresholds: dict[str, Any]) -> None:
    wanted = 100 * thresholds["wanted_precision"]
    rows = [
        (label, *_at(its["f1"], "precision", "recall", "f1"), *_at(its["precision"], "recall"))
        for label, its in thresholds["types"].items()
    ]
    header = ("Type", "Best F1 at", "Precision", "Recall", "F1", f"{wanted:g} % prec. at", "Recall")
    _table(header, rows)
    print("To paste; choose on development data, for those of test data flatter:")
    config = thresholds["config"]
    print(locale_escape(f"  best F1:         {config['f1']}"))
    print(locale_escape(f"  {wanted:g} % precision:  {config['precision']}"))


def _at(chosen: dict[str, float] | None, *measures: str) -> list[str]:
    if chosen is None:
        return [NONE] * (1 + len(measures))
    return [f"{chosen['threshold']:g}", *(_percent(chosen[name]) for name in measures)]


def _print_tokenisation(tokenisation: dict[str, Any] | None) -> None:
    if tokenisation is None:
        return
    msg.divider("Tokens")
    lost, n_gold = tokenisation["lost"], tokenisation["gold"]
    if not lost:
        print(f"\nAll {n_gold:,} gold entities fit the tokens that the pipeline makes.")
        return
    print(f"\n{lost:,} of {n_gold:,} gold entities don't fit the tokens that the pipeline makes:")
    for example in tokenisation["examples"][:MOST_LOST]:
        print(locale_escape(f"  {example}"))


def _print_speed(speed: dict[str, Any] | None) -> None:
    if speed is None:
        return
    parts = [f"{speed['words_per_second']:,.0f} words/s"]
    parts += [f"{place} {n / 1e6:,.0f} MB at most" for place, n in speed["peak_memory"].items()]
    print(f"\n{'; '.join(parts)}.")


def _table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1, spacing: int = 3
) -> None:
    aligns = "l" * left + "r" * (len(header) - left)
    msg.table(rows, header=header, divider=True, aligns=tuple(aligns), spacing=spacing, max_col=60)


def _percents(score: dict[str, float]) -> list[str]:
    return [_percent(score[name]) for name in ("precision", "recall", "f1")]


def _percent(share: float | None, digits: int = 2) -> str:
    return NONE if share is None else f"{100 * share:.{digits}f}"


def _interval(ends: Sequence[float] | None) -> str:
    return NONE if ends is None else " - ".join(_percent(end, 1) for end in ends)
