"""What is known about Docs besides the model's scores, put into these: entities, bounds, hits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from spacy.tokens import Doc

from ...annotation.bounds import Bounds
from ...annotation.existing import Existing, existing, nothing_on, own_entities, permitted_tags
from ...annotation.hit_effects import HitEffects, hit_effects
from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import constrain
from ...tags import TagScheme
from .rule_scores import IgnoredHits, weighted_spans
from .rule_weights import RuleWeights


@dataclass(frozen=True)
class _Known:
    """What is known about one Doc.

    entities (Existing): What is fixed. effects (HitEffects): Of hits; None if there are none.
    is_first: (n_rows,) bool, the rows that no entity goes on to.
    """

    entities: Existing
    effects: HitEffects | None
    is_first: np.ndarray

    @property
    def forbids(self) -> bool:
        """Whether any tag is ruled out."""
        blocks = self.effects is not None and self.effects.forbidden is not None
        return blocks or bool(self.is_first.any() or self.entities.taken.any())

    def permitted(self, row_tokens: np.ndarray, scheme: TagScheme) -> np.ndarray:
        """The tags that are not ruled out, (n_rows, n_tags) bool."""
        tags = permitted_tags(self.entities, row_tokens, scheme)
        tags[self.is_first & ~self.entities.taken[row_tokens]] &= scheme.starts
        if self.effects is not None and self.effects.forbidden is not None:
            tags &= ~self.effects.forbidden
        return tags


@dataclass(frozen=True)
class Restrictions:
    """What rules out tags, and weighs spans.

    component (str): The reader, whose own entities on a Doc do not count.
    bounds (Bounds): What no entity goes across.
    constrains (bool): Whether entities and blocked tokens on the Docs are fixed.
    learned (RuleWeights): Weights of soft hits.
    ignored (IgnoredHits): Counts hits without effect.
    """

    component: str
    bounds: Bounds
    constrains: bool
    learned: RuleWeights
    ignored: IgnoredHits

    def apply(self, docs: Sequence[Doc], emissions: Emissions, scheme: TagScheme) -> Emissions:
        """The scores of Docs, -inf for what is ruled out, with the weights of spans.

        Where nothing is known, they are the model's own.
        """
        rows = emissions.row_tokens
        known = [self._known(*pair, scheme) for pair in zip(docs, rows, strict=True)]
        for one in known:
            if one.effects is not None:
                self.ignored.count(one.effects.ignored)
        if any(one.forbids for one in known):
            pairs = zip(known, rows, strict=True)
            emissions = constrain(emissions, [one.permitted(own, scheme) for one, own in pairs])
        spans = [None if one.effects is None else one.effects.spans for one in known]
        found = weighted_spans(spans, scheme, emissions.scores.device, self.ignored)
        if found is not None:
            weights = self.learned.applied(found.rules, found.labels, found.weights)
            spans_of_hits = found.weighted(weights).factors
            emissions = replace(emissions, spans=spans_of_hits, excluded=found.excluded)
        return emissions

    def _known(self, doc: Doc, row_tokens: np.ndarray, scheme: TagScheme) -> _Known:
        entities = nothing_on(doc)
        if self.constrains:
            entities = existing(doc, own_entities(doc, self.component))
        effects = hit_effects(doc, row_tokens, scheme, entities)
        if effects is not None:
            entities = effects.known
        return _Known(entities, effects, self.bounds.first_rows(doc, row_tokens))
