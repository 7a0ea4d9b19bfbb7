"""Gold spans that nest to the tags that each chain permits, and the chains that a corpus needs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..nesting.chain_plan import ChainPlan
from ..nesting.chain_spans import ChainSpans, DerivedChains, chain_spans, derive_chains
from ..tags import Span as EntitySpan
from ..tags import TagScheme
from .gold import (
    Lost,
    annotated_labels,
    check_annotated_labels,
    check_known_labels,
    spans_on_rows,
    tags_that_agree,
    tell_of_lost,
)
from .nested_gold import GoldSources, NestedGold, nested_gold


@dataclass(frozen=True)
class ChainTags:
    """What the annotation of an Example permits in all chains.

    allowed: (n_rows, n_chains * n_tags) bool, the tags of one chain after the other: see
        allowed_tags. Where a chain leaves a span out, its annotation is missing.
    spans (ChainSpans): What each chain holds and leaves out, in rows.
    lost (List[Lost]): Spans that do not fit the tokens.
    """

    allowed: np.ndarray
    spans: ChainSpans
    lost: list[Lost]


def allowed_chain_tags(
    example: Example,
    row_tokens: np.ndarray,
    plan: ChainPlan,
    scheme_name: str,
    sources: GoldSources,
) -> ChainTags:
    """The tags that the reference annotation permits in each chain on each row.

    row_tokens: (n_rows,) int64, the predicted tokens that take part in tagging, ascending: see
        allowed_tags.
    plan (ChainPlan): The chains. scheme_name (str): The scheme of each one's tags.
    RAISES ValueError: A span's label is in no chain, or not among those that the document is
        annotated for; or layers are wanted of a document that is not annotated for all labels, so
        that nobody knows the layer of those that it has.
    """
    reference = example.reference
    gold = nested_gold(example, sources)
    check_known_labels(reference, plan.labels, gold.spans)
    annotated = annotated_labels(reference)
    if annotated is not None:
        check_annotated_labels({span.label_ for span in gold.spans}, annotated, reference)
        _check_layers(plan, annotated, reference)
    placed = spans_on_rows(gold.spans, row_tokens)
    spans = chain_spans(placed, plan)
    _tell_of_left_out(spans, placed, plan)
    unknown = _unknown_rows(gold, row_tokens, spans, plan)  # (n_chains, n_rows)
    schemes = [_scheme(scheme_name, chain.labels) for chain in plan.chains]
    allowed = np.zeros((len(row_tokens), len(schemes), schemes[0].n_tags), dtype=bool)
    for i, (held, missing) in enumerate(zip(spans.held, unknown, strict=True)):
        if held or annotated is not None or missing.any():
            allowed[:, i] = tags_that_agree(held, missing, schemes[i], annotated)
        else:
            allowed[:, i, 0] = True  # as most chains of most texts are, so that it must be fast
    columns = allowed.reshape(len(row_tokens), len(schemes) * schemes[0].n_tags)
    return ChainTags(columns, spans, gold.lost)


def derive_chain_plan(
    examples: Iterable[Example],
    labels: Sequence[str],
    sources: GoldSources,
    *,
    most_levels: int,
    layered: bool,
) -> DerivedChains:
    """The chains that the gold spans of a corpus need, with counts of what they do not hold.

    labels, most_levels, layered: See derive_chains.
    RAISES ValueError: As derive_chains, and if a document has a span of another label.
    """
    texts = _placed_spans(examples, labels, sources)
    return derive_chains(texts, labels, most_levels=most_levels, layered=layered)


def _placed_spans(
    examples: Iterable[Example], labels: Sequence[str], sources: GoldSources
) -> Iterator[Iterable[EntitySpan]]:
    """The gold spans of each Example, on its words."""
    for example in examples:
        gold = nested_gold(example, sources)
        check_known_labels(example.reference, labels, gold.spans)
        words = np.flatnonzero(example.predicted.to_array("IS_SPACE") == 0)  # (n_words,)
        yield spans_on_rows(gold.spans, words)


@lru_cache(maxsize=1_000)  # making one takes longer than using it
def _scheme(name: str, labels: tuple[str, ...]) -> TagScheme:
    return TagScheme(name, labels)


def _check_layers(plan: ChainPlan, annotated: set[str], reference: Doc) -> None:
    others = [label for label in plan.labels if label not in annotated]
    if plan.is_layered and others:
        raise ValueError(
            f"The document {reference.text[:80]!r} is annotated for {sorted(annotated)} only, so "
            f"that its spans may lie within others of {others}, and nobody knows their layer. "
            "Have chains for each label, or leave the document out."
        )


def _unknown_rows(
    gold: NestedGold, row_tokens: np.ndarray, spans: ChainSpans, plan: ChainPlan
) -> np.ndarray:
    """The rows that each chain knows nothing of, (n_chains, n_rows) bool."""
    unknown = np.tile(~gold.known[row_tokens], (len(plan.chains), 1))
    for lost, tokens in zip(gold.lost, gold.lost_tokens, strict=True):
        touched = np.isin(row_tokens, tokens)  # (n_rows,)
        for i in plan.chains_of(lost.entity.label_):
            unknown[i] |= touched
    for rows, held, crossing, too_deep in zip(
        unknown, spans.held, spans.crossing, spans.too_deep, strict=True
    ):
        for start, end, _ in (*crossing, *too_deep):
            rows[start:end] = True
        for start, end, _ in held:
            rows[start:end] = False
    return unknown


def _tell_of_left_out(spans: ChainSpans, placed: dict[EntitySpan, Span], plan: ChainPlan) -> None:
    for chain, crossing, too_deep in zip(plan.chains, spans.crossing, spans.too_deep, strict=True):
        among = "its label" if len(chain.labels) == 1 else "any label"
        for span in crossing:
            why = f"it crosses another of {among} at level {chain.level}"
            tell_of_lost(str(Lost(placed[span], why)))
        for span in too_deep:
            why = f"it lies within more others of {among} than there are levels"
            tell_of_lost(str(Lost(placed[span], why)))
