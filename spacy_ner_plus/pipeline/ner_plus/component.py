"""The component itself: labels, learning, predicting, and how sure it is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Adam, Model, Optimizer, set_dropout_rate
from torch import Tensor

from ...annotation.existing import existing, permitted_tags
from ...annotation.gold import allowed_tags, register_annotated_labels
from ...models.architectures.token_tagger import check_rehearsal
from ...models.architectures.transformer_tagger import find_origin
from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Entities, constrain
from ...models.decoding.losses import (
    distillation_loss_and_gradient,
    loss_and_gradient,
    tag_log_weights,
)
from ...models.pretrained.tag_names import CheckpointTags
from ...models.runtime.optimizer import SAFE_ENCODER_RATE
from ...models.runtime.tagger_shim import shim_of
from ...tags import TagScheme
from ..look_ahead import look_ahead
from ..saving.pipe import SavedPipe
from . import options
from .annotating import Annotator, register_probability
from .calibrating import Agreement, fit, judge
from .examples import check_losses, choose_labels, survey
from .options import LabelWeights, Threshold
from .readings import (
    Reading,
    TagProbabilities,
    k_best_readings,
    sequence_entropy,
    tag_probabilities,
)


@dataclass
class UpdateCounts:
    """What a component has learned from since it was made: a TrainingProgress for the logger."""

    words: int = 0
    loss: float = 0.0


class NerPlus(SavedPipe):
    """Named entity recognition with exact probabilities.

    Sets doc.ents, ent._.probability and doc.spans[spans_key]. The probability of an entity is
    that of exactly this span with exactly this label under the model.

    vocab (Vocab): The shared vocabulary.
    model (Model[List[Doc], Emissions]): The model; its TaggerShim knows the tags.
    name (str): The component's name in the pipeline.
    tag_scheme, existing_ents, spans_key, threshold, label_weights, label_smoothing, scorer: See
        make_ner_plus.
    RAISES ValueError: If a setting is unknown.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Emissions],
        name: str = "ner_plus",
        *,
        tag_scheme: str = "BILOU",
        existing_ents: str = "keep",
        spans_key: str | None = "ner_plus",
        threshold: Threshold = None,
        label_weights: LabelWeights = None,
        label_smoothing: float = 0.0,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        options.check_existing_ents(existing_ents)
        options.check_threshold(threshold)
        options.check_label_weights(label_weights)
        options.check_label_smoothing(label_smoothing)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.existing_ents = existing_ents
        self.spans_key = spans_key
        self.threshold = threshold
        self.label_weights = label_weights
        self.label_smoothing = label_smoothing
        self.scorer = scorer
        self.cfg = {"tag_scheme": tag_scheme, "labels": [], "balanced": {}}
        self.progress = UpdateCounts()
        self._rehearsal_model = None
        self._set_labels([])
        register_probability()
        register_annotated_labels()

    # Labels

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity types that the component can predict."""
        return self.tagger.scheme.labels

    @property
    def label_data(self) -> list[str]:
        """The labels as JSON-like data, for `init labels`."""
        return list(self.labels)

    def add_label(self, label: str) -> int:
        """Add an entity type, before training or after.

        A trained model keeps all its weights. The new type starts as a very improbable one; train
        with examples of it, and see nlp.rehearse and doc._.annotated_labels for keeping the others.

        label (str): The type.
        RETURNS (int): 0 if it is there already, 1 if it was added.
        """
        if label in self.labels:
            return 0
        scheme = TagScheme(self.cfg["tag_scheme"], [*self.labels, label])
        if self.tagger.is_built:
            self.tagger.grow(scheme)
        else:
            self.tagger.start(scheme)
        self.vocab.strings.add(label)
        return 1

    def _set_labels(self, labels: Iterable[str], origin: CheckpointTags | None = None) -> None:
        scheme = TagScheme(self.cfg["tag_scheme"], list(labels))
        self._rehearsal_model = None  # a teacher of other tags
        self.tagger.start(scheme, origin)
        for label in scheme.labels:
            self.vocab.strings.add(label)

    # Learning

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
    ) -> None:
        """Load the pretrained encoder and set up the labels.

        A fine-tuned token-classification checkpoint brings its own labels and weights for them:
        then nothing else is needed to predict, and examples need not be given. Further labels
        follow after its own.

        get_examples (Callable[[], Iterable[Example]]): Returns examples of the training data.
        nlp (Language): The pipeline.
        labels (List[str]): The entity types, in this order. If None, those of the examples and
            those added with add_label, sorted. If none of them is among a checkpoint's own, only
            its encoder is used.
        RAISES ValueError: If there are no labels, an example has one that is not among those
            given, or the encoder can't be loaded.
        """
        validate_get_examples(get_examples, "NerPlus.initialize")
        seen = survey(get_examples(), self.name)
        origin = find_origin(self.model, labels)
        labels = choose_labels(seen, labels, self.labels, origin, self.name)
        options.check_weighted_labels(self.label_weights, labels)
        self._set_labels(labels, origin)
        self.cfg["balanced"] = options.balanced_weights(seen.counts, labels)
        self.model.initialize(X=seen.sample)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch.

        examples (Iterable[Example]): The batch.
        drop (float): Dropout of a tok2vec made of thinc layers. A pretrained encoder's is its
            own, and the head's is a setting of the model.
        sgd (Optimizer): Takes a step if given; else call finish_update.
        losses (Dict[str, float]): Updated under the component's name with the mean negative
            log-likelihood per annotated token, in nats.
        RETURNS (Dict[str, float]): The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "NerPlus.update")
        if not any(len(example.predicted) for example in examples):
            return losses
        set_dropout_rate(self.model, drop)
        backprop: Any  # takes the scores' gradient alone: rows have none
        emissions, backprop = self.model.begin_update([eg.predicted for eg in examples])
        loss, gradient = self.get_loss(examples, emissions)
        backprop(gradient)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        self.progress.words += sum(len(example.predicted) for example in examples)
        self.progress.loss += loss
        return losses

    def get_loss(self, examples: Iterable[Example], scores: Emissions) -> tuple[float, Tensor]:
        """The loss of a batch and its gradient with respect to the emissions.

        examples (Iterable[Example]): The batch.
        scores (Emissions): What the model's begin_update or predict gave for its Docs.
        RETURNS (Tuple[float, Tensor]): Mean negative log-likelihood per annotated token, and
            (n_rows, n_tags). The CRF's own parameters collect their gradients on the way.
        RAISES ValueError: If a document's annotation contradicts itself or the loss is no number.
        """
        examples = list(examples)
        tagger = self.tagger
        allowed = [
            allowed_tags(example, tokens, tagger.scheme)
            for example, tokens in zip(examples, scores.row_tokens, strict=True)
        ]
        losses, gradient = loss_and_gradient(
            tagger.decoder,
            scores,
            allowed,
            log_weights=self._log_weights(),
            smoothing=self.label_smoothing,
        )
        check_losses(losses, examples)
        n_annotated = sum(int((~tags.all(axis=1)).sum()) for tags in allowed)
        return float(losses.sum()) / max(1, n_annotated), gradient

    def _log_weights(self) -> np.ndarray | None:
        weights = self.label_weights
        if isinstance(weights, str):
            weights = self.cfg["balanced"]
        options.check_weighted_labels(weights, self.labels)
        return tag_log_weights(self.tagger.scheme, dict(weights)) if weights else None

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn to go on giving the tag sequences the probabilities that they had when
        nlp.resume_training was called, on examples of which the annotation is not looked at.

        Types that were added since, or have not been learned yet, are left out of the comparison.

        examples (Iterable[Example]): The batch.
        drop, sgd: As in update.
        losses (Dict[str, float]): Updated with the mean Kullback-Leibler divergence per token.
        RETURNS (Dict[str, float]): The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        if self._rehearsal_model is None:
            return losses
        examples = list(examples)
        validate_examples(examples, "NerPlus.rehearse")
        docs = [example.predicted for example in examples]
        if not any(map(len, docs)):
            return losses
        check_rehearsal(self.model, docs)
        set_dropout_rate(self.model, drop)
        teacher = shim_of(self._rehearsal_model)
        backprop: Any
        emissions, backprop = self.model.begin_update(docs)
        divergences, gradient = distillation_loss_and_gradient(
            self.tagger.decoder,
            emissions,
            teacher.decoder,
            self._rehearsal_model.predict(docs),
            teacher.n_learned_tags,
        )
        check_losses(divergences, examples)
        backprop(gradient)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += float(divergences.sum()) / max(1, len(emissions.scores))
        return losses

    def create_optimizer(self) -> Optimizer:
        """AdamW at a rate that a pretrained encoder stands."""
        return Adam(SAFE_ENCODER_RATE, L2=0.01, grad_clip=1.0, use_averages=False)

    # Predicting

    def predict(self, docs: Iterable[Doc]) -> list[Entities]:
        """Find the entities of some Docs, without changing them.

        docs (Iterable[Doc]): The documents, of any length.
        RETURNS (List[Entities]): Per Doc, token spans with label indices and probabilities.
        """
        return shim_of(self.model).tagger.decode(self.emissions(docs))

    def emissions(self, docs: Iterable[Doc]) -> Emissions:
        """The scores of the tags, -inf for those that existing_ents = "constrain" rules out."""
        docs = list(docs)
        emissions = self.model.predict(docs)
        if self.existing_ents != "constrain":
            return emissions
        permitted = [
            permitted_tags(existing(doc), tokens, self.tagger.scheme)
            for doc, tokens in zip(docs, emissions.row_tokens, strict=True)
        ]
        return constrain(emissions, permitted)

    def set_annotations(self, docs: Iterable[Doc], scores: list[Entities]) -> None:
        """Write entities and their probabilities to Docs.

        docs (Iterable[Doc]): The documents.
        scores (List[Entities]): What predict found in them.
        """
        annotator = Annotator(
            [self.vocab.strings.add(label) for label in self.labels],
            options.thresholds(self.threshold, self.labels),
            overwrites=self.existing_ents == "overwrite",
            spans_key=self.spans_key,
        )
        for doc, entities in zip(docs, scores, strict=True):
            annotator.write(doc, entities)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Process a stream. If a batch fails, its Docs are tried one by one, so that the error
        handler gets only those that fail by themselves.

        stream (Iterable[Doc]): The documents.
        batch_size (int): How many to take at once, at most: see look_ahead.
        YIELDS (Doc): The processed documents in order, without those that failed.
        """
        handle_error = self.get_error_handler()
        for docs in look_ahead(stream, max_docs=batch_size):
            try:
                found = self.predict(docs)
            except Exception as error:
                if len(docs) == 1:
                    handle_error(self.name, self, docs, error)
                else:
                    yield from self.pipe(docs, batch_size=1)
                continue
            for doc, entities in zip(docs, found, strict=True):
                try:
                    self.set_annotations([doc], [entities])
                except Exception as error:
                    handle_error(self.name, self, [doc], error)
                else:
                    yield doc

    # How sure it is

    def calibrate(self, examples: Iterable[Example]) -> Agreement:
        """Make probabilities agree with how often they come true, on annotated documents that the
        model was not trained on. The entities that it finds stay the same.

        examples (Iterable[Example]): Some hundreds of entities at least, better thousands.
        RETURNS (Agreement): Of the probabilities and the annotation, after it. On the same
            documents, so a little too good.
        RAISES ValueError: If there are too few entities, or too few wrong ones.
        """
        judged = judge(self.model, examples)
        self.tagger.calibration = fit(judged)
        return judged.agreement(self.tagger.calibration)

    def agreement(self, examples: Iterable[Example]) -> Agreement:
        """How well probabilities agree with the annotation of documents, as they are now."""
        return judge(self.model, examples).agreement(self.tagger.calibration)

    def alternatives(self, span: Doc | Span, k: int = 5) -> list[Reading]:
        """The k most probable readings of a sentence, or of any part of a document, best first.

        For a whole long document they would be trivial variants of each other. The document is
        read anew, whatever its entities are now; with existing_ents = "constrain" these are fixed.

        span (Span / Doc): What to read, with its document around it.
        k (int): How many readings at most.
        RETURNS (List[Reading]): Entities and their joint probability.
        RAISES ValueError: If k is less than 1.
        """
        return k_best_readings(shim_of(self.model).tagger, self._emissions_around(span), span, k)

    def tag_probabilities(self, span: Doc | Span) -> TagProbabilities:
        """The probabilities of all tags of each token of a part of a document."""
        return tag_probabilities(shim_of(self.model).tagger, self._emissions_around(span), span)

    def sequence_entropy(self, span: Doc | Span) -> float:
        """How undecided the model is about a part of a document: the entropy of its distribution
        over tag sequences, in nats; 0 if it is sure.
        """
        return sequence_entropy(shim_of(self.model).tagger, self._emissions_around(span), span)

    def _emissions_around(self, span: Doc | Span) -> Emissions:
        return self.emissions([span if isinstance(span, Doc) else span.doc])
