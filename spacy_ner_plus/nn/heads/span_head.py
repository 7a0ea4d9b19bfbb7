"""What all heads of spans have in common: features of one token at a time."""

from torch import Tensor, nn


class SpanHead(nn.Module):
    """A head of spans, in two steps.

    `read_tokens` is of each token alone, so that it can read the vectors of some tokens at a time,
    as they come from an encoder. All that is of spans is a matter of the head's own, and needs the
    features of whole documents. A head without a width has the second step only: an exported graph
    takes the first one.

    Attributes:
        undecayed (tuple): Matrices whose zeros mean something, by name: they are not drawn to 0.
    """

    undecayed: tuple[str, ...] = ()

    @property
    def width(self) -> int | None:
        """Numbers of a token vector; None if features are given in place of vectors."""
        raise NotImplementedError

    @property
    def n_features(self) -> int:
        """Numbers of a token between the two steps."""
        raise NotImplementedError

    def read_tokens(self, vectors: Tensor) -> Tensor:
        """The features of tokens, (n_rows, width) -> (n_rows, n_features) float32."""
        raise NotImplementedError
