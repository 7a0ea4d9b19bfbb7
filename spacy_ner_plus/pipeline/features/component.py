"""The component: NerPlus over hand-written features, whose weights are learned in initialize."""

import logging
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Adam, Model, Optimizer
from tqdm import tqdm

from ...models.architectures.feature_tagger import feature_shim_of
from ...models.decoding.emissions import Emissions
from ...models.runtime.feature_tagger_shim import FeatureTaggerShim
from ...nn.crf import CRF
from ...support.extras import check_installed
from ...support.numbers import counted
from ...text.feature_templates import attributes_of
from ...text.token_attributes import COLUMNS, lacking
from ..ner_plus import NerPlus
from ..reason_types import StrongestWeights, TokenReasons
from ..teaching import Teaching
from .crfsuite_training import EXTRA, train_with_crfsuite
from .feature_weights import FeatureWeights, put_into
from .options import AUTO, CRFSUITE, PATHS, TrainerSettings
from .path_training import train_on_paths
from .reasons import reasons, strongest_weights
from .training_data import FeatureData, annotate, gather

logger = logging.getLogger("spacy_ner_plus")

# Of AdamW, where fine_tune is set.
LEARNING_RATE = 0.01


class NerFeatures(NerPlus):
    """NerPlus whose model scores hand-written features.

    Its weights are learned in initialize, all at once. `update` measures the loss, and learns on
    only if fine_tune is set.

    vocab (Vocab): The shared vocabulary.
    model (Model[List[Doc], Emissions]): With a FeatureTaggerShim.
    name (str): The component's name in the pipeline.
    training (TrainerSettings): How the weights are learned.
    fine_tune (bool): Whether `update` takes steps.
    settings: As in NerPlus.
    RAISES ValueError: If the model is of another kind, or a setting is unknown.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Emissions],
        name: str = "ner_plus_features",
        *,
        training: TrainerSettings,
        fine_tune: bool = False,
        **settings: Any,
    ) -> None:
        feature_shim_of(model)
        super().__init__(vocab, model, name, **settings)
        self.training = training
        self.fine_tune = fine_tune
        self._has_told = False

    @property
    def shim(self) -> FeatureTaggerShim:
        """The part of the model that knows the tags and the features."""
        return feature_shim_of(self.model)

    def emissions(self, docs: Iterable[Doc]) -> Emissions:
        """See NerPlus.emissions. What the features look at and a Doc lacks is told."""
        docs = list(docs)
        for attribute in lacking(docs, attributes_of(self.shim.templates)):
            warnings.warn(  # the same words each time, so that Python shows them once
                f"The features of '{self.name}' have {attribute!r}, but a document has no "
                f"{COLUMNS[attribute]}, so that entities are missed: put the component that sets "
                f"it before '{self.name}'.",
                stacklevel=3,
            )
        return super().emissions(docs)

    # Why it decides so

    def strongest_weights(self, label: str, n: int = 20) -> StrongestWeights:
        """The features and transitions that speak most for and against a label, or "O".

        n (int): Of each kind, at most.
        RAISES ValueError: If there is no such label.
        """
        return strongest_weights(self.shim, label, n)

    def reasons(self, doc: Doc) -> list[TokenReasons]:
        """Why each token of a document has its tag, read as it is now."""
        return reasons(self.shim, self.shim.tagger, doc, self.emissions([doc]))

    # Learning

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
    ) -> None:
        """Set up the labels and learn the weights from all examples.

        get_examples, nlp, labels: As in NerPlus.
        RAISES ValueError: If there are no labels, a feature looks at what the documents lack, or
            the trainer can't learn from their annotation or is not installed.
        """
        if self.training.trainer == CRFSUITE:
            check_installed("pycrfsuite", EXTRA, what=f"trainer = {CRFSUITE!r} of '{self.name}'")
        super().initialize(get_examples, nlp=nlp, labels=labels)
        examples = list(get_examples())
        annotate(examples, nlp, self.name)
        data = gather(
            examples, self.shim, self.name, self.training.min_freq, self.incorrect_spans_key
        )
        if not data.examples:
            warnings.warn(
                f"None of {counted(len(examples), 'document')} is annotated, so '{self.name}' has "
                "learned nothing and finds nothing.",
                stacklevel=2,
            )
            return
        put_into(self.shim, data.index, self._learn(data))
        self._has_told = False

    def _learn(self, data: FeatureData) -> FeatureWeights:
        trainer, reason = self._choose_trainer(data)
        is_slow = trainer == PATHS and self.training.trainer == AUTO
        logger.log(
            logging.WARNING if is_slow else logging.INFO,
            "'%s' learns %s from %s (%s without annotation left out) with %s: %s.",
            self.name,
            counted(data.n_features, "feature"),
            counted(len(data.examples), "document"),
            f"{data.n_unannotated:,}",
            trainer,
            reason,
        )
        with _progress(self.name, self.training.max_iterations) as report:
            if trainer == CRFSUITE:
                return train_with_crfsuite(data, self.shim.scheme, self.training, report)
            decoder = self.shim.make_decoder()
            assert isinstance(decoder, CRF)
            return train_on_paths(
                data,
                decoder,
                self.training,
                report,
                log_weights=self._log_weights(),
                smoothing=float(self.label_smoothing),
                focal_gamma=float(self.focal_gamma),
            )

    def _choose_trainer(self, data: FeatureData) -> tuple[str, str]:
        """The trainer, and why it is this one.

        RAISES ValueError: If the settings name one that can't learn from the data, or crfsuite
            could and is not installed.
        """
        wanted = self.training.trainer
        hindrances = []
        if data.n_missing:
            hindrances.append(f"{counted(data.n_missing, 'token')} may have more than one tag")
        if data.rejected is not None:
            n_rejected = counted(len(data.rejected), "span")
            hindrances.append(f"{n_rejected} known to be wrong must be learned from")
        if self.label_weights is not None:
            hindrances.append("label_weights are set")
        if float(self.label_smoothing):
            hindrances.append("label_smoothing is set")
        if float(self.focal_gamma):
            hindrances.append("focal_gamma is set")
        if wanted == PATHS:
            return PATHS, "it is set"
        if not hindrances:
            check_installed(
                "pycrfsuite", EXTRA, what=f"'{self.name}' (unless trainer = {PATHS!r} is set)"
            )
            return CRFSUITE, "all tokens are annotated" if wanted == AUTO else "it is set"
        if wanted == AUTO:
            return PATHS, " and ".join(hindrances)
        raise ValueError(
            f"'{self.name}' has trainer = {CRFSUITE!r}, which learns from complete annotation "
            f"alone, but {' and '.join(hindrances)}: set trainer = {PATHS!r} or {AUTO!r}."
        )

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Measure the loss of a batch; with fine_tune, learn from it as NerPlus does.

        examples, drop, sgd, losses: As in NerPlus.
        RETURNS (Dict[str, float]): The losses.
        """
        if self.fine_tune:
            return super().update(examples, drop=drop, sgd=sgd, losses=losses)
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{self.name}.update")
        self._tell_of_no_step()
        emissions = self.model.predict([example.predicted for example in examples])
        loss, _ = self.get_loss(examples, emissions)
        self.shim.decoder.zero_grad()
        losses[self.name] += loss
        self.progress.words += sum(len(example.predicted) for example in examples)
        self.progress.loss += loss
        return losses

    def learn_from(self, teaching: Teaching | None) -> None:
        """See NerPlus. What it learns in initialize, it learns from annotation.

        RAISES ValueError: If updates do not learn.
        """
        if teaching is not None and not self.fine_tune:
            raise ValueError(
                f"'{self.name}' learns its weights in initialize, from annotation alone: set "
                "fine_tune = true, so that updates learn from teachers."
            )
        super().learn_from(teaching)

    def _tell_of_no_step(self) -> None:
        if not self._has_told:
            logger.warning(
                "'%s' has learned its weights in initialize: update measures the loss and changes "
                "nothing. One step is enough (training.max_steps = 1); with fine_tune = true it "
                "learns on.",
                self.name,
            )
        self._has_told = True

    def create_optimizer(self) -> Optimizer:
        """AdamW, for fine_tune."""
        return Adam(LEARNING_RATE, L2=0.0, grad_clip=1.0, use_averages=False)


@contextmanager
def _progress(name: str, max_iterations: int) -> Iterator[Callable[[int, float], None]]:
    """What reports iterations: as a bar where there is a terminal, and the last one in the log."""
    started, last = time.perf_counter(), (0, float("nan"))
    with tqdm(total=max_iterations, desc=name, unit="iteration", disable=None, leave=False) as bar:

        def report(iteration: int, value: float) -> None:
            nonlocal last
            bar.update(iteration - last[0])
            bar.set_postfix(loss=f"{value:,.0f}", refresh=False)
            last = (iteration, value)

        yield report
    logger.info(
        "'%s' took %d iterations and %.1f s to a loss of %.1f.",
        name,
        last[0],
        time.perf_counter() - started,
        last[1],
    )
