"""Linear-chain conditional random field: a decoder that learns how tags follow each other.

Lafferty, McCallum and Pereira (2001), "Conditional Random Fields". The loss with missing annotation
is that of Tsuboi et al. (2008), "Training Conditional Random Fields Using Incomplete Annotations":
the paths that agree with what is known are summed.
"""

import torch
from torch import Tensor, nn

from .consistency import PathConsistency
from .decoder import TagDecoder
from .distillation import SoftTargets, path_targets
from .forward_backward import forward_backward
from .lattice import Lattice
from .layout import Layout
from .messages import ChainScores, check_allowed
from .path_loss import PathLoss
from .span_factors import SpanFactors


class CRF(TagDecoder):
    """Linear-chain CRF: learned start, transition and end scores on top of the constraints.

    With padded tensors, as users of pytorch-crf have them:

    >>> from spacy_ner_plus import TagScheme
    >>> crf = CRF.from_scheme(TagScheme("BIO", ["X"]))  # tags O, B-X, I-X; or CRF.unconstrained(3)
    >>> emissions = torch.zeros(2, 3, 3)  # (batch, time, tags), of a sentence and a shorter one
    >>> emissions[0] = torch.tensor([[1.0, 6.0, 0.0], [0.0, 1.0, 3.0], [4.0, 0.0, 1.0]])
    >>> emissions[1, 0] = torch.tensor([2.0, 0.0, 5.0])
    >>> batch = crf.padded(emissions, mask=torch.tensor([[1, 1, 1], [1, 0, 0]]))
    >>> losses = batch.loss(torch.tensor([[1, 2, 0], [0, 0, 0]]))  # of B-X I-X O, and O
    >>> losses.sum().backward()
    >>> [round(loss, 2) for loss in losses.tolist()]
    [0.23, 0.13]
    >>> batch.decode()  # I-X can't come first, whatever it scores
    [[1, 2, 0], [0]]
    >>> batch.marginals()[1].round(decimals=2).tolist()
    [[0.88, 0.12, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]

    The same without padding, as everything else here works:

    >>> layout = Layout([3, 1])
    >>> flat = torch.cat([emissions[0], emissions[1, :1]])  # (4, tags)
    >>> crf.decode(flat, layout).tolist()
    [1, 2, 0, 0]
    """

    def __init__(self, starts: Tensor, transitions: Tensor, ends: Tensor) -> None:
        super().__init__(starts, transitions, ends)
        self.start = nn.Parameter(torch.zeros(self.n_tags))
        self.transition = nn.Parameter(torch.zeros(self.n_tags, self.n_tags))
        self.end = nn.Parameter(torch.zeros(self.n_tags))

    def loss(
        self,
        emissions: Tensor,
        layout: Layout,
        allowed: Tensor,
        *,
        spans: SpanFactors | None = None,
    ) -> Tensor:
        """Negative log-likelihood of each sequence's annotation.

        It is log Z(valid paths) - log Z(valid paths of allowed tags), of which none has a rejected
        span.

        allowed (Tensor): bool, tags that agree with the annotation: one where it is complete, all
            where it is missing. *Shape:* (N, tags)
        RETURNS (Tensor): fp64; +inf, without gradient, for a sequence whose allowed tags contain
            no valid path. *Shape:* (batch,)
        RAISES (ValueError): arguments do not fit, or emissions are nan or +inf.
        """
        emissions = self._check(emissions, layout)
        check_allowed(allowed, emissions)
        if spans is not None:
            return self._loss_with_spans(emissions, layout, allowed, spans)
        loss: Tensor = PathLoss.apply(emissions, *self._scores().stacked(), allowed, layout)
        return loss

    def _soft_targets(self, emissions: Tensor, layout: Layout) -> SoftTargets:
        messages = forward_backward(emissions, self._checked_scores(), layout)
        return path_targets(Lattice(messages), layout)

    def _token_divergence(self, known: Tensor, targets: SoftTargets, layout: Layout) -> Tensor:
        raise ValueError("soft targets of a decoder without transitions cannot teach a CRF")

    def _consistency(self, emissions: Tensor, layout: Layout) -> Tensor:
        loss: Tensor = PathConsistency.apply(emissions, *self._scores(), layout)
        return loss

    def _scores(self) -> ChainScores:
        masks = (self.start_mask, self.transition_mask, self.end_mask)
        return ChainScores.within(masks, (self.start, self.transition, self.end))
