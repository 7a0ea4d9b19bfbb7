"""From the vectors of any tok2vec or listener through a head to one row per token.

Whitespace tokens take no part.

The gradient of a component's loss is summed over the tokens of a batch in spaCy, and a shared
tok2vec adds those of all components that listen to it. Ours learn from a mean; so the gradient that
they hand to the tok2vec is multiplied by the number of tokens in the batch.
"""

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from spacy.tokens import Doc
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import ArgsKwargs, Floats2d
from torch import Tensor

from ...support.numbers import as_float
from ..decoding.emissions import flat_tokens
from ..runtime.torch_shim import TorchShim
from .token_vectors import Tok2Vec
from .wordpiece_rows import Backprop

GRAD_FACTOR = "grad_factor"  # among a model's attributes
_ALL_ZERO = (
    "All token vectors are 0. Is the component that makes them (a tok2vec or a transformer) "
    "disabled, or does it come after ner_plus?"
)


def read_grad_factor(grad_factor: Any) -> float:
    """RAISES ValueError: If it is not at least 0."""
    factor = as_float(grad_factor, GRAD_FACTOR)
    if not factor >= 0:
        raise ValueError(f"grad_factor = {factor} must be at least 0.")
    return factor


def initialize_tok2vec(model: Model, docs: list[Doc] | None) -> int:
    """Set the tok2vec under a model up, and see how long its vectors are.

    docs: A few documents, None or empty for none.
    RAISES ValueError: Without them nobody can tell.
    """
    tok2vec = model.layers[0]
    sample = docs or None  # thinc's layers can't be shown an empty list
    tok2vec.initialize(X=sample)
    width = tok2vec.maybe_get_dim("nO")
    if width is None:
        if sample is None:
            raise ValueError(
                "The length of the tok2vec's vectors is unknown: give nlp.initialize() examples."
            )
        width = tok2vec.predict(sample[:1])[0].shape[1]
    return int(width)


def tok2vec_rows(
    model: Model, shim: TorchShim, docs: list[Doc], *, is_train: bool
) -> tuple[Tensor, list[np.ndarray], Backprop]:
    """The rows that a head gives of the vectors of a tok2vec.

    model (Model): Its first layer is the tok2vec, and its attributes have the grad_factor.
    shim (TorchShim): Of the head, a module of which the config has the vectors' "width".
    RETURNS: The rows of all Docs one after the other, (n_rows, n_outputs); for each Doc,
        (n_rows_of_doc,) int64, the token of each row; and what takes the rows' gradient.
    """
    device = shim.device  # asked first: it tells a user that there are no weights yet
    width = shim.module.config["width"]
    vectors, backprop_tok2vec = _token_vectors(model, docs, width, is_train)  # (n_tokens, width)
    row_tokens = solid_tokens(docs)
    tokens = torch.from_numpy(flat_tokens(row_tokens, [len(doc) for doc in docs])).to(device)
    inputs = xp2torch(vectors, device=device)[tokens].requires_grad_(is_train)  # (n_rows, width)
    if not is_train and len(inputs) and listeners(model) and not inputs.any():
        warnings.warn(_ALL_ZERO, stacklevel=3)
    backprop_torch: Any
    rows, backprop_torch = shim(ArgsKwargs(args=(inputs,), kwargs={}), is_train)

    def backprop(d_rows: Tensor) -> list[Doc]:
        backprop_torch(ArgsKwargs(args=((rows,),), kwargs={"grad_tensors": (d_rows,)}))
        d_vectors = inputs.new_zeros(vectors.shape)  # (n_tokens, width)
        if inputs.grad is not None:
            d_vectors[tokens] = inputs.grad * (len(vectors) * model.attrs[GRAD_FACTOR])
        backprop_tok2vec(cast(Floats2d, torch2xp(d_vectors, ops=model.ops)))
        return []  # text has no gradient

    return rows, row_tokens, backprop


def solid_tokens(docs: Sequence[Doc]) -> list[np.ndarray]:
    """For each Doc (n_rows_of_doc,) int64, the tokens that are not white space."""
    return [np.flatnonzero(~doc.to_array("IS_SPACE").astype(bool)) for doc in docs]


def _token_vectors(
    model: Model, docs: list[Doc], width: int, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], None]]:
    """The vectors of the tokens of all Docs, (n_tokens, width), and the way back for gradients."""
    lengths = [len(doc) for doc in docs]
    if not any(lengths):  # spaCy's listeners can't be asked about no tokens at all
        return model.ops.alloc2f(0, width), _no_gradient
    tok2vec: Tok2Vec = model.layers[0]
    vectors, backprop_each = tok2vec(docs, is_train)
    # a TransformerListener's matrices of empty Docs have width 0
    vectors = [matrix for matrix in vectors if len(matrix)]
    _check_width(vectors, width)
    joined: Any = model.ops.xp.concatenate(vectors)  # (n_tokens, width)

    def backprop(d_joined: Floats2d) -> None:
        bounds = np.cumsum([0, *lengths]).tolist()
        backprop_each([d_joined[start:end] for start, end in pairwise(bounds)])

    return joined, backprop


def _no_gradient(d_vectors: Floats2d) -> None:
    pass


def _check_width(vectors: Sequence[Floats2d], width: int) -> None:
    for matrix in vectors:
        if matrix.shape[1] != width:
            raise ValueError(
                f"The tok2vec gives vectors of length {matrix.shape[1]}, but the head of ner_plus "
                f"was made for length {width}. The width of a listener must be that of the "
                "component that it listens to."
            )


def listeners(model: Model) -> list[Any]:
    """The nodes that get their vectors from a component before this one in the pipeline.

    Each is a Tok2VecListener, or a TransformerListener of spacy-transformers.
    """
    return [node for node in model.walk() if hasattr(node, "upstream_name")]
