"""Parts of a corpus that are alike: iterative stratification of documents by their entities."""

from collections.abc import Sequence

import numpy as np


def stratify(
    counts: np.ndarray, shares: Sequence[float], seed: int, groups: np.ndarray | None = None
) -> np.ndarray:
    """Divide documents into parts that have about the same entities, relative to their size.

    Iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011, algorithm 1), adapted from labels
    that are there or not to numbers of entities. As there, the label that is left in the fewest
    documents comes first. Of its documents, those with most entities of it come first. Each goes
    where it brings what a part has of all labels, in entities and in documents, closest to what it
    should have, as the chi-squared distance says; among equals to the part with most room. A part
    that has its number of documents is full. Documents without entities come last.

    Groups of several documents come before all, large ones first. Each goes to the part that is the
    closest, of those that have room for it; if none has, to the one with most room.

    counts: (n_docs, n_labels), entities of each label in each document.
    shares (Sequence[float]): What part of the documents each part gets; they add up to 1.
    seed (int): Decides between documents and parts that are equal in all this.
    groups: (n_docs,) int64, documents of the same number stay together; None for each alone.
    RETURNS: (n_docs,) int64, the part of each document. Without groups that are larger than what is
        left, parts have their exact share of the documents, rounded: see part_sizes.
    """
    rng = np.random.default_rng(seed)
    weights = np.asarray(shares, dtype=np.float64)  # (n_parts,)
    room = part_sizes(len(counts), shares)  # (n_parts,)
    amounts = np.hstack([counts, counts > 0]).astype(np.float64)  # (n_docs, 2 * n_labels)
    totals = np.maximum(amounts.sum(axis=0), 1.0)
    wanted = weights[:, None] * totals  # (n_parts, 2 * n_labels)
    parts = np.full(len(counts), -1)

    def put(docs: np.ndarray) -> None:
        """Choose a part for documents that stay together."""
        amount = amounts[docs].sum(axis=0)
        # by how much the chi-squared distance falls
        gain = (amount * (2 * wanted - amount) / totals).sum(axis=1) / weights  # (n_parts,)
        has_room = room >= len(docs)
        gain[~(has_room if has_room.any() else room == room.max())] = -np.inf
        part = np.lexsort((rng.random(len(weights)), room, gain))[-1]
        parts[docs] = part
        room[part] -= len(docs)
        wanted[part] -= amount

    order = rng.permutation(len(counts))
    for group in _several(order, groups):
        put(group)
    left = order[parts[order] < 0]
    while len(left):
        for doc in _next_documents(counts, left):
            put(np.array([doc]))
        left = left[parts[left] < 0]
    return parts


def _several(order: np.ndarray, groups: np.ndarray | None) -> list[np.ndarray]:
    """The groups of more than one document, large ones first, else in the order of documents."""
    if groups is None:
        return []
    members: dict[int, list[int]] = {}
    for doc in order.tolist():
        members.setdefault(int(groups[doc]), []).append(doc)
    several = [np.array(docs) for docs in members.values() if len(docs) > 1]
    return sorted(several, key=len, reverse=True)


def part_sizes(n_docs: int, shares: Sequence[float]) -> np.ndarray:
    """Divide a number of documents.

    shares (Sequence[float]): What part of them each part gets; greater than 0, adding up to 1.
    RETURNS: (n_parts,) int64, adding up to n_docs. Where all shares are the same, sizes differ by
        at most 1.
    RAISES ValueError: If the shares are others.
    """
    if min(shares) <= 0 or not np.isclose(sum(shares), 1.0):
        raise ValueError(f"Shares must be greater than 0 and add up to 1, got {list(shares)}.")
    ends = np.floor(np.cumsum(shares) * n_docs + 0.5).astype(np.int64)
    return np.diff(ends, prepend=0)


def _next_documents(counts: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Of these documents those with the label that the fewest have, by their number of it.

    If they have no entities, it is all of them.
    """
    n_with = np.count_nonzero(counts[left], axis=0)  # (n_labels,)
    if not n_with.any():
        return left
    label = np.argmin(np.where(n_with > 0, n_with, len(left) + 1))
    by_number = left[np.argsort(-counts[left, label], kind="stable")]
    return by_number[: n_with[label]]
