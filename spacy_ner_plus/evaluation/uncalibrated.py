"""What the probabilities would be without the calibration that a pipeline carries."""

from collections.abc import Iterable, Iterator

from spacy.language import Language
from spacy.tokens import Doc

from ..annotation.entity_source import EntitySource
from ..pipeline.capabilities import HasCalibration, components
from ..pipeline.entity_sources import gives
from ..pipeline.look_ahead import look_ahead

BATCH_SIZE = 1000


def calibrated_component(nlp: Language, source: EntitySource) -> HasCalibration | None:
    """The component that gives the entities their probabilities, if it is calibrated.

    source (EntitySource): Where the entities are.
    """
    for component in components(nlp):
        if (
            isinstance(component, HasCalibration)
            and gives(component, source)
            and component.calibration != component.uncalibrated
        ):
            return component
    return None


def uncalibrated_probabilities(
    nlp: Language, ner: HasCalibration, docs: Iterable[Doc]
) -> Iterator[dict[tuple[int, int, str], float]]:
    """Process Docs again, up to a component, and let it predict without calibration.

    docs (Iterable[Doc]): As the pipeline gets them.
    YIELDS: For each Doc, the probability by start and end in characters and label. The entities
        of the pipeline are among them; others are such as it does not return.
    """
    later = nlp.pipe_names[nlp.pipe_names.index(ner.name) :]
    stream = nlp.pipe(docs, disable=later)
    for batch in look_ahead(stream, max_docs=BATCH_SIZE):
        found = ner.predict_under(batch, ner.uncalibrated)
        for doc, entities in zip(batch, found, strict=True):
            yield {
                _key(doc, start, end, ner.labels[label]): probability
                for start, end, label, probability in zip(
                    entities.starts.tolist(),
                    entities.ends.tolist(),
                    entities.labels.tolist(),
                    entities.probabilities.tolist(),
                    strict=True,
                )
            }


def _key(doc: Doc, start: int, end: int, label: str) -> tuple[int, int, str]:
    last = doc[end - 1]
    return doc[start].idx, last.idx + len(last), label
