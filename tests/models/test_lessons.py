"""What a student learns of teachers, against all tag sequences, one by one."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.lesson_losses import TaughtBatch, lesson_loss_and_gradient
from spacy_ner_plus.models.decoding.lessons import (
    Lesson,
    MeansForm,
    MeansLesson,
    ScoresForm,
    ScoresLesson,
    common_rows,
)
from spacy_ner_plus.models.decoding.tag_mapping import TaughtTags
from spacy_ner_plus.nn.crf import Layout, TagDecoder
from spacy_ner_plus.nn.crf.distillation import mean_targets
from spacy_ner_plus.tags import TagScheme
from tests.models.test_losses import make, path_score
from tests.oracles import valid_paths

SCHEMES = (
    TagScheme("BIO", ["X"]),
    TagScheme("BILOU", ["X"]),
    TagScheme("BIO", ["X", "Y"]),
    TagScheme("BILOU", ["X", "Y"]),
)


def reversed_labels(scheme: TagScheme) -> TagScheme:
    return TagScheme(scheme.name, scheme.labels[::-1])


def sides() -> st.SearchStrategy[np.ndarray]:
    """Tokens that have a row, of six."""
    return st.integers(0, 63).map(lambda bits: np.flatnonzero([bits >> i & 1 for i in range(6)]))


def random_scores(scheme: TagScheme, n_rows: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_rows, scheme.n_tags, generator=generator, dtype=torch.float64)


def distribution(
    decoder: TagDecoder, scheme: TagScheme, scores: Tensor, temperature: float
) -> dict[frozenset[tuple[int, int, str]], Tensor]:
    """The log probability of each set of entities, from all valid tag sequences."""
    paths = valid_paths(scheme, len(scores))
    log_scores = torch.stack([path_score(decoder, scores, path) for path in paths]) / temperature
    log_probs = torch.log_softmax(log_scores, 0)
    return {
        frozenset(entities(scheme, path)): log_prob
        for path, log_prob in zip(paths, log_probs, strict=True)
    }


def entities(scheme: TagScheme, path: Sequence[int]) -> list[tuple[int, int, str]]:
    columns = scheme.decode(np.array(path, dtype=np.int64))
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(start, end, scheme.labels[label]) for start, end, label in rows]


def divergence(teacher: dict, student: dict) -> Tensor:
    assert teacher.keys() == student.keys()
    terms = [p.exp() * (p - student[reading]) for reading, p in teacher.items()]
    return torch.stack(terms).sum()


def stretches(rows: Sequence[int], all_rows: set[int]) -> list[list[int]]:
    """Tokens without any row of some side between neighbours, said in another way."""
    found: list[list[int]] = [list(rows[:1])] if len(rows) else []
    for before, after in pairwise(rows):
        if all_rows & set(range(before + 1, after)):
            found.append([])
        found[-1].append(after)
    return found


@given(st.lists(sides(), min_size=1, max_size=3))
def test_common_rows_are_those_of_all_sides_split_where_one_was_cut(own: list[np.ndarray]) -> None:
    common = common_rows(*own)
    shared = sorted(set.intersection(*(set(tokens.tolist()) for tokens in own)))
    every = set.union(*(set(tokens.tolist()) for tokens in own))
    for tokens, positions in zip(own, common.positions, strict=True):
        assert tokens[positions].tolist() == shared
    assert common.n_cut == len(every) - len(shared)
    assert common.lengths.tolist() == [len(part) for part in stretches(shared, every)]


def loss_of_lesson(
    student: TagDecoder,
    scores: Tensor,
    form: ScoresForm | MeansForm,
    lesson: Lesson,
    tokens: np.ndarray,
) -> tuple[float, Tensor, list[Tensor]]:
    emissions = Emissions(scores, [tokens])
    taught = TaughtBatch.of(form, [lesson], emissions.row_tokens)
    student.zero_grad()
    losses, gradient = lesson_loss_and_gradient(student, emissions, taught, np.array([0.75]), 4)
    found = [torch.zeros_like(p) if p.grad is None else p.grad for p in student.parameters()]
    return losses[0], gradient, [grad.clone() for grad in found]


@pytest.mark.parametrize("use_crf", [True, False], ids=["crf", "softmax"])
@settings(deadline=None, max_examples=15)
@given(
    data=st.data(),
    schemes=st.sampled_from([(a, b) for a in SCHEMES for b in SCHEMES if a.labels == b.labels]),
    temperature=st.sampled_from((1.0, 2.5)),
    teacher_has_crf=st.booleans(),
    seed=st.integers(0, 9999),
)
def test_lesson_of_one_teacher_is_the_divergence_of_readings(
    use_crf: bool,
    data: st.DataObject,
    schemes: tuple[TagScheme, TagScheme],
    temperature: float,
    teacher_has_crf: bool,
    seed: int,
) -> None:
    """Of whole tag sequences, whatever the schemes, on the stretches that both have."""
    of_teacher, of_student = schemes[0], reversed_labels(schemes[1])
    teacher = make(of_teacher, teacher_has_crf, seed)
    student = make(of_student, use_crf, seed + 1)
    theirs, ours = (np.array(data.draw(sides()), dtype=np.int64)[:4] for _ in range(2))
    their_scores = random_scores(of_teacher, len(theirs), seed + 2).float()
    scores = random_scores(of_student, len(ours), seed + 3)
    form = ScoresForm(TaughtTags(of_teacher, of_student), teacher.chain_scores(), temperature)
    lesson = ScoresLesson(theirs, their_scores.numpy())
    loss, gradient, of_parameters = loss_of_lesson(student, scores, form, lesson, ours)

    student.zero_grad()
    leaf = scores.clone().requires_grad_()
    expected = leaf.sum() * 0
    shared = sorted(set(theirs.tolist()) & set(ours.tolist()))
    for part in stretches(shared, set(theirs.tolist()) | set(ours.tolist())):
        one = their_scores.double()[np.searchsorted(theirs, part)]
        other = leaf[np.searchsorted(ours, part)]
        p = distribution(teacher, of_teacher, one, temperature)
        q = distribution(student, of_student, other, temperature)
        expected = expected + divergence({k: v.detach() for k, v in p.items()}, q)
    expected = 0.75 * temperature**2 * expected
    assert loss == pytest.approx(expected.item(), abs=1e-9)
    (expected / 4).backward()
    torch.testing.assert_close(gradient, leaf.grad, rtol=1e-6, atol=1e-9)
    for found, parameter in zip(of_parameters, student.parameters(), strict=True):
        right = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(found, right, rtol=1e-6, atol=1e-9)


@settings(deadline=None, max_examples=10)
@given(
    schemes=st.sampled_from(
        [(SCHEMES[0], SCHEMES[1], SCHEMES[0]), (SCHEMES[3], SCHEMES[2], SCHEMES[3])]
    ),
    temperature=st.sampled_from((1.0, 2.5)),
    seed=st.integers(0, 9999),
)
def test_lesson_of_several_teachers_is_the_mean_divergence_of_readings(
    schemes: tuple[TagScheme, TagScheme, TagScheme], temperature: float, seed: int
) -> None:
    """Of teachers in both schemes, and its gradient, on the two stretches around a cut."""
    of_student = schemes[2]
    student = make(of_student, True, seed)
    scores = random_scores(of_student, 4, seed + 1)
    rows, lengths = np.array([0, 1, 3]), np.array([2, 1])
    leaf = scores.clone().requires_grad_()
    targets, expected = [], leaf.sum() * 0
    for i, scheme in enumerate(schemes[:2]):
        teacher = make(scheme, True, seed + 2 + i)
        theirs = random_scores(scheme, 3, seed + 4 + i)
        tags = TaughtTags(scheme, of_student)
        layout = Layout(lengths)
        targets.append(tags.targets(theirs, teacher.chain_scores(), layout, temperature))
        for own, part in (([0, 1], [0, 1]), ([3], [2])):
            p = distribution(teacher, scheme, theirs[part], temperature)
            q = distribution(student, of_student, leaf[own], temperature)
            expected = expected + divergence({k: v.detach() for k, v in p.items()}, q) / 2
    mean = mean_targets(targets)
    assert mean.transitions is not None
    lesson = MeansLesson(
        np.array([1]),
        rows,
        lengths,
        mean.marginals.float().numpy(),
        mean.transitions.float().numpy(),
        mean.entropy.numpy(),
    )
    form = MeansForm(of_student.n_tags, temperature)
    loss, gradient, of_parameters = loss_of_lesson(student, scores, form, lesson, np.arange(4))

    student.zero_grad()
    expected = 0.75 * temperature**2 * expected
    assert loss == pytest.approx(expected.item(), abs=1e-5)  # what is kept has 32 bits
    (expected / 4).backward()
    torch.testing.assert_close(gradient, leaf.grad, rtol=1e-5, atol=1e-6)
    for found, parameter in zip(of_parameters, student.parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad, rtol=1e-5, atol=1e-6)


def test_documents_without_lesson_and_without_rows_learn_nothing() -> None:
    scheme = SCHEMES[1]
    student = make(scheme, True, 0)
    form = ScoresForm(TaughtTags(scheme, scheme), make(scheme, True, 1).chain_scores(), 1.0)
    nothing = ScoresLesson(np.zeros(0, dtype=np.int64), np.zeros((0, 5), dtype=np.float32))
    own = ScoresLesson(np.arange(2), random_scores(scheme, 2, 2).float().numpy())
    emissions = Emissions(random_scores(scheme, 5, 3), [np.arange(2), np.arange(1), np.arange(2)])
    taught = TaughtBatch.of(form, [None, nothing, own], emissions.row_tokens)
    rows = taught.rows(emissions.lengths)
    assert [own.tolist() for own in rows] == [[False] * 2, [False], [True] * 2]
    losses, gradient = lesson_loss_and_gradient(student, emissions, taught, np.ones(3), 2)
    assert losses[:2].tolist() == [0.0, 0.0]
    assert losses[2] > 0
    assert not gradient[:3].any()
    assert gradient[3:].any()
    none = TaughtBatch.of(form, [None, nothing, None], emissions.row_tokens)
    losses, gradient = lesson_loss_and_gradient(student, emissions, none, np.ones(3), 0)
    assert not losses.any()
    assert not gradient.any()


def test_teacher_of_other_types_is_refused_with_these() -> None:
    with pytest.raises(ValueError, match="student lacks B of the teacher; the teacher lacks C, D"):
        TaughtTags(TagScheme("BIO", ["A", "B"]), TagScheme("BIO", ["D", "A", "C"]))
