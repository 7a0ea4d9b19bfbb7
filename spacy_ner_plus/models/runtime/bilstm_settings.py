"""The settings of a BiLSTM encoder, checked where they are given."""

from dataclasses import dataclass

from ...nn.encoders.characters import CHARACTERS
from ...support.choices import check_choice
from ...support.numbers import as_float, as_int
from ...text.word_sequences import CONTEXTS
from .shim_settings import TorchSettings, check_positive

SAVED_VECTORS = ("all", "seen")
# The setting by which the vectors are those of the pipeline's vocabulary.
VOCABULARY = "vocab"
# Settings that belong to the weights.
STRUCTURE = (
    "hidden_size",
    "rnn_layers",
    "reproject_embeddings",
    "learned_width",
    "case_width",
    "characters",
    "character_width",
    "character_hidden",
    "max_characters",
    "context",
)


@dataclass(frozen=True, kw_only=True)
class BiLstmSettings(TorchSettings):
    """How a BiLSTM encoder is made, and how Docs become its input.

    See spacy_ner_plus.BiLSTM.v1 for each of them.
    RAISES ValueError: A setting is out of range: with its name and what it may be.
    """

    hidden_size: int
    rnn_layers: int
    word_dropout: float
    locked_dropout: float
    reproject_embeddings: bool
    vectors: str | None
    train_vectors: bool
    saved_vectors: str
    learned_width: int
    min_freq: int
    case_width: int
    characters: str | None
    character_width: int
    character_hidden: int
    max_characters: int
    context: str
    max_batch_words: int

    def __post_init__(self) -> None:
        super().__post_init__()
        positive = (
            "hidden_size", "rnn_layers", "min_freq", "character_width", "character_hidden",
            "max_characters", "max_batch_words",
        )  # fmt: skip
        self._read(as_int, *positive, "learned_width", "case_width")
        self._read(as_float, "word_dropout", "locked_dropout")
        for name in positive:
            check_positive(name, getattr(self, name))
        for name in ("learned_width", "case_width"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)} must be at least 0.")
        for name in ("word_dropout", "locked_dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(
                    f"{name} = {getattr(self, name)} must be at least 0 and less than 1."
                )
        for name in ("reproject_embeddings", "train_vectors"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} = {getattr(self, name)!r} must be true or false.")
        check_choice("characters", self.characters, (*CHARACTERS, None))
        check_choice("context", self.context, CONTEXTS)
        check_choice("saved_vectors", self.saved_vectors, SAVED_VECTORS)
        self._check_widths()

    def _check_widths(self) -> None:
        if self.max_characters < 2:
            raise ValueError(f"max_characters = {self.max_characters} must be at least 2.")
        if self.characters == "bilstm" and self.character_hidden % 2:
            raise ValueError(
                f"character_hidden = {self.character_hidden} must be even: each direction of the "
                "characters' LSTM gives one half of it."
            )
        if self.vectors is None and not self.learned_width:
            raise ValueError(
                "learned_width = 0 without vectors would leave the words out: give vectors, or a "
                "learned_width such as 100."
            )
