"""Fitting the calibration of a trained component to annotated documents."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Model

from ...metrics.reliability import expected_calibration_error, log_loss
from ...models.decoding import calibration
from ...models.decoding.calibration import Calibration
from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Entities, Tagger
from ...models.runtime.tagger_shim import shim_of
from ..scorer import in_reference

BATCH_SIZE = 32
# With fewer entities, or fewer of them wrong, a fit would follow accidents.
LEAST_ENTITIES, LEAST_WRONG = 100, 10


class TooFewEntitiesError(ValueError):
    """There is too little to fit a calibration to."""


@dataclass(frozen=True)
class Agreement:
    """How well the probabilities of predicted entities agree with whether these are right.

    n (int): Entities that could be judged.
    accuracy (float): The share of them that is right, that is, the precision.
    probability (float): Their mean probability.
    log_loss (float): Mean negative log-likelihood, in nats.
    ece (float): Expected calibration error, 15 bins of equal mass.
    """

    n: int
    accuracy: float
    probability: float
    log_loss: float
    ece: float


class JudgedEntities:
    """The entities that a component finds in annotated documents, and whether each is right.

    The encoder is run once; probabilities can then be had under any calibration.

    tagger (Tagger): Of the component's model, with whatever calibration.
    emissions (Iterable[Emissions]): Of batches of documents.
    examples (Iterable[Example]): The documents of all batches, in the same order.
    """

    def __init__(
        self, tagger: Tagger, emissions: Iterable[Emissions], examples: Iterable[Example]
    ) -> None:
        self._tagger = tagger
        self._emissions = list(emissions)
        judged, correct = [], []
        for example, entities in zip(examples, self._decode(Calibration()), strict=True):
            gold = {(ent.start, ent.end, ent.label_) for ent in example.reference.ents}
            spans = in_reference(example, _spans(entities, tagger.scheme.labels))
            judged += [span is not None for span in spans]
            correct += [span in gold for span in spans]
        self._judged = np.array(judged, dtype=bool)
        # the entities are the same under every calibration: it changes no best sequence
        self.correct = np.array(correct, dtype=bool)[self._judged]

    def probabilities(self, under: Calibration) -> np.ndarray:
        """(n,) the probability of each judged entity."""
        found = [entities.probabilities for entities in self._decode(under)]
        return np.concatenate([np.zeros(0), *found])[self._judged]

    def agreement(self, under: Calibration) -> Agreement:
        probabilities = self.probabilities(under)
        if not len(probabilities):
            return Agreement(0, 0.0, 0.0, 0.0, 0.0)
        return Agreement(
            n=len(probabilities),
            accuracy=float(self.correct.mean()),
            probability=float(probabilities.mean()),
            log_loss=log_loss(probabilities, self.correct),
            ece=expected_calibration_error(probabilities, self.correct),
        )

    def _decode(self, under: Calibration) -> Iterator[Entities]:
        tagger = replace(self._tagger, calibration=under)
        for emissions in self._emissions:
            yield from tagger.decode(emissions)


def judge(model: Model[list[Doc], Emissions], examples: Iterable[Example]) -> JudgedEntities:
    """Run a component's model over annotated documents."""
    examples = [example for example in examples if example.reference.has_annotation("ENT_IOB")]
    batches = minibatch([example.predicted for example in examples], BATCH_SIZE)
    return JudgedEntities(shim_of(model).tagger, map(model.predict, batches), examples)


def fit(judged: JudgedEntities) -> Calibration:
    """The calibration that makes the judged entities' probabilities most likely.

    RAISES TooFewEntitiesError: If there are too few entities, or too few wrong ones.
    """
    n, n_wrong = len(judged.correct), int((~judged.correct).sum())
    if n < LEAST_ENTITIES or n_wrong < LEAST_WRONG:
        raise TooFewEntitiesError(
            f"The model finds {n} entities in the annotated documents, {n_wrong} of them wrong: "
            f"too few to calibrate it, which takes {LEAST_ENTITIES} and {LEAST_WRONG}. Use more "
            "documents, and ones that it was not trained on."
        )
    return calibration.fit(
        lambda temperature: judged.probabilities(Calibration(temperature)), judged.correct
    )


def _spans(entities: Entities, labels: tuple[str, ...]) -> list[tuple[int, int, str]]:
    columns = (entities.starts.tolist(), entities.ends.tolist(), entities.labels.tolist())
    return [(start, end, labels[label]) for start, end, label in zip(*columns, strict=True)]
