"""The characters of tokens as an addition to the input embeddings of their wordpieces."""

import torch
from torch import Tensor, nn

from .characters import CharacterCnn

WIDTH, N_FEATURES = 24, 48


class CharacterInput(nn.Module):
    """What a small network makes of the characters of each piece's token; nothing at first.

    Ma and Hovy (2016), "End-to-end sequence labeling via bi-directional LSTM-CNNs-CRF", have it
    beside word vectors. Here its features are projected to the width of the encoder's input by a
    matrix that is zero before training, so that training starts from the plain encoder.

    n_rows (int): Rows of characters; row 0 is padding.
    width (int): Of the encoder's input.
    """

    def __init__(self, n_rows: int, width: int) -> None:
        super().__init__()
        self.cnn = CharacterCnn(n_rows, WIDTH, N_FEATURES)
        self.projection = nn.Linear(N_FEATURES, width, bias=False)
        nn.init.zeros_(self.projection.weight)

    def forward(self, characters: Tensor) -> Tensor:
        """What to add to each piece's embedding; 0 for pieces of no token.

        characters: (windows, length, n_characters) int32, rows padded with 0.
        RETURNS: (windows, length, width).
        """
        rows = characters.flatten(0, 1).long()  # (windows * length, n_characters)
        lengths = (rows > 0).sum(dim=1)  # (windows * length,)
        has_token = lengths > 0
        features = torch.tanh(self.cnn.read(rows, lengths.clamp_min(1)))  # (..., N_FEATURES)
        added: Tensor = self.projection(features) * has_token.unsqueeze(1)
        return added.unflatten(0, characters.shape[:2])
