"""Words to vectors: pretrained ones, learned ones, and what stands for unknown words."""

import torch
from torch import Tensor, nn


class WordEmbedding(nn.Module):
    """Pretrained and learned vectors side by side.

    A word that has no vector gets one made of its casing class and its ending. Words that are rare
    in training teach these, and so do those that word dropout takes away.

    n_tuned, n_fixed (int): Pretrained vectors that learn, which are the first rows, and others.
    vector_width (int): Numbers of a pretrained vector; 0 for none.
    n_words, word_width (int): Learned vectors, and numbers of each; 0 for none.
    n_forms, n_suffixes (int): Casing classes and rows of endings.
    """

    def __init__(
        self,
        *,
        n_tuned: int,
        n_fixed: int,
        vector_width: int,
        n_words: int,
        word_width: int,
        n_forms: int,
        n_suffixes: int,
    ) -> None:
        super().__init__()
        self.n_tuned = n_tuned
        self.vector_width, self.word_width = vector_width, word_width
        self.n_outputs = vector_width + word_width
        self.tuned = nn.Embedding(n_tuned, vector_width)
        fixed = torch.empty(n_fixed, vector_width, dtype=torch.float16)  # half the size on disk
        self.fixed = nn.Parameter(fixed, requires_grad=False)
        self.learned = nn.Embedding(n_words, word_width)
        self.forms = nn.Embedding(n_forms, self.n_outputs)
        self.suffixes = nn.Embedding(n_suffixes, self.n_outputs)
        nn.init.normal_(self.learned.weight, std=0.3)
        nn.init.normal_(self.forms.weight, std=0.1)
        nn.init.zeros_(self.suffixes.weight)

    def forward(self, word_rows: Tensor, vector_rows: Tensor, unknown: Tensor) -> Tensor:
        """The vectors of words, (n, n_outputs).

        word_rows, vector_rows: (n,) int64, rows of each kind, -1 for none.
        unknown: (n, n_outputs), of `unknown`.
        """
        parts = []
        if self.vector_width:
            parts.append(self._pretrained(vector_rows, unknown[:, : self.vector_width]))
        if self.word_width:
            parts.append(_filled(self.learned, word_rows, unknown[:, self.vector_width :]))
        return torch.cat(parts, dim=1)

    def unknown(self, forms: Tensor, suffixes: Tensor) -> Tensor:
        """What stands for words without a vector, (n, n_outputs). forms, suffixes: (n,) int64."""
        result: Tensor = self.forms(forms) + self.suffixes(suffixes)
        return result

    def _pretrained(self, rows: Tensor, unknown: Tensor) -> Tensor:
        tuned_rows = torch.where(rows < self.n_tuned, rows, -1)
        vectors = _filled(self.tuned, tuned_rows, unknown)  # (n, vector_width)
        fixed = (rows >= self.n_tuned).nonzero().squeeze(1)
        return vectors.index_copy(0, fixed, self.fixed[rows[fixed] - self.n_tuned].float())


def _filled(table: nn.Embedding, rows: Tensor, others: Tensor) -> Tensor:
    """Rows of a table, others where there is none. rows: (n,), others: (n, width) -> (n, width)."""
    known = (rows >= 0).nonzero().squeeze(1)
    return others.index_copy(0, known, table(rows[known]))
