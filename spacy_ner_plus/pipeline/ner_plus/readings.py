"""What else a text may mean: the k best readings, the tags' probabilities, and how sure all is.

All of it is about the model's distribution over tag sequences, at the calibrated temperature, for
a part of a document: what comes before and after is summed over, not guessed.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span
from torch import Tensor

from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Tagger
from ...nn.crf import Lattice
from ...tags import TagScheme
from ..capabilities import Reading


@dataclass(frozen=True)
class TagProbabilities:
    """P(tag) of each token.

    tags (Tuple[str, ...]): The tags, such as "O" and "B-Disease".
    probabilities: (n_tokens, n_tags) float64; rows sum to 1. Tokens that take no part in tagging,
        such as whitespace, are O.
    """

    tags: tuple[str, ...]
    probabilities: np.ndarray


@dataclass(frozen=True)
class _Part:
    """A part of a Doc: the distribution over the tags of its rows, None if it has none.

    start: the part's first token in the Doc. tokens: (n_rows,) the rows' tokens in the Doc.
    """

    start: int
    n_tokens: int
    tokens: np.ndarray
    lattice: Lattice | None


def k_best_readings(
    tagger: Tagger, emissions: Emissions, part: Doc | Span, k: int
) -> list[Reading]:
    """The k most probable readings, best first; fewer if there are fewer.

    emissions (Emissions): Of the part's Doc, alone.
    RAISES ValueError: If k is less than 1.
    """
    [[readings]] = readings_of_parts(tagger, emissions, [[part]], k)
    return readings


def readings_of_parts(
    tagger: Tagger, emissions: Emissions, parts: Sequence[Sequence[Doc | Span]], k: int
) -> list[list[list[Reading]]]:
    """As k_best_readings, for several parts of each Doc, such as its sentences.

    emissions (Emissions): Of some Docs. parts: For each Doc, what to read of it.
    RETURNS (List[List[List[Reading]]]): For each Doc, for each of its parts.
    """
    if k < 1:
        raise ValueError(f"k = {k} must be at least 1.")
    found = [[[Reading(1.0, ())] for _ in own] for own in parts]
    for places, segments, lattice in lattices_of_parts(tagger, emissions, parts):
        for (doc, number), (_, first, last), paths in zip(
            places, segments, lattice.k_best(k), strict=True
        ):
            tokens = emissions.row_tokens[doc][first:last]
            found[doc][number] = _readings(parts[doc][number], tokens, paths, tagger.scheme)
    return found


def lattices_of_parts(
    tagger: Tagger, emissions: Emissions, parts: Sequence[Sequence[Doc | Span]]
) -> Iterator[tuple[list[tuple[int, int]], list[tuple[int, int, int]], Lattice]]:
    """The distributions over the tags of parts of Docs, of many at once.

    emissions (Emissions): Of some Docs. parts: For each Doc, what to look at of it.
    YIELDS: For some parts that have rows: Doc and part, both counted from 0; sequence, first row
        and the one after the last; and a lattice with a sequence for each of them.
    """
    for group in emissions.groups():
        places, segments = [], []
        for row, doc in enumerate(group.docs.tolist()):
            for number, part in enumerate(parts[doc]):
                first, last = rows_of(emissions.row_tokens[doc], part)
                if first < last:
                    places.append((doc, number))
                    segments.append((row, first, last))
        if places:
            lattice = tagger.lattice(emissions, group)
            yield places, segments, lattice.segments(*zip(*segments, strict=True))


def _readings(
    part: Doc | Span, tokens: np.ndarray, paths: tuple[Tensor, Tensor], scheme: TagScheme
) -> list[Reading]:
    """tokens: (n_rows,) the rows' tokens in the Doc. paths: (n, n_rows) and (n,), of Lattice."""
    doc = part if isinstance(part, Doc) else part.doc
    return [
        Reading(min(1.0, math.exp(log_probability)), _entities(doc, tokens, tags, scheme))
        for tags, log_probability in zip(paths[0].cpu().numpy(), paths[1].tolist(), strict=True)
    ]


def tag_probabilities(tagger: Tagger, emissions: Emissions, part: Doc | Span) -> TagProbabilities:
    """The marginal probabilities of the tags of each token of a Doc or Span."""
    chosen = _part(tagger, emissions, part)
    probabilities = np.zeros((chosen.n_tokens, tagger.scheme.n_tags))
    probabilities[:, 0] = 1.0
    if chosen.lattice is not None:
        marginals = chosen.lattice.marginals().cpu().numpy()  # (n_rows, n_tags)
        probabilities[chosen.tokens - chosen.start] = marginals
    return TagProbabilities(tagger.scheme.tags, probabilities)


def sequence_entropy(tagger: Tagger, emissions: Emissions, part: Doc | Span) -> float:
    """The entropy of the distribution over tag sequences of a Doc or Span, in nats."""
    chosen = _part(tagger, emissions, part)
    return 0.0 if chosen.lattice is None else float(chosen.lattice.entropy()[0])


def _part(tagger: Tagger, emissions: Emissions, part: Doc | Span) -> _Part:
    [tokens] = emissions.row_tokens
    first, last = rows_of(tokens, part)
    lattice = None
    if first < last:
        [group] = emissions.groups()
        lattice = tagger.lattice(emissions, group).segment(0, first, last)
    start, end = _bounds(part)
    return _Part(start, end - start, tokens[first:last], lattice)


def rows_of(tokens: np.ndarray, part: Doc | Span) -> tuple[int, int]:
    """The first row of a part and the one after its last, from the tokens of its Doc's rows."""
    first, last = np.searchsorted(tokens, _bounds(part)).tolist()
    return first, last


def _bounds(part: Doc | Span) -> tuple[int, int]:
    return (0, len(part)) if isinstance(part, Doc) else (part.start, part.end)


def _entities(
    doc: Doc, tokens: np.ndarray, tags: np.ndarray, scheme: TagScheme
) -> tuple[Span, ...]:
    """The entities of a tag sequence, cut at its edges."""
    starts, ends, labels = scheme.decode_part(tags)
    return tuple(
        Span(doc, int(tokens[s]), int(tokens[e - 1]) + 1, scheme.labels[label])
        for s, e, label in zip(starts, ends, labels, strict=True)
    )
