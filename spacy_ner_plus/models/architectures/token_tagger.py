"""`spacy_ner_plus.TokenTagger.v1`: the tagger's head over any tok2vec."""

from collections.abc import Callable, Sequence
from typing import Any

from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model
from torch import Tensor

from ...nn.heads.taggers import TokenTagger
from ..decoding.emissions import Emissions
from ..runtime.shim_settings import TorchSettings
from ..runtime.tagger_shim import TaggerShim, shim_of
from .tok2vec_rows import (
    GRAD_FACTOR,
    initialize_tok2vec,
    listeners,
    read_grad_factor,
    tok2vec_rows,
)
from .token_vectors import Tok2Vec


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

    The gradient that the tok2vec gets is that of a sum over tokens: see tok2vec_rows.

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
    attrs = {GRAD_FACTOR: read_grad_factor(grad_factor)}
    settings = TorchSettings(device=device, precision="fp32", head_lr_scale=head_lr_scale)
    shim = TokenTaggerShim(settings, use_crf=use_crf, dropout=dropout)
    return Model(
        "ner_plus_tokens",
        _forward,
        init=_initialize,
        layers=[tok2vec],
        attrs=attrs,
        shims=[shim],
    )


class TokenTaggerShim(TaggerShim):
    """A TokenTagger: a TagHead over vectors from elsewhere."""

    def rebuild(self, saved: dict[str, Any]) -> TokenTagger:
        """See TorchShim.rebuild. It is a head alone: the vectors come from a tok2vec."""
        return TokenTagger(self.make_head(int(saved["width"])))


def _initialize(
    model: Model[list[Doc], Emissions],
    X: list[Doc] | None = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Set the tok2vec up, see how long its vectors are, and put a new head on them."""
    shim = shim_of(model)
    shim.place(TokenTagger(shim.make_head(initialize_tok2vec(model, X))))


def _forward(
    model: Model[list[Doc], Emissions], docs: list[Doc], is_train: bool
) -> tuple[Emissions, Callable[[Tensor], list[Doc]]]:
    scores, row_tokens, backprop = tok2vec_rows(model, shim_of(model), docs, is_train=is_train)
    return Emissions(scores, row_tokens), backprop


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


def check_two_passes(model: Model) -> None:
    """Check that each pass of a model in training has a dropout of its own.

    RAISES ValueError: If it listens to an encoder that learns, which has run once.
    """
    if any(listener._batch_id is not None for listener in listeners(model)):
        raise ValueError(
            "ner_plus listens to another component's encoder, which runs once a batch: consistency "
            "needs two passes. Give it an encoder of its own (nlp.replace_listeners), freeze the "
            "shared one, or set consistency = 0."
        )


def _carries_vectors(doc: Doc) -> bool:
    has_data = Doc.has_extension("trf_data") and doc._.trf_data is not None
    return has_data or doc.tensor.size > 0 or not len(doc)
