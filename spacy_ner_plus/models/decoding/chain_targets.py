"""What annotated spans permit in each chain of a plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...annotation.agreeing_tags import tags_that_agree
from ...nesting.chain_plan import ChainPlan
from ...nesting.chain_spans import ChainSpans, chain_spans
from ...nesting.span_relations import PlacedSpan
from ...tags import TagScheme
from .row_gold import RowGold


@dataclass(frozen=True)
class ChainTargets:
    """What the annotation of a document permits in all chains, and what these have no place for.

    allowed: (n_rows, n_chains * n_tags) bool, the tags of one chain after the other: one where it
        is known what the chain holds, all where it is not, but for those that extend a known entity
        right before. Where a chain leaves a span out, it is not known.
    crossing: (n_spans,) bool, spans that cross longer ones of their chain, or as long ones on the
        left.
    too_deep: (n_spans,) bool, those that lie deeper than there are levels.
    unplaced: (n_spans,) bool, those whose layer nobody knows: they lie where some labels of the
        layers were looked for and others were not.
    """

    allowed: np.ndarray
    crossing: np.ndarray
    too_deep: np.ndarray
    unplaced: np.ndarray

    @property
    def left_out(self) -> np.ndarray:
        """(n_spans,) bool, those that no chain holds."""
        return np.asarray(self.crossing | self.too_deep | self.unplaced)


def placed_spans(gold: RowGold, labels: Sequence[str]) -> list[PlacedSpan]:
    """The annotated spans of a document with the names of their labels, on its rows."""
    columns = (gold.starts.tolist(), gold.ends.tolist(), gold.labels.tolist())
    return [(start, end, labels[i]) for start, end, i in zip(*columns, strict=True)]


def chain_targets(gold: RowGold, plan: ChainPlan, scheme_name: str) -> ChainTargets:
    """The tags that annotated spans permit in each chain.

    gold (RowGold): Of labels in the plan's order.
    scheme_name (str): The scheme of each chain's tags.
    """
    placed = placed_spans(gold, plan.labels)
    unplaced = _unplaced(gold, plan)  # (n_spans,)
    spans = _without(placed, unplaced, chain_spans(placed, plan))
    unknown = _unknown_rows(gold, spans, unplaced, plan)  # (n_chains, n_rows)
    schemes = [_scheme(scheme_name, chain.labels) for chain in plan.chains]
    allowed = np.zeros((gold.n_rows, len(schemes), schemes[0].n_tags), dtype=bool)
    for i, (held, missing) in enumerate(zip(spans.held, unknown, strict=True)):
        if held or missing.any():
            allowed[:, i] = tags_that_agree(held, missing, schemes[i], None)
        else:
            allowed[:, i, 0] = True  # as most chains of most texts are, so that it must be fast
    return ChainTargets(
        allowed.reshape(gold.n_rows, len(schemes) * schemes[0].n_tags),
        crossing=_are_among(placed, spans.crossing),
        too_deep=_are_among(placed, spans.too_deep),
        unplaced=unplaced,
    )


@lru_cache(maxsize=1_000)  # making one takes longer than using it
def _scheme(name: str, labels: tuple[str, ...]) -> TagScheme:
    return TagScheme(name, labels)


def _unplaced(gold: RowGold, plan: ChainPlan) -> np.ndarray:
    """See ChainTargets."""
    if not plan.is_layered:
        return np.zeros(len(gold.starts), dtype=bool)
    is_mixed = gold.known.any(axis=1) & ~gold.known.all(axis=1)  # (n_rows,)
    n_mixed = np.concatenate([[0], np.cumsum(is_mixed)])  # (n_rows + 1,)
    return np.asarray(n_mixed[gold.ends] > n_mixed[gold.starts])


def _without(placed: list[PlacedSpan], unplaced: np.ndarray, spans: ChainSpans) -> ChainSpans:
    """The spans in chains but for those that are unplaced. Others lie within these all the same."""
    if not unplaced.any():
        return spans
    left_out = {span for span, is_open in zip(placed, unplaced, strict=True) if is_open}
    columns = (
        [[span for span in own if span not in left_out] for own in by_chain]
        for by_chain in (spans.held, spans.crossing, spans.too_deep)
    )
    return ChainSpans(*columns)


def _unknown_rows(
    gold: RowGold, spans: ChainSpans, unplaced: np.ndarray, plan: ChainPlan
) -> np.ndarray:
    """The rows that each chain knows nothing of, (n_chains, n_rows) bool."""
    ids = {label: i for i, label in enumerate(plan.labels)}
    own = [[ids[label] for label in chain.labels] for chain in plan.chains]
    unknown = np.stack([~gold.known[:, labels].all(axis=1) for labels in own])
    for start, end in zip(gold.starts[unplaced], gold.ends[unplaced], strict=True):
        unknown[:, start:end] = True  # in all of the layers
    for rows, held, crossing, too_deep in zip(
        unknown, spans.held, spans.crossing, spans.too_deep, strict=True
    ):
        for start, end, _ in (*crossing, *too_deep):
            rows[start:end] = True
        for start, end, _ in held:
            rows[start:end] = False
    return unknown


def _are_among(placed: list[PlacedSpan], by_chain: list[list[PlacedSpan]]) -> np.ndarray:
    """(n_spans,) bool."""
    chosen = {span for spans in by_chain for span in spans}
    return np.array([span in chosen for span in placed], dtype=bool)
