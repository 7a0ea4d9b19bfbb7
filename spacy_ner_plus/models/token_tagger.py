"""`spacy_ner_plus.TokenTagger.v1`: the tagger's head over any tok2vec."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import ArgsKwargs, Floats2d
from torch import Tensor

from ..nn.tagger import TokenTagger
from .emissions import Emissions
from .encoder import check_settings
from .shim import TaggerShim, shim_of

Tok2Vec = Model[list[Doc], list[Floats2d]]


@registry.architectures("spacy_ner_plus.TokenTagger.v1")
def build_token_tagger_v1(
    tok2vec: Tok2Vec,
    use_crf: bool = True,
    dropout: float = 0.1,
    head_lr_scale: float = 1.0,
    device: str = "auto",
) -> Model[list[Doc], Emissions]:
    """A linear layer and a CRF over the token vectors of any tok2vec or listener.

    Whitespace tokens take no part in tagging.

    tok2vec (Model[List[Doc], List[Floats2d]]): Gives (n_tokens, width) for each Doc: a
        HashEmbedCNN, a Tok2VecListener, a TransformerListener, spacy_ner_plus.Transformer.v1, ...
    use_crf (bool): Learn transition scores. Invalid sequences are excluded either way.
    dropout (float): Dropout before the linear layer.
    head_lr_scale (float): Learning rate of the head and the CRF relative to the optimizer's. 1
        suits the rates of spaCy's own networks (0.001), 10 those of pretrained transformers.
    device (str): Where the head runs: "auto" (CUDA if there is any), "cpu", "cuda", "cuda:1", ...
    RETURNS (Model[List[Doc], Emissions]): One row of tag scores per token that can be tagged.
    RAISES ValueError: A setting is out of range.
    """
    check_settings(dropout=dropout, head_lr_scale=head_lr_scale)
    shim = TaggerShim(
        structure={"use_crf": use_crf},
        config={"dropout": dropout},
        describe=_describe,
        rebuild=_rebuild,
        device=device,
        precision="fp32",
        head_lr_scale=head_lr_scale,
    )
    return Model(
        "ner_plus_tokens",
        _forward,
        init=_initialize,
        layers=[tok2vec],
        refs={"tok2vec": tok2vec},
        shims=[shim],
    )


def _initialize(
    model: Model[list[Doc], Emissions],
    X: list[Doc] | None = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Set the tok2vec up, see how long its vectors are, and put a new head on them."""
    shim = shim_of(model)
    tok2vec = model.layers[0]
    tok2vec.initialize(X=X)
    width = tok2vec.maybe_get_dim("nO")
    if width is None:
        if not X:
            raise ValueError(
                "The length of the tok2vec's vectors is unknown: give nlp.initialize() examples."
            )
        width = tok2vec.predict(X[:1])[0].shape[1]
    shim.place(TokenTagger(shim.make_head(width)))


def _describe(shim: TaggerShim) -> dict[str, Any]:
    return {"width": shim.module.head.linear.in_features}


def _rebuild(shim: TaggerShim, saved: dict[str, Any]) -> TokenTagger:
    return TokenTagger(shim.make_head(saved["width"]))


def _forward(
    model: Model[list[Doc], Emissions], docs: list[Doc], is_train: bool
) -> tuple[Emissions, Callable[[Tensor], list[Doc]]]:
    shim = shim_of(model)
    device = shim.device  # asked first: it tells a user that there are no weights yet
    vectors, backprop_tok2vec = model.layers[0](docs, is_train)
    row_tokens = [np.flatnonzero(~doc.to_array("IS_SPACE").astype(bool)) for doc in docs]
    bases = np.cumsum([0, *map(len, docs)])
    flat_rows = [tokens + base for tokens, base in zip(row_tokens, bases[:-1], strict=True)]
    rows = torch.from_numpy(np.concatenate([np.zeros(0, dtype=np.int64), *flat_rows])).to(device)
    width = shim.module.head.linear.in_features
    # (n_tokens, width); without Docs there is nothing to concatenate
    joined = model.ops.xp.concatenate([model.ops.alloc2f(0, width), *vectors])
    inputs = xp2torch(joined, device=device)[rows].requires_grad_(is_train)
    scores, backprop_torch = shim(ArgsKwargs(args=(inputs,), kwargs={}), is_train)

    def backprop(d_scores: Tensor) -> list[Doc]:
        backprop_torch(ArgsKwargs(args=((scores,),), kwargs={"grad_tensors": (d_scores,)}))
        gradient = inputs.new_zeros(len(joined), width)
        if inputs.grad is not None:
            gradient[rows] = inputs.grad
        d_joined = torch2xp(gradient, ops=model.ops)
        backprop_tok2vec([d_joined[start:end] for start, end in pairwise(bases.tolist())])
        return []  # text has no gradient

    return Emissions(scores, row_tokens), backprop
