"""Judging the entities that a model finds in annotated documents, under any calibration."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Model

from ...models.decoding.calibration import Calibration
from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Entities
from ...models.runtime.tagger_shim import shim_of
from ..judged_entities import JudgedEntities, can_be_judged

BATCH_SIZE = 32


def judge(
    model: Model[list[Doc], Emissions],
    examples: Iterable[Example],
    restricted: Callable[[list[Doc], Emissions], Emissions] | None = None,
) -> JudgedEntities:
    """Run a component's model once over annotated documents.

    restricted (Callable): Rules out tags of some documents; None for none.
    """
    examples = can_be_judged(examples)
    batches = minibatch([example.predicted for example in examples], BATCH_SIZE)
    tagger = shim_of(model).tagger
    emissions = [
        model.predict(batch) if restricted is None else restricted(batch, model.predict(batch))
        for batch in batches
    ]

    def predict(under: Calibration) -> Iterator[Entities]:
        for of_batch in emissions:
            yield from replace(tagger, calibration=under).decode(of_batch)

    return JudgedEntities(predict, tagger.scheme.labels, examples)
