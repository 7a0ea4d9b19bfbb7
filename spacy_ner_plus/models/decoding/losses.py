"""Losses on the emissions, and their gradients.

With weights w and smoothing e, the loss of a sequence x with the tags y is

    L = log sum_y' exp(score'(x, y')) - score'(x, y) + e * sum_t (s_t(y_t) - mean_k s_t(k)),
    score'(x, y) = score(x, y) - sum over the entities of y of log w(the entity's label)

where s are the emissions. So what is trained to fit the data is a model with every entity's odds
divided by its label's weight; the model that predicts has them undivided: an entity's odds are w
times those of the data. That is the logit adjustment of Menon et al. (2021), "Long-tail learning
via logit adjustment", for whole entities. The last term is the label smoothing of Szegedy et al.
(2016), "Rethinking the Inception architecture"; without a CRF it is exactly the cross-entropy with
smoothed targets. Both act on the emissions alone, so they are the same with a CRF and without.

Scores of spans, where emissions have some, belong to score(x, y) of either kind, and no y has a
span that is rejected: see the file of that name. Without a CRF the sum over y' is then over the
valid sequences.

With a focal exponent g, what is before "+ e" is weighed by how improbable the annotation is, after
Lin et al. (2017), "Focal Loss for Dense Object Detection". With a CRF, P is the probability of the
sequence's annotation and L that part of the loss, P = exp(-L):

    L' = (1 - P)^g * L

Without a CRF (and without scores of spans) tokens are independent, and it is the focal loss of each
token t, L' = sum_t (1 - p_t)^g * (-log p_t), with p_t the probability of what is allowed there. The
gradient goes through the weight, too. With a CRF, then, whole sequences count less once they are
learned: what is rare within a sequence gets no more weight than the rest of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ...nn.crf import CRF, Layout, SoftTargets, TagDecoder
from ...nn.crf.transfer import to_device
from ...tags import TagScheme
from .emissions import Emissions, SequenceGroup
from .rejected import count_known

# Of what is certain, so that powers of it have finite slopes.
_LEAST_IMPROBABILITY = 1e-12


def loss_and_gradient(
    decoder: TagDecoder,
    emissions: Emissions,
    allowed: Sequence[np.ndarray],
    *,
    log_weights: np.ndarray | None = None,
    smoothing: float = 0.0,
    focal_gamma: float = 0.0,
    doc_weights: np.ndarray | None = None,
    n_counted: int | None = None,
) -> tuple[np.ndarray, Tensor]:
    """The loss of the allowed tags of each Doc, and its gradient.

    emissions (Emissions): The model's output, with spans that are rejected if there are any.
    allowed: for each Doc (n_rows_of_doc, n_tags) bool, the tags that the annotation permits.
    log_weights: (n_tags,) float, what the tags score less in the loss; None for all 0. See
        tag_log_weights.
    smoothing (float): From 0 to less than 1; acts on rows of which the tag is known.
    focal_gamma (float): From 0, for none.
    doc_weights: (n_docs,) float64, what the loss of each Doc is multiplied by; None for 1.
    n_counted (int): What the gradient is divided by; None for the rows of which something is known.
    RETURNS: (n_docs,) float64 losses in nats, 0 for a Doc that has no rows or on which all is
        permitted, infinite where the allowed tags hold no valid sequence, nan where scores or
        the decoder's parameters are not finite; and (n_rows, n_tags) the gradient of their sum over
        n_counted with respect to the scores, without meaning unless all
        losses are finite. The decoder's own parameters collect theirs on the way, and so do scores
        of spans.
    """
    permitted = _join(allowed, emissions)  # (n_rows, n_tags)
    weights = None  # (n_tags,)
    if log_weights is not None:
        weights = torch.as_tensor(log_weights, dtype=torch.float64, device=permitted.device)

    def loss(scores: Tensor, group: SequenceGroup) -> Tensor:
        targets = permitted[group.rows]  # (N, n_tags), as scores
        weighted = scores if weights is None else scores - weights  # (N, n_tags)
        if focal_gamma:
            nll = _focal_loss(decoder, weighted, group, targets, focal_gamma)  # (n_docs,)
        else:
            nll = decoder.loss(weighted, group.layout, targets, spans=group.spans)  # (n_docs,)
        if smoothing:
            possible = _possible_tags(decoder, targets, group)
            gap = _smoothing_gap(scores.double(), targets, possible)  # (N,)
            is_known = targets.sum(dim=1) == 1  # (N,)
            nll = nll + smoothing * group.layout.sum(gap * is_known)
        if doc_weights is not None:
            nll = nll * to_device(doc_weights[group.docs], nll.device)
        return nll

    if n_counted is None:
        n_counted = count_known(allowed, emissions.spans)
    return collect(decoder, emissions, loss, n_counted)


def _focal_loss(
    decoder: TagDecoder, scores: Tensor, group: SequenceGroup, targets: Tensor, gamma: float
) -> Tensor:
    """(n_docs,) fp64, of whole sequences with a CRF or scores of spans, else of their tokens."""
    layout = group.layout
    if isinstance(decoder, CRF) or group.spans is not None:
        return _focal(decoder.loss(scores, layout, targets, spans=group.spans), gamma)
    each = Layout(np.ones(layout.n_tokens, dtype=np.int64), layout.device)
    return layout.sum(_focal(decoder.loss(scores, each, targets), gamma))


def _focal(nll: Tensor, gamma: float) -> Tensor:
    """(1 - exp(-nll))^gamma * nll; 0 without a gradient where nll is 0, or less by rounding."""
    improbability = -torch.expm1(-nll)
    # an exponent below 1 would have an infinite slope at 0
    return improbability.clamp_min(_LEAST_IMPROBABILITY) ** gamma * nll


def span_score_gradient(
    decoder: TagDecoder, emissions: Emissions, allowed: Sequence[np.ndarray]
) -> np.ndarray:
    """The derivatives of the loss by the scores of spans, with all others as they are.

    Each is how often the span is expected to be there, less how often it is expected by those who
    know the allowed tags.

    emissions (Emissions): The model's output, with scores of spans of some Docs, and rejected ones.
    allowed: For each Doc (n_rows_of_doc, n_tags) bool, the tags that the annotation permits. Where
        they hold no valid sequence, nothing is learned.
    RETURNS: (n_spans,) float64, of the sum over Docs.
    """
    spans = emissions.spans
    if spans is None:
        return np.zeros(0)
    permitted = _join(allowed, emissions)  # (n_rows, n_tags)
    leaf = spans.scores.detach().clone().requires_grad_()
    scores = emissions.scores.detach().clone()  # what predict gives is an inference tensor
    total = leaf.new_zeros(())
    for group in replace(emissions, spans=replace(spans, scores=leaf)).groups():
        if group.spans is not None:
            own, targets = scores[group.rows], permitted[group.rows]  # (N, n_tags) each
            losses = decoder.loss(own, group.layout, targets, spans=group.spans)  # (n_docs,)
            total = total + losses[losses.isfinite()].sum()
    [gradient] = torch.autograd.grad(total, [leaf], allow_unused=True)
    return np.zeros(len(spans)) if gradient is None else np.asarray(gradient.cpu().numpy())


def distillation_loss_and_gradient(
    decoder: TagDecoder,
    emissions: Emissions,
    teacher: TagDecoder,
    teacher_emissions: Emissions,
    n_known: int,
) -> tuple[np.ndarray, Tensor]:
    """How far the decoder's distribution over tag sequences is from a teacher's.

    emissions, teacher_emissions (Emissions): Of the same Docs.
    n_known (int): The teacher's first tags, which it has learned and which are the decoder's
        first tags too; the others say nothing, and are left out on both sides.
    RETURNS: (n_docs,) float64 Kullback-Leibler divergences in nats, and (n_rows, n_tags) the
        gradient of their mean over rows. As in loss_and_gradient otherwise.
    """
    tags = torch.arange(n_known, device=emissions.scores.device)
    known_scores = teacher_emissions.scores.detach().clone()  # (n_rows, the teacher's tags)
    known_scores[:, n_known:] = -torch.inf

    def loss(scores: Tensor, group: SequenceGroup) -> Tensor:
        targets = teacher.soft_targets(known_scores[group.rows], group.layout)
        return decoder.distillation_loss(scores, group.layout, _first(targets, n_known), tags)

    return collect(decoder, emissions, loss, len(emissions.scores))


def consistency_loss_and_gradient(
    decoder: TagDecoder, emissions: Emissions, weight: float
) -> tuple[np.ndarray, Tensor]:
    """How far two passes of a model over the same Docs are apart: see nn/crf/consistency.py.

    emissions (Emissions): Of one pass over some Docs, and then of the other. Scores of spans are
        not looked at.
    weight (float): What the loss and its gradient are multiplied by.
    RETURNS: (n_docs of a pass,) float64 losses in nats, and (n_rows of both, n_tags) the gradient
        of their mean over the rows of a pass. The CRF's own parameters collect theirs on the way.
    """
    n_rows, n_docs = len(emissions.scores) // 2, len(emissions.row_tokens) // 2
    one = Emissions(emissions.scores[:n_rows], emissions.row_tokens[:n_docs])
    leaf = emissions.scores.detach().clone().requires_grad_()
    losses = np.zeros(n_docs)
    for group in one.groups():
        rows = torch.cat([group.rows, group.rows + n_rows])  # (2 N,)
        apart = weight * decoder.consistency_loss(leaf[rows], group.layout)  # (n_docs of it,)
        losses[group.docs] = apart.detach().cpu().numpy()
        (apart.sum() / max(1, n_rows)).backward()
    return losses, torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def tag_log_weights(scheme: TagScheme, weights: dict[str, float]) -> np.ndarray:
    """The log of the weight of the label of each tag that begins an entity, (n_tags,).

    It is 0 for other tags, and for labels without a weight.
    """
    log_weights = np.zeros(scheme.n_tags)
    for label, weight in weights.items():
        i = scheme.labels.index(label)
        for tags in (scheme.first, scheme.unit):
            log_weights[tags[i]] = np.log(weight)
    return log_weights


def collect(
    decoder: TagDecoder,
    emissions: Emissions,
    loss: Callable[[Tensor, SequenceGroup], Tensor],
    n_counted: int,
) -> tuple[np.ndarray, Tensor]:
    """The loss of each Doc, group by group, and the gradient of their sum over n_counted.

    loss (Callable): Gives the losses (n_docs,) of a group's Docs from their scores (N, n_tags).
    """
    losses = np.zeros(len(emissions.row_tokens))
    # a copy: what predict gives is an inference tensor, which can't ask for a gradient
    leaf = emissions.scores.detach().clone().requires_grad_()
    overflown = overflown_docs(decoder, emissions)
    if len(overflown):
        losses[overflown] = np.nan
        return losses, torch.zeros_like(leaf)
    for group in emissions.groups():
        of_group = loss(leaf[group.rows], group)  # (n_docs,)
        losses[group.docs] = of_group.detach().double().cpu().numpy()
        if not np.isfinite(losses[group.docs]).all():
            break  # the caller names the document; there is nothing to learn from the rest
        (of_group.sum() / max(1, n_counted)).backward()
    return losses, torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def _join(allowed: Sequence[np.ndarray], emissions: Emissions) -> Tensor:
    """(n_rows, n_tags) bool, on the emissions' device."""
    empty = np.zeros((0, emissions.scores.shape[1]), dtype=bool)
    return to_device(np.concatenate([empty, *allowed]), emissions.scores.device)


def _smoothing_gap(scores: Tensor, targets: Tensor, possible: Tensor) -> Tensor:
    """(N,): by how much the known tag scores more than the mean of the possible ones."""
    mean = (scores * possible).sum(dim=1) / possible.sum(dim=1)  # (N,)
    return (scores * targets).sum(dim=1) - mean


def _possible_tags(decoder: TagDecoder, targets: Tensor, group: SequenceGroup) -> Tensor:
    """The tags that the loss sums over, (N, n_tags) bool.

    To raise the score of others would cost nothing, so smoothing would raise it without end.
    """
    possible = torch.ones_like(targets)
    if isinstance(decoder, CRF) or group.spans is not None:
        possible[group.layout.first] &= decoder.start_mask  # (n_docs, n_tags)
        possible[group.layout.last] &= decoder.end_mask
    return possible


def _first(targets: SoftTargets, n_tags: int) -> SoftTargets:
    """Without the other tags, of which the probability is 0."""
    transitions = targets.transitions
    if transitions is not None:
        transitions = transitions[:, :n_tags, :n_tags]  # (n_docs, n_tags, n_tags)
    marginals = targets.marginals[:, :n_tags]  # (N, n_tags)
    return replace(targets, marginals=marginals, transitions=transitions)


def overflown_docs(decoder: nn.Module, emissions: Emissions) -> np.ndarray:
    """The documents with scores, or decoder parameters, that are infinite or no numbers."""
    overflown = ~torch.isfinite(emissions.scores).all(dim=1)  # (n_rows,)
    for parameter in decoder.parameters():
        overflown |= ~torch.isfinite(parameter).all()
    doc_of_row = np.repeat(np.arange(len(emissions.row_tokens)), emissions.lengths)  # (n_rows,)
    return np.unique(doc_of_row[overflown.cpu().numpy()])
