"""From the rows of an encoder of ours to what a tok2vec gives: a matrix for each Doc."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from spacy.tokens import Doc
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import ArgsKwargs, Floats2d
from torch import Tensor

from ..decoding.emissions import flat_tokens

Tok2Vec = Model[list[Doc], list[Floats2d]]
Backprop = Callable[[list[Floats2d]], list[Doc]]


def token_vectors(
    model: Tok2Vec,
    docs: Sequence[Doc],
    rows: Tensor,
    row_tokens: Sequence[np.ndarray],
    backprop_torch: Callable[[ArgsKwargs], Any],
) -> tuple[list[Floats2d], Backprop]:
    """One vector per token, zeros for tokens without a row.

    spaCy's components hand a tok2vec gradients that are summed over the tokens of a batch. They are
    divided by the number of tokens, so that they are of the size that its optimizer expects.

    rows: (n_rows, width), the rows of all Docs one after the other.
    row_tokens: for each Doc, (n_rows_of_doc,) int64, the token of each row.
    backprop_torch: The way back of the shim that gave the rows.
    RETURNS: (n_tokens, width) for each Doc, and the way back.
    """
    lengths = [len(doc) for doc in docs]
    token_of_row = torch.from_numpy(flat_tokens(row_tokens, lengths)).to(rows.device)
    flat = rows.new_zeros(sum(lengths), model.get_dim("nO"))  # (n_tokens, width)
    flat[token_of_row] = rows.detach()

    def backprop(d_vectors: list[Floats2d]) -> list[Doc]:
        if len(flat):
            # (n_tokens, width)
            d_flat: Tensor = xp2torch(model.ops.xp.concatenate(d_vectors), device=rows.device)
            d_rows = d_flat[token_of_row] / len(flat)  # (n_rows, width)
            backprop_torch(ArgsKwargs(args=((rows,),), kwargs={"grad_tensors": (d_rows,)}))
        return []  # text has no gradient

    vectors = cast(Floats2d, torch2xp(flat, ops=model.ops))
    bounds = np.cumsum([0, *lengths]).tolist()
    return [vectors[start:end] for start, end in pairwise(bounds)], backprop
