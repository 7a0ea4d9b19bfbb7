"""A convolution over the band: each span's score learns from those of the spans next to it.

Yan et al. (2022), "An embarrassingly easy but strong baseline for nested named entity recognition":
residual blocks of 3 x 3 convolutions over the table of all starts and ends. Here the table is the
band alone. The eight spans next to one differ by at most a token in their start and in their end;
in the band they are in the rows before and after, in columns that are shifted by a token against
each other.
"""

from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

from .band_cells import INITIAL_STD
from .band_layout import cells_in, neighbours

_SHIFTS = (-1, 0, 1)


class ConvolutionBlock(nn.Module):
    """A residual 3 x 3 convolution over starts and ends.

    channels (int): Numbers of a cell.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        # by start and end of the neighbour: what it says, (3, 3, to, from)
        self.weight = nn.Parameter(torch.empty(len(_SHIFTS), len(_SHIFTS), channels, channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        nn.init.normal_(self.weight, std=INITIAL_STD)

    def forward(self, cells: Tensor, room: Tensor) -> Tensor:
        """The cells, changed by their neighbours. Those that are no spans say nothing.

        cells (Tensor): *Shape:* (n_rows, max_width, channels)
        room (Tensor): See BandLayout.room. *Shape:* (n_rows,)
        RETURNS (Tensor): *Shape:* (n_rows, max_width, channels)
        """
        is_span = cells_in(room, cells.shape[1]).unsqueeze(2)  # (n_rows, max_width, 1)
        # filled, not multiplied: what runs over into another document might not be finite
        inputs = functional.gelu(self.norm(cells)).masked_fill(~is_span, 0.0)
        said = functional.linear(inputs, self.weight.flatten(0, 2))  # no bias: 0 stays 0
        said = said.unflatten(2, self.weight.shape[:3])  # (n_rows, max_width, 3, 3, channels)
        outputs = cells + self.bias
        for (i, start_shift), (j, end_shift) in product(enumerate(_SHIFTS), repeat=2):
            heard = neighbours(said[:, :, i, j], start_shift, end_shift)
            if start_shift:
                heard = heard.masked_fill(~_is_same_doc(room, start_shift), 0.0)
            outputs = outputs + heard
        return outputs


class BandConvolution(nn.Module):
    """Corrections of the scores of spans, by what is known of the spans next to them.

    n_labels (int): Scores of a span.
    channels (int): Numbers of a cell within.
    n_blocks (int): Convolutions one after the other, so that spans are seen whose start or end
        differs by as many tokens.
    """

    def __init__(self, n_labels: int, channels: int, n_blocks: int) -> None:
        super().__init__()
        self.from_scores = nn.Linear(n_labels, channels, bias=False)
        self.blocks = nn.ModuleList(ConvolutionBlock(channels) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(channels)
        self.to_scores = nn.Linear(channels, n_labels, bias=False)
        for layer in (self.from_scores, self.to_scores):
            nn.init.normal_(layer.weight, std=INITIAL_STD)

    def forward(self, cells: Tensor, scores: Tensor, room: Tensor) -> Tensor:
        """What to add to the scores, (n_rows, max_width, n_labels).

        cells (Tensor): What else is known of the spans. *Shape:* (n_rows, max_width, channels)
        scores (Tensor): Scores of the labels. *Shape:* (n_rows, max_width, n_labels)
        room (Tensor): See BandLayout.room. *Shape:* (n_rows,)
        """
        hidden = cells + self.from_scores(scores)  # (n_rows, max_width, channels)
        for block in self.blocks:
            hidden = block(hidden, room)
        corrections: Tensor = self.to_scores(functional.gelu(self.norm(hidden)))
        return corrections


def _is_same_doc(room: Tensor, shift: int) -> Tensor:
    """Whether the row before (shift -1) or after (1) is of the same document, (n_rows, 1, 1).

    There is none before the first row, of which the answer is not used.
    """
    has_next = room > 1  # (n_rows,)
    is_same = has_next if shift == 1 else has_next.roll(1)
    return is_same.view(-1, 1, 1)
