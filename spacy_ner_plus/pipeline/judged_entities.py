"""Entities that a component finds in annotated documents, and whether each is right.

From these: how well their probabilities agree with that, and the calibration that makes them agree.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from spacy.training import Example

from ..annotation.entity_source import DOC_ENTS, EntitySource
from ..annotation.judging import verdicts
from ..metrics.candidate_agreement import CandidateAgreement
from ..metrics.reliability import Agreement, agreement
from ..models.decoding import calibration
from ..models.decoding.calibration import Calibration, CalibrationFit
from ..models.decoding.entities import UNCALIBRATED, Entities
from .annotating import check_probabilities

# With fewer entities, or fewer of them wrong, a fit would follow accidents.
LEAST_ENTITIES, LEAST_WRONG = 100, 10


class TooFewEntitiesError(ValueError):
    """There is too little to fit a calibration to."""


class Judgements(Protocol):
    """What a component finds in annotated documents, and whether each of it is right.

    labels (Set[str]): The types of what can be judged.
    gold_labels (Set[str]): The types of annotated entities.
    """

    labels: set[str]
    gold_labels: set[str]

    def fit(self) -> Any:
        """How the calibration came out that makes the probabilities most likely.

        RETURNS: It has the calibration, and notes, as a CalibrationFit.
        RAISES TooFewEntitiesError: There is too little to fit it to.
        """
        ...

    def agreement(self, under: Any) -> Agreement:
        """How well the probabilities under a calibration agree with what is right."""
        ...

    def candidates(self, under: Any) -> CandidateAgreement | None:
        """The same of all that was scored, too; None where nothing is but what is found."""
        ...


class JudgedEntities:
    """The entities that a component finds in annotated documents, and whether each is right.

    predict (Callable): Gives the entities of each document under a calibration. It is called often,
        so the model should have been run before.
    labels (Tuple[str, ...]): What the entities' labels are indices into.
    examples (Iterable[Example]): The documents, in the order of predict's.
    gold (EntitySource): Where their annotated entities are.

    Attributes:
        correct: (n,) bool, of each entity that can be judged.
        labels (Set[str]): The types of these entities.
        gold_labels (Set[str]): The types of annotated entities.
    """

    def __init__(
        self,
        predict: Callable[[Calibration], Iterable[Entities]],
        labels: tuple[str, ...],
        examples: Iterable[Example],
        gold: EntitySource = DOC_ENTS,
    ) -> None:
        self._predict = predict
        # the entities are the same under every calibration: it changes no best sequence
        found: list[bool | None] = []
        self.labels: set[str] = set()
        self.gold_labels: set[str] = set()
        for example, entities in zip(examples, predict(UNCALIBRATED), strict=True):
            spans = _spans(entities, labels)
            own = verdicts(example, spans, gold)
            found += own
            self.gold_labels |= {label for _, _, label in gold.spans(example.reference)}
            self.labels |= {span[2] for span, v in zip(spans, own, strict=True) if v is not None}
        self._judged = np.array([verdict is not None for verdict in found], dtype=bool)
        self.correct = np.array([v for v in found if v is not None], dtype=bool)

    def probabilities(self, under: Calibration) -> np.ndarray:
        """(n,) float64, the probability of each judged entity.

        RAISES ValueError: If one is not known, or not from 0 to 1.
        """
        found = [entities.probabilities for entities in self._predict(under)]
        probabilities = np.concatenate([np.zeros(0), *found])[self._judged]
        check_probabilities(probabilities)
        if n_unknown := int(np.isnan(probabilities).sum()):
            raise ValueError(
                f"{n_unknown} of the {len(probabilities)} entities that were found have no "
                "probability, so nobody can say how well they agree with the annotation."
            )
        return probabilities

    def agreement(self, under: Calibration) -> Agreement:
        """How well the probabilities under a calibration agree with what is right."""
        return agreement(self.probabilities(under), self.correct)

    def candidates(self, under: Calibration) -> None:
        """None: nothing is scored but what is found. See Judgements.candidates."""

    def fit(self) -> CalibrationFit:
        """The calibration that makes the judged entities' probabilities most likely.

        RAISES TooFewEntitiesError: If there are too few entities, or too few wrong ones.
        """
        n, n_wrong = len(self.correct), int((~self.correct).sum())
        if n < LEAST_ENTITIES or n_wrong < LEAST_WRONG:
            raise TooFewEntitiesError(
                f"The model finds {n} entities in the annotated documents, {n_wrong} of them "
                f"wrong: too few to calibrate it, which takes {LEAST_ENTITIES} and {LEAST_WRONG}. "
                "Use more documents, and ones that it was not trained on."
            )
        fitted = calibration.fit(
            lambda temperature: self.probabilities(Calibration(temperature)), self.correct
        )
        return CalibrationFit(fitted)


def can_be_judged(examples: Iterable[Example], gold: EntitySource = DOC_ENTS) -> list[Example]:
    """Those of which something is known about entities.

    gold (EntitySource): Where annotated entities are.
    """
    return [example for example in examples if gold.is_set(example.reference)]


def _spans(entities: Entities, labels: tuple[str, ...]) -> list[tuple[int, int, str]]:
    columns = (entities.starts.tolist(), entities.ends.tolist(), entities.labels.tolist())
    return [(start, end, labels[label]) for start, end, label in zip(*columns, strict=True)]
