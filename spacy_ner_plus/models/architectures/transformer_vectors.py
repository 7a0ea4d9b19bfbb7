"""`spacy_ner_plus.Transformer.v1`: a pretrained encoder that several components share.

A `tok2vec` component runs it once for all that listen to it (spacy.Tok2VecListener.v1).
"""

from collections.abc import Callable
from typing import Any

from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import ArgsKwargs, Floats2d

from ...nn.encoders.vectors import TransformerVectors
from ..runtime.shared_encoder import SharedEncoderShim
from ..runtime.shim_settings import WordpieceSettings, check_positive
from ..runtime.wordpiece_shim import WordpieceShim
from .token_vectors import Tok2Vec, token_vectors


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
    mix_layers: int | str = 0,
    context: int = 0,
    characters: str | None = None,
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
        gradient_checkpointing, mix_layers, context, characters: See
        spacy_ner_plus.TransformerTagger.v1.
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
        mix_layers=mix_layers,
        context=context,
        characters=characters,
    )
    return Model(
        "ner_plus_encoder",
        _forward,
        init=_initialize,
        dims={"nO": width},
        attrs={"name": name},
        shims=[EncoderShim(settings)],
    )


class EncoderShim(SharedEncoderShim, WordpieceShim):
    """A TransformerVectors that other components listen to."""

    def rebuild(self, saved: dict[str, Any]) -> TransformerVectors:
        """See TorchShim.rebuild. It is an encoder without a head."""
        return TransformerVectors(self.rebuild_encoder(saved), pooling=self.config.pooling)


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
    return token_vectors(model, docs, rows, batch.row_tokens, backprop_torch)


def _shim_of(model: Tok2Vec) -> EncoderShim:
    shim = model.shims[0]
    assert isinstance(shim, EncoderShim)
    return shim
