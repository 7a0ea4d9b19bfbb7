"""From Docs through a module with a pretrained encoder of its own to one row per token."""

from collections.abc import Callable
from typing import Any

import numpy as np
from spacy.tokens import Doc
from thinc.types import ArgsKwargs
from torch import Tensor

from ..runtime.wordpiece_shim import WordpieceShim

Backprop = Callable[[Tensor], list[Doc]]


def wordpiece_rows(
    shim: WordpieceShim, docs: list[Doc], *, is_train: bool
) -> tuple[Tensor, list[np.ndarray], Backprop]:
    """What thinc's PyTorchWrapper does: inputs to tensors, through the shim, and gradients back.

    RETURNS: The rows of all Docs one after the other, (n_rows, n_outputs); for each Doc,
        (n_rows_of_doc,) int64, the token of each row; and what takes the rows' gradient.
    """
    batch, buckets = shim.read_docs(docs, is_train=is_train)
    backprop_torch: Any
    rows, backprop_torch = shim(ArgsKwargs(args=(buckets, batch.n_rows), kwargs={}), is_train)

    def backprop(d_rows: Tensor) -> list[Doc]:
        backprop_torch(ArgsKwargs(args=((rows,),), kwargs={"grad_tensors": (d_rows,)}))
        return []  # text has no gradient

    return rows, batch.row_tokens, backprop
