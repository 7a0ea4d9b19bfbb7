"""The settings of a model for entities within entities, from how those of the data lie."""

from dataclasses import dataclass
from math import ceil

from ...annotation.lying_spans import LyingSpans
from ...nesting.nesting_counts import NestingCounts
from ...pipeline.scorer import nested_score_weights
from .planned import Choice

# The widest spans are few, and all spans take time in proportion to the width that is looked at.
HELD = 0.999
LEAST_WIDTH, MOST_WIDTH = 8, 32
# Fewer spans cross by mistake, and a model that may cross others would make such of its own; and
# fewer wide, or narrow, ones are no reason for the time of another head.
MEANT = 0.01


@dataclass(frozen=True)
class SpanPlan:
    """The settings of ner_plus_spans that depend on data.

    why (str): How the entities of the training data lie, and so why it is such a model.
    spans_key (str): Where in doc.spans annotated spans are, and where found ones will be.
    head (Choice): What scores spans.
    max_width (Choice): Tokens of the widest spans that it can find.
    allow (Choice): Which spans may be found together.
    """

    why: str
    spans_key: str
    head: Choice
    max_width: Choice
    allow: Choice

    @property
    def score_weights(self) -> dict[str, float | None]:
        """What scores count in choosing a checkpoint."""
        return nested_score_weights(self.spans_key)


def plan_spans(spans: LyingSpans, spans_key: str) -> SpanPlan:
    """Plan for the spans of training data.

    spans (LyingSpans): How they lie, and their tokens.
    """
    max_width = _plan_width(spans)
    return SpanPlan(
        _reason(spans.counts),
        spans_key,
        head=_plan_head(spans, int(max_width.value)),
        max_width=max_width,
        allow=_plan_allow(spans),
    )


def _reason(its: NestingCounts) -> str:
    if not its.any_overlap:
        return "No entities of the training data overlap, so a model for flat ones (--flat) will do"
    own = f" ({its.nested_in_own_label:,} of their own label)" if its.nested_in_own_label else ""
    found = [
        (its.nested, f"{its.nested:,} are within others{own}"),
        (its.crossing, f"{its.crossing:,} cross others"),
        (its.several_labels, f"{its.several_labels:,} have another label, too"),
    ]
    return (
        f"Of the {its.spans:,} entities of the training data "
        f"{', '.join(shown for n, shown in found if n)}: a model for entities within entities "
        "(--flat: the outermost alone)"
    )


def _plan_head(spans: LyingSpans, max_width: int) -> Choice:
    """The band of spans up to a width; where many are wider, CRFs for these, too, or alone."""
    n_wider, n_spans = spans.n_wider(max_width), spans.counts.spans
    if n_spans - n_wider < MEANT * n_spans:
        why = f"CRFs find spans of any width; {n_wider:,} of the {n_spans:,} are wider than a band"
        return Choice("crf_per_label", why)
    if n_wider > MEANT * n_spans:
        return Choice("both", f"CRFs for what is wider, {n_wider:,} of the {n_spans:,} spans")
    return Choice("biaffine", "A score for every span of up to max_width tokens")


def _plan_width(spans: LyingSpans) -> Choice:
    """As wide as nearly all are, within limits."""
    needed, n_held = 0, 0
    for width in sorted(spans.widths):
        if n_held >= ceil(HELD * spans.counts.spans):
            break
        needed, n_held = width, n_held + spans.widths[width]
    width = min(max(needed, LEAST_WIDTH), MOST_WIDTH)
    n_wider = spans.n_wider(width)
    if not n_wider:
        return Choice(width, "Tokens of a span: none of the training data has more")
    n_spans = spans.counts.spans
    why = f"Tokens of a span: {n_wider:,} of the {n_spans:,} of the training data have more"
    if n_wider <= MEANT * n_spans:
        why += ", and can't be learned"
    return Choice(width, why)


def _plan_allow(spans: LyingSpans) -> Choice:
    its = spans.counts
    if not its.crossing:
        return Choice("nested", "Spans may be within others, and none cross, as in training data")
    crossing = f"{its.crossing:,} of the {its.spans:,} of the training data cross others"
    if its.crossing > MEANT * its.spans:
        return Choice("all", f"Spans may be within others and cross: {crossing}")
    return Choice("nested", f"Spans may be within others, none cross: {crossing}, which is few")
