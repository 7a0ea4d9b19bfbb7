"""From the spans that were scored to what stands on the Docs."""

from collections import Counter
from typing import Any

import numpy as np
from spacy.tokens import Doc

from ...annotation.scored_group import ScoredGroup
from ...annotation.unknown_group import clear_unknown
from ...models.decoding.entities import Entities
from ...models.decoding.span_choice import SpanChoice, choose_spans
from ..annotating import Annotator, check_probabilities

FLAT = "flat"
# Of the counts of groups of crossing spans.
EXACT, GREEDY = "exact", "greedy"


class SpanAnnotator(Annotator):
    """Chooses among scored spans, and writes those to doc.spans, and to doc.ents if it shall.

    component, labels, settings: As in Annotator.
    least: (n_labels,) float64, the least probability of a span of each label.
    spans_key (str): Where in doc.spans they go.
    allow (str): Which may be there together: see models.decoding.span_choice.
    sets_ents (bool): Whether doc.ents gets the best of them that do not overlap.
    crossings (Counter): How many groups of crossing spans were decided exactly and greedily is
        counted in it.
    """

    def __init__(
        self,
        component: str,
        labels: list[int],
        least: np.ndarray,
        *,
        spans_key: str,
        allow: str,
        sets_ents: bool,
        crossings: Counter[str],
        **settings: Any,
    ) -> None:
        # what is written to doc.ents was chosen before: the base leaves none of it out
        super().__init__(component, labels, np.zeros(len(labels)), spans_key=None, **settings)
        self._thresholds = least
        self._group_key = spans_key
        self._allow = allow
        self._sets_ents = sets_ents
        self._crossings = crossings

    def write(self, doc: Doc, entities: Entities) -> None:
        """Put the chosen spans on a Doc.

        entities (Entities): All that were scored.
        RAISES ValueError: If a probability is not from 0 to 1, or a span is there twice.
        """
        spans, choice = self.choose(doc, entities)
        if self._sets_ents:  # first: what it wrote before is told by the group
            self._write_ents(doc, spans)
        self._write_group(doc, choice.of(spans))

    def choose(self, doc: Doc, entities: Entities) -> tuple[Entities, SpanChoice]:
        """The spans that may be on a Doc, and which of them are, with their scores.

        RAISES ValueError: See write.
        """
        check_probabilities(entities.probabilities)
        spans = self._without_refused(doc, entities)
        return spans, self._choose(spans, self._allow)

    def _choose(self, spans: Entities, allow: str) -> SpanChoice:
        choice = choose_spans(spans, allow, self._thresholds)
        self._crossings[GREEDY] += choice.n_greedy
        self._crossings[EXACT] += choice.n_groups - choice.n_greedy
        return choice

    def _without_refused(self, doc: Doc, spans: Entities) -> Entities:
        """Without those that are probable enough, but whose text is not as their label wants it.

        They can't be there, so they are in nobody's way.
        """
        if not self._checks:
            return spans
        is_wanted = spans.probabilities >= self._thresholds[spans.labels]  # (n_spans,)
        return spans.some(~is_wanted | self._valid(doc, spans, is_wanted))

    def _write_ents(self, doc: Doc, spans: Entities) -> None:
        if doc.has_annotation("ENT_IOB"):
            spans = spans.some(self.kept(doc).is_free(spans.starts, spans.ends))
        super().write(doc, self._choose(spans, FLAT).of(spans))

    def _write_group(self, doc: Doc, chosen: Entities) -> None:
        clear_unknown(doc, self._group_key)  # as doc.ents has no missing tokens any more
        every = np.ones(len(chosen), dtype=bool)
        doc.spans[self._group_key] = ScoredGroup(
            doc,
            name=self._group_key,
            spans=self._spans(doc, chosen, every),
            scores=chosen.probabilities.tolist(),
            component=self._component,
        )
