"""`spacy_ner_plus.Transformer.v1`: a pretrained encoder that several components share.

A `tok2vec` component runs it once for all that listen to it (spacy.Tok2VecListener.v1).
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import ArgsKwargs, Floats2d
from torch import Tensor

from ..nn.tagger import TransformerVectors
from . import encoder
from .torch_shim import TorchShim

Tok2Vec = Model[list[Doc], list[Floats2d]]


@registry.architectures("spacy_ner_plus.Transformer.v1")
def build_transformer_v1(
    name: str,
    width: int,
    word_forms: str | None = "auto",
    pooling: str = "first",
    window: int = 256,
    overlap: int = 64,
    lr_decay: float = 1.0,
    head_lr_scale: float = 10.0,
    freeze: str | int | None = None,
    precision: str = "auto",
    device: str = "auto",
    max_batch_pieces: int = 8192,
) -> Tok2Vec:
    """A pretrained transformer as a tok2vec: one vector per token, zeros for whitespace.

    width (int): Length of the encoder's vectors, as its config.json says (hidden_size). Listeners
        need it before anything is loaded.
    head_lr_scale (float): Learning rate of the word forms relative to the encoder's.
    name, word_forms, pooling, window, overlap, lr_decay, freeze, precision, device,
        max_batch_pieces: See spacy_ner_plus.TransformerTagger.v1.
    RETURNS (Model[List[Doc], List[Floats2d]]): (n_tokens, width) for each Doc.
    RAISES ValueError: A setting is out of range.
    """
    encoder.check_settings(
        word_forms=word_forms,
        pooling=pooling,
        window=window,
        overlap=overlap,
        lr_decay=lr_decay,
        head_lr_scale=head_lr_scale,
        freeze=freeze,
        precision=precision,
        max_batch_pieces=max_batch_pieces,
    )
    shim = TorchShim(
        structure={"pooling": pooling},
        config={"window": window, "overlap": overlap, "word_forms": word_forms, "freeze": freeze},
        describe=encoder.describe,
        rebuild=_rebuild,
        device=device,
        precision=precision,
        head_lr_scale=head_lr_scale,
        lr_decay=lr_decay,
    )
    return Model(
        "ner_plus_encoder",
        _forward,
        init=_initialize,
        dims={"nO": width},
        attrs={"name": name, "max_batch_pieces": max_batch_pieces},
        shims=[shim],
    )


def _initialize(
    model: Tok2Vec,
    X: Any = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    shim = _shim_of(model)
    loaded = encoder.load(model.attrs["name"], shim)
    if loaded.width != model.get_dim("nO"):
        raise ValueError(
            f"The vectors of the encoder '{model.attrs['name']}' have length {loaded.width}, but "
            f"the config says width = {model.get_dim('nO')}."
        )
    shim.place(TransformerVectors(loaded, pooling=shim.structure["pooling"]))


def _rebuild(shim: TorchShim, saved: dict[str, Any]) -> TransformerVectors:
    return TransformerVectors(encoder.rebuild(shim, saved), pooling=shim.structure["pooling"])


def _forward(
    model: Tok2Vec, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    shim = _shim_of(model)
    batch, buckets = encoder.read_docs(model, shim, docs)
    rows, backprop_torch = shim(ArgsKwargs(args=(buckets, batch.n_rows), kwargs={}), is_train)
    token_of_row = torch.from_numpy(_flat_tokens(docs, batch.row_tokens)).to(rows.device)
    lengths = [len(doc) for doc in docs]

    def backprop(d_vectors: list[Floats2d]) -> list[Doc]:
        d_flat = xp2torch(model.ops.xp.concatenate(d_vectors), device=rows.device)
        gradient: Tensor = d_flat[token_of_row]  # (n_rows, width)
        backprop_torch(ArgsKwargs(args=((rows,),), kwargs={"grad_tensors": (gradient,)}))
        return []  # text has no gradient

    flat = rows.new_zeros(sum(lengths), model.get_dim("nO"))
    flat[token_of_row] = rows.detach()
    vectors = cast(Floats2d, torch2xp(flat, ops=model.ops))
    bounds = np.cumsum([0, *lengths]).tolist()
    return [vectors[start:end] for start, end in pairwise(bounds)], backprop


def _flat_tokens(docs: list[Doc], row_tokens: list[np.ndarray]) -> np.ndarray:
    """(n_rows,) int64: each row's token among the tokens of all Docs."""
    bases = np.cumsum([0, *map(len, docs)])
    shifted = [tokens + base for tokens, base in zip(row_tokens, bases[:-1], strict=True)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *shifted])


def _shim_of(model: Tok2Vec) -> TorchShim:
    shim = model.shims[0]
    assert isinstance(shim, TorchShim)
    return shim
