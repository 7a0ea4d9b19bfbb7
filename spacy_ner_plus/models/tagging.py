"""From emissions to entities with probabilities, and to the loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..nn.crf import CRF, SpanTags, TagDecoder
from ..tags import TagScheme
from .emissions import Emissions, SequenceGroup, sequence_groups


@dataclass(frozen=True)
class Entities:
    """The entities found in one Doc, from left to right.

    starts, ends: (n,) int64 tokens, end exclusive. labels: (n,) int64, indices into the scheme's
    labels. probabilities: (n,) float64 in [0, 1]: P(exactly this span with this label).
    """

    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)


_NONE = np.zeros(0, dtype=np.int64)
NO_ENTITIES = Entities(_NONE, _NONE, _NONE, np.zeros(0))


def make_decoder(scheme: TagScheme, *, use_crf: bool) -> TagDecoder:
    """The CRF of a scheme, or the softmax with the same hard constraints."""
    masks = [torch.tensor(m) for m in (scheme.starts, scheme.transitions, scheme.ends)]
    return CRF(*masks) if use_crf else TagDecoder(*masks)


def decode(decoder: TagDecoder, scheme: TagScheme, emissions: Emissions) -> list[Entities]:
    """The best valid tag sequence of each Doc, read as entities with exact probabilities."""
    found = [NO_ENTITIES] * len(emissions.row_tokens)
    with torch.no_grad():
        for group in sequence_groups(emissions.lengths):
            scores = group.gather(emissions.scores)  # (docs, rows, tags)
            tags = decoder.decode(scores, group.lengths.tolist()).cpu().numpy()
            for doc, entities in _read(decoder, scheme, scores, tags, group):
                tokens = emissions.row_tokens[doc]
                found[doc] = Entities(
                    starts=tokens[entities.starts],
                    ends=tokens[entities.ends - 1] + 1,
                    labels=entities.labels,
                    probabilities=entities.probabilities,
                )
    return found


def _read(
    decoder: TagDecoder,
    scheme: TagScheme,
    scores: Tensor,
    tags: np.ndarray,
    group: SequenceGroup,
) -> list[tuple[int, Entities]]:
    """The entities of a group's tag sequences; the lattice is run only where there are some."""
    spans = [
        scheme.decode(row[:length]) for row, length in zip(tags, group.lengths, strict=True)
    ]
    counts = np.array([len(starts) for starts, _, _ in spans])
    busy = np.flatnonzero(counts)
    if not len(busy):
        return []
    starts, ends, labels = (np.concatenate([spans[i][k] for i in busy]) for k in range(3))
    device = scores.device
    index = torch.from_numpy(busy).to(device)
    lattice = decoder.lattice(scores[index], group.lengths[busy].tolist())
    log_probabilities = lattice.span_log_probs(
        _tensor(np.repeat(np.arange(len(busy)), counts[busy]), device),
        _tensor(starts, device),
        _tensor(ends, device),
        SpanTags(
            first=_tensor(scheme.first[labels], device),
            inside=_tensor(scheme.inside[labels], device),
            last=_tensor(scheme.last[labels], device),
            unit=_tensor(scheme.unit[labels], device),
        ),
    )
    probabilities = log_probabilities.double().exp().clamp(0.0, 1.0).cpu().numpy()
    splits = np.cumsum(counts[busy])[:-1]
    columns = [np.split(column, splits) for column in (starts, ends, labels, probabilities)]
    return [
        (int(group.docs[i]), Entities(*fields))
        for i, fields in zip(busy, zip(*columns, strict=True), strict=True)
    ]


def loss_and_gradient(
    decoder: TagDecoder, emissions: Emissions, allowed: Sequence[np.ndarray]
) -> tuple[np.ndarray, Tensor]:
    """Negative log-likelihood of the allowed tags of each Doc, and its gradient.

    emissions (Emissions): The model's output.
    allowed: for each Doc (n_rows_of_doc, n_tags) bool, the tags that the annotation permits.
    RETURNS: (n_docs,) float64 losses in nats, 0 for a Doc that has no rows or on which all is
        permitted, infinite where the allowed tags hold no valid sequence, nan where scores or
        the decoder's parameters are not finite; and (n_rows, n_tags) the gradient of their mean
        over annotated rows with respect to the scores, without meaning unless all losses are
        finite. The decoder's own parameters collect theirs on the way.
    """
    losses = np.zeros(len(allowed))
    # a copy: what predict gives is an inference tensor, which can't ask for a gradient
    leaf = emissions.scores.detach().clone().requires_grad_()
    annotated = [permitted for permitted in allowed if len(permitted)]
    if not annotated:
        return losses, torch.zeros_like(leaf)
    overflown = _overflown_docs(decoder, emissions)
    if len(overflown):
        losses[overflown] = np.nan
        return losses, torch.zeros_like(leaf)
    flat = np.concatenate(annotated)
    n_annotated = max(1, int((~flat.all(axis=1)).sum()))
    permitted = torch.from_numpy(flat).to(leaf.device)
    for group in sequence_groups(emissions.lengths):
        nll = decoder.loss(group.gather(leaf), group.lengths.tolist(), group.gather(permitted))
        losses[group.docs] = nll.detach().double().cpu().numpy()
        if not np.isfinite(losses[group.docs]).all():
            break  # the caller names the document; there is nothing to learn from the rest
        (nll.sum() / n_annotated).backward()
    gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
    return losses, gradient


def _overflown_docs(decoder: TagDecoder, emissions: Emissions) -> np.ndarray:
    """The documents with scores, or decoder parameters, that are infinite or no numbers."""
    overflown = ~torch.isfinite(emissions.scores).all(dim=1)  # (n_rows,)
    for parameter in decoder.parameters():
        overflown |= ~torch.isfinite(parameter).all()
    doc_of_row = np.repeat(np.arange(len(emissions.row_tokens)), emissions.lengths)
    return np.unique(doc_of_row[overflown.cpu().numpy()])


def _tensor(values: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)
