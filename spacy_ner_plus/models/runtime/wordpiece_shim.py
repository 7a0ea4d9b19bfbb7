"""The shim of a module with a pretrained encoder of its own: from Docs to its input."""

import logging
from dataclasses import fields
from typing import Any, ClassVar

import torch
from spacy.tokens import Doc
from torch import nn

from ...nn.crf.transfer import to_device_together
from ...nn.encoders.buckets import TensorBucket
from ...nn.encoders.transformer import TransformerEncoder
from ...text.batches import Batch, make_batch
from ...text.packing import Bucket
from ...text.piece_characters import N_CHARACTER_ROWS, N_CHARACTERS
from ...text.word_forms import WORD_FORMS
from ..pretrained.loading import load_encoder, load_token_classifier, load_tokenizer
from ..storage.files import SETTINGS, TOKENIZER
from .device import max_bucket_pieces
from .shim_settings import WordpieceSettings
from .torch_shim import TorchShim

logger = logging.getLogger("spacy_ner_plus")

# Each bucket in training adds to the gradients of all weights, which takes as long as so many
# pieces do. With MiniLM in bf16 on two cores that have matrix units (AMX), 128 to 512 are a quarter
# faster than 32; on two without, 16 to 160 made no difference.
TRAINING_BUCKET_COST = 192


class WordpieceShim(TorchShim):
    """A module that reads windows of wordpieces, with the tokenizer that makes them.

    The settings are those of the shim, not attributes of a thinc node: of a node, saved attributes
    would win over those of the config on load.

    config (WordpieceSettings): Those of the config.
    """

    config: WordpieceSettings
    later_structure: ClassVar[dict[str, Any]] = {"mix_layers": 0, "characters": None}

    def read_docs(
        self, docs: list[Doc], *, is_train: bool = False
    ) -> tuple[Batch, list[TensorBucket]]:
        """Tokenise, align and window some Docs, and put the windows on the encoder's device."""
        device = self.device  # asked first: it tells a user that there are no weights yet
        batch = make_batch(
            docs,
            self.tokenizer,
            window=self.config.window,
            overlap=self.config.overlap,
            pooling=self.config.pooling,
            max_batch_pieces=min(self.budget.pieces, max_bucket_pieces(device)),
            bucket_cost=TRAINING_BUCKET_COST if is_train else None,
            context=self.config.context,
            n_characters=N_CHARACTERS if self.config.characters else 0,
        )
        if batch.n_split:
            logger.warning(
                "%d token(s) are longer than a window of %d wordpieces: each is split over windows "
                "of its own.",
                batch.n_split,
                self.config.window,
            )
        return batch, [_to_device(bucket, device) for bucket in batch.buckets]

    # The encoder

    def fetch_encoder(self, name: str) -> TransformerEncoder:
        """Load a pretrained encoder and its tokenizer.

        RAISES ValueError: If they can't be loaded or do not suit the settings.
        """
        self.tokenizer = load_tokenizer(name)
        encoder = load_encoder(name, n_word_forms=self._n_word_forms())
        encoder.mix_layers(self.config.mix_layers)
        encoder.read_characters(self._n_character_rows())
        self.check_window(encoder.max_pieces)
        return encoder

    def fetch_token_classifier(self, name: str) -> tuple[TransformerEncoder, nn.Linear]:
        """As fetch_encoder, for a fine-tuned checkpoint, with its token classifier.

        RAISES ValueError: As fetch_encoder, or if layers are to be mixed.
        """
        if self.config.mix_layers:
            raise ValueError(
                f"The head of '{name}' reads the encoder's last layer: set mix_layers = 0, or give "
                "labels of your own in [initialize.components] for a new head."
            )
        self.tokenizer = load_tokenizer(name)
        encoder, classifier = load_token_classifier(name, n_word_forms=self._n_word_forms())
        encoder.read_characters(self._n_character_rows())
        self.check_window(encoder.max_pieces)
        return encoder, classifier

    def _n_word_forms(self) -> int:
        setting = self.config.word_forms
        wanted = setting == "casing" or (setting == "auto" and self.tokenizer.lowercases)
        return len(WORD_FORMS) if wanted else 0

    def _n_character_rows(self) -> int:
        return N_CHARACTER_ROWS if self.config.characters else 0

    def rebuild_encoder(self, saved: dict[str, Any]) -> TransformerEncoder:
        """The encoder of a saved model, without weights and without network.

        RAISES ValueError: If the weights do not suit the settings.
        """
        self.check_word_forms(saved["word_forms"])
        n_word_forms = len(WORD_FORMS) if saved["word_forms"] else 0
        encoder = TransformerEncoder.from_config(saved["encoder"], n_word_forms=n_word_forms)
        encoder.mix_layers(self.config.mix_layers)
        encoder.read_characters(self._n_character_rows())
        self.check_window(encoder.max_pieces)
        self.check_ids(encoder)
        return encoder

    def check_ids(self, encoder: TransformerEncoder) -> None:
        """RAISES ValueError: If the tokenizer gives ids for which the encoder has no embeddings."""
        table = encoder.model.get_input_embeddings()
        n_rows, largest = getattr(table, "num_embeddings", None), self.tokenizer.largest_id
        if n_rows is not None and largest >= n_rows:
            raise ValueError(
                f"{TOKENIZER} has vocabulary ids up to {largest:,} (pad_id {self.tokenizer.pad_id} "
                f"of {SETTINGS}), but the encoder has {n_rows:,} embeddings only: the files do not "
                "belong together."
            )

    def check_word_forms(self, are_saved: bool) -> None:
        """RAISES ValueError: If the config wants word forms that are not saved, or the reverse."""
        setting = self.config.word_forms
        if setting != "auto" and (setting == "casing") != are_saved:
            trained = "with" if are_saved else "without"
            raise ValueError(
                f"The weights were trained {trained} word forms, but the config says word_forms = "
                f"{setting!r}. This setting can't be changed after training."
            )

    def check_window(self, limit: int | None) -> None:
        """RAISES ValueError: If the window is longer than the encoder's limit, or has no room."""
        window, overlap, context = self.config.window, self.config.overlap, self.config.context
        if limit is not None and window > limit:
            raise ValueError(
                f"The window of {window} wordpieces is larger than the {limit} that the encoder "
                f"can read at once: set window to at most {limit}. Documents may be of any length."
            )
        n_special = self.tokenizer.n_special
        if overlap >= window - n_special:
            raise ValueError(
                f"overlap = {overlap} must be less than {window - n_special}: a window of {window} "
                f"wordpieces holds {n_special} special tokens of the encoder."
            )
        if overlap + 2 * context >= window - n_special:
            raise ValueError(
                f"context = {context} must be less than {(window - n_special - overlap + 1) // 2}: "
                f"a window of {window} wordpieces holds it twice, with {n_special} special tokens "
                f"and an overlap of {overlap}."
            )

    # Files

    @property
    def structure(self) -> dict[str, Any]:
        """See TorchShim.structure. Pooling, mixed layers and characters belong to it."""
        names = ("pooling", "mix_layers", "characters")
        return {**super().structure, **{name: getattr(self.config, name) for name in names}}

    def settings(self) -> dict[str, Any]:
        """See TorchShim.settings. The tokenizer's padding piece is added."""
        return {**super().settings(), "pad_id": self.tokenizer.pad_id}


def _to_device(bucket: Bucket, device: torch.device) -> TensorBucket:
    arrays = [getattr(bucket, field.name) for field in fields(Bucket)]
    return TensorBucket(*to_device_together(arrays, device))
