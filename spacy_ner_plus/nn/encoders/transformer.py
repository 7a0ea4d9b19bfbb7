"""Hugging Face encoders: wordpiece ids in, one vector per wordpiece out.

This file and models/pretrained/loading.py are the only ones that know the transformers library, and
they use its public calls only.
"""

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForTokenClassification,
    PretrainedConfig,
    PreTrainedModel,
)

from .character_input import CharacterInput
from .cpu_training import FastTraining
from .encoder_config import plain_config
from .layer_mix import LayerMix
from .packed import PackedCopy

# What architectures call the dropout of attention weights. It is switched off: with it, no fused
# attention kernel can be used on a CPU, and training takes half as long again. The encoder's
# dropout between layers stays as it is.
ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")
# Architectures whose forward pass refuses vectors instead of ids.
REFUSES_EMBEDDINGS = ("esm", "canine", "ibert")
# Kinds that read text alone; a class that the user has registered may be of any.
TEXT_MODELS: tuple[Any, ...] = (
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
    MODEL_FOR_QUESTION_ANSWERING_MAPPING,
)
# Largest difference between the logits of a checkpoint and ours.
TOLERANCE = 1e-4


class TransformerEncoder(nn.Module):
    """A pretrained encoder, with word-form embeddings added to its input embeddings.

    The embedding of a token's casing (text/word_forms.py) is zero at first, so training starts
    from the plain encoder, and it is the same for all pieces of the token. An uncased encoder
    learns from it what the lowercasing tokenizer has thrown away.

    model (PreTrainedModel): The encoder.
    n_word_forms (int): Number of word-form classes; 0 for none. Class 0 always adds nothing.
    prediction_head (nn.Module): What a fine-tuned checkpoint has between encoder and classifier
        (ModernBERT), from vectors to vectors.
    RAISES ValueError: If the architecture refuses input embeddings and word forms are asked for,
        or if it is an encoder-decoder.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        n_word_forms: int = 0,
        prediction_head: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if model.config.is_encoder_decoder:
            raise ValueError(
                f"'{model.config.model_type}' is an encoder-decoder; ner_plus needs an encoder "
                "(BERT, RoBERTa, DeBERTa, ELECTRA, ModernBERT, ...)."
            )
        if n_word_forms and model.config.model_type in REFUSES_EMBEDDINGS:
            raise ValueError(
                f"'{model.config.model_type}' takes no input embeddings, so word forms can't be "
                "added to them: set word_forms = null."
            )
        if getattr(model, "pooler", None) is not None:
            setattr(model, "pooler", None)  # noqa: B010 (a sentence vector that nobody asks for)
        self.model = model
        self._packed = PackedCopy(model)
        self.prediction_head = prediction_head
        self.mix: LayerMix | None = None
        self.characters: CharacterInput | None = None
        self.word_forms: nn.Embedding | None = None
        if n_word_forms:
            table: Any = model.get_input_embeddings()
            self.word_forms = nn.Embedding(n_word_forms, table.embedding_dim, padding_idx=0)
            nn.init.zeros_(self.word_forms.weight)

    @classmethod
    def from_config(cls, config: dict[str, Any], *, n_word_forms: int = 0) -> "TransformerEncoder":
        """Build the encoder of a stored configuration, without weights and without network."""
        settings = plain_config(config)
        model_type = settings.pop("model_type")
        has_prediction_head = settings.pop("prediction_head", False)
        try:
            adapted = adapt(AutoConfig.for_model(model_type, **settings))
        except Exception as error:  # each version of transformers has other ones of its own
            raise ValueError(
                f"The stored configuration of the encoder makes no '{model_type}' with this "
                f"version of transformers: {error}"
            ) from error
        if not has_prediction_head:
            return cls(AutoModel.from_config(adapted).float(), n_word_forms=n_word_forms)
        whole = AutoModelForTokenClassification.from_config(adapted).float()
        base: Any = whole.base_model
        prediction_head, _ = _head_parts(whole)
        return cls(base, n_word_forms=n_word_forms, prediction_head=prediction_head)

    @classmethod
    def from_token_classifier(
        cls, model: PreTrainedModel, *, n_word_forms: int = 0
    ) -> tuple["TransformerEncoder", nn.Linear]:
        """The encoder of a token-classification model, and the classifier behind it.

        RAISES ValueError: If the head has parts besides, or the encoder with the classifier does
            not give the model's own logits.
        """
        model = model.float().eval()
        base: Any = model.base_model
        prediction_head, classifier = _head_parts(model)
        pad_id = model.config.pad_token_id
        ids = torch.tensor([[i for i in range(9) if i != pad_id]])
        mask = torch.ones_like(ids, dtype=torch.bool)
        with torch.no_grad():
            expected = model(input_ids=ids, attention_mask=mask.long()).logits  # (1, 8 or 9, tags)
            encoder = cls(base, n_word_forms=n_word_forms, prediction_head=prediction_head).eval()
            logits = classifier(encoder(ids, mask, torch.zeros_like(ids)))
        if not torch.allclose(logits, expected, rtol=TOLERANCE, atol=TOLERANCE):
            raise ValueError(_unknown_head(model, "it does more than it seems to"))
        return encoder, classifier

    @property
    def config(self) -> dict[str, Any]:
        """The encoder's configuration as plain data, for from_config."""
        config = plain_config(self.model.config.to_dict())
        return config | ({"prediction_head": True} if self.prediction_head is not None else {})

    @property
    def width(self) -> int:
        """Length of the output vectors."""
        return int(self.model.config.hidden_size)

    @property
    def n_layers(self) -> int:
        """How many layers the pretrained model has."""
        return int(self.model.config.num_hidden_layers)

    @property
    def max_pieces(self) -> int | None:
        """The longest input, special tokens included, or None where positions have no limit."""
        table = _position_table(self.model)
        if table is None:
            return None
        # RoBERTa and its kin count positions from padding_idx + 1
        reserved = 0 if table.padding_idx is None else table.padding_idx + 1
        return int(table.num_embeddings) - reserved

    def layer_of(self, parameter: str) -> int:
        """Depth of one of self.model's parameters by name: 0 for embeddings, 1 for layer 0, ...

        What follows the last layer counts as part of it, what serves all layers as embeddings.
        """
        if re.search(r"(?:^|\.)(?:prediction_head|final_norm|final_layer_norm|ln_f)\.", parameter):
            return self.n_layers
        match = re.search(r"(?:^|\.)(?:layers?|h|block)\.(\d+)\.", parameter)
        return int(match.group(1)) + 1 if match else 0

    def mix_layers(self, n_layers: int | str) -> None:
        """From now on, give a learned mix of layers instead of the last one.

        n_layers (int / str): How many, the last ones; "all" for all of them. 0 leaves the last one.
        RAISES ValueError: If there are fewer.
        """
        n_mixed = self.n_layers if n_layers == "all" else int(n_layers)
        if n_mixed > self.n_layers:
            raise ValueError(
                f"mix_layers = {n_layers} must be at most {self.n_layers}: the encoder has no more "
                "layers."
            )
        self.mix = LayerMix(n_mixed) if n_mixed else None

    def read_characters(self, n_rows: int) -> None:
        """From now on, add to the input embeddings what a network makes of tokens' characters.

        n_rows (int): Rows of characters; 0 to read none.
        RAISES ValueError: If the architecture refuses input embeddings.
        """
        if n_rows and self.model.config.model_type in REFUSES_EMBEDDINGS:
            raise ValueError(
                f"'{self.model.config.model_type}' takes no input embeddings, so characters can't "
                "be added to them: set characters = null."
            )
        table: Any = self.model.get_input_embeddings()
        self.characters = CharacterInput(n_rows, table.embedding_dim) if n_rows else None

    def recompute_layers(self) -> None:
        """In training, keep only what goes into each layer.

        The activations within it are computed again in the backward pass.

        RAISES ValueError: If the architecture has no such mode.
        """
        try:
            self.model.gradient_checkpointing_enable(
                gradient_checkpointing_kwargs={
                    "use_reentrant": False,
                    # the second time is outside of forward, and is to be like the first
                    "context_fn": _contexts_of_layers,
                }
            )
        except ValueError as error:
            raise ValueError(
                f"gradient_checkpointing = true can't be used: {error} Set it to false; "
                "max_batch_pieces bounds the memory of training too."
            ) from error

    def train(self, mode: bool = True) -> "TransformerEncoder":
        """See nn.Module.train. What is kept for prediction alone is given back."""
        if mode:
            self._packed.drop()
        return super().train(mode)

    def _reader(self) -> nn.Module:
        """What to read with. A graph can be made of the model itself only."""
        if torch.compiler.is_compiling() or not torch.is_inference_mode_enabled():
            return self.model
        return self._packed.get()

    def forward(
        self, ids: Tensor, mask: Tensor, forms: Tensor, characters: Tensor | None = None
    ) -> Tensor:
        """Encode right-padded windows.

        ids: (windows, length) int64. mask: (windows, length) bool. forms: (windows, length)
            int64, word-form classes, ignored without word-form embeddings. characters: (windows,
            length, n_characters) int32, rows of tokens' characters, needed where they are read.
        RETURNS: (windows, length, width), in the precision of the surrounding autocast.
        """
        model = self._reader()
        options = {} if self.mix is None else {"output_hidden_states": True}
        # not on a GPU: there, to be asked at each function of torch takes as long as to launch it
        with FastTraining() if self.training and ids.device.type == "cpu" else nullcontext():
            if self.word_forms is None and self.characters is None:
                output = model(input_ids=ids, attention_mask=mask.long(), **options)
            else:
                embedded = self.model.get_input_embeddings()(ids)  # (windows, length, embedding)
                if self.word_forms is not None:
                    embedded = embedded + self.word_forms(forms)
                if self.characters is not None:
                    embedded = embedded + self.characters(characters)
                output = model(inputs_embeds=embedded, attention_mask=mask.long(), **options)
        hidden: Tensor = output.last_hidden_state
        if self.mix is not None:
            hidden = self.mix(self._layers(output))
        return hidden if self.prediction_head is None else self.prediction_head(hidden)

    def _layers(self, output: Any) -> list[Tensor]:
        """What the layers that are mixed give, (windows, length, width) each."""
        assert self.mix is not None
        layers = output.hidden_states  # the embeddings first
        if layers is None or len(layers) != self.n_layers + 1:
            raise ValueError(
                f"'{self.model.config.model_type}' does not give what its {self.n_layers} layers "
                "make: set mix_layers = 0."
            )
        # in place of the last one: some architectures have a layer norm behind it
        return [*layers[len(layers) - len(self.mix.weights) : -1], output.last_hidden_state]


def _contexts_of_layers() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    return nullcontext(), FastTraining()


def _head_parts(model: PreTrainedModel) -> tuple[nn.Module | None, nn.Linear]:
    """What lies between the encoder and the classifier, and the classifier."""
    parts = {
        name: part
        for name, part in model.named_children()
        if part is not model.base_model and not isinstance(part, nn.Dropout)
    }
    prediction_head = parts.pop("head", None)
    classifier = next(iter(parts.values()), None)
    if len(parts) != 1 or not isinstance(classifier, nn.Linear):
        raise ValueError(_unknown_head(model, f"its parts are {', '.join(parts) or 'unknown'}"))
    return prediction_head, classifier


def _unknown_head(model: PreTrainedModel, reason: str) -> str:
    return (
        f"The head of a {type(model).__name__} can't be taken over: {reason}, and ner_plus knows "
        "one linear layer after the encoder, with ModernBERT's dense layer before it. Give the "
        "labels of your own data in [initialize.components] to take the encoder alone and train a "
        "new head."
    )


def adapt(config: PretrainedConfig) -> PretrainedConfig:
    """Switch off what an encoder does for other uses than ours, or slowly.

    RAISES ValueError: If it is not the configuration of a text encoder.
    """
    check_kind(type(config), config.model_type)
    if config.architectures is None:  # Funnel has two, and is looked for among them
        config.architectures = []
    if hasattr(config, "reference_compile"):
        config.reference_compile = False  # ModernBERT would compile itself anew for each shape
    if hasattr(config, "use_cache"):
        config.use_cache = False
    if hasattr(config, "use_tpu_fourier_optimizations"):
        # FNet's transform as a product with a matrix, which is made whatever its size
        config.use_tpu_fourier_optimizations = False
    for name in ATTENTION_DROPOUT:
        if hasattr(config, name):
            setattr(config, name, 0.0)
    return config


def check_stored_config(config: dict[str, Any]) -> None:
    """Check a configuration that another library will build an encoder of.

    RAISES ValueError: If that could have code run, other files or the network used, or a table
        made whatever its size.
    """
    model_type = plain_config(config)["model_type"]
    if config.get("use_tpu_fourier_optimizations"):
        raise ValueError(
            "The encoder's configuration has use_tpu_fourier_optimizations, which is for TPUs: set "
            "it to false in the pipeline that was saved, and save that again."
        )
    try:
        kind = CONFIG_MAPPING[model_type]
    except KeyError:
        raise ValueError(f"This version of transformers knows no '{model_type}'.") from None
    check_kind(kind, model_type)


def check_kind(kind: type, model_type: str) -> None:
    """Of the hundreds of kinds, some fetch weights or code of other libraries.

    RAISES ValueError: If a kind of configuration is not that of a text encoder.
    """
    is_registered_by_user = kind.__module__.split(".")[0] != "transformers"
    if not is_registered_by_user and not any(kind in mapping for mapping in TEXT_MODELS):
        raise ValueError(
            f"'{model_type}' is no text encoder that ner_plus knows (BERT, RoBERTa, DeBERTa, "
            "ELECTRA, ModernBERT, ...)."
        )


def _position_table(model: nn.Module) -> nn.Embedding | None:
    """The table of learned absolute positions, if the architecture has one."""
    for name, module in model.named_modules():
        if name.split(".")[-1] == "position_embeddings" and isinstance(module, nn.Embedding):
            return module
    return None
