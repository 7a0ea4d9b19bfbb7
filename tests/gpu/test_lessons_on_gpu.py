"""Lessons are learned on a GPU as on the CPU."""

import numpy as np
import pytest
import torch
from torch import Tensor

from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.lesson_losses import TaughtBatch, lesson_loss_and_gradient
from spacy_ner_plus.models.decoding.lessons import (
    LessonForm,
    MeansForm,
    MeansLesson,
    ScoresForm,
    ScoresLesson,
)
from spacy_ner_plus.models.decoding.tag_mapping import TaughtTags
from spacy_ner_plus.nn.crf import Layout
from spacy_ner_plus.tags import TagScheme
from tests.models.test_losses import make

pytestmark = pytest.mark.gpu

BIO, BILOU = (TagScheme(name, ["X", "Y"]) for name in ("BIO", "BILOU"))
ROWS = [np.array([0, 1, 3, 4]), np.array([0, 1])]


def scores_of(scheme: TagScheme, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(6, scheme.n_tags, generator=generator)


def learned(
    student: TagScheme, form: LessonForm, lessons: list[ScoresLesson | MeansLesson], device: str
) -> list[Tensor]:
    """Losses and gradients, on the CPU."""
    decoder = make(student, True, 1).to(device)
    emissions = Emissions(scores_of(student, 2).to(device), ROWS)
    taught = TaughtBatch.of(form, lessons, ROWS)
    losses, gradient = lesson_loss_and_gradient(decoder, emissions, taught, np.ones(2), 6)
    grads = [gradient, *(p.grad for p in decoder.parameters() if p.grad is not None)]
    return [torch.from_numpy(losses), *(grad.cpu() for grad in grads)]


@pytest.mark.parametrize("schemes", [(BIO, BILOU), (BILOU, BIO), (BILOU, BILOU)])
def test_lessons_teach_the_same_on_a_gpu(schemes: tuple[TagScheme, TagScheme], device: str) -> None:
    teacher, student = schemes
    chain, tags = make(teacher, True, 3).chain_scores(), TaughtTags(teacher, student)
    theirs = scores_of(teacher, 4)
    tokens = [np.array([0, 1, 2, 3]), np.array([0, 1])]  # one is cut out of the first
    parts = zip(tokens, theirs.split([4, 2]), strict=True)
    of_one = [ScoresLesson(rows, own.numpy()) for rows, own in parts]
    mean = tags.targets(theirs.to(device), chain, Layout([4, 2], torch.device(device)), 2.0)
    on_cpu = tags.targets(theirs, chain, Layout([4, 2]), 2.0)
    torch.testing.assert_close(mean.marginals.cpu(), on_cpu.marginals)
    assert on_cpu.transitions is not None
    of_several = [
        MeansLesson(
            np.array([0]),
            np.arange(len(marginals)),
            np.array([len(marginals)]),
            marginals.float().numpy(),
            on_cpu.transitions[i : i + 1].float().numpy(),
            on_cpu.entropy[i : i + 1].numpy(),
        )
        for i, marginals in enumerate(on_cpu.marginals.split([4, 2]))
    ]
    forms = (ScoresForm(tags, chain, 2.0), MeansForm(student.n_tags, 2.0))
    for form, lessons in zip(forms, (of_one, of_several), strict=True):
        expected = learned(student, form, lessons, "cpu")
        found = learned(student, form, lessons, device)
        for ours, right in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, right)
