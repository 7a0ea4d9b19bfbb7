"""Scores of entities inside of others, by level, and the differences between systems.

Levels are ALL, OUTER and INNER. Where the data have no layers, an entity is an inner one that lies
inside another one of its own side: see spacy_ner_plus.metrics.depth_scores. Where they have, that
is GermEval 2014, it is the official definition: a gold entity's level is its layer, and an entity
of the right span and label on the wrong level is wrong. There ALL is the official score ("strict,
combined"), and the others are its "per-level evaluation".
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nested_data import GoldSentence, summed_by

from spacy_ner_plus.metrics.bootstrap import percentile_interval, resample
from spacy_ner_plus.metrics.depth_scores import (
    FOUND,
    GOLD,
    PREDICTED,
    RIGHT,
    count_by_depth,
    depth_scores,
)
from spacy_ner_plus.metrics.reliability import expected_calibration_error
from spacy_ner_plus.nesting.span_relations import PlacedSpan, depths

LEVELS = ALL, OUTER, INNER = ("all", "outer", "inner")
# Of depth_scores.
PRECISION, RECALL, F1 = range(3)
ScoredSpan = tuple[int, int, str, float]
"""Start, end, label and probability."""


@dataclass(frozen=True)
class Difference:
    """F1 of a system minus that of another one, in percent, with its 95 % interval."""

    f1: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.f1:+.2f} ({self.low:+.2f} to {self.high:+.2f})"


def level_counts(gold: Sequence[GoldSentence], found: Sequence[Sequence[ScoredSpan]]) -> np.ndarray:
    """What is found of each document at each level.

    RETURNS: (n_documents, 2, 4) int64: outer and inner, columns as those of count_by_depth.
    """
    pairs = zip(gold, found, strict=True)
    tables = [_of_sentence(sentence, [span[:3] for span in spans]) for sentence, spans in pairs]
    of_sentences = np.stack(tables)  # (n_sentences, 2, 4)
    return summed_by(of_sentences, [sentence.document for sentence in gold])


def level_scores(counts: np.ndarray) -> np.ndarray:
    """Precision, recall and F1 in percent of sums of counts.

    counts: (..., 2, 4). RETURNS: (..., 3, 3), rows as in LEVELS.
    """
    together = counts.sum(axis=-2, keepdims=True)  # (..., 1, 4)
    return 100 * depth_scores(np.concatenate([together, counts], axis=-2))


def differences(
    counts: np.ndarray, others: np.ndarray, samples: int, seed: int
) -> dict[str, Difference]:
    """By level, how far F1 is ahead of that of another system, by the paired bootstrap.

    counts, others: (n_documents, 2, 4), of the same documents.
    """
    both = np.stack([others, counts], axis=1)  # (n_documents, 2 systems, 2, 4)
    f1 = level_scores(both.sum(axis=0))[..., F1]  # (2 systems, 3)
    drawn = level_scores(resample(both, samples, seed))[..., F1]  # (samples, 2 systems, 3)
    ends = percentile_interval(drawn[:, 1] - drawn[:, 0])  # (3, 2)
    return {
        level: Difference(*map(float, (ahead, *own)))
        for level, ahead, own in zip(LEVELS, f1[1] - f1[0], ends, strict=True)
    }


def calibration_error(gold: Sequence[GoldSentence], found: Sequence[Sequence[ScoredSpan]]) -> float:
    """The expected calibration error of what was found; nan for nothing."""
    rows = [
        (probability, (start, end, label) in sentence.spans)
        for sentence, spans in zip(gold, found, strict=True)
        for start, end, label, probability in spans
    ]
    if not rows:
        return float("nan")
    probabilities, correct = map(np.array, zip(*rows, strict=True))  # (n,) each
    return expected_calibration_error(probabilities, correct)


def _of_sentence(sentence: GoldSentence, found: list[PlacedSpan]) -> np.ndarray:
    """(2, 4)."""
    if sentence.layers is not None:
        return _on_layers(sentence, found)
    by_depth = count_by_depth([sentence.spans], [found])[0]  # (n_depths, 4)
    return np.stack([by_depth[0], by_depth[1:].sum(axis=0)])


def _on_layers(sentence: GoldSentence, found: list[PlacedSpan]) -> np.ndarray:
    """(2, 4): what is right is right on its level."""
    assert sentence.layers is not None
    pairs = zip(sentence.spans, sentence.layers, strict=True)
    gold = Counter((span, layer > 1) for span, layer in pairs)
    depth_of = depths(span[:2] for span in found)
    predicted = Counter((span, depth_of[span[:2]] > 0) for span in found)
    right = gold & predicted
    table = np.zeros((2, 4), dtype=np.int64)
    columns = {GOLD: gold, FOUND: right, PREDICTED: predicted, RIGHT: right}
    for column, spans in columns.items():
        for (_, is_inner), n in spans.items():
            table[int(is_inner), column] += n
    return table
