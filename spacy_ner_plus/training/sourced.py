"""Components that a config takes from a trained pipeline: they are trained, but not initialised."""

from collections.abc import Sequence
from typing import Any

from spacy.language import Language
from spacy.util import get_sourced_components
from thinc.api import Config

from ..annotation.gold import check_known_labels
from ..annotation.nested_gold import GoldSources
from ..pipeline.capabilities import HasTaggerShim, LearnsNestedEntities
from .data import Corpus
from .randomness import capture, starting_from


def check_sourced_labels(
    nlp: Language, corpus: Corpus, config: Config, *, frozen: list[str]
) -> None:
    """Look through the training data for types that a component from elsewhere does not know.

    Other components take their types from the data, when they are initialised.

    config (Config): The training's.
    frozen (List[str]): Components that do not learn.
    RAISES ValueError: If there is one, with the document and how to add it.
    """
    sourced = set(get_sourced_components(config)) - set(frozen)
    pipes: list[Any] = [nlp.get_pipe(name) for name in nlp.pipe_names if name in sourced]
    known: list[tuple[Sequence[str], GoldSources]] = []
    for pipe in pipes:
        if isinstance(pipe, LearnsNestedEntities):
            known.append((pipe.labels, pipe.gold_sources))
        elif isinstance(pipe, HasTaggerShim):
            known.append((pipe.shim.scheme.labels, GoldSources()))
    if not known:
        return
    with starting_from(capture()):  # reading the data may draw random numbers
        for example in corpus(nlp):
            for labels, sources in known:
                entities = [
                    span for place in sources.places for span, _ in place.scored(example.reference)
                ]
                check_known_labels(example.reference, labels, entities)
