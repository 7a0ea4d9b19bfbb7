"""Which tokens a tagger has a row for, without running its encoder where that can be helped."""

from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from ..runtime.wordpiece_shim import WordpieceShim
from .tok2vec_rows import solid_tokens


def tagged_tokens(model: Model, docs: Sequence[Doc]) -> list[np.ndarray]:
    """The tokens of each Doc that take part in tagging, (n_rows_of_doc,) int64, ascending.

    model (Model): That of a tagger: they are the row_tokens of the Emissions that it gives.
    """
    for shim in model.shims:
        if isinstance(shim, WordpieceShim):
            batch, _ = shim.read_docs(list(docs))
            return list(batch.row_tokens)
    if model.layers:
        return solid_tokens(docs)
    return list(model.predict(list(docs)).row_tokens)
