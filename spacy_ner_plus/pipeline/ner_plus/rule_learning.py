"""How a component learns the weights of rules whose soft hits are on the documents of training."""

from collections.abc import Sequence
from typing import Any

from spacy.training import Example
from thinc.api import Optimizer

from ...annotation.hit_effects import soft_hits
from ...models.decoding.emissions import Emissions
from ...tags import TagScheme
from .rule_scores import IgnoredHits, WeightedSpans, weighted_spans
from .rule_weights import RULE_WEIGHTS, Gradients, RuleWeights

# Documents without any hit after which nobody need wait for one.
MOST_WITHOUT_HITS = 200


class RuleLearner:
    """Puts soft hits into the loss, and moves the weights of their rules.

    Hard hits and blocks are not in it: they act in prediction, whatever the model has learned. So a
    hit that contradicts the annotation is one of which the weight falls, and nothing worse.

    name (str): The component.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._gradients: Gradients = {}
        self._n_without_hits = 0

    def hits(
        self,
        examples: Sequence[Example],
        emissions: Emissions,
        scheme: TagScheme,
        cfg: dict[str, Any],
        ignored: IgnoredHits,
    ) -> WeightedSpans | None:
        """The soft hits on the predicted Docs, with the weights that they have by now.

        cfg (dict): The component's, with its learned weights. ignored: Counts hits without effect.
        RETURNS (WeightedSpans): Their weights collect a gradient; None if there are no hits.
        RAISES ValueError: If there were none on very many documents.
        """
        rows = zip(examples, emissions.row_tokens, strict=True)
        found = [soft_hits(example.predicted, tokens, scheme) for example, tokens in rows]
        for _, reasons in found:
            ignored.count(reasons)
        spans = weighted_spans([s for s, _ in found], scheme, emissions.scores.device, ignored)
        if spans is None:
            self._count_without(len(examples), has_learned=bool(cfg.get(RULE_WEIGHTS)))
            return None
        self._n_without_hits = 0
        learned = RuleWeights(cfg.setdefault(RULE_WEIGHTS, {}))
        learned.meet(spans.rules, spans.labels, spans.weights)
        return spans.weighted(
            learned.applied(spans.rules, spans.labels, spans.weights), learns=True
        )

    def _count_without(self, n_docs: int, *, has_learned: bool) -> None:
        self._n_without_hits += n_docs
        if not has_learned and self._n_without_hits >= MOST_WITHOUT_HITS:
            raise ValueError(
                f"'{self._name}' is to learn weights of rules (learn_rule_weights = true), but "
                f"none of the first {self._n_without_hits} documents of training has a soft hit "
                "of a rule. Put the component of the rules into the pipeline before it, name it in "
                "[training] annotating_components (and in nlp.update's annotates), and see that "
                "its rules are soft; or set learn_rule_weights = false."
            )

    def collect(self, spans: WeightedSpans, cfg: dict[str, Any], share: float) -> None:
        """Keep what a loss says about the weights. share (float): How much a token counts in it."""
        learned = RuleWeights(cfg[RULE_WEIGHTS])
        pulled = learned.pulled(spans.rules, spans.labels, spans.gradient, share)
        for key, value in pulled.items():
            self._gradients[key] = self._gradients.get(key, 0.0) + value

    def step(self, cfg: dict[str, Any], settings: Optimizer) -> None:
        """Move the weights by what was collected."""
        if self._gradients:
            RuleWeights(cfg[RULE_WEIGHTS]).step(self._gradients, settings)
        self._gradients = {}
