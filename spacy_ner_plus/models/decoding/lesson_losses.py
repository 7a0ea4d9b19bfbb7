"""How far a student is from what teachers say about documents, and the gradient of that.

The divergence is of whole tag sequences, exactly, times the square of the temperature: so its
gradient keeps its size whatever the temperature is (Hinton, Vinyals and Dean 2015, "Distilling the
Knowledge in a Neural Network").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...nn.crf import TagDecoder
from ...nn.crf.transfer import to_device
from .emissions import Emissions, SequenceGroup
from .lessons import CommonRows, Lesson, LessonForm, flat_rows
from .losses import collect


@dataclass(frozen=True)
class TaughtBatch:
    """The lessons about some of the documents of a batch.

    form (LessonForm): How they are read.
    docs: (n_taught,) int64, the documents that have one, ascending.
    lessons (Sequence[Lesson]), common (Sequence[CommonRows]): Theirs.
    """

    form: LessonForm
    docs: np.ndarray
    lessons: Sequence[Lesson]
    common: Sequence[CommonRows]

    @classmethod
    def of(
        cls, form: LessonForm, lessons: Sequence[Lesson | None], row_tokens: Sequence[np.ndarray]
    ) -> "TaughtBatch":
        """Compare the lessons of a batch, None for a document without, with the student's rows.

        row_tokens: For each Doc (n_rows_of_doc,) int64, as in Emissions.
        """
        own = [(i, lesson) for i, lesson in enumerate(lessons) if lesson is not None]
        common = [form.common(lesson, row_tokens[i]) for i, lesson in own]
        docs = np.array([i for i, _ in own], dtype=np.int64)
        return cls(form, docs, [lesson for _, lesson in own], common)

    def rows(self, n_rows: np.ndarray) -> list[np.ndarray]:
        """For each Doc of the batch (n_rows_of_doc,) bool, the rows that something is taught about.

        n_rows: (n_docs,) int64, how many each Doc has.
        """
        taught = [np.zeros(n, dtype=bool) for n in n_rows.tolist()]
        for i, its in zip(self.docs.tolist(), self.common, strict=True):
            taught[i][its.positions[0]] = True
        return taught


def lesson_loss_and_gradient(
    decoder: TagDecoder,
    emissions: Emissions,
    taught: TaughtBatch,
    doc_weights: np.ndarray,
    n_counted: int,
) -> tuple[np.ndarray, Tensor]:
    """The divergence of each Doc from its lesson, and its gradient.

    emissions (Emissions): The student's, of the whole batch.
    doc_weights: (n_docs,) float64, what each Doc's divergence is multiplied by.
    n_counted (int): What the gradient is divided by.
    RETURNS: (n_docs,) float64, weight * temperature^2 * KL(teacher || student) in nats, 0 without a
        lesson; and (n_rows, n_tags). As in loss_and_gradient otherwise.
    """
    losses, gradient = np.zeros(len(emissions.row_tokens)), torch.zeros_like(emissions.scores)
    rows, lengths, doc_of_segment = _segments(emissions, taught)
    if not len(lengths):
        return losses, gradient
    device, temperature = emissions.scores.device, taught.form.temperature
    segments = taught.form.segments(taught.lessons, taught.common, device)
    places = to_device(rows, device)  # (n,)
    tokens = np.split(np.arange(len(rows)), np.cumsum(lengths)[:-1])
    tags = torch.arange(decoder.n_tags, device=device)
    weights = doc_weights[doc_of_segment] * temperature**2  # (n_segments,)

    def loss(scores: Tensor, group: SequenceGroup) -> Tensor:
        divergences = decoder.distillation_loss(
            scores, group.layout, segments.targets(group), tags, temperature=temperature
        )
        return divergences * to_device(weights[group.docs], device)

    own = Emissions(emissions.scores[places], tokens)
    of_segments, d_own = collect(decoder, own, loss, n_counted)
    np.add.at(losses, doc_of_segment, of_segments)
    return losses, gradient.index_copy(0, places, d_own)


def _segments(
    emissions: Emissions, taught: TaughtBatch
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The student's rows of all segments, (n,); how many each has, and its Doc, (n_segments,)."""
    firsts = (np.cumsum(emissions.lengths) - emissions.lengths)[taught.docs]  # (n_taught,)
    n_segments = np.array([len(its.lengths) for its in taught.common], dtype=np.int64)
    empty = np.zeros(0, dtype=np.int64)
    lengths = np.concatenate([empty, *(its.lengths for its in taught.common)])
    docs = np.repeat(taught.docs, n_segments)  # (n_segments,)
    return flat_rows(firsts, taught.common, 0), lengths, docs
