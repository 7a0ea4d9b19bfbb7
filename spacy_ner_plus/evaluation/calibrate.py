"""Calibrating a pipeline: what `ner-plus calibrate` does, for Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spacy.language import Language
from spacy.training import Example

from ..data.corpus import make_corpus_v1
from ..data.doc_files import check_files
from ..metrics.reliability import Agreement
from ..models.decoding.calibration import Calibration
from ..pipeline.capabilities import HasCalibration, find_component
from ..pipeline.entity_sources import source_of_component
from ..pipeline.judged_entities import TooFewEntitiesError, fit
from ..pipeline.preparing import load_pipeline
from ..pipeline.saving.whole_pipeline import save_whole
from ..support.output_folder import check_output_folder
from .label_choice import choose


@dataclass(frozen=True)
class Calibrated:
    """How a calibration came out.

    calibration (Calibration): What the pipeline has now.
    before, after (Dict[str, Agreement]): How well probabilities agree with what is right: on
        "development" data, which it was fitted to, and on "test" data, if some were given.
    problem (str): Why nothing was fitted; None if it was.
    without_gold (Tuple[str, ...]): Types of the component that count, of which the development data
        has no gold entity: all that was found of them was taken for wrong.
    """

    calibration: Calibration
    before: dict[str, Agreement]
    after: dict[str, Agreement]
    problem: str | None = None
    without_gold: tuple[str, ...] = ()


def calibrate(
    model: Language | str | Path,
    data: str | Path,
    output: str | Path | None = None,
    *,
    test: str | Path | None = None,
    tokens: str = "reference",
    if_enough: bool = False,
    component: str = "ner_plus",
    labels: Iterable[str] | None = None,
) -> Calibrated:
    """Make a pipeline's probabilities come true as often as they say.

    That is to fit a temperature, and a line through the entities' log odds. The entities that it
    finds stay the same.

    model (Language / str / Path): A trained pipeline, which is changed, or its name or folder.
    data (str / Path): .spacy file with gold annotation that it was not trained on, or a folder.
    output (str / Path): Folder for the calibrated pipeline, which may be that of the model; None to
        write nothing.
    test (str / Path): Further data, to see how well it worked.
    tokens (str): Which tokens the pipeline gets: "reference" or "pipeline", see evaluate.
    if_enough (bool): Where there are too few entities to calibrate on, go on with the pipeline as
        it is instead of failing.
    component (str): Name of the component.
    labels (Iterable[str]): The types that the data is annotated for: what is found of others is
        neither right nor wrong. None for all, or as the documents themselves say.
    RETURNS (Calibrated): The calibration, and what it does.
    RAISES ValueError: If there are no data, no such component, it lacks one of the types, or there
        are too few entities.
    """
    if output is not None:
        check_output_folder(Path(output))
    paths = {"development": data} | ({} if test is None else {"test": test})
    for path in paths.values():
        check_files(Path(path))
    nlp = load_pipeline(model)
    ner: HasCalibration = find_component(nlp, component, HasCalibration, "can be calibrated")
    counted = _counted(ner, labels)
    examples = {
        name: _read_examples(nlp, component, Path(path), tokens, counted)
        for name, path in paths.items()
    }
    source = source_of_component(ner)
    references = (example.reference for example in examples["development"])
    gold = {label for reference in references for _, _, label in source.spans(reference)}
    judged = {name: ner.judge(own) for name, own in examples.items()}
    old, problem = ner.calibration, None
    try:
        ner.calibration = fit(judged["development"])
    except TooFewEntitiesError as error:
        if not if_enough:
            raise
        problem = str(error)
    if output is not None:
        save_whole(nlp, Path(output))
    return Calibrated(
        ner.calibration,
        before={name: entities.agreement(old) for name, entities in judged.items()},
        after={name: entities.agreement(ner.calibration) for name, entities in judged.items()},
        problem=problem,
        without_gold=tuple(sorted(judged["development"].labels - gold)),
    )


def _counted(ner: HasCalibration, labels: Iterable[str] | None) -> list[str] | None:
    """The types that count; None for all. RAISES ValueError: If the component has none of them."""
    chosen = choose(labels, None).labels
    if chosen is None:
        return None
    known = [label for label in chosen if label in ner.labels]
    if not known:
        raise ValueError(
            f"--labels names types that the component lacks: {', '.join(chosen)}. It has: "
            f"{', '.join(ner.labels)}."
        )
    return known


def _read_examples(
    nlp: Language, component: str, data: Path, tokens: str, labels: list[str] | None
) -> list[Example]:
    """The annotated documents, processed by the components before this one.

    It may listen to these.
    """
    examples = list(make_corpus_v1(data, tokens, labels)(nlp))
    later = nlp.pipe_names[nlp.pipe_names.index(component) :]
    docs = nlp.pipe((example.predicted for example in examples), disable=later)
    for example, doc in zip(examples, docs, strict=True):
        example.predicted = doc
    return examples
