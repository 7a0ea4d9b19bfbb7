"""How lessons are made: of one teacher's scores, or of the means of several teachers."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
import torch
from spacy import attrs
from spacy.tokens import Doc
from torch import Tensor

from ...models.decoding.emissions import Emissions
from ...models.decoding.lessons import (
    CommonRows,
    Lesson,
    LessonForm,
    MeansForm,
    MeansLesson,
    ScoresForm,
    ScoresLesson,
    common_rows,
    flat_rows,
)
from ...models.decoding.tag_mapping import TaughtTags
from ...nn.crf import SoftTargets
from ...nn.crf.distillation import mean_targets
from ...nn.crf.messages import ChainScores
from ...nn.crf.transfer import to_device
from ...support.digests import file_digest
from ...tags import TagScheme
from .lesson_cache import Arrays, LessonCache
from .teacher import Teacher

# The key of the transition scores of a teacher of whom the scores are kept.
_CHAIN = bytes(16)


class Course(Protocol):
    """What a student is taught."""

    @property
    def made_by(self) -> dict[str, Any]:
        """What decides what the lessons are, as JSON data."""
        ...

    def form(self, cache: LessonCache) -> LessonForm:
        """How lessons are read. Teachers are asked for what is not in the cache."""
        ...

    def key(self, doc: Doc, tokens: np.ndarray) -> bytes:
        """Of the lesson about a document, (16,).

        tokens: (n_rows_of_doc,) int64, the token of each of the student's rows.
        """
        ...

    def make(self, docs: Sequence[Doc], row_tokens: Sequence[np.ndarray]) -> list[Lesson]:
        """Ask the teachers."""
        ...

    def read(self, arrays: Arrays) -> Lesson:
        """A lesson of what to_arrays gave."""
        ...


@dataclass(frozen=True)
class ScoresCourse:
    """One teacher's scores: for every student, at any temperature."""

    teacher: Teacher
    student: TagScheme
    temperature: float

    @property
    def made_by(self) -> dict[str, Any]:
        """See Course.made_by."""
        return {"lessons": "scores", "teachers": [_identity(self.teacher)]}

    def form(self, cache: LessonCache) -> LessonForm:
        """See Course.form."""
        if _CHAIN not in cache:
            named = zip(ChainScores._fields, self.teacher.chain, strict=True)
            cache.add({_CHAIN: {name: score.numpy() for name, score in named}})
        arrays = cache.read(_CHAIN)
        chain = ChainScores(*(torch.from_numpy(arrays[name]) for name in ChainScores._fields))
        return ScoresForm(TaughtTags(self.teacher.scheme, self.student), chain, self.temperature)

    def key(self, doc: Doc, tokens: np.ndarray) -> bytes:
        """See Course.key. It is of the document alone."""
        return _key(_content(doc))

    def make(self, docs: Sequence[Doc], row_tokens: Sequence[np.ndarray]) -> list[Lesson]:
        """See Course.make."""
        found = self.teacher.emissions(docs)
        scores = found.scores.float().cpu().numpy()  # (n_rows, n_teacher_tags)
        parts = np.split(scores, np.cumsum(found.lengths)[:-1])
        return [ScoresLesson(*pair) for pair in zip(found.row_tokens, parts, strict=True)]

    def read(self, arrays: Arrays) -> Lesson:
        """See Course.read."""
        return ScoresLesson(**arrays)


@dataclass(frozen=True)
class MeansCourse:
    """The means of several teachers, for students with these tags and this temperature."""

    teachers: Sequence[Teacher]
    student: TagScheme
    temperature: float

    @property
    def made_by(self) -> dict[str, Any]:
        """See Course.made_by."""
        return {
            "lessons": "means",
            "teachers": [_identity(teacher) for teacher in self.teachers],
            "temperature": self.temperature,
            "student": {"scheme": self.student.name, "labels": list(self.student.labels)},
        }

    def form(self, cache: LessonCache) -> LessonForm:
        """See Course.form."""
        return MeansForm(self.student.n_tags, self.temperature)

    def key(self, doc: Doc, tokens: np.ndarray) -> bytes:
        """See Course.key. What is kept are sums over the rows that the student has too."""
        return _key(_content(doc) + tokens.astype("<i8").tobytes())

    def make(self, docs: Sequence[Doc], row_tokens: Sequence[np.ndarray]) -> list[Lesson]:
        """See Course.make."""
        every = [teacher.emissions(docs) for teacher in self.teachers]
        sides = zip(row_tokens, *(one.row_tokens for one in every), strict=True)
        common = [common_rows(*own) for own in sides]
        device = every[0].scores.device  # a teacher may have been trained for another one
        scores = [
            _shared_scores(one, common, side).to(device) for side, one in enumerate(every, start=1)
        ]
        return _split(self._mean(scores, common), common)

    def _mean(self, scores: Sequence[Tensor], common: Sequence[CommonRows]) -> SoftTargets:
        """Of the teachers' distributions over all segments, which are on the CPU then.

        scores: Of each teacher (n_rows, n_teacher_tags), the rows of all segments.
        """
        lengths = np.concatenate([np.zeros(0, dtype=np.int64), *(its.lengths for its in common)])
        n, n_rows, n_tags = len(lengths), int(lengths.sum()), self.student.n_tags
        found = SoftTargets(
            lengths=torch.from_numpy(lengths),
            marginals=torch.zeros(n_rows, n_tags),
            transitions=torch.zeros(n, n_tags, n_tags),
            entropy=torch.zeros(n, dtype=torch.float64),
        )
        assert found.transitions is not None
        bounds = np.cumsum(lengths)[:-1]
        segments = Emissions(scores[0], np.split(np.arange(n_rows), bounds) if n else [])
        chains = [teacher.chain for teacher in self.teachers]
        tags = [TaughtTags(teacher.scheme, self.student) for teacher in self.teachers]
        for group in segments.groups():
            each = zip(tags, scores, chains, strict=True)
            mean = mean_targets(
                [
                    one.targets(own[group.rows], chain, group.layout, self.temperature)
                    for one, own, chain in each
                ]
            )
            assert mean.transitions is not None
            found.marginals[group.rows.cpu()] = mean.marginals.float().cpu()
            found.transitions[group.docs] = mean.transitions.float().cpu()
            found.entropy[group.docs] = mean.entropy.cpu()
        return found

    def read(self, arrays: Arrays) -> Lesson:
        """See Course.read."""
        return MeansLesson(**arrays)


def make_course(teachers: Sequence[Teacher], student: TagScheme, temperature: float) -> Course:
    """What one or several teachers teach a student.

    RAISES ValueError: If one of them has other labels than the student.
    """
    for teacher in teachers:
        try:
            TaughtTags(teacher.scheme, student)
        except ValueError as error:
            raise ValueError(f"The teacher {teacher.pipeline}: {error}") from error
    if len(teachers) == 1:
        return ScoresCourse(teachers[0], student, temperature)
    return MeansCourse(tuple(teachers), student, temperature)


def to_arrays(lesson: Lesson) -> Arrays:
    """A lesson as arrays by their names."""
    return {field.name: getattr(lesson, field.name) for field in fields(lesson)}


def _shared_scores(emissions: Emissions, common: Sequence[CommonRows], side: int) -> Tensor:
    """The scores of rows that all sides have, (n_rows, n_tags). side (int): Whose they are."""
    firsts = np.cumsum(emissions.lengths) - emissions.lengths  # (n_docs,)
    rows = flat_rows(firsts, common, side)  # (n_rows,)
    return emissions.scores[to_device(rows, emissions.scores.device)]


def _split(targets: SoftTargets, common: Sequence[CommonRows]) -> list[Lesson]:
    """By document. targets (SoftTargets): Of the segments of all documents."""
    assert targets.transitions is not None
    lessons: list[Lesson] = []
    row = segment = 0
    for its in common:
        rows = slice(row, row + len(its.positions[0]))
        segments = slice(segment, segment + len(its.lengths))
        row, segment = rows.stop, segments.stop
        lessons.append(
            MeansLesson(
                n_cut=np.array([its.n_cut]),
                rows=its.positions[0],
                lengths=its.lengths,
                marginals=targets.marginals[rows].numpy(),
                transitions=targets.transitions[segments].numpy(),
                entropy=targets.entropy[segments].numpy(),
            )
        )
    return lessons


def _identity(teacher: Teacher) -> dict[str, str]:
    return {"sha256": teacher.sha256, "component": teacher.component}


def _content(doc: Doc) -> bytes:
    """The tokens of a document, with the white space between them: their number and hashes."""
    tokens = doc.to_array([attrs.ORTH, attrs.SPACY]).astype("<u8")  # (n_tokens, 2)
    return len(doc).to_bytes(8, "little") + tokens.tobytes()


def _key(content: bytes) -> bytes:
    return bytes.fromhex(file_digest(content))[:16]
