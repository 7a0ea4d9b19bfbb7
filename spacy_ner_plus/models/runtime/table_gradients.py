"""Gradients of embeddings, made dense in memory that is kept from one step to the next."""

from torch import Tensor, nn


class TableGradients:
    """Dense gradients of tables.

    That of 30,000 wordpieces takes 47 MB, of 250,000 a GB. An allocator gives so much back to the
    system after each step, and on a CPU it takes longer to get it anew, page by page, than to fill
    it with zeros: 2 to 12 % of a step.
    """

    def __init__(self) -> None:
        self._kept: dict[int, Tensor] = {}  # by the table's id

    def dense(self, table: nn.Parameter, gradient: Tensor) -> Tensor:
        """A table's sparse gradient as a dense one, which holds until it is asked for the next.

        *Shape:* (n_rows, width), as the gradient and the table.
        """
        if table.device.type != "cpu":  # other allocators keep what they have
            return gradient.to_dense()
        kept = self._kept.get(id(table))
        if kept is None or kept.shape != gradient.shape or kept.dtype != gradient.dtype:
            kept = self._kept[id(table)] = gradient.to_dense()
            return kept
        return kept.zero_().add_(gradient)
