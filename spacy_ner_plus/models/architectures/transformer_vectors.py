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
from thinc.api import Model, Optimizer, torch2xp, xp2torch
from thinc.types import ArgsKwargs, Floats2d
from torch import Tensor

from ...nn.encoders.vectors import TransformerVectors
from ..decoding.emissions import flat_tokens
from ..runtime.shim_settings import WordpieceSettings, check_positive
from ..runtime.wordpiece_shim import WordpieceShim

Tok2Vec = Model[list[Doc], list[Floats2d]]


@registry.architectures("spacy_ner_plus.Transformer.v1")
def build_transformer_v1(
    name: str,
    width: int,
    word_forms: str | None = "auto",
    pooling: str = "first",
    window: int = 256,
    overlap: int = 64,
    lr_scale: float = 0.1,
    lr_decay: float = 1.0,
    head_lr_scale: float = 10.0,
    freeze: str | int | None = None,
    precision: str = "auto",
    device: str = "auto",
    max_batch_pieces: int = 8192,
    gradient_checkpointing: bool = False,
) -> Tok2Vec:
    """A pretrained transformer as a tok2vec: one vector per token.

    Tokens that no wordpiece overlaps (whitespace) have zeros.

    spaCy's components hand it gradients that are summed over the tokens of a batch. It divides
    them by the number of tokens, so that they are of the size that its optimizer expects.

    width (int): Length of the encoder's vectors, as its config.json says (hidden_size). Listeners
        need it before anything is loaded.
    lr_scale (float): Learning rate of the encoder relative to the optimizer's, which is that of
        the components that listen. They start from nothing and need a higher one.
    head_lr_scale (float): Learning rate of the word forms relative to the encoder's.
    overlap (int): Wordpieces that neighbouring windows share. As of TransformerTagger.v1, the
        default is 64; the configs of the project give 16.
    name, word_forms, pooling, window, lr_decay, freeze, precision, device, max_batch_pieces,
        gradient_checkpointing: See spacy_ner_plus.TransformerTagger.v1.
    RETURNS (Model[List[Doc], List[Floats2d]]): (n_tokens, width) for each Doc.
    RAISES ValueError: A setting is out of range.
    """
    check_positive("width", width)
    settings = WordpieceSettings(
        word_forms=word_forms,
        pooling=pooling,
        window=window,
        overlap=overlap,
        lr_scale=lr_scale,
        lr_decay=lr_decay,
        head_lr_scale=head_lr_scale,
        freeze=freeze,
        precision=precision,
        device=device,
        max_batch_pieces=max_batch_pieces,
        gradient_checkpointing=gradient_checkpointing,
    )
    return Model(
        "ner_plus_encoder",
        _forward,
        init=_initialize,
        dims={"nO": width},
        attrs={"name": name},
        shims=[EncoderShim(settings)],
    )


class EncoderShim(WordpieceShim):
    """A TransformerVectors, with a shim that takes no step between a forward pass and its gradient.

    nlp.update has each component take its step before the next one learns: the encoder's turn is
    when its listeners have not learned yet. A step at once would be one with the gradient of the
    batch before, and would change the weights that this batch's gradient is computed from. So it
    is taken as soon as the gradient has come.
    """

    _awaits_gradient = False
    _postponed: Optimizer | None = None

    def rebuild(self, saved: dict[str, Any]) -> TransformerVectors:
        """See TorchShim.rebuild. It is an encoder without a head."""
        return TransformerVectors(self.rebuild_encoder(saved), pooling=self.config.pooling)

    def begin_update(self, inputs: ArgsKwargs) -> tuple[Any, Callable[[ArgsKwargs], ArgsKwargs]]:
        """See TorchShim.begin_update. A step that waits for gradients is taken after them."""
        self._take_postponed_step()  # of a batch that no listener has learned from
        output, backprop = super().begin_update(inputs)
        self._awaits_gradient = len(output) > 0

        def backprop_and_step(gradients: ArgsKwargs) -> ArgsKwargs:
            result = backprop(gradients)
            self._take_postponed_step()
            return result

        return output, backprop_and_step

    def finish_update(self, optimizer: Optimizer) -> None:
        """Take a step, or postpone it until the gradients of the last batch have come."""
        if self._awaits_gradient:
            self._postponed = optimizer
        else:
            super().finish_update(optimizer)

    def _take_postponed_step(self) -> None:
        self._awaits_gradient = False
        if self._postponed is not None:
            super().finish_update(self._postponed)
            self._postponed = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_awaits_gradient": False, "_postponed": None}


def _initialize(
    model: Tok2Vec,
    X: Any = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Fetch the encoder. RAISES ValueError: If its vectors have another length than width."""
    shim = _shim_of(model)
    encoder = shim.fetch_encoder(model.attrs["name"])
    if encoder.width != model.get_dim("nO"):
        raise ValueError(
            f"The vectors of the encoder '{model.attrs['name']}' have length {encoder.width}, but "
            f"the config says width = {model.get_dim('nO')}."
        )
    shim.place(TransformerVectors(encoder, pooling=shim.config.pooling))


def _forward(
    model: Tok2Vec, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    shim = _shim_of(model)
    batch, buckets = shim.read_docs(docs, is_train=is_train)
    rows, backprop_torch = shim(ArgsKwargs(args=(buckets, batch.n_rows), kwargs={}), is_train)
    lengths = [len(doc) for doc in docs]
    token_of_row = torch.from_numpy(flat_tokens(batch.row_tokens, lengths)).to(rows.device)
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


def _shim_of(model: Tok2Vec) -> EncoderShim:
    shim = model.shims[0]
    assert isinstance(shim, EncoderShim)
    return shim
