"""The labels of a component whose model scores tags, and how it learns."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.training import Example, validate_examples, validate_get_examples
from thinc.api import Model, Optimizer, set_dropout_rate
from torch import Tensor

from ...annotation.bounds import Bounds
from ...annotation.gold import allowed_tags
from ...models.architectures.bilstm_vectors import count_words
from ...models.architectures.token_tagger import check_rehearsal, check_two_passes
from ...models.architectures.transformer_tagger import find_origin
from ...models.decoding.emissions import Emissions
from ...models.decoding.lesson_losses import lesson_loss_and_gradient
from ...models.decoding.losses import (
    consistency_loss_and_gradient,
    distillation_loss_and_gradient,
    loss_and_gradient,
    tag_log_weights,
)
from ...models.decoding.rejected import count_known
from ...models.pretrained.tag_names import CheckpointTags
from ...models.runtime.tagger_shim import TaggerShim, shim_of
from ...records import check_tidy
from ...tags import TagScheme
from ..teaching import Teaching, weigh
from ..thresholds import thresholds
from ..updating import UpdatedPipe
from ..validators import checks
from . import options
from .examples import check_losses, choose_labels, survey
from .legibility import warn_of_unknown_pieces
from .options import LabelWeights
from .rejected_spans import read_rejected
from .rule_learning import RuleLearner, held_out_rows, rejected_elsewhere, without_held_out
from .rule_scores import IgnoredHits
from .rule_weights import RULE_WEIGHTS, RuleWeights


class LearningPipe(UpdatedPipe):
    """A component with a tagger, which learns labels.

    model (Model[List[Doc], Emissions]): The model; its TaggerShim knows the tags.
    label_weights, label_smoothing, focal_gamma, consistency: See make_ner_plus.
    bounds (Bounds): What no entity is found across.
    learn_rule_weights (bool), incorrect_spans_key (str): See make_ner_plus.
    """

    learn_rule_weights: bool
    incorrect_spans_key: str | None
    label_weights: LabelWeights
    label_smoothing: float
    focal_gamma: float
    consistency: float
    bounds: Bounds
    # nlp.resume_training puts a copy of the model here
    _rehearsal_model: Model | None
    _teaching: Teaching | None  # lasts as long as the training that set it
    _rule_learner: RuleLearner
    _ignored_hits: IgnoredHits

    # Labels

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity types that the component can predict."""
        return self.shim.scheme.labels

    @property
    def shim(self) -> TaggerShim:
        """The part of the model that knows the tags."""
        return shim_of(self.model)

    def add_label(self, label: str) -> int:
        """Add an entity type, before training or after.

        A trained model keeps all its weights. The new type starts as a very improbable one; train
        with examples of it, and see nlp.rehearse and doc._.annotated_labels for keeping the others.

        label (str): The type. White space around it is an error: it would make another type.
        RETURNS (int): 0 if it is there already, 1 if it was added.
        """
        if label in self.labels:
            return 0
        if isinstance(label, str):  # what is none is refused with its place
            check_tidy("The label", label)
        scheme = TagScheme(self.shim.scheme.name, [*self.labels, label])
        if self.shim.is_built:
            self.shim.grow(scheme)
        else:
            self.shim.start(scheme)
        self.vocab.strings.add(label)
        return 1

    def _set_labels(self, scheme: TagScheme, origin: CheckpointTags | None = None) -> None:
        self._rehearsal_model = None  # a teacher of other tags
        self.shim.start(scheme, origin)
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
            given, a setting names a type that there is not, or the encoder can't be loaded.
        """
        validate_get_examples(get_examples, f"{self.name}.initialize")
        counts = count_words(self.model)
        seen = survey(get_examples(), self.name, self.bounds, nlp, counts, self.incorrect_spans_key)
        origin = find_origin(self.model, labels)
        labels = choose_labels(seen, labels, self.labels, origin, self.name)
        seen.incorrect.warn(labels, self.name)
        options.check_weighted_labels(self.label_weights, labels)
        thresholds(self.threshold, labels)  # before there is anything to lose
        checks(self.validators, tuple(labels), self._validator_limits)
        self._set_labels(TagScheme(self.shim.scheme.name, labels), origin)
        self.cfg["balanced"] = options.balanced_weights(seen.counts, labels)
        self.cfg.pop(RULE_WEIGHTS, None)
        self.model.initialize(X=seen.sample)
        warn_of_unknown_pieces(self.shim, seen.sample, self.name)

    def get_loss(self, examples: Iterable[Example], scores: Emissions) -> tuple[float, Tensor]:
        """The loss of a batch and its gradient with respect to the emissions.

        examples (Iterable[Example]): The batch.
        scores (Emissions): What the model's begin_update or predict gave for its Docs.
        RETURNS (Tuple[float, Tensor]): Mean loss per token of which something is known, see
            losses.py, and (n_rows, n_tags). The CRF's own parameters collect their gradients on the
            way.
        RAISES ValueError: If a document's annotation contradicts itself or the loss is no number.
        """
        examples = list(examples)
        shim = self.shim
        allowed = [
            allowed_tags(example, tokens, shim.scheme)
            for example, tokens in zip(examples, scores.row_tokens, strict=True)
        ]
        rejected = read_rejected(
            examples,
            self.incorrect_spans_key,
            scores.row_tokens,
            allowed,
            shim.scheme,
            scores.scores.device,
        )
        known, hits, to_learn = allowed, None, rejected
        if options.read_learn_rule_weights(self.learn_rule_weights):  # it may have been set since
            hits = self._rule_learner.hits(
                examples, scores, shim.scheme, self.cfg, self._ignored_hits
            )
        docs = [example.predicted for example in examples]
        if hits is not None:
            held_out = held_out_rows(hits, docs, scores, allowed)
            known = without_held_out(allowed, held_out)
            to_learn = rejected_elsewhere(rejected, held_out)
        loss, gradient = self._learned(examples, replace(scores, spans=to_learn), known)
        is_taught = self._teaching is not None or hits is not None
        if not is_taught and not count_known(known, to_learn):
            self.warn_of_no_annotation(
                "the entities of its documents (doc.ents = [] says that there are none)"
            )
        if hits is not None:
            with_rejected = replace(scores, spans=rejected)
            self._rule_learner.learn(hits, shim.decoder, docs, with_rejected, allowed, self.cfg)
        return loss, gradient

    def _learned(
        self, examples: list[Example], scores: Emissions, known: list[np.ndarray]
    ) -> tuple[float, Tensor]:
        """What annotation and teachers say: the mean loss, and its gradient.

        scores (Emissions): With spans that are known to be wrong.
        known: For each Doc (n_rows_of_doc, n_tags) bool, the tags that its annotation permits.
        """
        decoder, docs = self.shim.decoder, [example.predicted for example in examples]
        plan = weigh(self._teaching, docs, scores, known)
        losses, gradient = loss_and_gradient(
            decoder,
            scores,
            plan.known,
            log_weights=self._log_weights(),
            smoothing=options.read_label_smoothing(self.label_smoothing),
            focal_gamma=options.read_focal_gamma(self.focal_gamma),
            doc_weights=plan.annotation_weights,
            n_counted=plan.n_counted,
        )
        check_losses(losses, examples)
        if plan.taught is not None:
            divergences, d_taught = lesson_loss_and_gradient(
                decoder, scores, plan.taught, plan.lesson_weights, plan.n_counted
            )
            check_losses(divergences, examples)
            losses, gradient = losses + divergences, gradient + d_taught
        return float(losses.sum()) / max(1, plan.n_counted), gradient

    def learn_from(self, teaching: Teaching | None) -> None:
        """Let updates learn from what teachers say about documents, too.

        It is for one training, and not saved: see docs/distillation.md.

        teaching (Teaching): What knows their lessons; None to learn from annotation alone.
        """
        self._teaching = teaching

    def _go_forward(self, examples: list[Example]) -> tuple[float, Tensor, Any]:
        """See UpdatedPipe. With `consistency`, two passes with different dropout are compared."""
        learns_rule_weights = options.read_learn_rule_weights(self.learn_rule_weights)
        weight = options.read_consistency(self.consistency, learns_rule_weights=learns_rule_weights)
        if not weight:
            return super()._go_forward(examples)
        check_two_passes(self.model)
        docs = [example.predicted for example in examples]
        backprop: Any
        # copies, as spacy-transformers takes tokens of one Doc that comes twice for the same
        emissions, backprop = self.model.begin_update([*docs, *(doc.copy() for doc in docs)])
        loss, gradient = self.get_loss([*examples, *examples], emissions)
        _warn_of_equal_passes(emissions.scores, self.name)
        apart, pull = consistency_loss_and_gradient(self.shim.decoder, emissions, weight)
        return loss + float(apart.sum()) / max(1, len(pull) // 2), gradient + pull, backprop

    def finish_update(self, sgd: Optimizer) -> None:
        """Take a step with the gradients that were collected, of rules' weights too.

        sgd (Optimizer): thinc's optimizer.
        """
        super().finish_update(sgd)
        self._rule_learner.step(self.cfg, sgd)

    # Rules

    @property
    def rule_weights(self) -> dict[str, dict[str, float]]:
        """The weights that were learned of rules, by the rule's name and the type.

        Soft hits of these rules act with them in place of their own: it is what is added to the log
        score of an entity on such a hit. Rules of whose phrases none was held out are not among
        them.
        """
        return RuleWeights(self.cfg.get(RULE_WEIGHTS, {})).shown()

    @property
    def ignored_hits(self) -> dict[str, int]:
        """How many hits of rules had no effect on this component, in this process, by the reason.

        It is "misaligned" (not on the tokens that there are now), "unknown_label" (of a type that
        the model does not have), "untagged" (white space alone), "conflicting" (it contradicts what
        is fixed) or "crowded" (very many overlap, and others have larger weights).
        """
        return {reason: n for reason, n in self._ignored_hits.counts.items() if n}

    def _log_weights(self) -> np.ndarray | None:
        weights = options.read_label_weights(self.label_weights)  # it may have been set since
        if isinstance(weights, str):
            weights = self.cfg["balanced"]
        options.check_weighted_labels(weights, self.labels)
        return tag_log_weights(self.shim.scheme, dict(weights)) if weights else None

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn to go on giving tag sequences the probabilities that they had on resuming.

        That is when nlp.resume_training was called. The annotation of the examples is not looked
        at.

        Types that were added since, or have not been learned yet, are left out of the comparison.

        examples (Iterable[Example]): The batch.
        drop, sgd: As in update.
        losses (Dict[str, float]): Updated with the mean Kullback-Leibler divergence per token.
        RETURNS (Dict[str, float]): The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        if self._rehearsal_model is None:
            warnings.warn(
                f"'{self.name}' rehearses nothing, as there is no model to be like: call "
                "nlp.resume_training() before nlp.rehearse().",
                stacklevel=2,
            )
            return losses
        examples = list(examples)
        validate_examples(examples, f"{self.name}.rehearse")
        docs = [example.predicted for example in examples]
        if not any(map(len, docs)):
            return losses
        check_rehearsal(self.model, docs)
        set_dropout_rate(self.model, drop)
        teacher = shim_of(self._rehearsal_model)
        backprop: Any
        emissions, backprop = self.model.begin_update(docs)
        divergences, gradient = distillation_loss_and_gradient(
            self.shim.decoder,
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


def _warn_of_equal_passes(scores: Tensor, name: str) -> None:
    first, second = scores.chunk(2)  # (n_rows, n_tags) each
    if len(first) and bool((first == second).all()):
        warnings.warn(  # the same words each time, so that Python shows them once
            f"Two passes of '{name}' over the same documents give the same scores, so consistency "
            "teaches nothing: there is no dropout. Set dropout of the model, or consistency = 0.",
            stacklevel=4,
        )
