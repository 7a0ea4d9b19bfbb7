"""An agreement as tables on a terminal: F1 in percent, alpha as it is."""

from collections.abc import Sequence
from shutil import get_terminal_size

from wasabi import msg
from wasabi.util import locale_escape

from ...evaluation.tables import NONE, percent, print_table
from ..plain_span import PlainSpan
from .agreement_schema import (
    KINDS,
    AgreementMetrics,
    Alpha,
    ConfusedLabels,
    Dispute,
    Ends,
    PairAgreement,
    SpanAgreement,
)

MOST_CONFUSED = 6
ALPHAS = {
    "all": "all tokens",
    "marked_by_any": "marked by anybody",
    "marked_by_all": "marked by all",
}
MEANINGS = (
    "Most tokens are in no entity, which alpha allows for: report the first. The second leaves out "
    "what\nnobody marked, so that this is no agreement: it is lower, and may be below 0. The third "
    "asks whether\nthose who mark a token choose the same label."
)
THRESHOLDS = (
    "Krippendorff (2004) relies on alpha from 0.800 on, and draws tentative conclusions from 0.667 "
    "on."
)


def print_agreement(metrics: AgreementMetrics, n_examples: int = 3) -> None:
    """Print all figures, and some disagreements of each kind."""
    _print_annotators(metrics)
    _print_labels(metrics)
    _print_pairs(metrics.pairs)
    _print_alphas(metrics)
    _print_kinds(metrics)
    _print_examples(metrics.disagreements, n_examples)


def alpha_message(metrics: AgreementMetrics, min_alpha: float) -> str:
    """Whether alpha on all tokens is as high as wanted."""
    alpha = metrics.alphas.all.alpha
    if alpha is None:
        return "There is no alpha, as all tokens have the same value."
    if reaches(metrics, min_alpha):
        return f"Alpha {decimals(alpha, 4)} is not below {min_alpha:g}."
    return f"Alpha {decimals(alpha, 4)} is below {min_alpha:g}, which --min-alpha wants."


def reaches(metrics: AgreementMetrics, min_alpha: float) -> bool:
    """Whether alpha on all tokens is there, and as high as wanted."""
    alpha = metrics.alphas.all.alpha
    return alpha is not None and alpha >= min_alpha


def _print_annotators(metrics: AgreementMetrics) -> None:
    names = [one.name for one in metrics.annotators]
    msg.divider(locale_escape(f"Agreement of {', '.join(names)}"))
    rows = [
        (locale_escape(one.name), *(f"{n:,}" for n in (one.texts, one.compared, one.entities)))
        for one in metrics.annotators
    ]
    print_table(("Annotator", "Texts", "Compared", "Entities in them"), rows)
    tokens = f"{metrics.tokens:,} tokens"
    if metrics.tokenized:
        tokens += f" (the tokenizer's in {metrics.tokenized:,} texts)"
    print(
        f"{metrics.texts:,} texts of at least two annotators (found to be the same by their "
        f"{metrics.matched_by}), {tokens}.\nThey differ in {metrics.texts_that_differ:,}."
    )
    for warning in metrics.warnings:
        print(locale_escape(f"Warning: {warning}"))


def _print_labels(metrics: AgreementMetrics) -> None:
    msg.divider("Entities, and tokens in them")
    rows = [
        _label_row(label, its, metrics.alphas.labels[label])
        for label, its in metrics.labels.items()
    ]
    rows.append(_label_row("all", metrics.micro, metrics.alphas.all))
    header = ("Label", "F1", "95 %", "Relaxed", "Agreed", "Not", "Alpha", "95 %")
    print_table(header, rows, spacing=2)
    print(
        "F1: of entities with the same characters and label. Relaxed: that overlap and have the "
        "same label.\nAlpha: of tokens, in an entity of the label or not; of all: which label."
    )


def _label_row(label: str, its: SpanAgreement, alpha: Alpha) -> tuple[str, ...]:
    return (
        locale_escape(label),
        *_scores(its),
        f"{its.agreed:,}",
        f"{its.only_first + its.only_second:,}",
        decimals(alpha.alpha),
        _decimal_ends(alpha.interval),
    )


def _print_pairs(pairs: Sequence[PairAgreement]) -> None:
    if len(pairs) > 1:
        msg.divider("Pairs of annotators")
        rows = [
            (
                locale_escape(f"{pair.first}, {pair.second}"),
                f"{pair.texts:,}",
                *_scores(pair.micro),
                decimals(pair.alpha),
            )
            for pair in pairs
        ]
        print_table(("", "Texts", "F1", "95 %", "Relaxed", "Alpha"), rows)
    if n := sum(pair.not_judged for pair in pairs):
        print(f"Entities that count for nobody, as another's annotation is missing there: {n:,}.")


def _print_alphas(metrics: AgreementMetrics) -> None:
    msg.divider("Krippendorff's alpha on tokens")
    rows = []
    for key, name in ALPHAS.items():
        its: Alpha = getattr(metrics.alphas, key)
        numbers = (f"{its.tokens:,}", decimals(its.alpha), _decimal_ends(its.interval))
        rows.append((name, *numbers))
    print_table(("", "Tokens", "Alpha", "95 %"), rows)
    print(MEANINGS)
    print(THRESHOLDS)


def _print_kinds(metrics: AgreementMetrics) -> None:
    msg.divider("Disagreements")
    n = sum(metrics.kinds.values())
    if not n:
        print("\nThere are none.")
        return
    rows = [
        (KINDS[kind], f"{count:,}", f"{100 * count / n:.0f} %")
        for kind, count in metrics.kinds.items()
    ]
    print_table(("", "Entities or groups", "Share"), rows)
    both = [_confused(one) for one in metrics.confused if one.labels[1] is not None]
    alone = [_confused(one) for one in metrics.confused if one.labels[1] is None]
    if both:
        print(locale_escape(f"Labels taken for each other: {', '.join(both[:MOST_CONFUSED])}."))
    if alone:
        print(
            locale_escape(
                f"Labels that one has where the other has none: {', '.join(alone[:MOST_CONFUSED])}."
            )
        )


def _confused(one: ConfusedLabels) -> str:
    return f"{' and '.join(label for label in one.labels if label)} {one.count:,}"


def _print_examples(places: Sequence[Dispute], n: int) -> None:
    for kind, name in KINDS.items():
        for place in [one for one in places if one.kinds == [kind]][:n]:
            print(locale_escape(f"\n{name}, {place.where}"))
            who = [", ".join(side.annotators) for side in place.sides]
            width = max(9, *map(len, who))
            for annotators, side in zip(who, place.sides, strict=True):
                said = "; ".join(map(_said, side.spans)) or NONE
                print(locale_escape(f"  {annotators:{width}}  {said}"))
            room = get_terminal_size().columns - width - 4
            print(locale_escape(f"  {'in':{width}}  {_excerpt(place, room)}"))


def _said(span: PlainSpan) -> str:
    return f"{' '.join(span.text.split())} ({span.label})"


def _excerpt(place: Dispute, width: int) -> str:
    """A line with the place in it."""
    middle = " ".join(place.text.split())
    side = max(0, (width - len(middle)) // 2 - 5)
    before = " ".join(place.before.split())
    after = " ".join(place.after.split())
    if len(before) > side:
        before = f"... {before[len(before) - side :].partition(' ')[2]}"
    if len(after) > side:
        after = f"{after[:side].rpartition(' ')[0]} ..."
    return " ".join(filter(None, (before, middle, after)))


def _scores(its: SpanAgreement) -> tuple[str, str, str]:
    ends = NONE if its.f1_interval is None else " - ".join(percent(e, 1) for e in its.f1_interval)
    return percent(its.f1), ends, percent(its.relaxed_f1)


def decimals(alpha: float | None, n: int = 3) -> str:
    """Alpha with n decimals."""
    return NONE if alpha is None else f"{alpha:.{n}f}"


def _decimal_ends(ends: Ends | None) -> str:
    return NONE if ends is None else " - ".join(f"{end:.3f}" for end in ends)
