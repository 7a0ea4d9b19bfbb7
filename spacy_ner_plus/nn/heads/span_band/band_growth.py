"""Further labels for a head that has learned some."""

from dataclasses import replace

import torch

from ..new_labels import NEW_LABEL_SCORE
from .span_band_head import SpanBandHead


@torch.no_grad()
def with_labels(head: SpanBandHead, n_labels: int) -> SpanBandHead:
    """A head with further labels behind those of another, whose weights it has bit for bit.

    The new labels are as improbable for all spans, and the scores of the old ones do not depend on
    them. They begin at 0 and learn all the same: each has weights of its own, whose gradients are
    made of the features and not of each other.

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
    for name, new in grown.named_parameters():
        old = head.get_parameter(name)
        new.zero_()
        new[tuple(slice(0, size) for size in old.shape)] = old  # labels are an axis of some
    grown.bias[n_old:] = NEW_LABEL_SCORE
    return grown
