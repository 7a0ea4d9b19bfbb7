"""How far an exported model is from the one that it was exported from."""

from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from ..decoding.emissions import Emissions
from ..runtime.tagger_shim import shim_of


@dataclass(frozen=True)
class Parity:
    """Differences of two models over some documents.

    n_docs (int): Documents.
    largest, mean (float): Absolute differences of emissions, n_scores of them.
    n_other_tags (int): Of n_tokens, those whose highest emission is of another tag.
    n_lost, n_new (int): Entities (span and label) that only the first of n_entities has, and those
        that only the second has.
    """

    n_docs: int
    n_scores: int
    largest: float
    mean: float
    n_tokens: int
    n_other_tags: int
    n_entities: int
    n_lost: int
    n_new: int


def compare(
    model: Model[list[Doc], Emissions], other: Model[list[Doc], Emissions], docs: list[Doc]
) -> Parity:
    """Compare the emissions and entities of two models with the same tags.

    docs (List[Doc]): The documents; at least one has a token.
    """
    first, second = model.predict(docs), other.predict(docs)
    # (n_rows, n_tags) each
    ours, theirs = (found.scores.cpu().numpy() for found in (first, second))
    differences = np.abs(ours - theirs)
    entities, others = _entities(model, first), _entities(other, second)
    return Parity(
        n_docs=len(docs),
        n_scores=differences.size,
        largest=float(differences.max()),
        mean=float(differences.mean()),
        n_tokens=len(ours),
        n_other_tags=int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum()),
        n_entities=len(entities),
        n_lost=len(entities - others),
        n_new=len(others - entities),
    )


def _entities(
    model: Model[list[Doc], Emissions], emissions: Emissions
) -> set[tuple[int, int, int, int]]:
    """(document, start, end, label) of each entity."""
    return {
        (i, int(start), int(end), int(label))
        for i, doc in enumerate(shim_of(model).tagger.decode(emissions))
        for start, end, label in zip(doc.starts, doc.ends, doc.labels, strict=True)
    }
