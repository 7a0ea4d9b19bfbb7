"""The vectors that a tagger's head reads, for those who want to compare texts by them."""

from collections.abc import Sequence

import numpy as np
import torch
from spacy.tokens import Doc
from thinc.api import Model

from ...nn.encoders.vectors import TransformerVectors
from ..runtime.wordpiece_shim import WordpieceShim


def row_vectors(model: Model, docs: Sequence[Doc]) -> list[np.ndarray] | None:
    """The vectors of the tokens of each Doc, in fp32.

    model (Model): That of a tagger.
    RETURNS: For each Doc (n_tokens, width) float32, 0 for tokens that have none; None for a model
        that has none, such as one over hand-written features or in another runtime.
    """
    for shim in model.shims:
        if isinstance(shim, WordpieceShim) and hasattr(shim.module, "encoder"):
            return _of_wordpieces(shim, docs)
    if not model.layers:
        return None
    return [np.asarray(model.ops.to_numpy(one)) for one in model.layers[0].predict(list(docs))]


def _of_wordpieces(shim: WordpieceShim, docs: Sequence[Doc]) -> list[np.ndarray]:
    batch, buckets = shim.read_docs(list(docs))
    reader = TransformerVectors(shim.module.encoder, pooling=shim.module.pooling).eval()
    with torch.inference_mode():
        rows = reader(buckets, batch.n_rows).float().cpu().numpy()  # (n_rows, width)
    found, first = [], 0
    for doc, tokens in zip(docs, batch.row_tokens, strict=True):
        vectors = np.zeros((len(doc), rows.shape[1]), dtype=np.float32)
        vectors[tokens] = rows[first : first + len(tokens)]
        first += len(tokens)
        found.append(vectors)
    return found
