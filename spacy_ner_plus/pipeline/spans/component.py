"""The component itself: its settings, predicting, and how sure it is."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model

from ...annotation.gold import register_annotated_labels
from ...annotation.unknown_group import INCORRECT_SPANS
from ...metrics.candidate_agreement import CandidateAgreement
from ...models.decoding.entities import Entities
from ...models.decoding.row_features import RowFeatures
from ...models.decoding.span_calibration import SpanCalibration
from ...models.decoding.span_choice import check_allow
from ...models.decoding.span_decoder import FLOOR
from ...models.runtime.span_shim import span_shim_of
from ..capabilities import Uncertainty
from ..incorrect_survey import check_incorrect_key
from ..ner_plus.options import LabelWeights, fault_of_weights, read_label_weights
from ..thresholds import Threshold, thresholds
from ..updating import UpdateCounts
from ..validators import Validators
from .judging_spans import JUDGED_FROM, CalibratedSpans, Choose, JudgedSpans, score_docs
from .learning import BALANCED, SpanLearningPipe
from .options import (
    check_flag,
    check_group_key,
    read_boundary_smoothing,
    read_negative_weight,
)
from .span_annotator import SpanAnnotator
from .span_token_labels import SUMMED, label_probabilities_of_spans
from .span_uncertainties import LOOKED_AT, uncertainties_of_spans


class NerPlusSpans(SpanLearningPipe):
    """Recognition of entities that may lie within each other.

    Sets doc.spans[spans_key], and doc.ents if it shall. The probability of a span is that of
    exactly this span with exactly this label, whatever else is there; with allow = "flat", given
    that no two spans overlap.

    vocab (Vocab): The shared vocabulary.
    model (Model[List[Doc], RowFeatures]): The model; its SpanShim knows the labels.
    name (str): The component's name in the pipeline.
    spans_key, allow, threshold, set_ents, existing_ents, learn_ents, label_weights,
        negative_weight, boundary_smoothing, scorer, validators, incorrect_spans_key: See
        make_ner_plus_spans.
    RAISES ValueError: If the model is of another kind, or a setting is unknown.

    Attributes:
        crossings (Counter): How many groups of crossing spans were decided in an "exact" way, and
            how many were too large for it ("greedy"), in this process.
        left_out (int): How often there were annotated spans in updates that the head can't learn.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], RowFeatures],
        name: str = "ner_plus_spans",
        *,
        spans_key: str = "sc",
        allow: str = "all",
        threshold: Threshold = None,
        set_ents: bool = False,
        existing_ents: str = "keep",
        learn_ents: bool = True,
        label_weights: LabelWeights = None,
        negative_weight: float = 1.0,
        boundary_smoothing: float = 0.0,
        scorer: Callable[..., dict[str, Any]] | None = None,
        validators: Validators = None,
        incorrect_spans_key: str | None = INCORRECT_SPANS,
    ) -> None:
        span_shim_of(model)
        check_group_key(spans_key)
        check_incorrect_key(incorrect_spans_key, spans_key)
        self.incorrect_spans_key = incorrect_spans_key
        super().__init__(
            vocab,
            model,
            name,
            existing_ents=existing_ents,
            spans_key=spans_key,
            threshold=threshold,
            scorer=scorer,
            validators=validators,
        )
        self.allow = allow
        self.set_ents = set_ents
        self.learn_ents = learn_ents
        self.label_weights = read_label_weights(label_weights)
        self.negative_weight = read_negative_weight(negative_weight)
        self.boundary_smoothing = read_boundary_smoothing(boundary_smoothing)
        self.check_settings()
        self.cfg = {BALANCED: {}}
        self.progress = UpdateCounts()
        self.crossings: Counter[str] = Counter()
        self.left_out = 0
        register_annotated_labels()

    @property
    def nested_key(self) -> str:
        """Where in doc.spans the spans are, found ones and annotated ones."""
        return str(self.spans_key)

    def check_settings(self) -> None:
        """RAISES ValueError: If a setting that says what is written to Docs is unknown."""
        check_group_key(self.spans_key)
        super().check_settings()
        check_allow(self.allow)
        check_flag("set_ents", self.set_ents)
        check_flag("learn_ents", self.learn_ents)

    # Predicting

    def predict(self, docs: Iterable[Doc]) -> list[Entities]:
        """Score the spans of some Docs, without changing them.

        docs (Iterable[Doc]): The documents, of any length.
        RETURNS (List[Entities]): Per Doc, all spans that are probable enough to be looked at (0.05,
            or the least threshold, if that is lower), with indices into `labels` and probabilities.
            set_annotations chooses among them.
        """
        return self._scored(list(docs), self.calibration, _floor(self.thresholds()))

    def predict_under(self, docs: Iterable[Doc], calibration: SpanCalibration) -> list[Entities]:
        """As predict, with the scores that the spans would have on a Doc under a calibration.

        They are those of predict, but with allow = "flat": then given that no two spans overlap.
        """
        docs = list(docs)
        least = self._thresholds_under(calibration)  # (n_labels,)
        choose = self._annotator(least, Counter(), Counter()).choose
        found = zip(docs, self._scored(docs, calibration, _floor(least)), strict=True)
        chosen = [choose(doc, entities) for doc, entities in found]
        return [replace(spans, probabilities=choice.scores) for spans, choice in chosen]

    def thresholds(self) -> np.ndarray:
        """See EntityPipe.thresholds.

        Where none is set, it is that of the calibration: the one of the highest expected F1, or 0.5
        before anything was fitted.
        """
        return self._thresholds_under(self.calibration)

    def _thresholds_under(self, calibration: SpanCalibration) -> np.ndarray:
        return thresholds(self.threshold, self.labels, calibration.threshold)

    def _scored(
        self, docs: list[Doc], calibration: SpanCalibration, floor: float
    ) -> list[Entities]:
        rows = self.model.predict(docs)
        return self.span_shim.decoder.find_spans(rows, floor=floor, calibration=calibration)

    def annotator(self) -> SpanAnnotator:
        """See EntityPipe.annotator."""
        return self._annotator(self.thresholds(), self.crossings, self.refused)

    def _annotator(
        self, least: np.ndarray, crossings: Counter[str], refused: Counter[str]
    ) -> SpanAnnotator:
        self.check_settings()
        return SpanAnnotator(
            self.name,
            [self.vocab.strings.add(label) for label in self.labels],
            least,
            spans_key=str(self.spans_key),
            allow=self.allow,
            sets_ents=self.set_ents,
            crossings=crossings,
            overwrites=self.existing_ents == "overwrite",
            checks=self.checks(),
            refused=refused,
        )

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score examples with the scorer, which gets to know where the spans are.

        examples (Iterable[Example]): The predicted and the reference Docs.
        """
        # spans_key is what spaCy's scorer of spancat asks for
        where = {"nested_key": self.nested_key, "spans_key": self.spans_key}
        scores: dict[str, Any] = super().score(
            examples, **where, with_ents=self.learn_ents, **kwargs
        )
        return scores

    # How sure it is

    def uncertainties(
        self, docs: Sequence[Doc], parts: Sequence[Sequence[Doc | Span]]
    ) -> list[list[Uncertainty]]:
        """How undecided it is about parts of each document, as if spans were independent.

        See KnowsUncertainty.
        """
        found = self._scored(list(docs), self.calibration, LOOKED_AT)
        rows = zip(found, docs, parts, strict=True)
        return [uncertainties_of_spans(*row) for row in rows]

    def label_probabilities(self, docs: Sequence[Doc], least: float = FLOOR) -> list[np.ndarray]:
        """How probable it is that each token is in an entity of each type.

        As if spans were independent, of those that are not much less probable than `least`: see
        KnowsTokenLabels.

        RETURNS (List[ndarray]): Per Doc, (n_tokens, n_labels) float64.
        """
        docs = list(docs)
        found = self._scored(docs, self.calibration, min(FLOOR, least / SUMMED))
        n_labels = len(self.labels)
        return [
            label_probabilities_of_spans(spans, len(doc), n_labels)
            for spans, doc in zip(found, docs, strict=True)
        ]

    @property
    def calibration(self) -> SpanCalibration:
        """What is between the model's scores and its probabilities: saved with the labels."""
        return self.span_shim.calibration

    @calibration.setter
    def calibration(self, calibration: SpanCalibration) -> None:
        self.span_shim.calibration = calibration

    @property
    def uncalibrated(self) -> SpanCalibration:
        """What corrects for the weight of negatives, and nothing else."""
        return SpanCalibration(self.calibration.negative_weight)

    def judge(self, examples: Iterable[Example]) -> JudgedSpans:
        """Score the spans of annotated documents; those without annotation are left out.

        The model is run once, whatever the calibrations.

        RETURNS (JudgedSpans): Each span, with whether it is right.
        """
        base = self.uncalibrated
        floor = min(_floor(self._thresholds_under(base)), JUDGED_FROM)
        docs, gold_labels = score_docs(
            lambda docs: self._scored(docs, base, floor),
            examples,
            self.labels,
            self.gold_sources,
        )

        def choosing(under: SpanCalibration) -> Choose:
            least = self._thresholds_under(under)  # (n_labels,)
            annotator = self._annotator(least, Counter(), Counter())

            def choose(doc: Doc, entities: Entities) -> Entities:
                likely = entities.some(entities.probabilities >= _floor(least))
                spans, choice = annotator.choose(doc, likely)
                return choice.of(spans)

            return choose

        return JudgedSpans(docs, self.labels, gold_labels=gold_labels, base=base, choosing=choosing)

    def calibrate(self, examples: Iterable[Example], form: str = "line") -> CalibratedSpans:
        """Make probabilities agree with how often they come true.

        They are fitted on annotated documents that the model was not trained on: a line for each
        label with 100 candidates, spans with a probability of 0.05 at least, and one for the others
        together. Where a threshold is set, or spans exclude each other, the spans that are found
        may change: both go by the new probabilities.

        examples (Iterable[Example]): Some hundreds of spans at least, better thousands.
        form (str): "line" for slope and intercept, "temperature" for the slope alone.
        RETURNS (CalibratedSpans): What was fitted, and where there was too little for it; and how
            well probabilities agreed with the annotation before and after.
        RAISES ValueError: If the form is unknown, or there are too few candidates.
        """
        judged = self.judge(examples)
        fitted = judged.fit(form)
        before, self.calibration = self.calibration, fitted.calibration
        return CalibratedSpans(
            fitted, before=judged.candidates(before), after=judged.candidates(self.calibration)
        )

    def agreement(self, examples: Iterable[Example]) -> CandidateAgreement:
        """How well probabilities agree with the annotation of documents, as they are now."""
        return self.judge(examples).candidates(self.calibration)

    # What is saved of it

    def fault_of(self, cfg: Mapping[str, Any]) -> str | None:
        """See SavedPipe.fault_of. Weights of labels are looked at."""
        return fault_of_weights(cfg.get(BALANCED)) or super().fault_of(cfg)


def _floor(least: np.ndarray) -> float:
    """The least probability of spans that are looked at. least: (n_labels,), the thresholds."""
    return float(least.min(initial=FLOOR))
