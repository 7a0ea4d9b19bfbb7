"""From what rules found to what stands on the Docs: entities with ids, and hits for models."""

from itertools import compress
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span

from ...annotation.existing import entity_spans, own_entities
from ...annotation.rule_hits import HARD, SOFT, hits_of, register_rule_hits, set_rule_hits
from ...models.decoding.entities import Entities
from ...tags import Span as EntitySpan
from ..annotating import Annotator
from .deciding import RuledEntities

IDS = {"ent_id": "span_id", "kb_id": "kb_id"}


def own_of_rules(doc: Doc, component: str, *, soft_ents: bool) -> set[EntitySpan]:
    """The entities of a Doc that a component of rules put there when it read the Doc before."""
    kinds = (HARD, SOFT) if soft_ents else (HARD,)
    places = {hit[:3] for hit in hits_of(doc, component) if hit.kind in kinds}
    found = own_entities(doc, component)
    if places:
        ents = (ent for ent in doc.ents if (ent.start_char, ent.end_char, ent.label_) in places)
        found |= {(ent.start, ent.end, ent.label_) for ent in ents}
    return found & set(entity_spans(doc))


class RuleAnnotator(Annotator):
    """Writes what rules found to Docs.

    component, settings: As in Annotator.
    soft_ents (bool): Whether soft hits may be entities.
    ids (str): Where their ids go: "ent_id" or "kb_id".
    """

    def __init__(
        self, component: str, *settings: Any, soft_ents: bool, ids: str, **more: Any
    ) -> None:
        super().__init__(component, *settings, **more)
        self._soft_ents = soft_ents
        self._id_attribute = IDS[ids]
        register_rule_hits()  # in a process that got the component as a copy, too

    def write(self, doc: Doc, entities: Entities) -> None:
        """Put entities and hits on a Doc. See Annotator.write."""
        if self._spans_key is None and not doc.user_data and not doc.has_annotation("ENT_IOB"):
            # the most frequent case by far: there is nothing that might be in the way or must go
            doc.set_ents(self._all_spans(doc, entities), default="outside")
        else:
            super().write(doc, entities)
        hits = entities.hits if isinstance(entities, RuledEntities) else ()
        if hits or doc.user_data:  # else there are none, and were none
            set_rule_hits(doc, self._component, hits)

    def _own(self, doc: Doc) -> set[EntitySpan]:
        return own_of_rules(doc, self._component, soft_ents=self._soft_ents)

    def _spans(self, doc: Doc, entities: Entities, is_wanted: np.ndarray) -> list[Span]:
        return list(compress(self._all_spans(doc, entities), is_wanted.tolist()))

    def _all_spans(self, doc: Doc, entities: Entities) -> list[Span]:
        """The entities as spans, with their ids."""
        ids: list[Any] = (
            entities.ids if isinstance(entities, RuledEntities) else [""] * len(entities)
        )
        starts, ends = entities.starts.tolist(), entities.ends.tolist()
        return [
            Span(doc, start, end, self._labels[label], **{self._id_attribute: id_})
            for start, end, label, id_ in zip(
                starts, ends, entities.labels.tolist(), ids, strict=True
            )
        ]
