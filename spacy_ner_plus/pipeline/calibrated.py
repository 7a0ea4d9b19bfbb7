"""What components have in common whose probabilities can be calibrated."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from spacy.tokens import Doc
from spacy.training import Example

from ..metrics.reliability import Agreement
from ..models.decoding.calibration import Calibration, read_calibration
from ..models.decoding.entities import Entities
from .base import EntityPipe
from .entity_sources import source_of_component
from .judged_entities import JudgedEntities, can_be_judged

CALIBRATION = "calibration"  # in cfg


class CalibratedPipe(EntityPipe):
    """An EntityPipe with probabilities that can be made to come true as often as they say.

    A subclass gives `predict_under` in place of `predict`. The calibration is in its cfg, and saved
    with it, unless the subclass has another place for it.
    """

    @property
    def calibration(self) -> Calibration:
        """What is between the model's scores and its probabilities."""
        return read_calibration(self.cfg.get(CALIBRATION, {}))

    @calibration.setter
    def calibration(self, calibration: Calibration) -> None:
        self.cfg[CALIBRATION] = asdict(calibration)

    @property
    def uncalibrated(self) -> Calibration:
        """The calibration that changes nothing."""
        return Calibration()

    def fault_of(self, cfg: Mapping[str, Any]) -> str | None:
        """See SavedPipe.fault_of. The calibration is looked at, if there is one."""
        try:
            read_calibration(cfg.get(CALIBRATION, {}))
        except ValueError as error:
            return f"has a wrong {CALIBRATION}: {error}"
        return super().fault_of(cfg)

    def predict_under(self, docs: Iterable[Doc], calibration: Calibration) -> list[Entities]:
        """As predict, with the probabilities that there are under a calibration.

        The entities are the same under each.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method predict_under.")

    def predict(self, docs: Iterable[Doc]) -> list[Entities]:
        """Find the entities of some Docs, without changing them.

        docs (Iterable[Doc]): The documents, of any length.
        RETURNS (List[Entities]): Per Doc, token spans with label indices and probabilities.
        """
        return self.predict_under(docs, self.calibration)

    def judge(self, examples: Iterable[Example]) -> JudgedEntities:
        """Find the entities of annotated documents; those without annotation are left out.

        A subclass whose model takes time runs it but once, whatever the calibrations.

        RETURNS (JudgedEntities): Each entity, with whether it is right.
        """
        gold = source_of_component(self)
        examples = can_be_judged(examples, gold)
        docs = [example.predicted for example in examples]
        return JudgedEntities(
            lambda under: self.predict_under(docs, under), self.labels, examples, gold
        )

    def calibrate(self, examples: Iterable[Example]) -> Agreement:
        """Make probabilities agree with how often they come true.

        They are fitted on annotated documents that the model was not trained on. The entities that
        it finds stay the same.

        examples (Iterable[Example]): Some hundreds of entities at least, better thousands.
        RETURNS (Agreement): Of the probabilities and the annotation, after it. On the same
            documents, so a little too good.
        RAISES ValueError: If there are too few entities, or too few wrong ones.
        """
        judged = self.judge(examples)
        self.calibration = judged.fit().calibration
        return judged.agreement(self.calibration)

    def agreement(self, examples: Iterable[Example]) -> Agreement:
        """How well probabilities agree with the annotation of documents, as they are now."""
        return self.judge(examples).agreement(self.calibration)
