"""Scored spans of annotated documents, with whether each is right, and what is fitted to them.

A calibration of spans may change what is returned: thresholds and the choice among spans that
overlap go by the new probabilities. So all that might be returned under any calibration is kept,
and chosen from anew under each.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from ...annotation.gold import annotated_labels
from ...annotation.nested_gold import GoldSources, NestedGold, nested_gold
from ...metrics.candidate_agreement import (
    LEAST_PROBABILITY,
    AgreementByLevel,
    CandidateAgreement,
    agreement_by_level,
)
from ...metrics.reliability import Agreement
from ...models.decoding.entities import Entities
from ...models.decoding.span_calibration import (
    SpanCalibration,
    SpanCalibrationFit,
    best_threshold,
    fit_span_calibration,
)
from ...nesting.inside import lie_inside
from ..judged_entities import TooFewEntitiesError

BATCH_SIZE = 32
# Spans that are less probable before calibration are returned under none that is of any use.
JUDGED_FROM = 0.005

Columns = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Probabilities (n,) float64, whether each span is right (n,) bool, whether it is inner (n,)."""
Choose = Callable[[Doc, Entities], Entities]
"""Gives the spans that are returned of those that were scored in a Doc, with their scores."""


@dataclass(frozen=True)
class ScoredDoc:
    """The scored spans of a Doc, and what its annotation says of each.

    spans (Entities): With their probabilities before calibration, n of them.
    can_judge: (n,) bool, whether it would be known of each if it were wrong. correct: (n,) bool.
    n_gold (int): Annotated spans that can be judged, scored or not.
    """

    doc: Doc
    spans: Entities
    can_judge: np.ndarray
    correct: np.ndarray
    n_gold: int


@dataclass(frozen=True)
class CalibratedSpans:
    """A calibration, and how well probabilities agreed with the annotation before it and after.

    fit (SpanCalibrationFit): How it came out.
    before, after (CandidateAgreement): On the documents that it was fitted to, so a little too
        good.
    """

    fit: SpanCalibrationFit
    before: CandidateAgreement
    after: CandidateAgreement


class JudgedSpans:
    """The spans that a component scores in annotated documents, and whether each is right.

    docs (Sequence[ScoredDoc]): The documents.
    names (Sequence[str]): What the spans' labels are indices into.
    gold_labels (Set[str]): The types of annotated spans.
    base (SpanCalibration): Under which the spans were scored. It has the weight of the negatives,
        and nothing fitted.
    choosing (Callable): Gives, for a calibration, what the component returns of the spans of a Doc
        that have probabilities by it, with the scores that it writes.

    Attributes:
        labels (Set[str]): The types of candidates that can be judged.
    """

    def __init__(
        self,
        docs: Sequence[ScoredDoc],
        names: Sequence[str],
        *,
        gold_labels: set[str],
        base: SpanCalibration,
        choosing: Callable[[SpanCalibration], Choose],
    ) -> None:
        self._docs = docs
        self._names = names
        self._base = base
        self._choosing = choosing
        self.gold_labels = gold_labels
        self.labels = {
            names[i] for its in docs for i in np.unique(its.spans.labels[_candidates(its)]).tolist()
        }

    def fit(self, form: str = "line") -> SpanCalibrationFit:
        """The calibration that makes the probabilities of candidates most likely, with a threshold.

        form (str): See fit_span_calibration.
        RAISES ValueError: The form is unknown.
        RAISES TooFewEntitiesError: If there are too few candidates, or too few right or wrong ones.
        """
        nothing = (np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool))
        columns = [nothing]
        for its in self._docs:
            own = _candidates(its)
            columns.append((its.spans.probabilities[own], its.spans.labels[own], its.correct[own]))
        probabilities, labels, correct = (np.concatenate(one) for one in zip(*columns, strict=True))
        fitted = fit_span_calibration(probabilities, labels, correct, self._names, form=form)
        if not fitted.n_predictions and fitted.problem is not None:
            raise TooFewEntitiesError(
                "The spans that are scored in the annotated documents are nothing to calibrate it "
                f"with: {fitted.problem}. Use more documents, and ones that it was not trained on."
            )
        calibrated = fitted.calibration.of_spans(probabilities, labels, self._names)  # (n,)
        calibration = replace(
            fitted.calibration,
            negative_weight=self._base.negative_weight,
            threshold=best_threshold(calibrated, sum(its.n_gold for its in self._docs)),
        )
        return replace(fitted, calibration=calibration)

    def agreement(self, under: SpanCalibration) -> Agreement:
        """How well the scores of returned spans agree with what is right."""
        return self.candidates(under).returned.total

    def candidates(self, under: SpanCalibration) -> CandidateAgreement:
        """The same of all candidates, too, and of outermost and inner spans apart."""
        returned, candidates = [], []
        choose, further = self._choosing(under), replace(under, negative_weight=1.0)
        for its in self._docs:
            of_returned, of_candidates = self._columns(its, further, choose)
            returned.append(of_returned)
            candidates.append(of_candidates)
        return CandidateAgreement(_agreement(returned), _agreement(candidates))

    def _columns(
        self, its: ScoredDoc, under: SpanCalibration, choose: Choose
    ) -> tuple[Columns, Columns]:
        """Of the spans of a Doc that are returned, and of its candidates; only judged ones."""
        spans = its.spans
        own = under.of_spans(spans.probabilities, spans.labels, self._names)  # (n,)
        calibrated = replace(spans, probabilities=own)
        returned = choose(its.doc, calibrated)
        place_of = {place: i for i, place in enumerate(_places(spans))}
        at = np.array([place_of[place] for place in _places(returned)], dtype=np.int64)
        is_inner = lie_inside(spans.starts, spans.ends, returned.starts, returned.ends)  # (n,)
        judged = its.can_judge[at]  # (n_returned,)
        candidates = _candidates(its)  # (n_candidates,)
        return (
            (returned.probabilities[judged], its.correct[at][judged], is_inner[at][judged]),
            (own[candidates], its.correct[candidates], is_inner[candidates]),
        )


def score_docs(
    score: Callable[[list[Doc]], list[Entities]],
    examples: Iterable[Example],
    labels: Sequence[str],
    sources: GoldSources,
) -> tuple[list[ScoredDoc], set[str]]:
    """Score the spans of annotated documents, and look whether each is right.

    A span of which a token is not annotated, or whose label the document is not annotated for, is
    neither right nor wrong, also if it is annotated itself: there only right ones are known, and
    probabilities that are fitted to these would be too high. So is one that touches an annotated
    span of its label that does not fit the tokens. Documents without annotation are left out.

    score (Callable): Gives the scored spans of some Docs.
    labels (Sequence[str]): What their labels are indices into.
    sources (GoldSources): Where the annotation is.
    RETURNS (Tuple[List[ScoredDoc], Set[str]]): The documents, and the types of annotated spans.
    """
    docs: list[ScoredDoc] = []
    gold_labels: set[str] = set()
    known = (example for example in examples if sources.is_set(example.reference))
    for batch in minibatch(known, BATCH_SIZE):
        found = score([example.predicted for example in batch])
        for example, spans in zip(batch, found, strict=True):
            gold = nested_gold(example, sources)
            gold_labels |= {span.label_ for span in gold.spans}
            docs.append(_judged(example, spans, labels, gold))
    return docs, gold_labels


def _candidates(its: ScoredDoc) -> np.ndarray:
    """The indices of the spans that are not improbable and can be judged, (n_candidates,) int64."""
    return np.flatnonzero(its.can_judge & (its.spans.probabilities >= LEAST_PROBABILITY))


def _judged(
    example: Example, spans: Entities, labels: Sequence[str], gold: NestedGold
) -> ScoredDoc:
    """What the annotation says of scored spans, whose labels are indices into `labels`."""
    annotated = annotated_labels(example.reference)
    is_annotated = np.array([annotated is None or label in annotated for label in labels])
    n_unknown = np.concatenate([[0], np.cumsum(~gold.known)])  # (n_tokens + 1,)
    lost = [
        (tokens[0], tokens[-1] + 1, labels.index(its.entity.label_))
        for its, tokens in zip(gold.lost, gold.lost_tokens, strict=True)
        if len(tokens) and its.entity.label_ in labels
    ]

    def can_judge(starts: np.ndarray, ends: np.ndarray, of_labels: np.ndarray) -> np.ndarray:
        """Of some places with labels, (n,) int64 each: (n,) bool."""
        judged = (n_unknown[starts] == n_unknown[ends]) & is_annotated[of_labels]  # (n,)
        for first, last, label in lost:
            judged &= ~((starts < last) & (ends > first) & (of_labels == label))
        return judged

    right = [
        (span.start, span.end, labels.index(span.label_))
        for span in gold.spans
        if span.label_ in labels
    ]
    places = set(right)
    of_gold = np.array(right, dtype=np.int64).reshape(-1, 3)  # (n_right, 3)
    return ScoredDoc(
        example.predicted,
        spans,
        can_judge(spans.starts, spans.ends, spans.labels),
        np.array([place in places for place in _places(spans)], dtype=bool),
        n_gold=int(can_judge(*of_gold.T).sum()),
    )


def _places(spans: Entities) -> Iterator[tuple[int, int, int]]:
    """Start, end and label of each."""
    return zip(spans.starts.tolist(), spans.ends.tolist(), spans.labels.tolist(), strict=True)


def _agreement(columns: Sequence[Columns]) -> AgreementByLevel:
    nothing = (np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0, dtype=bool))
    return agreement_by_level(
        *(np.concatenate(column) for column in zip(nothing, *columns, strict=True))
    )
