"""Fitting the calibration of a trained component to annotated documents."""

from collections.abc import Iterable, Iterator

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Model

from ...annotation.judging import verdicts
from ...metrics.reliability import Agreement, agreement
from ...models.decoding import calibration
from ...models.decoding.calibration import Calibration
from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Entities, decode
from ...models.runtime.tagger_shim import TaggerShim, shim_of

BATCH_SIZE = 32
# With fewer entities, or fewer of them wrong, a fit would follow accidents.
LEAST_ENTITIES, LEAST_WRONG = 100, 10


class TooFewEntitiesError(ValueError):
    """There is too little to fit a calibration to."""


class JudgedEntities:
    """The entities that a component finds in annotated documents, and whether each is right.

    The encoder is run once; probabilities can then be had under any calibration.

    tagger (TaggerShim): The tagger of the model.
    emissions (Iterable[Emissions]): Of batches of documents.
    examples (Iterable[Example]): The documents of all batches, in the same order.
    """

    def __init__(
        self, tagger: TaggerShim, emissions: Iterable[Emissions], examples: Iterable[Example]
    ) -> None:
        self._tagger = tagger
        self._emissions = list(emissions)
        # the entities are the same under every calibration: it changes no best sequence
        found = [
            verdict
            for example, entities in zip(examples, self._decode(Calibration()), strict=True)
            for verdict in verdicts(example, _spans(entities, tagger.scheme.labels))
        ]
        self._judged = np.array([verdict is not None for verdict in found], dtype=bool)
        self.correct = np.array([v for v in found if v is not None], dtype=bool)

    def probabilities(self, under: Calibration) -> np.ndarray:
        """(n,) the probability of each judged entity."""
        found = [entities.probabilities for entities in self._decode(under)]
        return np.concatenate([np.zeros(0), *found])[self._judged]

    def agreement(self, under: Calibration) -> Agreement:
        return agreement(self.probabilities(under), self.correct)

    def _decode(self, under: Calibration) -> Iterator[Entities]:
        for emissions in self._emissions:
            yield from decode(
                self._tagger.decoder, self._tagger.scheme, emissions, calibration=under
            )


def judge(model: Model[list[Doc], Emissions], examples: Iterable[Example]) -> JudgedEntities:
    """Run a component's model over annotated documents."""
    examples = [example for example in examples if example.reference.has_annotation("ENT_IOB")]
    batches = minibatch([example.predicted for example in examples], BATCH_SIZE)
    return JudgedEntities(shim_of(model), map(model.predict, batches), examples)


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
