"""What is known about a Doc before the model has read it: its entities and blocked tokens."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span

from ..tags import Span as EntitySpan
from ..tags import TagScheme
from .scored_group import spans_of
from .token_states import BEGIN, INSIDE


@dataclass(frozen=True)
class Existing:
    """The entities and blocked tokens of a Doc.

    taken: (n_tokens,) bool, tokens of entities and blocked tokens.
    entities: (start, end, label) in tokens, from left to right.
    blocked: (n_blocked,) int64 tokens.
    """

    taken: np.ndarray
    entities: list[EntitySpan]
    blocked: np.ndarray

    def is_free(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Whether each span of tokens touches nothing that is there, (n_spans,) bool."""
        n_taken = np.concatenate([[0], np.cumsum(self.taken)])
        return np.asarray(n_taken[starts] == n_taken[ends])

    def blocked_spans(self, doc: Doc) -> list[Span]:
        """The blocked tokens, each as a span of its own."""
        return [doc[i : i + 1] for i in self.blocked.tolist()]


def existing(doc: Doc, own: Collection[EntitySpan] = ()) -> Existing:
    """What is on the Doc already.

    own: Entities that do not count: those that the reader put there itself.
    """
    columns = doc.to_array(["ENT_IOB", "ENT_TYPE"]).reshape(-1, 2)  # (n_tokens, 2)
    taken = np.isin(columns[:, 0], (INSIDE, BEGIN))  # (n_tokens,)
    blocked = np.flatnonzero((columns[:, 0] == BEGIN) & (columns[:, 1] == 0))
    entities = entity_spans(doc)
    for start, end, _ in own:
        taken[start:end] = False
    return Existing(taken, [entity for entity in entities if entity not in own], blocked)


def nothing_on(doc: Doc) -> Existing:
    """What is on a Doc of which nothing counts."""
    return Existing(np.zeros(len(doc), dtype=bool), [], np.zeros(0, dtype=np.int64))


def only_entities(doc: Doc, entities: Sequence[EntitySpan]) -> Existing:
    """What is on a Doc of which some entities alone count."""
    known = nothing_on(doc)
    for start, end, _ in entities:
        known.taken[start:end] = True
    return Existing(known.taken, list(entities), known.blocked)


def entity_spans(doc: Doc) -> list[EntitySpan]:
    """The entities of a Doc, on its own tokens."""
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


def own_entities(doc: Doc, component: str) -> set[EntitySpan]:
    """The entities of a Doc that a component put there when it read the Doc before."""
    found = {(span.start, span.end, span.label_) for span in spans_of(doc, component)}
    return found and found & set(entity_spans(doc))


def permitted_tags(known: Existing, row_tokens: np.ndarray, scheme: TagScheme) -> np.ndarray:
    """The tags that leave the entities and blocked tokens of a Doc as they are.

    row_tokens: (n_rows,) int64, the tokens that take part in tagging, ascending.
    scheme (TagScheme): The tags. An entity with a label that is not among them is no entity to
        the model: its tokens are O.
    RETURNS: (n_rows, n_tags) bool: one tag on rows of entities and blocked tokens, all on others,
        but for tags that would carry on an entity right before it or across one that has no rows.
        O and missing tokens are free: an entity ruler leaves everything that it does not match O.
    """
    permitted = np.ones((len(row_tokens), scheme.n_tags), dtype=bool)
    fixed = np.flatnonzero(known.taken[row_tokens])
    permitted[fixed] = False
    labels = {label: i for i, label in enumerate(scheme.labels)}
    spans = []
    for start, end, label in known.entities:
        first, last = np.searchsorted(row_tokens, [start, end]).tolist()
        if first < last and label in labels:
            spans.append((first, last, label))
    tags = scheme.encode(spans, len(row_tokens))
    permitted[fixed, tags[fixed]] = True
    for _, end, label in spans:
        if end < len(row_tokens) and permitted[end].all():
            permitted[end, scheme.inside[labels[label]]] = False
    bare = np.setdiff1d(np.flatnonzero(known.taken), row_tokens)
    behind = np.unique(np.searchsorted(row_tokens, bare))
    behind = behind[behind < len(row_tokens)]
    behind = behind[permitted[behind].all(axis=1)]
    permitted[behind] = scheme.starts  # what may start a sequence carries nothing on
    return permitted
