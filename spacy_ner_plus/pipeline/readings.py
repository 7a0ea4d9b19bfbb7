"""What else a text may mean: the k best readings, the tags' probabilities, and how sure all is.

All of it is about the model's distribution over tag sequences, at the calibrated temperature, for
a part of a document: what comes before and after is summed over, not guessed.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span

from ..models.emissions import Emissions
from ..models.shim import TaggerShim
from ..nn.crf import Lattice
from ..tags import TagScheme


@dataclass(frozen=True)
class Reading:
    """One way to read a text.

    probability (float): Of exactly these entities in the text, and no others. An entity that goes
        on beyond the text's edge is cut there, and is another reading than one that ends there.
    entities (Tuple[Span, ...]): From left to right. They are not put on the Doc.
    """

    probability: float
    entities: tuple[Span, ...]


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

    doc: Doc
    start: int
    n_tokens: int
    tokens: np.ndarray
    lattice: Lattice | None


def k_best_readings(
    tagger: TaggerShim, emissions: Emissions, part: Doc | Span, k: int
) -> list[Reading]:
    """The k most probable readings, best first; fewer if there are fewer.

    emissions (Emissions): Of the part's Doc, alone.
    RAISES ValueError: If k is less than 1.
    """
    [readings] = readings_of_parts(tagger, emissions, [part], k)
    return readings


def readings_of_parts(
    tagger: TaggerShim, emissions: Emissions, parts: Iterable[Doc | Span], k: int
) -> list[list[Reading]]:
    """As k_best_readings, for several parts of the same Doc, such as its sentences."""
    if k < 1:
        raise ValueError(f"k = {k} must be at least 1.")
    whole = _whole(tagger, emissions)
    chosen = [_part(whole, emissions, part) for part in parts]
    return [_readings(part, tagger.scheme, k) for part in chosen]


def _readings(part: _Part, scheme: TagScheme, k: int) -> list[Reading]:
    if part.lattice is None:
        return [Reading(1.0, ())]
    [(sequences, log_probabilities)] = part.lattice.k_best(k)
    return [
        Reading(min(1.0, math.exp(log_probability)), _entities(part, tags, scheme))
        for tags, log_probability in zip(
            sequences.cpu().numpy(), log_probabilities.tolist(), strict=True
        )
    ]


def tag_probabilities(
    tagger: TaggerShim, emissions: Emissions, part: Doc | Span
) -> TagProbabilities:
    """The marginal probabilities of the tags of each token of a Doc or Span."""
    chosen = _part(_whole(tagger, emissions), emissions, part)
    probabilities = np.zeros((chosen.n_tokens, tagger.scheme.n_tags))
    probabilities[:, 0] = 1.0
    if chosen.lattice is not None:
        marginals = chosen.lattice.marginals()[0].cpu().numpy()  # (n_rows, n_tags)
        probabilities[chosen.tokens - chosen.start] = marginals
    return TagProbabilities(tagger.scheme.tags, probabilities)


def sequence_entropy(tagger: TaggerShim, emissions: Emissions, part: Doc | Span) -> float:
    """The entropy of the distribution over tag sequences of a Doc or Span, in nats."""
    chosen = _part(_whole(tagger, emissions), emissions, part)
    return 0.0 if chosen.lattice is None else float(chosen.lattice.entropy()[0])


def _whole(tagger: TaggerShim, emissions: Emissions) -> Lattice | None:
    """The distribution over the tags of a Doc's rows, None if it has none."""
    n_rows = len(emissions.scores)
    if not n_rows:
        return None
    scores = emissions.scores.unsqueeze(0)  # (1, n_rows, n_tags)
    return tagger.decoder.lattice(scores, [n_rows], temperature=tagger.calibration.temperature)


def _part(whole: Lattice | None, emissions: Emissions, part: Doc | Span) -> _Part:
    doc, start, end = (part, 0, len(part)) if isinstance(part, Doc) else _bounds(part)
    [tokens] = emissions.row_tokens
    first, last = np.searchsorted(tokens, [start, end]).tolist()
    lattice = whole.segment(0, first, last) if whole is not None and first < last else None
    return _Part(doc, start, end - start, tokens[first:last], lattice)


def _bounds(span: Span) -> tuple[Doc, int, int]:
    return span.doc, span.start, span.end


def _entities(part: _Part, tags: np.ndarray, scheme: TagScheme) -> tuple[Span, ...]:
    """The entities of a tag sequence, cut at the part's edges."""
    starts, ends, labels = scheme.decode_part(tags)
    return tuple(
        Span(part.doc, int(part.tokens[s]), int(part.tokens[e - 1]) + 1, scheme.labels[label])
        for s, e, label in zip(starts, ends, labels, strict=True)
    )
