"""A bidirectional LSTM over words: their vectors, characters and casing in, one vector a word out.

Huang, Xu and Yu (2015), "Bidirectional LSTM-CRF models for sequence tagging", with the characters
of Ma and Hovy (2016) or Lample et al. (2016), and the two kinds of dropout and the layer behind the
embeddings (reprojection) that Flair has (Akbik et al. 2018).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .characters import CHARACTERS
from .recurrent import BiLstmLayer
from .word_batch import WordBatch
from .word_embedding import WordEmbedding


@dataclass(frozen=True, kw_only=True)
class BiLstmSizes:
    """How large the parts of a BiLstmEncoder are: plain data.

    hidden_size, rnn_layers (int): Of the LSTM, each direction.
    reprojects (bool): Whether a linear layer is between the embeddings and the LSTM.
    n_tuned, n_fixed, vector_width, n_words, word_width, n_forms, n_suffixes: See WordEmbedding.
    case_width (int): Numbers of a casing class; 0 for none.
    characters (str): "cnn", "bilstm" or None.
    n_characters, character_width, character_hidden (int): See CharacterEncoder.
    n_keys, n_known_suffixes, n_known_characters (int): Lengths of the lexicon's arrays.
    """

    hidden_size: int
    rnn_layers: int
    reprojects: bool
    n_tuned: int
    n_fixed: int
    vector_width: int
    n_words: int
    word_width: int
    n_forms: int
    n_suffixes: int
    case_width: int
    characters: str | None
    n_characters: int
    character_width: int
    character_hidden: int
    n_keys: int
    n_known_suffixes: int
    n_known_characters: int


class BiLstmEncoder(nn.Module):
    """Words of some documents to one vector each.

    The lexicon (text.lexicon) by which words find their rows is kept with the weights, as whole
    numbers that do not learn.

    sizes (BiLstmSizes): Of its parts.
    word_dropout (float): How often, in training, a word is taken for an unknown one.
    locked_dropout (float): How many numbers of the vectors are left out in training, the same ones
        for all words of a sequence: before the LSTM and after it. Gal and Ghahramani (2016).
    max_rows (int): Words with padding that go through the LSTM at once.

    Attributes:
        undecayed (tuple): Parts whose weights are not drawn to zero: rows of words that do not
            occur in a batch would fade.
    """

    undecayed = ("words.",)

    def __init__(
        self, sizes: BiLstmSizes, *, word_dropout: float, locked_dropout: float, max_rows: int
    ) -> None:
        super().__init__()
        self.sizes = sizes
        self.word_dropout, self.locked_dropout = word_dropout, locked_dropout
        self.max_rows = max_rows
        self.words = WordEmbedding(
            n_tuned=sizes.n_tuned,
            n_fixed=sizes.n_fixed,
            vector_width=sizes.vector_width,
            n_words=sizes.n_words,
            word_width=sizes.word_width,
            n_forms=sizes.n_forms,
            n_suffixes=sizes.n_suffixes,
        )
        self.casing = nn.Embedding(sizes.n_forms, sizes.case_width) if sizes.case_width else None
        self.characters = (
            CHARACTERS[sizes.characters](
                sizes.n_characters, sizes.character_width, sizes.character_hidden
            )
            if sizes.characters
            else None
        )
        n_inputs = self.words.n_outputs + sizes.case_width
        n_inputs += sizes.character_hidden if sizes.characters else 0
        self.reprojection = nn.Linear(n_inputs, n_inputs) if sizes.reprojects else None
        self.layers = nn.ModuleList(
            BiLstmLayer(2 * sizes.hidden_size if i else n_inputs, sizes.hidden_size)
            for i in range(sizes.rnn_layers)
        )
        self.lexicon = _numbers(
            words=sizes.n_words,
            vector_keys=sizes.n_keys,
            vector_rows=sizes.n_keys,
            suffixes=sizes.n_known_suffixes,
            characters=sizes.n_known_characters,
        )

    @property
    def config(self) -> dict[str, Any]:
        """What it is, as plain data."""
        return {"encoder": asdict(self.sizes)}

    @property
    def width(self) -> int:
        """Numbers in a row of the output."""
        return 2 * self.sizes.hidden_size

    def lexicon_array(self, name: str) -> np.ndarray:
        """One of the lexicon's arrays, int64."""
        array: np.ndarray = self.lexicon[name].detach().cpu().numpy()
        return array

    def forward(self, batch: WordBatch) -> Tensor:
        """The vectors of all words of a batch, (n_rows, width) float32.

        batch (WordBatch): On the device of the weights.
        """
        if not batch.n_rows:
            return self.words.forms.weight.new_zeros(0, self.width)
        device = self.words.forms.weight.device
        with torch.autocast(device.type, enabled=False):  # small products, each of another shape
            inputs = self._inputs(batch)  # (n_rows, n_inputs)
        padded = nn.functional.pad(inputs, (0, 0, 0, 1))  # (n_rows + 1, n_inputs)
        outputs = [
            self._read(padded[block.rows], block.lengths).flatten(0, 1) for block in batch.blocks
        ]  # (places of the block, width) each
        rows = torch.cat(outputs)[batch.row_places]  # (n_rows, width)
        return self._locked(rows, batch)

    def _inputs(self, batch: WordBatch) -> Tensor:
        unknown = self.words.unknown(batch.forms, batch.suffixes)  # (n_words, n_word_outputs)
        words = self.words(batch.word_rows, batch.vector_rows, unknown)
        others = []  # (n_words, numbers of each)
        if self.casing is not None:
            others.append(self.casing(batch.forms))
        if self.characters is not None:
            others.append(self.characters(batch.characters, len(batch.forms)))
        if not self.training:  # each different word once
            return self._reprojected(torch.cat([words, *others], dim=1))[batch.row_words]
        words = words[batch.row_words]  # (n_rows, n_word_outputs)
        if self.word_dropout:
            is_dropped = torch.rand(batch.n_rows, 1, device=words.device) < self.word_dropout
            words = torch.where(is_dropped, unknown[batch.row_words], words)
        rows = torch.cat([words, *(part[batch.row_words] for part in others)], dim=1)
        return self._reprojected(self._locked(rows, batch))

    def _reprojected(self, vectors: Tensor) -> Tensor:
        return vectors if self.reprojection is None else self.reprojection(vectors)

    def _locked(self, rows: Tensor, batch: WordBatch) -> Tensor:
        """Leave numbers out of a sequence's vectors. (n_rows, n) -> (n_rows, n)."""
        if not (self.training and self.locked_dropout):
            return rows
        kept = 1.0 - self.locked_dropout
        masks = torch.empty(batch.n_sequences, rows.shape[1], device=rows.device)
        masks.bernoulli_(kept).div_(kept)  # (n_sequences, n)
        return rows * masks[batch.row_sequences]

    def _read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """vectors: (length, n_sequences, n_inputs). RETURNS: (length, n_sequences, width)."""
        for layer in self.layers:
            vectors = layer(vectors, lengths, self.max_rows)
        return vectors


def _numbers(**lengths: int) -> nn.ParameterDict:
    """Whole numbers by name, saved and checked as weights are: buffers might be missing."""
    return nn.ParameterDict(
        {
            name: nn.Parameter(torch.zeros(length, dtype=torch.int64), requires_grad=False)
            for name, length in lengths.items()
        }
    )
