"""How probable it is that a token is in an entity of a type, whatever its first and last ones."""

from collections.abc import Sequence

import numpy as np

from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Tagger
from ...tags import TagScheme


def label_probabilities(
    tagger: Tagger, emissions: Emissions, lengths: Sequence[int]
) -> list[np.ndarray]:
    """The marginal probabilities of all tags of a label together, for each token.

    lengths (Sequence[int]): The tokens of each Doc.
    RETURNS (List[ndarray]): Per Doc, (n_tokens, n_labels) float64; 0 for tokens that take no part
        in tagging, such as white space.
    """
    of_labels = _tags_of_labels(tagger.scheme)  # (n_tags, n_labels)
    found = [np.zeros((n, of_labels.shape[1])) for n in lengths]
    for group in emissions.groups():
        marginals = tagger.lattice(emissions, group).marginals().cpu().numpy()  # (N, n_tags)
        stops = np.cumsum(group.layout.lengths.numpy())[:-1]  # (n_docs - 1,)
        rows = np.split(marginals @ of_labels, stops)
        for doc, own in zip(group.docs.tolist(), rows, strict=True):
            found[doc][emissions.row_tokens[doc]] = own.clip(0.0, 1.0)
    return found


def _tags_of_labels(scheme: TagScheme) -> np.ndarray:
    """(n_tags, n_labels) float64, 1 where a tag is of a label."""
    made = np.zeros((scheme.n_tags, len(scheme.labels)))
    for ids in (scheme.first, scheme.inside, scheme.last, scheme.unit):
        made[ids, np.arange(len(scheme.labels))] = 1.0
    return made
