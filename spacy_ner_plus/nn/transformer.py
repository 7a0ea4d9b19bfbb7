"""Hugging Face encoders: wordpiece ids in, one vector per wordpiece out.

This file and models/pretrained.py are the only ones that know the transformers library, and
they use its public calls only.
"""

import re
from typing import Any

from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

# What architectures call the dropout of attention weights. It is switched off: with it, no fused
# attention kernel can be used on a CPU, and training takes half as long again. The encoder's
# dropout between layers stays as it is.
ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")
# Architectures whose forward pass refuses vectors instead of ids.
REFUSES_EMBEDDINGS = ("esm", "canine", "ibert")


class TransformerEncoder(nn.Module):
    """A pretrained encoder, with word-form embeddings added to its input embeddings.

    The embedding of a token's casing (text/features.py) is zero at first, so training starts
    from the plain encoder, and it is the same for all pieces of the token. An uncased encoder
    learns from it what the lowercasing tokenizer has thrown away.

    model (PreTrainedModel): The encoder.
    n_word_forms (int): Number of word-form classes; 0 for none. Class 0 always adds nothing.
    RAISES ValueError: If the architecture refuses input embeddings and word forms are asked for,
        or if it is an encoder-decoder.
    """

    def __init__(self, model: PreTrainedModel, *, n_word_forms: int = 0) -> None:
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
        self.word_forms: nn.Embedding | None = None
        if n_word_forms:
            table: Any = model.get_input_embeddings()
            self.word_forms = nn.Embedding(n_word_forms, table.embedding_dim, padding_idx=0)
            nn.init.zeros_(self.word_forms.weight)

    @classmethod
    def from_pretrained(cls, name: str, *, n_word_forms: int = 0) -> "TransformerEncoder":
        """Load weights by hub name or from a local folder. Runs no code from the hub."""
        # transformers 5 keeps the checkpoint's own dtype: train in fp32, compute in what we choose
        model = AutoModel.from_pretrained(name, config=load_config(name)).float()
        return cls(model, n_word_forms=n_word_forms)

    @classmethod
    def from_config(cls, config: dict[str, Any], *, n_word_forms: int = 0) -> "TransformerEncoder":
        """Build the encoder of a stored configuration, without weights and without network."""
        settings = dict(config)
        model_type = settings.pop("model_type")
        model = AutoModel.from_config(_adapt(AutoConfig.for_model(model_type, **settings)))
        return cls(model.float(), n_word_forms=n_word_forms)

    @property
    def config(self) -> dict[str, Any]:
        """The encoder's configuration as plain data, for from_config."""
        config: dict[str, Any] = self.model.config.to_dict()
        config.pop("_name_or_path", None)  # a folder of the machine that trained it
        return config

    @property
    def width(self) -> int:
        """Length of the output vectors."""
        return int(self.model.config.hidden_size)

    @property
    def n_layers(self) -> int:
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
        if re.search(r"(?:^|\.)(?:final_norm|final_layer_norm|ln_f)\.", parameter):
            return self.n_layers
        match = re.search(r"(?:^|\.)(?:layers?|h|block)\.(\d+)\.", parameter)
        return int(match.group(1)) + 1 if match else 0

    def forward(self, ids: Tensor, mask: Tensor, forms: Tensor) -> Tensor:
        """Encode right-padded windows.

        ids: (windows, length) int64. mask: (windows, length) bool. forms: (windows, length)
            int64, word-form classes, ignored without word-form embeddings.
        RETURNS: (windows, length, width), in the precision of the surrounding autocast.
        """
        if self.word_forms is None:
            output = self.model(input_ids=ids, attention_mask=mask.long())
        else:
            embedded = self.model.get_input_embeddings()(ids)  # (windows, length, embedding)
            embedded = embedded + self.word_forms(forms)
            output = self.model(inputs_embeds=embedded, attention_mask=mask.long())
        hidden: Tensor = output.last_hidden_state
        return hidden


def load_config(name: str) -> PretrainedConfig:
    """The configuration of an encoder by hub name or local folder."""
    return _adapt(AutoConfig.from_pretrained(name))


def _adapt(config: PretrainedConfig) -> PretrainedConfig:
    if hasattr(config, "reference_compile"):
        config.reference_compile = False  # ModernBERT would compile itself anew for each shape
    if hasattr(config, "use_cache"):
        config.use_cache = False
    for name in ATTENTION_DROPOUT:
        if hasattr(config, name):
            setattr(config, name, 0.0)
    return config


def _position_table(model: nn.Module) -> nn.Embedding | None:
    """The table of learned absolute positions, if the architecture has one."""
    for name, module in model.named_modules():
        if name.split(".")[-1] == "position_embeddings" and isinstance(module, nn.Embedding):
            return module
    return None

