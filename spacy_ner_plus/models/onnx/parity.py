"""How far an exported model is from the one that it was exported from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc
from spacy.util import minibatch
from thinc.api import Model

from ..decoding.entities import Entities
from ..runtime.labelled_shim import labelled_shim_of

# Documents whose scores are in memory at once.
SIZE = 128


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Differences of two models over some documents.

    component (str): The component that has the models.
    n_docs, n_tokens (int): Documents, and their tokens that have scores.
    largest, mean (float): Absolute differences of scores, n_scores of them: emissions, and of a
        biaffine head the logits of spans.
    n_other_tags (int): Of the tokens, those whose highest emission is of another tag; None if the
        head is one of spans.
    n_entities (int): Entities of the first model; of a head of spans, those with a probability of
        0.5 at least.
    n_lost, n_new (int): Entities (span and label) that only the first has, and those that only the
        second has.
    largest_probability (float): The largest difference of probabilities, of entities that both
        have.
    """

    component: str
    n_docs: int
    n_tokens: int
    n_scores: int
    largest: float
    mean: float
    n_other_tags: int | None
    n_entities: int
    n_lost: int
    n_new: int
    largest_probability: float


def compare(model: Model, other: Model, docs: Iterable[Doc], *, component: str) -> Parity:
    """Compare the scores and entities of two models with the same labels.

    docs (Iterable[Doc]): The documents; at least one has a token.
    """
    return _join([_of_batch(model, other, batch, component) for batch in minibatch(docs, SIZE)])


def _of_batch(model: Model, other: Model, docs: list[Doc], component: str) -> Parity:
    rows = model.predict(docs)
    one = labelled_shim_of(model).score_rows(rows)
    two = labelled_shim_of(other).score_rows(other.predict(docs))
    differences = np.abs(one.scores - two.scores)  # (n_scores,)
    n_other_tags = None
    if one.tags is not None and two.tags is not None:
        n_other_tags = int((one.tags != two.tags).sum())
    entities, others = (_by_place(scored.entities) for scored in (one, two))
    changes = [abs(p - others[place]) for place, p in entities.items() if place in others]
    return Parity(
        component=component,
        n_docs=len(docs),
        n_tokens=sum(map(len, rows.row_tokens)),
        n_scores=differences.size,
        largest=float(differences.max(initial=0.0)),
        mean=float(differences.sum(dtype=np.float64)) / max(1, differences.size),
        n_other_tags=n_other_tags,
        n_entities=len(entities),
        n_lost=len(entities.keys() - others.keys()),
        n_new=len(others.keys() - entities.keys()),
        largest_probability=max(changes, default=0.0),
    )


def _by_place(found: Sequence[Entities]) -> dict[tuple[int, int, int, int], float]:
    """The probability of each entity, by document, start, end and label."""
    return {
        (i, int(start), int(end), int(label)): float(probability)
        for i, doc in enumerate(found)
        for start, end, label, probability in zip(
            doc.starts, doc.ends, doc.labels, doc.probabilities, strict=True
        )
    }


def _join(batches: Sequence[Parity]) -> Parity:
    """Those of some batches as one."""
    n_scores = sum(batch.n_scores for batch in batches)
    other_tags = [batch.n_other_tags for batch in batches if batch.n_other_tags is not None]
    return Parity(
        component=batches[0].component,
        n_docs=sum(batch.n_docs for batch in batches),
        n_tokens=sum(batch.n_tokens for batch in batches),
        n_scores=n_scores,
        # Python's max may pass over what is no number
        largest=float(np.max([batch.largest for batch in batches])),
        mean=sum(batch.mean * batch.n_scores for batch in batches) / n_scores,
        n_other_tags=sum(other_tags) if other_tags else None,
        n_entities=sum(batch.n_entities for batch in batches),
        n_lost=sum(batch.n_lost for batch in batches),
        n_new=sum(batch.n_new for batch in batches),
        largest_probability=max(batch.largest_probability for batch in batches),
    )
