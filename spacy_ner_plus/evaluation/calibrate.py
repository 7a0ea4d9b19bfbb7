"""Calibrating a pipeline: what `ner-plus calibrate` does, for Python."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.training import Example

from ..data.corpus import make_corpus_v1
from ..data.doc_files import check_files
from ..metrics.candidate_agreement import CandidateAgreement
from ..metrics.reliability import Agreement
from ..pipeline.capabilities import HasCalibration, components, find_component, only_component
from ..pipeline.judged_entities import Judgements, TooFewEntitiesError
from ..pipeline.preparing import load_pipeline
from ..pipeline.saving.whole_pipeline import save_whole
from ..support.output_folder import check_output_folder
from .label_choice import choose


@dataclass(frozen=True)
class Calibrated:
    """How a calibration came out.

    calibration (Calibration / SpanCalibration): What the component has now.
    described (str): Its numbers in a line, those that any of the component's labels uses.
    before, after (Dict[str, Agreement]): How well probabilities of what is found agree with what is
        right: on "development" data, which it was fitted to, and on "test" data, if some were
        given.
    problem (str): Why nothing was fitted; None if it was.
    without_gold (Tuple[str, ...]): Types of the component that count, of which the development data
        has no gold entity: all that was found of them was taken for wrong.
    notes (Tuple[str, ...]): Labels that were not calibrated on their own, and why; components that
        were not.
    candidates_before, candidates_after (Dict[str, CandidateAgreement]): The same as before and
        after of a component that scores spans: of all that are not improbable, too, and of
        outermost and inner ones apart. Empty for others.
    """

    calibration: Any
    described: str
    before: dict[str, Agreement]
    after: dict[str, Agreement]
    problem: str | None = None
    without_gold: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    candidates_before: dict[str, CandidateAgreement] = field(default_factory=dict)
    candidates_after: dict[str, CandidateAgreement] = field(default_factory=dict)


def calibrate(
    model: Language | str | Path,
    data: str | Path,
    output: str | Path | None = None,
    *,
    test: str | Path | None = None,
    tokens: str = "reference",
    if_enough: bool = False,
    component: str | None = None,
    labels: Iterable[str] | None = None,
) -> Calibrated:
    """Make a pipeline's probabilities come true as often as they say.

    That is to fit a temperature, and a line through the entities' log odds; the entities that it
    finds stay the same. For a component that scores spans, it is a line for each label of which
    there are enough; what it finds may change, as it chooses by probabilities.

    model (Language / str / Path): A trained pipeline, which is changed, or its name or folder.
    data (str / Path): .spacy file with gold annotation that it was not trained on, or a folder.
    output (str / Path): Folder for the calibrated pipeline, which may be that of the model; None to
        write nothing.
    test (str / Path): Further data, to see how well it worked.
    tokens (str): Which tokens the pipeline gets: "reference" or "pipeline", see evaluate.
    if_enough (bool): Where there are too few entities to calibrate on, go on with the pipeline as
        it is instead of failing.
    component (str): Name of the component; None for the only one that can be calibrated, or
        "ner_plus".
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
    can = "can be calibrated"
    said: tuple[str, ...] = ()
    if component is None:
        component = only_component(nlp, HasCalibration, can, preferred="ner_plus")
        said = tuple(_others(nlp, component))
    ner: HasCalibration = find_component(nlp, component, HasCalibration, can)
    counted = _counted(ner, labels)
    examples = {
        name: _read_examples(nlp, component, Path(path), tokens, counted)
        for name, path in paths.items()
    }
    judged = {name: ner.judge(own) for name, own in examples.items()}
    development = judged["development"]
    old, problem, notes = ner.calibration, None, ()
    try:
        fitted = development.fit()
        ner.calibration, notes = fitted.calibration, fitted.notes
    except TooFewEntitiesError as error:
        if not if_enough:
            raise
        problem = str(error)
    if output is not None:
        save_whole(nlp, Path(output))
    return Calibrated(
        ner.calibration,
        described=ner.calibration.described(ner.labels),
        before={name: its.agreement(old) for name, its in judged.items()},
        after={name: its.agreement(ner.calibration) for name, its in judged.items()},
        problem=problem,
        without_gold=tuple(sorted(development.labels - development.gold_labels)),
        notes=(*said, *notes),
        candidates_before=_candidates(judged, old),
        candidates_after=_candidates(judged, ner.calibration),
    )


def _others(nlp: Language, component: str) -> Iterator[str]:
    """What to tell of further components that could be calibrated."""
    for pipe in components(nlp):
        if isinstance(pipe, HasCalibration) and pipe.name != component:
            yield f"{pipe.name!r} stays as it is: --component {pipe.name} calibrates it."


def _candidates(judged: Mapping[str, Judgements], under: Any) -> dict[str, CandidateAgreement]:
    found = {name: its.candidates(under) for name, its in judged.items()}
    return {name: its for name, its in found.items() if its is not None}


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
