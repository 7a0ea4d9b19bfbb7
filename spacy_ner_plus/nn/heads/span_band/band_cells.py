"""Scores of spans by their first token, their last one, those within, and their width.

Yu, Bohnet and Poesio (2020), "Named entity recognition as dependency parsing": a biaffine product
of the start with the end, and a linear term of both (after Dozat and Manning 2017). The width and
the mean of all tokens are the span representations of Lee et al. (2017), with the mean in place of
attention.

All of it is read from the tokens' features, (n_tokens, 3 * hidden_width): what each token is like
as the first one of a span, as the last one, and as one of it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

# Weights that are read by linear layers start with this standard deviation, as TagHead's do.
INITIAL_STD = 0.02


class TokenLayer(nn.Module):
    """Token vectors to features: what each token is like as start, as end, and within a span.

    width (int): Numbers of a token vector.
    hidden_width (int): Numbers of each of the three.
    dropout (float): Share of the vectors' and of the features' numbers dropped in training.
    """

    def __init__(self, width: int, hidden_width: int, *, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, 3 * hidden_width)

    def forward(self, vectors: Tensor) -> Tensor:
        """(n_tokens, width) -> (n_tokens, 3 * hidden_width)."""
        hidden = functional.gelu(self.linear(self.dropout(vectors)))
        features: Tensor = self.dropout(hidden)
        return features


class Biaffine(nn.Module):
    """A bilinear form of a span's start and end for each label.

    hidden_width (int): Numbers of the start and of the end.
    n_labels (int): Labels.
    """

    def __init__(self, hidden_width: int, n_labels: int) -> None:
        super().__init__()
        # what start it goes with, by label and number of the end: (label, of end, of start)
        self.weight = nn.Parameter(torch.empty(n_labels, hidden_width, hidden_width))
        nn.init.normal_(self.weight, std=1.0 / hidden_width)

    def forward(self, starts: Tensor, ends: Tensor, max_width: int) -> Tensor:
        """The products of each start with the ends behind it, (n_starts, max_width, n_labels).

        starts (Tensor): *Shape:* (n_starts, hidden_width)
        ends (Tensor): Those of the same tokens, and of the ones that follow.
            *Shape:* (n_tokens, hidden_width)
        """
        wanted = functional.linear(starts, self.weight.flatten(0, 1))
        wanted = wanted.unflatten(1, self.weight.shape[:2])  # (n_starts, n_labels, hidden_width)
        products = torch.bmm(wanted, windows(ends, len(starts), max_width))
        return products.transpose(1, 2)


class AdditiveTerms(nn.Module):
    """Linear terms of a span's start, its end and its mean token, and one for its width.

    hidden_width (int): Numbers of each.
    max_width (int): Tokens of the widest spans.
    n_outputs (int): Scores of a span.

    Attributes:
        widths (nn.Parameter): The score of each width, 0 at first. *Shape:* (max_width, n_outputs)
    """

    def __init__(self, hidden_width: int, max_width: int, n_outputs: int) -> None:
        super().__init__()
        self.start = nn.Linear(hidden_width, n_outputs, bias=False)
        self.end = nn.Linear(hidden_width, n_outputs, bias=False)
        self.content = nn.Linear(hidden_width, n_outputs, bias=False)
        self.widths = nn.Parameter(torch.zeros(max_width, n_outputs))
        for layer in (self.start, self.end, self.content):
            nn.init.normal_(layer.weight, std=INITIAL_STD)

    def forward(self, features: Tensor, n_starts: int) -> Tensor:
        """The sum of the terms, (n_starts, max_width, n_outputs).

        features (Tensor): See TokenLayer, of the starts and of the tokens that follow.
            *Shape:* (n_tokens, 3 * hidden_width)
        """
        max_width = len(self.widths)
        start, end, content = features.chunk(3, dim=1)  # (n_tokens, hidden_width) each
        first = self.start(start[:n_starts]).unsqueeze(1)  # (n_starts, 1, n_outputs)
        last = windows(self.end(end), n_starts, max_width).transpose(1, 2)
        # The mean of scores is the score of the mean. A sum of max_width numbers at most, from each
        # start on, is as exact as they are; differences of sums from a document's beginning on
        # would be less so the further they are from it.
        within = windows(self.content(content), n_starts, max_width).transpose(1, 2)
        counts = torch.arange(1, max_width + 1, device=features.device).unsqueeze(1)
        mean = within.cumsum(dim=1) / counts  # (n_starts, max_width, n_outputs)
        terms: Tensor = first + last + mean + self.widths
        return terms


def windows(tokens: Tensor, n_starts: int, max_width: int) -> Tensor:
    """Each start's own row and those that follow, (n_starts, n, max_width). No copy is made.

    tokens (Tensor): Rows of the starts and of the tokens behind them; they are 0 behind the last
        one. *Shape:* (n_tokens, n)
    """
    padded = functional.pad(tokens, (0, 0, 0, max_width))  # (n_tokens + max_width, n)
    return padded.unfold(0, max_width, 1)[:n_starts]
