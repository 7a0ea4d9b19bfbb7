"""From emissions to entities with probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...nn.crf import CRF, SpanTags, TagDecoder
from ...tags import TagScheme
from .calibration import Calibration
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
UNCALIBRATED = Calibration()
NO_ENTITIES = Entities(_NONE, _NONE, _NONE, np.zeros(0))


def make_decoder(scheme: TagScheme, *, use_crf: bool) -> TagDecoder:
    """The CRF of a scheme, or the softmax with the same hard constraints."""
    masks = [torch.tensor(m) for m in (scheme.starts, scheme.transitions, scheme.ends)]
    return CRF(*masks) if use_crf else TagDecoder(*masks)


def decode(
    decoder: TagDecoder,
    scheme: TagScheme,
    emissions: Emissions,
    *,
    calibration: Calibration = UNCALIBRATED,
) -> list[Entities]:
    """The best valid tag sequence of each Doc, read as entities with exact probabilities.

    emissions (Emissions): Scores; tags that score -inf (see `constrain`) are not used, and the
        probabilities are conditional on that.
    calibration (Calibration): How scores become probabilities.
    """
    found = [NO_ENTITIES] * len(emissions.row_tokens)
    with torch.no_grad():
        for group in sequence_groups(emissions.lengths):
            scores = group.gather(emissions.scores)  # (docs, rows, tags)
            tags = decoder.decode(scores, group.lengths.tolist()).cpu().numpy()
            for doc, entities in _read(decoder, scheme, scores, tags, group, calibration):
                tokens = emissions.row_tokens[doc]
                found[doc] = Entities(
                    starts=tokens[entities.starts],
                    ends=tokens[entities.ends - 1] + 1,
                    labels=entities.labels,
                    probabilities=entities.probabilities,
                )
    return found


def constrain(emissions: Emissions, permitted: Sequence[np.ndarray]) -> Emissions:
    """Rule out tags: their scores become -inf.

    permitted: for each Doc (n_rows_of_doc, n_tags) bool; they must leave a valid sequence.
    """
    if not any(map(len, permitted)):
        return emissions
    mask = torch.from_numpy(np.concatenate([rows for rows in permitted if len(rows)]))
    scores = emissions.scores.masked_fill(~mask.to(emissions.scores.device), -torch.inf)
    return Emissions(scores, emissions.row_tokens)


def _read(
    decoder: TagDecoder,
    scheme: TagScheme,
    scores: Tensor,
    tags: np.ndarray,
    group: SequenceGroup,
    calibration: Calibration,
) -> list[tuple[int, Entities]]:
    """The entities of a group's tag sequences; the lattice is run only where there are some."""
    # Valid sequences one after the other are a valid sequence, whose spans stay within each.
    inside = np.arange(tags.shape[1]) < group.lengths[:, None]
    starts, ends, labels = scheme.decode(tags[inside])
    if not len(starts):
        return []
    stops = np.cumsum(group.lengths)
    sequence = np.searchsorted(stops, starts, side="right")  # (n_spans,)
    first = (stops - group.lengths)[sequence]
    starts, ends = starts - first, ends - first
    busy, row, counts = np.unique(sequence, return_inverse=True, return_counts=True)
    device = scores.device
    index = torch.from_numpy(busy).to(device)
    lengths = group.lengths[busy].tolist()
    lattice = decoder.lattice(scores[index], lengths, temperature=calibration.temperature)
    log_probabilities = lattice.span_log_probs(
        _tensor(row, device),
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
    probabilities = calibration.of_entities(probabilities)
    splits = np.cumsum(counts)[:-1]
    columns = [np.split(column, splits) for column in (starts, ends, labels, probabilities)]
    return [
        (int(group.docs[i]), Entities(*fields))
        for i, fields in zip(busy, zip(*columns, strict=True), strict=True)
    ]


def _tensor(values: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)
