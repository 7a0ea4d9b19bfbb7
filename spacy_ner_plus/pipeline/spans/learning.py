"""The labels of a component whose model scores spans, and how it learns."""

import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from spacy.language import Language
from spacy.training import Example, validate_get_examples
from spacy.util import minibatch
from thinc.api import Optimizer
from torch import Tensor

from ...annotation.nested_gold import GoldSources
from ...models.architectures.bilstm_vectors import count_words
from ...models.decoding.row_features import RowFeatures
from ...models.decoding.row_gold import RowGold
from ...models.decoding.span_calibration import SpanCalibration
from ...models.decoding.span_decoder import SpanLearning
from ...models.decoding.span_losses import span_gradient
from ...models.runtime.span_shim import SpanShim, span_shim_of
from ..ner_plus.examples import check_losses
from ..ner_plus.options import (
    LabelWeights,
    balanced_weights,
    check_weighted_labels,
    read_label_weights,
)
from ..thresholds import thresholds
from ..updating import UpdatedPipe
from ..validators import checks
from .examples import check_span_label, choose_span_labels, survey_spans
from .excluding import warn_of_excluding
from .left_out import LeftOutCounts
from .options import read_boundary_smoothing, read_negative_weight
from .row_reading import read_gold, word_tokens

# Documents of which the annotation is counted at once.
BATCH_SIZE = 64
BALANCED = "balanced"  # in cfg


class SpanLearningPipe(UpdatedPipe):
    """A component with a head of spans, which learns labels.

    model (Model[List[Doc], RowFeatures]): The model; its SpanShim knows the labels.
    allow, learn_ents, label_weights, negative_weight, boundary_smoothing, incorrect_spans_key: See
        make_ner_plus_spans.
    """

    allow: str
    learn_ents: bool
    label_weights: LabelWeights
    negative_weight: float
    boundary_smoothing: float
    incorrect_spans_key: str | None
    left_out: int
    _has_told = False  # in this process, that there are spans that can't be learned

    # Labels

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of spans that the component can predict."""
        return self.span_shim.labels

    @property
    def span_shim(self) -> SpanShim:
        """The part of the model that knows the labels."""
        return span_shim_of(self.model)

    def add_label(self, label: str) -> int:
        """Add a type of spans, before training or after.

        A trained model keeps all its weights. The new type starts as a very improbable one; train
        with examples of it, and see doc._.annotated_labels for keeping the others. With CRFs it has
        as many levels as the type with the most.

        label (str): The type. White space around it is an error: it would make another type.
        RETURNS (int): 0 if it is there already, 1 if it was added.
        """
        if label in self.labels:
            return 0
        check_span_label("The label", label)
        labels = [*self.labels, label]
        if self.span_shim.is_built:
            self.span_shim.grow(labels)
        else:
            self.span_shim.start(labels)
        self.vocab.strings.add(label)
        return 1

    # Learning

    @property
    def gold_sources(self) -> GoldSources:
        """Where annotation is looked for."""
        return GoldSources(self.spans_key, with_ents=self.learn_ents)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
    ) -> None:
        """Load the pretrained encoder, set up the labels, and begin with their priors.

        get_examples (Callable[[], Iterable[Example]]): Returns examples of the training data, each
            time it is called.
        nlp (Language): The pipeline.
        labels (List[str]): The types, in this order. If None, those of the examples and those added
            with add_label, sorted.
        RAISES ValueError: If there are no labels, an example has one that is not among those given,
            a setting names a type that there is not, or the encoder can't be loaded.
        """
        validate_get_examples(get_examples, f"{self.name}.initialize")
        self.span_shim.check_can_learn()
        counts = count_words(self.model)
        seen = survey_spans(
            get_examples(), self.name, self.gold_sources, counts, self.incorrect_spans_key
        )
        where = f"doc.spans[{self.spans_key!r}]" + (" or doc.ents" if self.learn_ents else "")
        labels = choose_span_labels(seen, labels, self.labels, self.name, where)
        seen.incorrect.warn(labels, self.name)
        check_weighted_labels(self.label_weights, labels)
        thresholds(self.threshold, labels)  # before there is anything to lose
        checks(self.validators, tuple(labels), self._validator_limits)
        self.span_shim.decoder_type.check_learning(self._learning_of_negatives())
        chains = self.span_shim.plan_chains(labels, self._gold_batches(get_examples(), labels))
        self.span_shim.start(labels, chains)
        for label in labels:
            self.vocab.strings.add(label)
        self.cfg[BALANCED] = balanced_weights(seen.counts, labels)
        warn_of_excluding(seen.nesting, self.allow, self.name)
        self.model.initialize(X=seen.sample)
        self._begin(get_examples(), seen.counts)

    def _begin(self, examples: Iterable[Example], counts: Counter[str]) -> None:
        shim, learning = self.span_shim, self._learning()
        shim.calibration = _calibrated_for(learning, SpanCalibration())
        left_out = LeftOutCounts(shim.decoder)
        batches = left_out.counting(self._gold_batches(examples, self.labels))
        shim.decoder.begin_with(batches, learning)
        deque(batches, maxlen=0)  # those that it did not ask for
        left_out.warn(counts, self.name)
        self._has_told = True

    def _gold_batches(
        self, examples: Iterable[Example], labels: Sequence[str]
    ) -> Iterator[list[RowGold]]:
        for batch in minibatch(examples, BATCH_SIZE):
            yield [self._read_gold(example, word_tokens(example), labels) for example in batch]

    def _read_gold(
        self, example: Example, row_tokens: np.ndarray, labels: Sequence[str]
    ) -> RowGold:
        return read_gold(example, row_tokens, labels, self.gold_sources, self.incorrect_spans_key)

    def get_loss(self, examples: Iterable[Example], scores: RowFeatures) -> tuple[float, Tensor]:
        """The loss of a batch and its gradient with respect to the features of its tokens.

        examples (Iterable[Example]): The batch.
        scores (RowFeatures): What the model's begin_update or predict gave for its Docs.
        RETURNS (Tuple[float, Tensor]): The mean of the head's loss in nats a token, and (n_rows,
            n_features). It is the binary cross-entropy of all spans and labels that start at an
            annotated token, and of those that are known to be wrong; or the negative
            log-likelihood of all CRFs, or their sum. The head's own parameters collect their
            gradients on the way.
        RAISES ValueError: If a document has labels that it can't have, or the loss is no number.
        """
        examples = list(examples)
        gold = [
            self._read_gold(example, tokens, self.labels)
            for example, tokens in zip(examples, scores.row_tokens, strict=True)
        ]
        learning = self._learning()
        found = span_gradient(self.span_shim.decoder, scores, gold, learning)
        check_losses(found.losses, examples)
        self._tell_of_left_out(found.n_left_out)
        if not found.n_known:
            self.warn_of_no_annotation(
                f"doc.spans[{self.spans_key!r}] of its documents (an empty group says that there "
                "are none)"
            )
        return float(found.losses.sum()) / max(1, found.n_known), found.gradient

    def _tell_of_left_out(self, n_left_out: int) -> None:
        self.left_out += n_left_out
        if n_left_out and not self._has_told:
            self._has_told = True
            warnings.warn(
                f"There are annotated spans in the documents that '{self.name}' learns from that "
                "its head can't learn. It was made for other data: initialize with all of it tells "
                "why, and `left_out` counts them.",
                stacklevel=4,
            )

    def finish_update(self, sgd: Optimizer) -> None:
        """Take a step with the gradients that were collected.

        sgd (Optimizer): thinc's optimizer.
        """
        super().finish_update(sgd)
        shim = self.span_shim
        shim.calibration = _calibrated_for(self._learning(), shim.calibration)

    def _learning(self) -> SpanLearning:
        """The settings as they are now.

        RAISES ValueError: If one is wrong, or means nothing to the head.
        """
        weights = read_label_weights(self.label_weights)
        if isinstance(weights, str):
            weights = self.cfg[BALANCED]
        check_weighted_labels(weights, self.labels)
        learning = self._learning_of_negatives()
        self.span_shim.decoder_type.check_learning(learning)
        if weights is None:
            return learning
        return replace(learning, label_weights=_by_label(weights, self.labels))

    def _learning_of_negatives(self) -> SpanLearning:
        """The settings that need no labels."""
        return SpanLearning(
            negative_weight=read_negative_weight(self.negative_weight),
            smoothing=read_boundary_smoothing(self.boundary_smoothing),
        )

    def rehearse(self, examples: Iterable[Example], **kwargs: Any) -> NoReturn:
        """RAISES ValueError: Always. It says what to do instead."""
        raise ValueError(
            f"'{self.name}' has nothing that rehearses: leave it out with "
            f"nlp.rehearse(examples, exclude=[{self.name!r}]). To keep what it knows, go on "
            "training with documents of the old types too, and say by doc._.annotated_labels which "
            "types a document is annotated for."
        )


def _calibrated_for(learning: SpanLearning, calibration: SpanCalibration) -> SpanCalibration:
    """The calibration with the weight of negatives that is learned with."""
    return replace(calibration, negative_weight=learning.negative_weight)


def _by_label(weights: Mapping[str, float], labels: Iterable[str]) -> np.ndarray:
    """(n_labels,) float64; 1 for labels without a weight."""
    return np.array([weights.get(label, 1.0) for label in labels], dtype=np.float64)
