"""How much a component learns of its documents' annotation, and how much of its teachers.

With the weight w, a document that has both has the loss

    (1 - w) * L + w * T^2 * KL(teacher || student)

where L is that of the annotation and T the temperature; one that only a teacher says something
about has the second term with weight 1, and one without a lesson L alone. All are summed and
divided by the number of rows of which something is known or taught, so that each token counts the
same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from spacy.tokens import Doc

from ..models.decoding.emissions import Emissions
from ..models.decoding.lesson_losses import TaughtBatch
from ..models.decoding.lessons import Lesson, LessonForm
from ..models.decoding.rejected import count_known, known_rows


class Teaching(Protocol):
    """Knows what teachers say about documents."""

    @property
    def form(self) -> LessonForm:
        """How their lessons are read."""
        ...

    @property
    def weight(self) -> float:
        """Of a lesson beside the annotation of the same document: from 0 to 1."""
        ...

    def lessons(
        self, docs: Sequence[Doc], row_tokens: Sequence[np.ndarray]
    ) -> Sequence[Lesson | None]:
        """The lesson about each Doc, None for none.

        row_tokens: For each Doc (n_rows_of_doc,) int64, the token of each of the student's rows.
        """
        ...


@dataclass(frozen=True)
class LearningPlan:
    """What of a batch counts how much.

    known: For each Doc (n_rows_of_doc, n_tags) bool, the tags that its annotation permits; all for
        one of which the annotation has no weight.
    annotation_weights, lesson_weights: (n_docs,) float64.
    taught (TaughtBatch): The lessons; None for none at all.
    n_counted (int): The rows of which something is known or taught.
    """

    known: list[np.ndarray]
    annotation_weights: np.ndarray | None
    lesson_weights: np.ndarray
    taught: TaughtBatch | None
    n_counted: int


def weigh(
    teaching: Teaching | None,
    docs: Sequence[Doc],
    scores: Emissions,
    known: list[np.ndarray],
) -> LearningPlan:
    """Look up the lessons of a batch. teaching (Teaching): None for annotation alone.

    scores (Emissions): With spans that are known to be wrong. known: As in LearningPlan.
    """
    if teaching is None:
        n_known = count_known(known, scores.spans)
        return LearningPlan(known, None, np.zeros(len(docs)), None, n_known)
    lessons = teaching.lessons(docs, scores.row_tokens)
    taught = TaughtBatch.of(teaching.form, lessons, scores.row_tokens)
    rows = list(zip(known_rows(known, scores.spans), taught.rows(scores.lengths), strict=True))
    has_both = np.array([own.any() and others.any() for own, others in rows], dtype=bool)
    annotation_weights = np.where(has_both, 1.0 - teaching.weight, 1.0)
    if teaching.weight == 1.0:  # what contradicts itself there is not looked at
        known = [
            np.ones_like(own) if both else own for own, both in zip(known, has_both, strict=True)
        ]
    return LearningPlan(
        known,
        annotation_weights,
        np.where(has_both, teaching.weight, 1.0),
        taught,
        sum(int((own | others).sum()) for own, others in rows),
    )
