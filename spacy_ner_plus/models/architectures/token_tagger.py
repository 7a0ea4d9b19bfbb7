"""`spacy_ner_plus.TokenTagger.v1`: the tagger's head over any tok2vec."""

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import ArgsKwargs, Floats2d
from torch import Tensor

from ...nn.heads.taggers import TokenTagger
from ...support.numbers import as_float
from ..decoding.emissions import Emissions, flat_tokens
from ..runtime.shim_settings import TorchSettings
from ..runtime.tagger_shim import TaggerShim, shim_of

Tok2Vec = Model[list[Doc], list[Floats2d]]

_ALL_ZERO = (
    "All token vectors are 0. Is the component that makes them (a tok2vec or a transformer) "
    "disabled, or does it come after ner_plus?"
)


@registry.architectures("spacy_ner_plus.TokenTagger.v1")
def build_token_tagger_v1(
    tok2vec: Tok2Vec,
    use_crf: bool = True,
    dropout: float = 0.1,
    head_lr_scale: float = 1.0,
    grad_factor: float = 1.0,
    device: str = "auto",
) -> Model[list[Doc], Emissions]:
    """A linear layer and a CRF over the token vectors of any tok2vec or listener.

    Whitespace tokens take no part in tagging.

    The gradient of a component's loss is summed over the tokens of a batch in spaCy, and a shared
    tok2vec adds those of all components that listen to it. ner_plus learns from a mean; so the
    gradient that it hands to the tok2vec is multiplied by the number of tokens in the batch.

    tok2vec (Model[List[Doc], List[Floats2d]]): Gives (n_tokens, width) for each Doc: a
        HashEmbedCNN, a Tok2VecListener, a TransformerListener, spacy_ner_plus.Transformer.v1, ...
    use_crf (bool): Learn transition scores. Invalid sequences are excluded either way.
    dropout (float): Dropout before the linear layer.
    head_lr_scale (float): Learning rate of the head and the CRF relative to the optimizer's. 1
        suits the rates of spaCy's own networks (0.001), 10 those of pretrained transformers that
        have no lr_scale.
    grad_factor (float): Weight of ner_plus among the components that a shared tok2vec learns from:
        the gradient that it gets is multiplied by it. With 0 it learns from the others alone.
    device (str): Where the head runs: "auto" (CUDA if there is any), "cpu", "cuda", "cuda:1", ...
    RETURNS (Model[List[Doc], Emissions]): One row of tag scores per token that can be tagged.
    RAISES ValueError: A setting is out of range.
    """
    grad_factor = as_float(grad_factor, "grad_factor")
    if not grad_factor >= 0:
        raise ValueError(f"grad_factor = {grad_factor} must be at least 0.")
    settings = TorchSettings(device=device, precision="fp32", head_lr_scale=head_lr_scale)
    shim = TokenTaggerShim(settings, use_crf=use_crf, dropout=dropout)
    return Model(
        "ner_plus_tokens",
        _forward,
        init=_initialize,
        layers=[tok2vec],
        attrs={"grad_factor": grad_factor},
        shims=[shim],
    )


class TokenTaggerShim(TaggerShim):
    """A TokenTagger: a TagHead over vectors from elsewhere."""

    def rebuild(self, saved: dict[str, Any]) -> TokenTagger:
        """See TorchShim.rebuild. It is a head alone: the vectors come from a tok2vec."""
        return TokenTagger(self.make_head(saved["width"]))


def _initialize(
    model: Model[list[Doc], Emissions],
    X: list[Doc] | None = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Set the tok2vec up, see how long its vectors are, and put a new head on them."""
    shim = shim_of(model)
    tok2vec = model.layers[0]
    sample = X or None  # thinc's layers can't be shown an empty list
    tok2vec.initialize(X=sample)
    width = tok2vec.maybe_get_dim("nO")
    if width is None:
        if sample is None:
            raise ValueError(
                "The length of the tok2vec's vectors is unknown: give nlp.initialize() examples."
            )
        width = tok2vec.predict(sample[:1])[0].shape[1]
    shim.place(TokenTagger(shim.make_head(width)))


def _width(shim: TaggerShim) -> int:
    width: int = shim.module.head.linear.in_features
    return width


def _forward(
    model: Model[list[Doc], Emissions], docs: list[Doc], is_train: bool
) -> tuple[Emissions, Callable[[Tensor], list[Doc]]]:
    shim = shim_of(model)
    device = shim.device  # asked first: it tells a user that there are no weights yet
    vectors, backprop_tok2vec = _token_vectors(model, docs, is_train)  # (n_tokens, width)
    row_tokens = [np.flatnonzero(~doc.to_array("IS_SPACE").astype(bool)) for doc in docs]
    rows = torch.from_numpy(flat_tokens(row_tokens, [len(doc) for doc in docs])).to(device)
    inputs = xp2torch(vectors, device=device)[rows].requires_grad_(is_train)  # (n_rows, width)
    if not is_train and len(inputs) and listeners(model) and not inputs.any():
        warnings.warn(_ALL_ZERO, stacklevel=2)
    scores, backprop_torch = shim(ArgsKwargs(args=(inputs,), kwargs={}), is_train)

    def backprop(d_scores: Tensor) -> list[Doc]:
        backprop_torch(ArgsKwargs(args=((scores,),), kwargs={"grad_tensors": (d_scores,)}))
        d_vectors = inputs.new_zeros(vectors.shape)  # (n_tokens, width)
        if inputs.grad is not None:
            d_vectors[rows] = inputs.grad * (len(vectors) * model.attrs["grad_factor"])
        backprop_tok2vec(cast(Floats2d, torch2xp(d_vectors, ops=model.ops)))
        return []  # text has no gradient

    return Emissions(scores, row_tokens), backprop


def _token_vectors(
    model: Model[list[Doc], Emissions], docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], None]]:
    """The vectors of the tokens of all Docs, (n_tokens, width), and the way back for gradients."""
    lengths = [len(doc) for doc in docs]
    if not any(lengths):  # spaCy's listeners can't be asked about no tokens at all
        return model.ops.alloc2f(0, _width(shim_of(model))), _no_gradient
    tok2vec: Tok2Vec = model.layers[0]
    vectors, backprop_each = tok2vec(docs, is_train)
    # a TransformerListener's matrices of empty Docs have width 0
    vectors = [matrix for matrix in vectors if len(matrix)]
    _check_width(vectors, _width(shim_of(model)))
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


def check_rehearsal(model: Model, docs: Sequence[Doc]) -> None:
    """Check that a model can go through some Docs twice, once as it was before.

    RAISES ValueError: If it listens to an encoder that learns: nobody runs that in nlp.rehearse,
        and there is no copy of what it was. One that is frozen may have left its vectors on the
        Docs.
    """
    is_live = any(listener._batch_id is not None for listener in listeners(model))
    if listeners(model) and (is_live or not all(map(_carries_vectors, docs))):
        raise ValueError(
            "ner_plus listens to another component's encoder, which nlp.rehearse does not run. "
            'Give it one of its own before nlp.resume_training(): nlp.replace_listeners("tok2vec"'
            ', "ner_plus", ["model.tok2vec"]). If the encoder is frozen, run it over the Docs of '
            'the examples: list(nlp.get_pipe("tok2vec").pipe(docs)).'
        )


def _carries_vectors(doc: Doc) -> bool:
    has_data = Doc.has_extension("trf_data") and doc._.trf_data is not None
    return has_data or doc.tensor.size > 0 or not len(doc)
