"""The shim of a BiLSTM encoder: its vocabulary, and from Docs to its input."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Self

import numpy as np
import torch
from spacy.tokens import Doc
from torch import nn

from ...nn.encoders.bilstm import BiLstmEncoder, BiLstmSizes
from ...nn.encoders.word_batch import WordBatch
from ...text.lexicon import N_OTHER_CHARACTERS, Lexicon, learn_lexicon, word_forms_hashes
from ...text.word_counts import WordCounts
from ...text.word_features import WordReader
from ...text.word_forms import WORD_FORMS
from ...text.word_sequences import WordSequences, read_sequences
from ...text.word_vectors import WordVectors
from ..storage.files import WEIGHTS
from ..storage.manifest import Content, damage
from .bilstm_settings import STRUCTURE, BiLstmSettings
from .shared_encoder import SharedEncoderShim
from .word_batches import make_word_batch

logger = logging.getLogger("spacy_ner_plus")

# Of vectors that do not learn: they are kept in fp16.
LARGEST_VALUE = 65504.0

_NO_VECTORS = WordVectors(
    np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.float32)
)


class BiLstmShim(SharedEncoderShim):
    """A BiLstmEncoder with its lexicon.

    config (BiLstmSettings): Those of the config.

    Attributes:
        word_counts (WordCounts): Of the training data, if somebody has counted them for the
            vocabulary that initialize makes.
    """

    config: BiLstmSettings
    word_counts: WordCounts | None

    def __init__(self, config: BiLstmSettings) -> None:
        super().__init__(config)
        self.word_counts = None
        self._reader: WordReader | None = None

    def read_docs(
        self, docs: list[Doc], *, is_train: bool = False
    ) -> tuple[WordSequences, WordBatch]:
        """The words of some Docs, and as tensors on the encoder's device."""
        device = self.device  # asked first: it tells a user that there are no weights yet
        sequences = read_sequences(docs, self._word_reader(), context=self.config.context)
        batch = make_word_batch(
            sequences,
            device,
            max_rows=self.config.max_batch_words,
            has_characters=self.config.characters is not None,
            is_train=is_train,
        )
        return sequences, batch

    def _word_reader(self) -> WordReader:
        if self._reader is None:
            self._reader = WordReader(_lexicon_of(self.module), self.config.max_characters)
        return self._reader

    def place(self, module: nn.Module) -> None:
        """See TorchShim.place. The words that were read with another lexicon are forgotten."""
        super().place(module)
        self._reader = None

    # Making

    def learn_words(self, counts: WordCounts, vectors: WordVectors | None) -> BiLstmEncoder:
        """A new encoder with the vocabulary of training data.

        counts (WordCounts): Of the training data.
        vectors (WordVectors): Pretrained ones.
        """
        keys, rows, tuned, fixed = self._divided(counts, vectors or _NO_VECTORS)
        config = self.config
        lexicon = learn_lexicon(
            counts.by_word,
            min_freq=config.min_freq if config.learned_width else None,
            vector_keys=keys,
            vector_rows=rows,
        )
        width = 0 if vectors is None else vectors.width
        module = self._build(_sizes(config, lexicon, len(tuned), len(fixed), width))
        _fill(module, lexicon, tuned, fixed)
        logger.info(
            "The vocabulary of the BiLSTM has %d words that learn (min_freq = %d) and %d with a "
            "pretrained vector, of %d different ones in %d document(s).",
            len(lexicon.words),
            config.min_freq,
            len(keys),
            len(counts.by_word),
            counts.n_docs,
        )
        return module

    def _divided(
        self, counts: WordCounts, vectors: WordVectors
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Keys and rows of vectors, those that learn (the first rows), and the others.

        Vectors of words that training has not seen can't learn.
        """
        forms = word_forms_hashes(counts.by_word)  # (n, n_forms)
        seen = vectors.chosen(forms.ravel())
        if self.config.saved_vectors == "seen":
            vectors = seen
        is_seen = np.zeros(len(vectors.table), dtype=bool)  # (n_rows,)
        if self.config.train_vectors:
            places = vectors.rows_of(seen.keys)
            is_seen[places] = True
        order = np.argsort(~is_seen, kind="stable")  # (n_rows,) old rows
        new_rows = np.empty_like(order)
        new_rows[order] = np.arange(len(order))
        n_tuned = int(is_seen.sum())
        table = np.asarray(vectors.table, dtype=np.float32)[order]
        largest = float(np.abs(table).max(initial=0.0))
        if not largest <= LARGEST_VALUE:
            raise ValueError(
                f"The word vectors have values up to {largest:g}: those beyond {LARGEST_VALUE:g} "
                "can't be kept in half precision. Are these word vectors? If so, scale them."
            )
        rows = new_rows[vectors.rows] if len(vectors.rows) else vectors.rows
        return np.asarray(vectors.keys), rows, table[:n_tuned], table[n_tuned:]

    def _build(self, sizes: BiLstmSizes) -> BiLstmEncoder:
        return BiLstmEncoder(
            sizes,
            word_dropout=self.config.word_dropout,
            locked_dropout=self.config.locked_dropout,
            max_rows=self.config.max_batch_words,
        )

    # Files

    @property
    def structure(self) -> dict[str, Any]:
        """See TorchShim.structure. Sizes, characters and context belong to it."""
        return {
            **super().structure,
            **{name: getattr(self.config, name) for name in STRUCTURE},
        }

    def rebuild(self, saved: dict[str, Any]) -> BiLstmEncoder:
        """See TorchShim.rebuild."""
        return self._build(BiLstmSizes(**saved["encoder"]))

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Self:
        """See TorchShim.read_files. The lexicon is checked too."""
        read = super().read_files(files, is_verified=is_verified)
        read._reader = None
        if read.is_built:
            sizes = read.module.sizes
            try:
                _lexicon_of(read.module).check(sizes.n_tuned + sizes.n_fixed)
            except ValueError as error:
                raise damage(WEIGHTS, files[WEIGHTS], f"is damaged: {error}") from error
        return read

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_reader": None}


def _sizes(
    config: BiLstmSettings, lexicon: Lexicon, n_tuned: int, n_fixed: int, vector_width: int
) -> BiLstmSizes:
    return BiLstmSizes(
        hidden_size=config.hidden_size,
        rnn_layers=config.rnn_layers,
        reprojects=config.reproject_embeddings,
        n_tuned=n_tuned,
        n_fixed=n_fixed,
        vector_width=vector_width,
        n_words=len(lexicon.words),
        word_width=config.learned_width,
        n_forms=len(WORD_FORMS),
        n_suffixes=len(lexicon.suffixes) + 1,
        case_width=config.case_width,
        characters=config.characters,
        n_characters=len(lexicon.characters) + N_OTHER_CHARACTERS,
        character_width=config.character_width,
        character_hidden=config.character_hidden,
        n_keys=len(lexicon.vector_keys),
        n_known_suffixes=len(lexicon.suffixes),
        n_known_characters=len(lexicon.characters),
    )


def _fill(module: BiLstmEncoder, lexicon: Lexicon, tuned: np.ndarray, fixed: np.ndarray) -> None:
    """Put the vocabulary and the pretrained vectors into a new encoder."""
    with torch.no_grad():
        if module.words.vector_width:
            module.words.tuned.weight.copy_(torch.from_numpy(tuned))
            module.words.fixed.copy_(torch.from_numpy(fixed))
        for name, array in asdict(lexicon).items():
            # torch has no arithmetic for uint64: their bits are kept
            module.lexicon[name].copy_(torch.from_numpy(np.array(array).view(np.int64)))


def _lexicon_of(module: BiLstmEncoder) -> Lexicon:
    arrays = {field.name: module.lexicon_array(field.name) for field in fields(Lexicon)}
    for name in ("words", "vector_keys", "suffixes"):
        arrays[name] = arrays[name].view(np.uint64)
    return Lexicon(**arrays)
