"""Precision, recall and F1 of exact span matches, per type, micro and macro."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Span = tuple[int, int, str]
"""Start, end (exclusive), label."""


@dataclass(frozen=True)
class Counts:
    """True positives, false positives and false negatives. A ratio without cases is 0.0."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def support(self) -> int:
        """Number of gold spans."""
        return self.tp + self.fn

    @property
    def precision(self) -> float:
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)


@dataclass(frozen=True)
class Summary:
    """Scores of a corpus.

    per_type (Dict[str, Counts]): Sorted by label; the types with gold or predicted spans.
    micro (Counts): The sum over the types.
    macro_precision, macro_recall, macro_f1 (float): The mean over the types in `per_type`, each
        with the same weight (macro F1 is the mean of F1 scores, as in seqeval). A type that has
        neither gold nor predicted spans does not take part. 0.0 if there is no type.
    """

    per_type: dict[str, Counts]
    micro: Counts
    macro_precision: float
    macro_recall: float
    macro_f1: float


def count_spans(gold: Iterable[Span], predicted: Iterable[Span]) -> dict[str, Counts]:
    """Compare the spans of one document. A span is right if start, end and label are.

    gold, predicted (Iterable[Span]): Start, end and label; may overlap, a repeated span counts
        once. Leave out predicted spans that touch missing annotation: they are neither right nor
        wrong.
    RETURNS (Dict[str, Counts]): The types that occur in either.
    """
    gold, predicted = set(gold), set(predicted)
    right = Counter(label for _, _, label in gold & predicted)
    wrong = Counter(label for _, _, label in predicted - gold)
    missed = Counter(label for _, _, label in gold - predicted)
    labels = sorted(right.keys() | wrong.keys() | missed.keys())
    return {label: Counts(right[label], wrong[label], missed[label]) for label in labels}


def summarise(documents: Iterable[Mapping[str, Counts]]) -> Summary:
    """Add up the counts of documents, as `count_spans` returns them."""
    totals: dict[str, Counts] = {}
    for document in documents:
        for label, counts in document.items():
            totals[label] = totals.get(label, Counts()) + counts
    per_type = {label: totals[label] for label in sorted(totals) if totals[label] != Counts()}
    types = list(per_type.values())
    return Summary(
        per_type=per_type,
        micro=sum(types, Counts()),
        macro_precision=_ratio(sum(counts.precision for counts in types), len(types)),
        macro_recall=_ratio(sum(counts.recall for counts in types), len(types)),
        macro_f1=_ratio(sum(counts.f1 for counts in types), len(types)),
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
