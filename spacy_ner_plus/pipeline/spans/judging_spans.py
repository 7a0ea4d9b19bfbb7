"""Scored spans of annotated documents, with whether each is right, and what is fitted to them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from ...annotation.gold import annotated_labels
from ...annotation.nested_gold import GoldSources, nested_gold
from ...metrics.reliability import Agreement, agreement
from ...models.decoding.entities import Entities
from ...models.decoding.span_calibration import SpanCalibrationFit, fit_span_calibration

BATCH_SIZE = 32


@dataclass(frozen=True)
class JudgedSpans:
    """Scored spans that can be judged, of some documents.

    probabilities: (n,) float64. labels: (n,) int64. correct: (n,) bool.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    correct: np.ndarray

    def agreement(self) -> Agreement:
        """How well the probabilities agree with what is right."""
        return agreement(self.probabilities, self.correct)


@dataclass(frozen=True)
class CalibratedSpans:
    """A calibration, and how well probabilities agreed with the annotation before it and after.

    It is of all spans that were scored, not only of those that are returned.

    fit (SpanCalibrationFit): How it came out.
    before, after (Agreement): On the documents that it was fitted to, so a little too good.
    """

    fit: SpanCalibrationFit
    before: Agreement
    after: Agreement


def judge_spans(
    score: Callable[[list[Doc]], list[Entities]],
    examples: Iterable[Example],
    labels: Sequence[str],
    sources: GoldSources,
) -> JudgedSpans:
    """Score the spans of annotated documents, and look whether each is right.

    A span of which a token is not annotated, or whose label the document is not annotated for, is
    neither right nor wrong.

    score (Callable): Gives the scored spans of some Docs.
    sources (GoldSources): Where the annotation is.
    """
    nothing = (np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool))
    columns: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = [nothing]
    for batch in minibatch(examples, BATCH_SIZE):
        found = score([example.predicted for example in batch])
        for example, spans in zip(batch, found, strict=True):
            can_judge, correct = _judge(example, spans, labels, sources)  # (n_spans,) each
            columns.append(
                (spans.probabilities[can_judge], spans.labels[can_judge], correct[can_judge])
            )
    joined = [np.concatenate(column) for column in zip(*columns, strict=True)]
    return JudgedSpans(*joined)


def fit_calibration(judged: JudgedSpans, labels: Sequence[str], form: str) -> CalibratedSpans:
    """Fit a calibration to the probabilities of judged spans.

    form (str): See fit_span_calibration.
    RAISES ValueError: The form is unknown.
    """
    fitted = fit_span_calibration(
        judged.probabilities, judged.labels, judged.correct, labels, form=form
    )
    after = fitted.calibration.of_spans(judged.probabilities, judged.labels, labels)
    agreed = replace(judged, probabilities=after).agreement()
    return CalibratedSpans(fitted, judged.agreement(), agreed)


def _judge(
    example: Example, spans: Entities, labels: Sequence[str], sources: GoldSources
) -> tuple[np.ndarray, np.ndarray]:
    gold = nested_gold(example, sources)
    right = {(span.start, span.end, span.label_) for span in gold.spans}
    n_unknown = np.concatenate([[0], np.cumsum(~gold.known)])  # (n_tokens + 1,)
    can_judge = n_unknown[spans.starts] == n_unknown[spans.ends]  # (n_spans,)
    annotated = annotated_labels(example.reference)
    if annotated is not None:
        is_annotated = np.array([label in annotated for label in labels], dtype=bool)
        can_judge &= is_annotated[spans.labels]
    places = zip(spans.starts.tolist(), spans.ends.tolist(), spans.labels.tolist(), strict=True)
    correct = np.array(
        [(start, end, labels[label]) in right for start, end, label in places], dtype=bool
    )
    return can_judge | correct, correct
