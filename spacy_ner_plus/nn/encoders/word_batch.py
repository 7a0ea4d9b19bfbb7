"""What a recurrent encoder reads: the different words of a batch, and their sequences."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class CharacterBucket:
    """Words of similar length.

    words: (n,) int64, which of the different words they are.
    characters: (n, length) int64, rows of characters, padded with 0.
    lengths: (n,) int64, characters of each word; 0 for none.
    """

    words: Tensor
    characters: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class SequenceBlock:
    """Sequences of similar length, which go through the recurrent layers together.

    rows: (length, n_sequences) int64, the row of each place; n_rows of the batch where there is
        none. Longest sequence first.
    lengths: (n_sequences,) int64, on the CPU.
    """

    rows: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class WordBatch:
    """Words of some documents.

    word_rows, vector_rows: (n_words,) int64, rows of learned and pretrained vectors, or -1.
    forms, suffixes: (n_words,) int64, casing classes and rows of endings.
    characters: The different words by length, each in one bucket.
    row_words: (n_rows,) int64, which of the different words each row is.
    row_sequences: (n_rows,) int64, which sequence it is in.
    n_sequences (int): Of all blocks.
    blocks: The sequences by length, each in one block.
    row_places: (n_rows,) int64, where each row is in all blocks, flattened one after the other.
    """

    word_rows: Tensor
    vector_rows: Tensor
    forms: Tensor
    suffixes: Tensor
    characters: list[CharacterBucket]
    row_words: Tensor
    row_sequences: Tensor
    n_sequences: int
    blocks: list[SequenceBlock]
    row_places: Tensor

    @property
    def n_rows(self) -> int:
        """Words of all documents."""
        return len(self.row_words)
