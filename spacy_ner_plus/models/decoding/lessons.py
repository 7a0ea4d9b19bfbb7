"""What teachers say about documents, in the form in which a student learns from it.

A lesson of one teacher is its tag scores, which with its transition scores are its distribution
over tag sequences, at any temperature. A lesson of several teachers is their mean expectations: of
each tag of each token, and of each pair of neighbouring tags in a sequence. That is all that the
mean divergence of a linear chain from theirs takes, see `mean_targets`.

Teacher and student may cut texts into pieces by other tokenizers, and one may have no row for a
token that the other tags. Such rows are cut out of both, and the sequence is split there: what is
left and right of it is compared as sequences of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ...nn.crf import SoftTargets
from ...nn.crf.messages import ChainScores
from ...nn.crf.transfer import to_device
from .emissions import SequenceGroup
from .tag_mapping import TaughtTags


@dataclass(frozen=True)
class CommonRows:
    """The rows of a document that all sides have.

    positions: For each side (n_rows,) int64, where they are among its own rows.
    lengths: (n_segments,) int64, how many there are in each stretch without a cut; none is 0.
    n_cut (int): Rows of any side that another one lacks; each token counts once.
    """

    positions: tuple[np.ndarray, ...]
    lengths: np.ndarray
    n_cut: int


def common_rows(*sides: np.ndarray) -> CommonRows:
    """Compare the rows that models have of the same document.

    sides: For each model (n_rows_of_model,) int64, the token of each row, ascending.
    """
    shared, every = sides[0], sides[0]
    for tokens in sides[1:]:
        shared = np.intersect1d(shared, tokens, assume_unique=True)
        every = np.union1d(every, tokens)
    positions = tuple(np.searchsorted(tokens, shared).astype(np.int64) for tokens in sides)
    # a row of some side lies between two that are common
    breaks = np.flatnonzero(np.diff(np.searchsorted(every, shared)) > 1) + 1
    bounds = [0, *breaks.tolist(), len(shared)] if len(shared) else [0]
    return CommonRows(positions, np.diff(bounds).astype(np.int64), len(every) - len(shared))


def flat_rows(firsts: np.ndarray, common: Sequence[CommonRows], side: int) -> np.ndarray:
    """(n,) int64: where the common rows of some documents are among all rows of a side.

    firsts: (n_docs,) int64, where the rows of each document begin. side (int): Whose rows.
    """
    pairs = zip(firsts.tolist(), common, strict=True)
    rows = [first + its.positions[side] for first, its in pairs]
    return np.concatenate([np.zeros(0, dtype=np.int64), *rows])


@dataclass(frozen=True)
class ScoresLesson:
    """What one teacher says about a document.

    tokens: (n_rows,) int64, the token of each of the teacher's rows, ascending.
    scores: (n_rows, n_teacher_tags) float32, its emissions.
    """

    tokens: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class MeansLesson:
    """What several teachers say about a document on average, in the student's tags.

    n_cut: (1,) int64, see CommonRows.
    rows: (n_rows,) int64, the student's rows that all teachers have too.
    lengths: (n_segments,) int64, how many are in each stretch without a cut.
    marginals: (n_rows, n_tags) float32, the mean probability of each tag.
    transitions: (n_segments, n_tags, n_tags) float32, the mean expected number of uses of each
        transition.
    entropy: (n_segments,) float64, the mean entropy, in nats.
    """

    n_cut: np.ndarray
    rows: np.ndarray
    lengths: np.ndarray
    marginals: np.ndarray
    transitions: np.ndarray
    entropy: np.ndarray


Lesson = ScoresLesson | MeansLesson


class TaughtSegments(Protocol):
    """The segments of a batch of documents, with what their teachers say about them."""

    def targets(self, group: SequenceGroup) -> SoftTargets:
        """Those of some of the segments. group (SequenceGroup): Of all segments of the batch."""
        ...


class LessonForm(Protocol):
    """What a student must know to read lessons of one kind."""

    @property
    def temperature(self) -> float:
        """What scores were divided by, or are to be."""
        ...

    def common(self, lesson: Lesson, tokens: np.ndarray) -> CommonRows:
        """The rows that both have: the student's first, then those of the lesson.

        tokens: (n_rows_of_student,) int64, the token of each of the student's rows.
        """
        ...

    def segments(
        self, lessons: Sequence[Lesson], common: Sequence[CommonRows], device: torch.device
    ) -> TaughtSegments:
        """The segments of some documents, those of one after those of the other."""
        ...


@dataclass(frozen=True)
class ScoresForm:
    """How ScoresLessons of a teacher are read.

    tags (TaughtTags): How its tags are the student's.
    chain (ChainScores): Its start, transition and end scores.
    temperature (float): What its scores and the student's are divided by.
    """

    tags: TaughtTags
    chain: ChainScores
    temperature: float

    def common(self, lesson: Lesson, tokens: np.ndarray) -> CommonRows:
        """See LessonForm.common."""
        assert isinstance(lesson, ScoresLesson)
        return common_rows(tokens, lesson.tokens)

    def segments(
        self, lessons: Sequence[Lesson], common: Sequence[CommonRows], device: torch.device
    ) -> "_ScoredSegments":
        """See LessonForm.segments."""
        parts = [np.zeros((0, self.tags.teacher.n_tags), dtype=np.float32)]
        for lesson, its in zip(lessons, common, strict=True):
            assert isinstance(lesson, ScoresLesson)
            parts.append(lesson.scores[its.positions[1]])
        return _ScoredSegments(self, to_device(np.concatenate(parts), device))


@dataclass(frozen=True)
class _ScoredSegments:
    """scores: (n_rows, n_teacher_tags) float32."""

    form: ScoresForm
    scores: Tensor

    def targets(self, group: SequenceGroup) -> SoftTargets:
        form, own = self.form, self.scores[group.rows]  # (N, n_teacher_tags)
        return form.tags.targets(own, form.chain, group.layout, form.temperature)


@dataclass(frozen=True)
class MeansForm:
    """How MeansLessons are read.

    n_tags (int): The student's tags.
    temperature (float): What all teachers' scores were divided by, and the student's are.
    """

    n_tags: int
    temperature: float

    def common(self, lesson: Lesson, tokens: np.ndarray) -> CommonRows:
        """See LessonForm.common. The lesson was made for the student's rows."""
        assert isinstance(lesson, MeansLesson)
        positions = (lesson.rows, np.arange(len(lesson.rows)))
        return CommonRows(positions, lesson.lengths, int(lesson.n_cut[0]))

    def segments(
        self, lessons: Sequence[Lesson], common: Sequence[CommonRows], device: torch.device
    ) -> "_MeanSegments":
        """See LessonForm.segments."""
        n = self.n_tags
        marginals = [np.zeros((0, n), dtype=np.float32)]
        transitions, entropy = [np.zeros((0, n, n), dtype=np.float32)], [np.zeros(0)]
        for lesson in lessons:
            assert isinstance(lesson, MeansLesson)
            marginals.append(lesson.marginals)
            transitions.append(lesson.transitions)
            entropy.append(lesson.entropy)
        parts = (marginals, transitions, entropy)
        return _MeanSegments(*(to_device(np.concatenate(part), device) for part in parts))


@dataclass(frozen=True)
class _MeanSegments:
    """marginals (n_rows, n_tags), transitions (n_segments, n_tags, n_tags), entropy."""

    marginals: Tensor
    transitions: Tensor
    entropy: Tensor

    def targets(self, group: SequenceGroup) -> SoftTargets:
        docs = to_device(group.docs, self.entropy.device)
        return SoftTargets(
            lengths=group.layout.lengths,
            marginals=self.marginals[group.rows].double(),  # (N, n_tags)
            transitions=self.transitions[docs].double(),  # (n_segments, n_tags, n_tags)
            entropy=self.entropy[docs],
        )
