"""From the entities that were found to what stands on the Docs."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from spacy.tokens import Doc, Span

from ..annotation.existing import (
    Existing,
    entity_spans,
    existing,
    only_entities,
    own_entities,
)
from ..annotation.hit_effects import hard_entities
from ..annotation.probabilities import PROBABILITY, ROUNDING, register_probability
from ..annotation.scored_group import ScoredGroup, spans_of
from ..models.decoding.entities import Entities
from ..tags import Span as EntitySpan
from .validators import Check


def check_spans_key(key: object) -> None:
    """RAISES ValueError: If it is no name of a group in doc.spans, nor None."""
    if not (key is None or (isinstance(key, str) and key)):
        raise ValueError(f"spans_key = {key!r} must be a name for doc.spans, or null for none.")


def check_existing_ents(value: str, choices: Sequence[str]) -> None:
    """RAISES ValueError: If a value of `existing_ents` is none of the choices."""
    if value not in choices:
        raise ValueError(f"existing_ents = {value!r} is unknown: use one of {tuple(choices)}.")


def check_probabilities(probabilities: np.ndarray) -> None:
    """RAISES ValueError: If one is neither NaN, which is not known, nor from 0 to 1.

    probabilities: (n,) float.
    """
    is_wrong = (probabilities < -ROUNDING) | (probabilities > 1 + ROUNDING)  # false for NaN
    if is_wrong.any():
        raise ValueError(
            f"Entity {int(is_wrong.argmax())} was found with the probability "
            f"{probabilities[is_wrong][0]}: it must be from 0 to 1, or NaN where it is not known."
        )


class Annotator:
    """Writes entities and their probabilities to Docs.

    component (str): The name of the component that found them. What it wrote to a Doc when it read
        it before, its entities with their probabilities and ids, is replaced.
    labels (Sequence[int]): The labels in the vocabulary's string store.
    least: (n_labels,) float, the least probability of an entity of each type.
    overwrites (bool): Whether entities of others are replaced as well, or kept. Those that are hard
        hits of rules are kept in any case.
    spans_key (str): Where in doc.spans the entities go; None for nowhere.
    checks (Mapping[int, Callable]): What says which entities of a Doc are valid, by the index of
        their label.
    refused (Counter): The labels of entities whose text does not are counted in it.
    """

    def __init__(
        self,
        component: str,
        labels: Sequence[int],
        least: np.ndarray,
        *,
        overwrites: bool,
        spans_key: str | None,
        checks: Mapping[int, Check] | None = None,
        refused: Counter[str] | None = None,
    ) -> None:
        self._component = component
        self._labels = labels
        self._least = least
        self._overwrites = overwrites
        self._spans_key = spans_key
        self._checks = checks or {}
        self._refused = Counter() if refused is None else refused
        self._is_stored = register_probability()

    def write(self, doc: Doc, entities: Entities) -> None:
        """Put entities on a Doc, but for those too improbable or in the way of others.

        RAISES ValueError: If a probability is neither NaN nor from 0 to 1.
        """
        if not len(entities) and self._spans_key is None and not doc.has_annotation("ENT_IOB"):
            doc.set_ents([], default="outside")
            return
        check_probabilities(entities.probabilities)
        # an entity whose probability is not known (NaN) stays at any threshold
        is_wanted = ~(entities.probabilities < self._least[entities.labels])
        kept: list[Span] = []
        blocked: list[Span] = []
        if doc.has_annotation("ENT_IOB"):
            known = self.kept(doc)
            is_wanted &= known.is_free(entities.starts, entities.ends)
            blocked = known.blocked_spans(doc)
            stay = set(known.entities)
            kept = [ent for ent in doc.ents if (ent.start, ent.end, ent.label_) in stay]
            self._clear(doc, kept)
        is_wanted = self._valid(doc, entities, is_wanted)
        found = self._spans(doc, entities, is_wanted)
        doc.set_ents([*kept, *found], blocked=blocked, default="outside")
        probabilities = entities.probabilities[is_wanted].tolist()
        values = [None if np.isnan(value) else value for value in probabilities]
        if self._is_stored:
            for span, value in zip(found, values, strict=True):
                span._.set(PROBABILITY, value)
        if self._spans_key is not None:
            doc.spans[self._spans_key] = ScoredGroup(
                doc, name=self._spans_key, spans=found, scores=values, component=self._component
            )

    def kept(self, doc: Doc) -> Existing:
        """What stays on a Doc as it is."""
        own = self._own(doc)
        if not self._overwrites:
            return existing(doc, own)
        hard = hard_entities(doc) - own
        return only_entities(doc, [span for span in entity_spans(doc) if span in hard])

    def _own(self, doc: Doc) -> set[EntitySpan]:
        """The entities of a Doc that the component wrote when it read the Doc before."""
        return own_entities(doc, self._component)

    def _spans(self, doc: Doc, entities: Entities, is_wanted: np.ndarray) -> list[Span]:
        """The entities that are wanted, as spans. is_wanted: (n,) bool."""
        columns = (entities.starts, entities.ends, entities.labels)
        return [
            Span(doc, start, end, self._labels[label])
            for start, end, label in zip(*(c[is_wanted].tolist() for c in columns), strict=True)
        ]

    def _valid(self, doc: Doc, entities: Entities, is_wanted: np.ndarray) -> np.ndarray:
        """Those of the wanted entities whose text satisfies what their type asks for, (n,) bool."""
        is_valid = is_wanted.copy()
        for label, check in self._checks.items():
            own = np.flatnonzero(is_wanted & (entities.labels == label))
            if len(own):
                places = zip(
                    entities.starts[own].tolist(), entities.ends[own].tolist(), strict=True
                )
                is_valid[own] = found = check(doc, places)
                if not all(found):
                    self._refused[doc.vocab.strings[self._labels[label]]] += found.count(False)
        return is_valid

    def _clear(self, doc: Doc, kept: Sequence[Span]) -> None:
        """Take from all entities but some what does not go with them: set_ents leaves it there.

        Probabilities are kept by characters and ids by tokens, whichever entity comes to be there.
        """
        stay = {(ent.start, ent.end) for ent in kept}
        former = [*doc.ents, *spans_of(doc, self._component)]
        gone = [span for span in former if (span.start, span.end) not in stay]
        if self._is_stored:
            for span in gone:
                span._.set(PROBABILITY, None)
        is_kept = np.zeros(len(doc), dtype=bool)
        for ent in kept:
            is_kept[ent.start : ent.end] = True
        has_ids = doc.to_array(["ENT_ID", "ENT_KB_ID"]).reshape(-1, 2).any(axis=1)  # (n_tokens,)
        for i in np.flatnonzero(has_ids & ~is_kept).tolist():
            doc[i].ent_id_ = doc[i].ent_kb_id_ = ""
