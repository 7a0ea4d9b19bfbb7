"""`spacy_ner_plus.Distillation.v1`: teachers for a component, before the first step of a training.

Whatever trains the config takes part: `ner-plus distil`, `ner-plus train`, `spacy train`.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import resolve_dot_names
from thinc.api import fix_random_seed
from tqdm import tqdm

from ...data.corpus_with_texts import CorpusWithTexts
from ...models.architectures.tagged_tokens import tagged_tokens
from ...pages.telling import say
from ...pipeline.capabilities import LearnsFromTeachers
from ...support.digests import file_digest
from ...support.durable import write_atomically
from ...support.numbers import as_float
from ..randomness import capture, starting_from
from .course import Course, make_course
from .lesson_book import LessonBook, LessonCounts
from .teacher import Teacher

# What is called by spaCy when a pipeline is initialised.
AfterInit = Callable[[Language], Any]


@registry.callbacks("spacy_ner_plus.Distillation.v1")
def make_distillation_v1(
    teachers: list[str],
    cache: str,
    component: str | None = None,
    teacher_component: str | None = None,
    weight: float = 0.5,
    temperature: float = 1.0,
    sha256: list[str] | None = None,
    report: str | None = None,
    first: AfterInit | None = None,
) -> Callable[[Language], Language]:
    """What lets a component learn from trained pipelines, for [initialize.after_init].

    The teachers read the training data once; what they say is kept in files.

    teachers (List[str]): Names or folders of pipelines. Of several, the mean is learned.
    cache (str): Folder for what they say. Each set of teachers has a folder of its own in it.
    component (str): The one that learns; None for the only one that can.
    teacher_component (str): The one of each teacher that teaches; None for the only one.
    weight (float): Of the teachers beside the annotation of the same document, from 0 to 1. What
        has no annotation is learned from the teachers alone.
    temperature (float): What scores of teachers and student are divided by: over 1, improbable
        readings count more.
    sha256 (List[str]): Of each teacher's files, so that they are not changed between a training and
        its continuation; None if they may be any.
    report (str): A file to write with the counts, as JSON; None for none.
    first (Callable): What else is called, before this.
    RAISES ValueError: If a setting is out of range; when it is called, if a teacher is not there,
        is another one, or has other types of entities than the component.
    """
    weight, temperature = check_settings(weight, temperature)
    if not teachers:
        raise ValueError("teachers = [] must name at least one pipeline.")
    if sha256 is not None and len(sha256) != len(teachers):
        raise ValueError(f"sha256 has {len(sha256)} values for {len(teachers)} teachers.")

    def distil(nlp: Language) -> Language:
        if first is not None:
            first(nlp)
        digests: Sequence[str | None] = sha256 or [None] * len(teachers)
        found = [
            Teacher.find(one, teacher_component, digest)
            for one, digest in zip(teachers, digests, strict=True)
        ]
        student = find_student(nlp, component)
        course = make_course(found, student.shim.scheme, temperature)
        book = LessonBook(course, Path(cache) / _name(course), weight, _told(found))
        student.learn_from(book)  # which is refused where updates teach nothing
        counts = prepare(nlp, student, book)
        for teacher in found:
            teacher.unload()
        tell(counts, len(found))
        if report is not None:
            write_atomically(Path(report), json.dumps(asdict(counts), indent=2) + "\n")
        return nlp

    return distil


def check_settings(weight: Any, temperature: Any) -> tuple[float, float]:
    """RAISES ValueError: If one is no number, or out of range."""
    weight, temperature = as_float(weight, "weight"), as_float(temperature, "temperature")
    if not 0.0 <= weight <= 1.0:
        raise ValueError(f"weight = {weight} must be from 0 to 1.")
    if not 0.0 < temperature < float("inf"):
        raise ValueError(f"temperature = {temperature} must be over 0.")
    return weight, temperature


def find_student(nlp: Language, name: str | None) -> Any:
    """The component that learns. A component from elsewhere is disabled while others are set up.

    RAISES ValueError: If there is none, or several, or it does not learn.
    """
    able = [one for one, pipe in nlp.components if isinstance(pipe, LearnsFromTeachers)]
    if name is None and "ner_plus" in able:
        name = "ner_plus"
    elif name is None and len(able) == 1:
        [name] = able
    if name not in able:
        wanted = "exactly one component" if name is None else f"a component {name!r}"
        raise ValueError(
            f"The student must have {wanted} that learns the tags of whole sequences, as ner_plus "
            f"does; it has {', '.join(able) or 'none'}. Name one if there are several."
        )
    if name in nlp.config["training"]["frozen_components"]:
        raise ValueError(f"{name!r} is in frozen_components, so it learns from nobody.")
    return nlp.get_pipe(name)


def prepare(nlp: Language, student: Any, book: LessonBook) -> LessonCounts:
    """Ask the teachers about the documents that the training will read, as it will read them.

    Where other texts are drawn in each pass, or without a seed, they are asked about all.
    """
    config = nlp.config.interpolate()
    [corpus] = resolve_dot_names(config, [config["training"]["train_corpus"]])
    seed = config["training"]["seed"]
    is_drawn_anew = config["training"]["max_epochs"] == -1 or seed is None
    read = corpus.every if is_drawn_anew and isinstance(corpus, CorpusWithTexts) else corpus

    def docs() -> Iterator[Doc]:
        examples = tqdm(read(nlp), desc="Lessons", unit="docs", disable=None, leave=False)
        return (example.predicted for example in examples)

    with starting_from(capture()):
        if seed is not None:  # so do trainings: what is chosen or changed by chance is the same
            fix_random_seed(seed)
        return book.prepare(docs(), partial(tagged_tokens, student.model))


def tell(counts: LessonCounts, n_teachers: int) -> None:
    """Say on the terminal what is taught."""
    whose = "the teacher" if n_teachers == 1 else f"{n_teachers} teachers"
    say.info(
        f"Lessons of {whose} about {counts.docs:,} documents, {counts.words:,} words: "
        f"{counts.asked:,} made now; {counts.rows_cut:,} tokens that not all models tag were cut "
        f"out, and {counts.sequences_split:,} documents split there; "
        f"{counts.cache_bytes / 1e6:,.1f} MB on disk"
    )


def _name(course: Course) -> str:
    """Of the folder with lessons that were made in this way."""
    return file_digest(json.dumps(course.made_by, sort_keys=True).encode())[:16]


def _told(teachers: Sequence[Teacher]) -> dict[str, Any]:
    return {"teachers": [teacher.pipeline for teacher in teachers]}
