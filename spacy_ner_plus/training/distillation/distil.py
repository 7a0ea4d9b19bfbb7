"""A big model in a small one: what `ner-plus distil` does, for Python."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import DEFAULT_CONFIG
from thinc.api import Config

from ...data.sources.inputs import open_input
from ...data.sources.rows import Fields
from ...models.decoding.tag_mapping import check_same_labels
from ...pipeline.preparing import import_user_code
from ...support.output_folder import check_output_folder
from ..load_config import load_config, name_of
from ..train import train
from .callback import check_settings
from .lesson_book import LessonCounts
from .teacher import Teacher

LESSONS, REPORT = "lessons", "distillation.json"
_CALLBACK = "spacy_ner_plus.Distillation.v1"
_READER = "spacy_ner_plus.CorpusWithTexts.v1"
# Of components that may learn from teachers.
_FACTORIES = ("ner_plus", "ner_plus_features")


@dataclass(frozen=True)
class Distilled:
    """What was done.

    has_ended (bool): Whether training has; if not, there is a checkpoint to go on from.
    teachers (List[str]), output (str): As given.
    lessons (LessonCounts): What was taught.
    """

    has_ended: bool
    teachers: list[str]
    output: str
    lessons: LessonCounts


def distil(
    teachers: str | Path | Sequence[str | Path],
    config: str | Path | Config,
    output: str | Path,
    *,
    texts: Sequence[str | Path] | None = None,
    share: float | None = None,
    weight: float = 0.5,
    temperature: float = 1.0,
    cache: str | Path | None = None,
    component: str | None = None,
    teacher_component: str | None = None,
    input_format: str | None = None,
    text_field: str = "text",
    overrides: Mapping[str, Any] | None = None,
    code: Path | None = None,
    gpu_id: int = -1,
    checkpoint_every: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> Distilled:
    """Train a pipeline on annotated data and on what trained pipelines say about any text.

    It learns their distribution over whole tag sequences, exactly, see docs/distillation.md. Their
    encoder, tokenizer and tag scheme may be others, the types of entities must be the same. What
    they say is kept in files and made once.

    teachers (Union[str, Path, Sequence]): Name or folder of a pipeline; of several, the mean is
        learned.
    config (Union[str, Path, Config]): That of the student. Without [initialize.components.NAME]
        labels it gets those of the teachers.
    output (Union[str, Path]): The folder for pipelines, checkpoints and lessons.
    texts (Sequence[Union[str, Path]]): Further texts without annotation, in any form that `predict`
        reads; None for none.
    share (float): Of texts among all documents: see CorpusWithTexts.v1. None for all.
    weight (float): Of the teachers beside the annotation of the same document, from 0 to 1.
    temperature (float): What all scores are divided by.
    cache (Union[str, Path]): Folder for lessons; None for one in the output folder.
    component, teacher_component (str): Who learns and who teaches, if there are several.
    input_format, text_field (str): As those of predict, for the texts.
    overrides, code, gpu_id, checkpoint_every, resume, overwrite: As those of train.
    RETURNS (Distilled): What was done.
    RAISES ValueError: What is given can't be read or done, or, as of train, the run is not the one
        that is to be continued.
    """
    output = Path(output)
    named = [teachers] if isinstance(teachers, str | Path) else teachers
    names, paths = [str(one) for one in named], [str(one) for one in texts or ()]
    check_output_folder(output)
    import_user_code(code)
    _check_texts(paths, input_format, text_field)
    loaded = load_config(config, overrides)
    weight, temperature = check_settings(weight, temperature)
    found = _find_teachers(names, teacher_component)
    settings = {"share": share, "input_format": input_format, "text_field": text_field}
    _add_texts(loaded, name_of(config), paths, settings)
    _add_labels(loaded, found[0], component)
    _add_callback(
        loaded,
        {
            "teachers": names,
            "cache": str(output / LESSONS if cache is None else cache),
            "component": component,
            "teacher_component": teacher_component,
            "weight": weight,
            "temperature": temperature,
            "sha256": [teacher.sha256 for teacher in found],
            "report": str(output / REPORT),
        },
    )
    has_ended = train(
        loaded,
        output,
        gpu_id=gpu_id,
        checkpoint_every=checkpoint_every,
        resume=resume,
        overwrite=overwrite,
    )
    lessons = LessonCounts(**json.loads((output / REPORT).read_text(encoding="utf8")))
    return Distilled(has_ended, names, str(output), lessons)


def _check_texts(paths: Sequence[str], input_format: str | None, text_field: str) -> None:
    """RAISES ValueError: If one is not there, or has a format that is not known."""
    for path in paths:
        open_input(Path(path), input_format, Fields(text_field))


def _find_teachers(names: Sequence[str], component: str | None) -> list[Teacher]:
    """RAISES ValueError: If there is none, one can't teach, or they differ in their types."""
    found = [Teacher.find(name, component) for name in names]
    if not found:
        raise ValueError("There is no teacher: name a trained pipeline.")
    first = found[0]
    for other in found[1:]:
        both = (f"the teacher {first.pipeline}", f"the teacher {other.pipeline}")
        check_same_labels(first.scheme.labels, other.scheme.labels, both)
    return found


def _add_texts(config: Config, name: str, paths: list[str], settings: dict[str, Any]) -> None:
    """Let the reader of the training data be within one of texts, if there are texts.

    RAISES ValueError: If the config has the training data in an unusual place, or there is a share
        of no texts.
    """
    if not paths:
        if settings["share"] is not None:
            raise ValueError(
                f"share = {settings['share']} is of texts, and there are none: name some."
            )
        return
    dotted = config["training"].get("train_corpus", "corpora.train")
    section, _, own = dotted.partition(".")
    block = config["corpora"].get(own) if section == "corpora" else None
    if not isinstance(block, dict) or "@readers" not in block:
        raise ValueError(
            f"{name}: [training] train_corpus = {dotted!r} must name a block [corpora.NAME] with a "
            "reader, so that texts can be read beside it."
        )
    default = DEFAULT_CONFIG["corpora"]["train"]
    if block["@readers"] == default["@readers"]:  # which spaCy fills in at its place only
        block = {**default, **block}
    config["corpora"][own] = {"@readers": _READER, "corpus": block, "texts": paths, **settings}


def _add_labels(config: Config, teacher: Teacher, component: str | None) -> None:
    """Set the student's types to the teacher's, where the config does not say which.

    Data may lack some of them, or be raw text alone. Those of a component from elsewhere are its
    own. If they differ, the callback says so.
    """
    name = _student_name(config, component)
    if name is None:
        return
    settings = config.setdefault("initialize", {}).setdefault("components", {}).setdefault(name, {})
    if settings.get("labels") is None:
        settings["labels"] = list(teacher.scheme.labels)


def _student_name(config: Config, component: str | None) -> str | None:
    """The component that will learn, if it is made anew."""
    made = [
        name for name, block in config["components"].items() if block.get("factory") in _FACTORIES
    ]
    if component is not None or "ner_plus" in made:
        name = component or "ner_plus"
        return name if name in made else None
    return made[0] if len(made) == 1 else None


def _add_callback(config: Config, settings: dict[str, Any]) -> None:
    """Put the callback into the config, with one that is there already as its `first`.

    The config of a student has this callback already: its own teachers are not asked again.
    """
    initialize = config.setdefault("initialize", {})
    first = initialize.get("after_init")
    while isinstance(first, dict) and first.get("@callbacks") == _CALLBACK:
        first = first.get("first")
    initialize["after_init"] = {"@callbacks": _CALLBACK, **settings, "first": first}
