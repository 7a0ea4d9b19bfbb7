"""Further labels for a head that has learned some."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from .span_band_head import SpanBandHead

# What a label scores that nothing is known of: e**7, some thousand times, less probable than not.
NEW_LABEL_SCORE = -7.0


@torch.no_grad()
def with_labels(head: SpanBandHead, n_labels: int) -> SpanBandHead:
    """A head with further labels behind those of another, whose weights it has bit for bit.

    The new labels are improbable everywhere, and the scores of the old ones do not depend on them.

    head (SpanBandHead): Stays as it is.
    n_labels (int): All labels, at least as many as it has.
    RAISES ValueError: There are fewer.
    """
    n_old = head.sizes.n_labels
    if n_labels < n_old:
        raise ValueError(f"A head of {n_old} labels can't become one of {n_labels}.")
    sizes = replace(head.sizes, n_labels=n_labels)
    grown = SpanBandHead(sizes, dropout=head.tokens.dropout.p, max_rows=head.max_rows)
    grown = grown.to(head.bias).train(head.training)  # of its device and precision
    grown.bias.fill_(NEW_LABEL_SCORE)
    grown.terms.widths.zero_()
    if grown.convolution is not None:
        grown.convolution.from_scores.weight.zero_()  # what is scored anew changes nothing
    for old, new in _pairs(head, grown):
        corner = tuple(slice(0, size) for size in old.shape)  # labels are an axis of some
        new[corner] = old
    return grown


def _pairs(head: nn.Module, grown: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    for name, parameter in grown.named_parameters():
        yield head.get_parameter(name), parameter
