"""The exact probabilities of what a reading says of parts of documents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ...nn.crf.transfer import to_device
from .emissions import Emissions
from .entities import Tagger


@dataclass(frozen=True)
class Stretch:
    """Neighbouring rows of a document, and what tags they may have.

    doc (int): The document's position in the batch.
    start (int): Its first row.
    allowed: (n_rows, n_tags) bool, the tags of each row of the stretch.
    """

    doc: int
    start: int
    allowed: np.ndarray


def stretch_log_probs(
    tagger: Tagger, emissions: Emissions, stretches: Sequence[Stretch]
) -> np.ndarray:
    """The log probability that all rows of a stretch have allowed tags, whatever is around it.

    It is log Z of the allowed tags less log Z of all, at the calibrated temperature.

    RETURNS: (n_stretches,) float64, at most 0; -inf for the impossible.
    """
    log_probs = np.full(len(stretches), -np.inf)
    by_doc: dict[int, list[int]] = {}
    for i, stretch in enumerate(stretches):
        by_doc.setdefault(stretch.doc, []).append(i)
    for group in emissions.groups():
        of_group = [(row, i) for row, doc in enumerate(group.docs) for i in by_doc.get(doc, ())]
        if not of_group:
            continue
        rows, chosen = zip(*of_group, strict=True)
        starts = [stretches[i].start for i in chosen]
        allowed = [stretches[i].allowed for i in chosen]
        ends = [start + len(tags) for start, tags in zip(starts, allowed, strict=True)]
        lattice = tagger.lattice(emissions, group).segments(rows, starts, ends)
        permitted = to_device(np.concatenate(allowed), emissions.scores.device)
        log_probs[list(chosen)] = lattice.log_probs(permitted).cpu().numpy()
    return log_probs


def tag_marginals(tagger: Tagger, emissions: Emissions) -> list[np.ndarray]:
    """For each Doc (n_rows_of_doc, n_tags) float64: P(tag of a row), calibrated."""
    n_tags = tagger.scheme.n_tags
    found = [np.zeros((0, n_tags))] * len(emissions.row_tokens)
    for group in emissions.groups():
        marginals = tagger.lattice(emissions, group).marginals()  # (N, n_tags)
        parts = torch.split(marginals.cpu(), group.layout.lengths.tolist())
        for doc, part in zip(group.docs.tolist(), parts, strict=True):
            found[doc] = part.numpy()
    return found
