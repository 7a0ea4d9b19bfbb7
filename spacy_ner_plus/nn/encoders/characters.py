"""A word's characters to one vector, each different word of a batch once."""

from typing import Any

import torch
from torch import Tensor, nn

from .recurrent import BiLstmLayer
from .word_batch import CharacterBucket

KERNEL = 3


class CharacterEncoder(nn.Module):
    """What characters encoders have in common: their embeddings, and the words in buckets.

    n_characters (int): Rows of characters; row 0 is padding.
    width (int): Numbers of a character.
    n_outputs (int): Numbers of a word.
    """

    def __init__(self, n_characters: int, width: int, n_outputs: int) -> None:
        super().__init__()
        self.n_outputs = n_outputs
        self.embedding = nn.Embedding(n_characters, width, padding_idx=0)
        nn.init.uniform_(self.embedding.weight, -((3 / width) ** 0.5), (3 / width) ** 0.5)
        with torch.no_grad():
            self.embedding.weight[0] = 0.0

    def forward(self, buckets: list[CharacterBucket], n_words: int) -> Tensor:
        """The vectors of all words, (n_words, n_outputs)."""
        result = self.embedding.weight.new_zeros(n_words, self.n_outputs)
        if not buckets:
            return result
        vectors = [self.read(bucket.characters, bucket.lengths) for bucket in buckets]
        return result.index_copy(0, torch.cat([b.words for b in buckets]), torch.cat(vectors))

    def read(self, characters: Tensor, lengths: Tensor) -> Tensor:
        """The vectors of the words of a bucket, (n, n_outputs).

        characters: (n, length) int64. lengths: (n,) int64, at least 1.
        """
        raise NotImplementedError


class CharacterCnn(CharacterEncoder):
    """Filters over three characters, the largest value of each.

    Ma and Hovy (2016), "End-to-end sequence labeling via bi-directional LSTM-CNNs-CRF".
    """

    def __init__(self, n_characters: int, width: int, n_outputs: int) -> None:
        super().__init__(n_characters, width, n_outputs)
        self.filters = nn.Linear(KERNEL * width, n_outputs)

    def read(self, characters: Tensor, lengths: Tensor) -> Tensor:
        """See CharacterEncoder.read. Padding before and after a word counts as characters do."""
        length = characters.shape[1]
        vectors = self.embedding(nn.functional.pad(characters, (1, 1)))  # (n, length + 2, width)
        neighbours = [vectors[:, i : i + length] for i in range(KERNEL)]
        values = self.filters(torch.cat(neighbours, dim=2))  # (n, length, n_outputs)
        is_padding = torch.arange(length, device=lengths.device) >= lengths.unsqueeze(1)
        return values.masked_fill(is_padding.unsqueeze(2), -torch.inf).amax(dim=1)


class CharacterBiLstm(CharacterEncoder):
    """The last states of an LSTM over the characters in either direction.

    Lample et al. (2016), "Neural architectures for named entity recognition".
    """

    def __init__(self, n_characters: int, width: int, n_outputs: int) -> None:
        super().__init__(n_characters, width, n_outputs)
        self.layer = BiLstmLayer(width, n_outputs // 2)

    def read(self, characters: Tensor, lengths: Tensor) -> Tensor:
        """See CharacterEncoder.read."""
        order = lengths.argsort(descending=True, stable=True)
        vectors = self.embedding(characters[order]).transpose(0, 1)  # (length, n, width)
        sorted_lengths = lengths[order].cpu()
        states = self.layer(vectors.contiguous(), sorted_lengths, vectors.shape[0] * len(order))
        n_half = self.n_outputs // 2
        last = states[lengths[order] - 1, torch.arange(len(order), device=order.device)]
        ends = torch.cat([last[:, :n_half], states[0, :, n_half:]], dim=1)  # (n, n_outputs)
        return torch.empty_like(ends).index_copy(0, order, ends)


CHARACTERS: dict[str, Any] = {"cnn": CharacterCnn, "bilstm": CharacterBiLstm}
