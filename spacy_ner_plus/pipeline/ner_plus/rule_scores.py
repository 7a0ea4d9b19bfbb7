"""What rules' hits on Docs do to a model's scores.

Soft hits add their weight to the log score of a reading that has exactly their span with their
type, once; hard hits and blocks rule out readings. So probabilities are those of the model given
the hits, and exact. See nn/crf/span_factors.py for the method.
"""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...annotation.hit_effects import CROWDED, REASONS, SpanWeights
from ...nn.crf import SpanFactors
from ...tags import TagScheme


@dataclass(frozen=True)
class WeightedSpans:
    """The weights of spans in some Docs.

    factors (SpanFactors): As the decoding takes them; sequences are the Docs. Their scores are the
        hits' own weights at first.
    rules, labels (List[str]): Of each.
    excluded (FrozenSet): Doc, start, end and label of blocked spans that had to be left out.
    """

    factors: SpanFactors
    rules: list[str]
    labels: list[str]
    excluded: frozenset[tuple[int, int, int, int]] = frozenset()

    def weighted(self, weights: np.ndarray) -> "WeightedSpans":
        """With other weights, (n,) float64."""
        scores = torch.from_numpy(weights).to(self.factors.scores.device)
        return replace(self, factors=replace(self.factors, scores=scores))

    def of_docs(self, docs: np.ndarray) -> "WeightedSpans":
        """Those of some Docs, which keep their numbers. docs: (n_docs,) int64."""
        kept = np.flatnonzero(np.isin(self.factors.sequences, docs))
        return WeightedSpans(
            self.factors.chosen(kept),
            [self.rules[i] for i in kept],
            [self.labels[i] for i in kept],
        )

    @property
    def weights(self) -> np.ndarray:
        """The weights, (n,) float64."""
        return np.asarray(self.factors.scores.cpu().numpy())


class IgnoredHits:
    """Hits of rules that have no effect on a component, counted; the first of a kind is told.

    name (str): The component.

    Attributes:
        counts (Counter): By reason, of REASONS in annotation.hit_effects.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.counts: Counter[str] = Counter()

    def count(self, reasons: Mapping[str, int]) -> None:
        """Count some, by reason."""
        for reason, n in reasons.items():
            if n and not self.counts[reason]:
                warnings.warn(
                    f"'{self._name}' makes no use of a hit of a rule that {REASONS[reason]}. "
                    f"Further ones are counted: see its ignored_hits.",
                    stacklevel=2,
                )
            self.counts[reason] += n


def weighted_spans(
    spans: Sequence[SpanWeights | None],
    scheme: TagScheme,
    device: torch.device,
    ignored: IgnoredHits,
) -> WeightedSpans | None:
    """The weights of spans of several Docs; None if there are none.

    spans (Sequence[SpanWeights]): Of each Doc.
    ignored (IgnoredHits): Counts those that are left out where very many overlap.
    """
    own = [(i, one) for i, one in enumerate(spans) if one is not None and len(one)]
    if not own:
        return None
    rules = [rule for _, one in own for rule in one.rules]
    factors = SpanFactors(
        scheme,
        np.repeat([i for i, _ in own], [len(one) for _, one in own]),
        np.concatenate([one.starts for _, one in own]),
        np.concatenate([one.ends for _, one in own]),
        np.concatenate([one.labels for _, one in own]),
        torch.from_numpy(np.concatenate([one.weights for _, one in own])).to(device),
    )
    kept = factors.strongest()
    excluded: frozenset[tuple[int, int, int, int]] = frozenset()
    if len(kept) < len(factors):
        ignored.count({CROWDED: len(factors) - len(kept)})
        excluded = _blocked(factors, np.setdiff1d(np.arange(len(factors)), kept))
        factors, rules = factors.chosen(kept), [rules[i] for i in kept]
    return WeightedSpans(factors, rules, [scheme.labels[i] for i in factors.labels], excluded)


def _blocked(factors: SpanFactors, left_out: np.ndarray) -> frozenset[tuple[int, int, int, int]]:
    """The blocked spans among some factors: see WeightedSpans.excluded. left_out: positions."""
    left_out = left_out[factors.ruled_out[left_out]]
    columns = (factors.sequences, factors.starts, factors.ends, factors.labels)
    rows = zip(*(column[left_out].tolist() for column in columns), strict=True)
    return frozenset((doc, start, end, label) for doc, start, end, label in rows)
