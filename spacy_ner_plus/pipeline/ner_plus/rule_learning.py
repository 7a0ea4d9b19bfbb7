"""How a component learns the weights of rules whose soft hits are on the documents of training."""

import logging
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Optimizer

from ...annotation.hit_effects import soft_hits
from ...models.decoding.emissions import Emissions
from ...models.decoding.losses import span_score_gradient
from ...nn.crf import SpanFactors, TagDecoder
from ...tags import TagScheme
from .rule_scores import IgnoredHits, WeightedSpans, weighted_spans
from .rule_weights import RULE_WEIGHTS, Gradients, RuleWeights

logger = logging.getLogger("spacy_ner_plus")

# One in so many phrases that soft hits are on teaches their weights, and is unknown to the model.
HELD_OUT = 10
# Documents without any hit after which nobody need wait for one.
MOST_WITHOUT_HITS = 200
# Hits of a rule, none of them on a held-out phrase, after which it is told that none teaches it.
MOST_UNTAUGHT = 200


class RuleLearner:
    """Moves the weights of rules by hits that it holds out, of which the model learns nothing.

    That is stacking (Wolpert 1992, "Stacked generalization") with one part held out. It consists of
    phrases and not of documents: a phrase that a rule knows tends to be in several, and what a rule
    is worth shows where the model has not met the phrase. For the model they are not annotated, and
    neither are entities on them; it learns from all else in their documents. Which ones these are
    follows from their letters, so they are the same in every epoch and when training is resumed.
    Hard hits and blocks teach nothing: they act in prediction, whatever was learned, and one that
    contradicts the annotation does no harm.

    name (str): The component.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._gradients: Gradients = {}
        self._n_without_hits = 0
        self._n_hits: Counter[tuple[str, str]] = Counter()  # by rule and type
        self._taught: set[tuple[str, str]] = set()

    def hits(
        self,
        examples: Sequence[Example],
        emissions: Emissions,
        scheme: TagScheme,
        cfg: dict[str, Any],
        ignored: IgnoredHits,
    ) -> WeightedSpans | None:
        """The soft hits on Docs that are held out: those that have a held-out phrase.

        cfg (dict): The component's, with its learned weights. ignored: Counts hits without effect.
        RETURNS (WeightedSpans): With the weights that they have by now; None if there are none.
        RAISES ValueError: If there were none on very many documents, held out or not.
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
        docs = [example.predicted for example in examples]
        held_out = _held_out(spans, docs, emissions)
        self._tell_untaught(spans, held_out)
        if not held_out.any():
            return None
        spans = spans.of_docs(np.unique(spans.factors.sequences[held_out]))
        return spans.weighted(learned.applied(spans.rules, spans.labels, spans.weights))

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

    def _tell_untaught(self, spans: WeightedSpans, held_out: np.ndarray) -> None:
        """Say once of a rule that none of very many hits has been on a held-out phrase."""
        pairs = list(zip(spans.rules, spans.labels, strict=True))
        self._taught.update(pairs[i] for i in np.flatnonzero(held_out))
        self._n_hits.update(pairs)
        for rule, label in [pair for pair in self._n_hits if pair not in self._taught]:
            if self._n_hits[rule, label] >= MOST_UNTAUGHT:
                self._taught.add((rule, label))
                logger.warning(
                    "'%s' has learned no weight of the rule %r for %r: none of its first %d hits "
                    "in training is on one of the phrases that are held out, 1 in %d. So far its "
                    "hits keep the weights that they came with.",
                    self._name,
                    rule,
                    label,
                    self._n_hits[rule, label],
                    HELD_OUT,
                )

    def learn(
        self,
        hits: WeightedSpans,
        decoder: TagDecoder,
        docs: Sequence[Doc],
        emissions: Emissions,
        allowed: Sequence[np.ndarray],
        cfg: dict[str, Any],
    ) -> None:
        """Collect what held-out phrases say about the weights of their rules.

        hits (WeightedSpans): Those on the documents with such phrases.
        docs (Sequence[Doc]): All documents. emissions (Emissions): The model's, with spans that are
            rejected. allowed: The tags that the annotation permits, of each Doc (n_rows_of_doc,
            n_tags) bool.
        """
        with_hits = replace(emissions, spans=hits.factors.and_others(emissions.spans))
        gradient = span_score_gradient(decoder, with_hits, allowed)[: len(hits.rules)]  # (n_hits,)
        own = np.flatnonzero(_held_out(hits, docs, emissions))
        rules, labels = [hits.rules[i] for i in own], [hits.labels[i] for i in own]
        pulled = RuleWeights(cfg[RULE_WEIGHTS]).pulled(rules, labels, gradient[own])
        for key, value in pulled.items():
            self._gradients[key] = self._gradients.get(key, 0.0) + value

    def step(self, cfg: dict[str, Any], settings: Optimizer) -> None:
        """Move the weights by what was collected."""
        if self._gradients:
            RuleWeights(cfg[RULE_WEIGHTS]).step(self._gradients, settings)
        self._gradients = {}


def held_out_rows(
    hits: WeightedSpans,
    docs: Sequence[Doc],
    emissions: Emissions,
    allowed: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """What the model must not learn: held-out phrases and entities on them.

    hits, docs, emissions, allowed: As in RuleLearner.learn.
    RETURNS: For each Doc (n_rows_of_doc,) bool, their rows.
    """
    rows = [np.zeros(len(own), dtype=bool) for own in allowed]
    spans = hits.factors
    for i in np.flatnonzero(_held_out(hits, docs, emissions)):
        doc = int(spans.sequences[i])
        own = allowed[doc]
        goes_on = ~(own & spans.scheme.starts).any(axis=1)  # (n_rows_of_doc,) for sure
        start, end = int(spans.starts[i]), int(spans.ends[i])
        while start > 0 and goes_on[start]:
            start -= 1
        while end < len(own) and goes_on[end]:
            end += 1
        rows[doc][start:end] = True
    return rows


def without_held_out(
    allowed: Sequence[np.ndarray], held_out: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """What is left for the model to learn: as allowed, with all tags on held-out rows."""
    return [own | rows[:, None] for own, rows in zip(allowed, held_out, strict=True)]


def rejected_elsewhere(
    rejected: SpanFactors | None, held_out: Sequence[np.ndarray]
) -> SpanFactors | None:
    """Of spans that are known to be wrong those that have no held-out row."""
    if rejected is None:
        return None
    places = zip(rejected.sequences.tolist(), rejected.starts, rejected.ends, strict=True)
    kept = np.array([not held_out[doc][start:end].any() for doc, start, end in places])
    return rejected.chosen(np.flatnonzero(kept)) if kept.any() else None


def is_held_out(phrase: str) -> bool:
    """Whether a phrase with a soft hit teaches its weight, in place of the model.

    Case and the kind of white space in it make no difference.
    """
    letters = " ".join(phrase.casefold().split())
    return zlib.crc32(letters.encode("utf8", "surrogatepass")) % HELD_OUT == 0


def _held_out(hits: WeightedSpans, docs: Sequence[Doc], emissions: Emissions) -> np.ndarray:
    """Which hits are on held-out phrases, (n_hits,) bool."""
    spans = hits.factors
    places = zip(spans.sequences.tolist(), spans.starts, spans.ends, strict=True)
    found = []
    for doc, start, end in places:
        tokens = emissions.row_tokens[doc]
        found.append(is_held_out(docs[doc][int(tokens[start]) : int(tokens[end - 1]) + 1].text))
    return np.array(found, dtype=bool)
