"""How undecided a tagger is about parts of documents, from its distribution over tag sequences."""

from collections.abc import Sequence

import numpy as np
import torch
from spacy.tokens import Doc, Span
from torch import Tensor

from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Tagger
from ...nn.crf import Lattice, SpanTags
from ...tags import TagScheme
from ..capabilities import SURE, Uncertainty
from .readings import lattices_of_parts


def uncertainties_of_parts(
    tagger: Tagger, emissions: Emissions, parts: Sequence[Sequence[Doc | Span]]
) -> list[list[Uncertainty]]:
    """How undecided it is about parts of each Doc, such as its sentences; all are exact.

    emissions (Emissions): Of some Docs. parts: For each Doc, what to look at of it.
    RETURNS (List[List[Uncertainty]]): For each Doc, for each of its parts.
    """
    found = [[SURE for _ in own] for own in parts]
    for places, segments, lattice in lattices_of_parts(tagger, emissions, parts):
        best, entropies = lattice.k_best(2), lattice.entropy().tolist()
        errors = expected_errors(lattice, [paths[0] for paths, _ in best], tagger.scheme)
        for i, (doc, number) in enumerate(places):
            log_probs = best[i][1].tolist()
            found[doc][number] = Uncertainty(
                n_tokens=segments[i][2] - segments[i][1],
                log_prob=log_probs[0],
                second_log_prob=log_probs[1] if len(log_probs) > 1 else -np.inf,
                entropy=entropies[i],
                expected_errors=float(errors[i]),
            )
    return found


def expected_errors(lattice: Lattice, paths: Sequence[Tensor], scheme: TagScheme) -> np.ndarray:
    """How many entities of each sequence are expected to be wrong or missed on some paths.

    Those of a path with the probabilities p are wrong with 1 - p each; missed are those that are
    expected to be there, E, less those that are there and on the path: together
    E + sum of (1 - 2 p). An entity that goes on from before the sequence's start is not counted.

    paths: For each sequence, int64 (length,) tags.
    RETURNS: (batch,) float64, at least 0.
    """
    starts = torch.from_numpy(scheme.starts & (np.arange(scheme.n_tags) > 0))  # (n_tags,)
    marginals = lattice.marginals().cpu()  # (N, n_tags)
    expected = lattice.layout.sum(marginals[:, starts].sum(1).to(lattice.layout.device))
    total = expected.cpu().numpy().astype(np.float64)  # (batch,)
    rows = [(i, *span) for i, path in enumerate(paths) for span in _opened(path, scheme)]
    if not rows:
        return total
    columns = np.array(rows, dtype=np.int64).T
    sequences, firsts, ends, labels = (torch.from_numpy(column.copy()) for column in columns)
    tags = (scheme.first, scheme.inside, scheme.last, scheme.unit)
    of_labels = SpanTags(*(torch.tensor(ids)[labels] for ids in tags))
    log_probs = lattice.span_log_probs(sequences, firsts, ends, of_labels)
    probabilities = log_probs.exp().clamp(0.0, 1.0).cpu().numpy()  # (n_spans,)
    np.add.at(total, columns[0], 1.0 - 2.0 * probabilities)
    return np.maximum(total, 0.0)


def _opened(path: Tensor, scheme: TagScheme) -> list[tuple[int, int, int]]:
    """The entities of a path that begin in it: start, end and label."""
    tags = path.cpu().numpy()
    columns = scheme.decode_part(tags)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [row for row in rows if scheme.starts[tags[row[0]]]]
