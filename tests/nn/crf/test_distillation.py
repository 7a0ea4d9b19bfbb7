from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, Layout, SoftTargets, TagDecoder
from spacy_ner_plus.nn.crf.distillation import chain_targets, mean_targets, merged_targets
from spacy_ner_plus.nn.crf.messages import ChainScores
from tests.nn.crf.chains import (
    INF,
    Masks,
    largest_saved_tensor,
    randomize,
    scheme_masks,
    scores_of,
)
from tests.oracles import (
    crf_brute_force_divergence,
    crf_brute_force_entropy,
    crf_brute_force_marginals,
    crf_brute_force_transitions,
    crf_log_space_log_z,
)


def permuted(masks: Masks, order: Tensor) -> Masks:
    """The masks of the same tags in another order: tag i becomes tag order[i]."""
    inverse = torch.argsort(order)
    starts, transitions, ends = masks
    return starts[inverse], transitions[inverse][:, inverse], ends[inverse]


@dataclass
class Pair:
    """A teacher, and a student with one more label and its tags in another order."""

    teacher: TagDecoder
    student: TagDecoder
    tags: Tensor  # the student's id of each tag of the teacher
    teacher_emissions: Tensor
    student_emissions: Tensor
    lengths: list[int]

    @property
    def layout(self) -> Layout:
        return Layout(self.lengths)

    def targets(self) -> SoftTargets:
        return self.teacher.soft_targets(self.teacher_emissions, self.layout)

    def loss(self) -> Tensor:
        arguments = (self.student_emissions, self.layout, self.targets(), self.tags)
        return self.student.distillation_loss(*arguments)

    def sequences(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Row, and the teacher's and the student's emissions of each sequence."""
        teachers = self.teacher_emissions.split(self.lengths)
        for row, own in enumerate(self.student_emissions.split(self.lengths)):
            yield row, teachers[row], own


def make_pair(
    kind: type[TagDecoder],
    *,
    scheme: str = "BIO",
    lengths: tuple[int, ...] = (4, 1, 3),
    scale: float = 1.0,
    seed: int = 0,
) -> Pair:
    generator = torch.Generator().manual_seed(seed)
    teacher = randomize(kind(*scheme_masks(scheme, 1)), generator, 1.0)
    masks = scheme_masks(scheme, 2)
    order = torch.randperm(len(masks[0]), generator=generator)
    student = randomize(kind(*permuted(masks, order)), generator, 1.0)
    emissions = [
        torch.randn(sum(lengths), decoder.n_tags, generator=generator, dtype=torch.float64) * scale
        for decoder in (teacher, student)
    ]
    return Pair(teacher, student, order[: teacher.n_tags], *emissions, list(lengths))


@st.composite
def pairs(draw: st.DrawFn, kind: type[TagDecoder]) -> Pair:
    pair = make_pair(
        kind,
        scheme=draw(st.sampled_from(("BIO", "BILOU"))),
        lengths=tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))),
        scale=draw(st.sampled_from((0.0, 1.0, 30.0, 400.0))),
        seed=draw(st.integers(0, 2**31)),
    )
    if draw(st.booleans()):  # what the student cannot do the teacher cannot do either
        generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
        impossible = torch.rand(pair.teacher_emissions.shape, generator=generator) < 0.2
        impossible[..., 0] = False
        pair.teacher_emissions[impossible] = -INF
        if draw(st.booleans()):
            expanded = torch.zeros(pair.student_emissions.shape, dtype=torch.bool)
            expanded[..., pair.tags] = impossible
            pair.student_emissions[expanded] = -INF
    return pair


def restricted(pair: Pair) -> tuple[Tensor, Tensor, Tensor]:
    """The student's start, transition and end scores of the teacher's tags."""
    start, transition, end = scores_of(pair.student)
    return start[pair.tags], transition[pair.tags][:, pair.tags], end[pair.tags]


# Targets


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(pairs(CRF))
def test_soft_targets_of_a_crf_equal_brute_force(pair: Pair) -> None:
    targets = pair.targets()
    assert targets.transitions is not None
    marginals = targets.marginals.split(pair.lengths)
    for row, emissions, _ in pair.sequences():
        chain = (emissions, *scores_of(pair.teacher))
        torch.testing.assert_close(marginals[row], crf_brute_force_marginals(*chain))
        torch.testing.assert_close(targets.transitions[row], crf_brute_force_transitions(*chain))
        torch.testing.assert_close(targets.entropy[row], crf_brute_force_entropy(*chain))


def test_soft_targets_of_softmax_are_the_tokens_probabilities() -> None:
    pair = make_pair(TagDecoder)
    targets = pair.targets()
    assert targets.transitions is None
    marginals = targets.marginals.split(pair.lengths)
    for row, emissions, _ in pair.sequences():
        expected = torch.softmax(emissions, -1)
        torch.testing.assert_close(marginals[row], expected)
        torch.testing.assert_close(targets.entropy[row], torch.special.entr(expected).sum())


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_soft_targets_refuse_a_sequence_without_any_path(kind: type[TagDecoder]) -> None:
    emissions = torch.zeros(12, 3)
    emissions[6] = -INF
    with pytest.raises(ValueError, match=r"no valid tag sequence .*\[1\]"):
        kind(*scheme_masks("BIO", 1)).soft_targets(emissions, Layout([4, 4, 4]))


# Loss


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(pairs(CRF))
def test_crf_distillation_loss_equals_brute_force(pair: Pair) -> None:
    actual = pair.loss()
    assert actual.dtype == torch.float64
    for row, theirs, own in pair.sequences():
        teacher = (theirs, *scores_of(pair.teacher))
        student = (own[:, pair.tags], *restricted(pair))
        expected = crf_brute_force_divergence(teacher, student)
        torch.testing.assert_close(actual[row], expected, rtol=1e-9, atol=1e-8)
        assert actual[row] >= 0


@settings(max_examples=50, deadline=None)
@given(pairs(TagDecoder))
def test_softmax_distillation_loss_is_the_sum_over_tokens(pair: Pair) -> None:
    actual = pair.loss()
    for row, theirs, own in pair.sequences():
        log_p = torch.log_softmax(theirs, -1)
        log_q = torch.log_softmax(own[:, pair.tags], -1)
        possible = log_p > -INF
        terms = log_p[possible].exp() * (log_p[possible] - log_q[possible])
        torch.testing.assert_close(actual[row], terms.sum(), rtol=1e-9, atol=1e-9)
        assert actual[row] >= 0


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("scale", [1.0, 300.0])  # the larger one takes the log-space recursion
def test_distillation_loss_of_the_teacher_itself_is_zero(
    kind: type[TagDecoder], scale: float
) -> None:
    generator = torch.Generator().manual_seed(1)
    module = randomize(kind(*scheme_masks("BILOU", 2)), generator, 1.0)
    layout = Layout([3000, 12])
    emissions = torch.randn(3012, 9, generator=generator) * scale
    emissions.requires_grad_()
    targets = module.soft_targets(emissions, layout)
    loss = module.distillation_loss(emissions, layout, targets, torch.arange(9))
    torch.testing.assert_close(loss, torch.zeros(2).double(), rtol=0, atol=1e-7)
    grads = torch.autograd.grad(loss.sum(), [emissions, *module.parameters()])
    for grad in grads:
        torch.testing.assert_close(grad, torch.zeros_like(grad), rtol=0, atol=1e-7)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_distillation_loss_does_not_see_further_tags(kind: type[TagDecoder]) -> None:
    pair = make_pair(kind, scheme="BILOU", seed=2)
    further = torch.ones(pair.student.n_tags, dtype=torch.bool)
    further[pair.tags] = False
    before = pair.loss()
    pair.student_emissions.requires_grad_()
    pair.loss().sum().backward()
    assert pair.student_emissions.grad is not None
    assert not pair.student_emissions.grad[..., further].any()
    assert pair.student_emissions.grad[..., pair.tags].any()
    with torch.no_grad():
        pair.student_emissions[..., further] += 50.0
        for parameter in pair.student.parameters():
            parameter[further] += 3.0
    torch.testing.assert_close(pair.loss(), before)


def test_trained_student_reaches_the_teachers_distribution() -> None:
    pair = make_pair(CRF, scheme="BILOU", seed=3)
    targets = pair.targets()
    emissions = torch.zeros_like(pair.student_emissions).requires_grad_()
    optimizer = torch.optim.LBFGS([emissions, *pair.student.parameters()], max_iter=200)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = pair.student.distillation_loss(emissions, pair.layout, targets, pair.tags).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert closure() < 1e-4
    allowed = torch.full(emissions.shape, -INF, dtype=torch.float64)
    allowed[..., pair.tags] = emissions.detach()[..., pair.tags]
    marginals = pair.student.lattice(allowed, pair.layout).marginals()[:, pair.tags]
    torch.testing.assert_close(marginals, targets.marginals, rtol=0, atol=0.01)


class _Loss(torch.nn.Module):
    def __init__(self, pair: Pair) -> None:
        super().__init__()
        self.decoder, self.pair, self.targets = pair.student, pair, pair.targets()

    def forward(self, emissions: Tensor) -> Tensor:
        pair = self.pair
        return self.decoder.distillation_loss(emissions, pair.layout, self.targets, pair.tags)


def loss_function(pair: Pair) -> Callable[..., Tensor]:
    """The loss as a function of emissions and parameters, for gradcheck."""
    module = _Loss(pair)
    names = [name for name, _ in module.named_parameters()]

    def loss(emissions: Tensor, *parameters: Tensor) -> Tensor:
        state = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(module, state, (emissions,))

    return loss


@pytest.mark.slow
@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("scheme", ["BIO", "BILOU"])
@pytest.mark.parametrize("scale", [1.0, 150.0])  # the larger one takes the log-space recursion
def test_distillation_loss_passes_gradcheck(
    kind: type[TagDecoder], scheme: str, scale: float
) -> None:
    pair = make_pair(kind, scheme=scheme, scale=scale, seed=4)
    emissions = pair.student_emissions.requires_grad_()
    parameters = [
        parameter.detach().double().requires_grad_() for parameter in pair.student.parameters()
    ]
    assert torch.autograd.gradcheck(loss_function(pair), [emissions, *parameters], atol=1e-6)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_distillation_loss_is_infinite_without_gradient_for_the_impossible(
    kind: type[TagDecoder],
) -> None:
    pair = make_pair(kind, lengths=(4, 4, 4), seed=5)
    targets = pair.targets()
    pair.student_emissions[2, pair.tags[0]] = -INF  # of the first sequence
    pair.student_emissions[5] = -INF  # of the second one
    emissions = pair.student_emissions.requires_grad_()
    loss = pair.student.distillation_loss(emissions, pair.layout, targets, pair.tags)
    assert loss.isinf().tolist() == [True, True, False]
    grads = torch.autograd.grad(loss.sum(), [emissions, *pair.student.parameters()])
    assert not grads[0][:8].any()
    assert grads[0][8:].any()
    assert all(grad.isfinite().all() for grad in grads)


@pytest.mark.slow
def test_crf_distillation_loss_of_long_sequences_keeps_its_digits() -> None:
    pair = make_pair(CRF, lengths=(20_000, 50), seed=6)
    teacher = pair.targets()
    actual = pair.loss()
    start, transition, end = restricted(pair)
    emissions = pair.student_emissions[:20_000, pair.tags]
    assert teacher.transitions is not None
    marginals = teacher.marginals[:20_000]
    expected_score = (
        (marginals * emissions).sum()
        + (marginals[0] * start.clamp_min(-1e9)).sum()
        + (marginals[-1] * end).sum()
        + (teacher.transitions[0] * transition.clamp_min(-1e9)).sum()
    )
    log_z = crf_log_space_log_z(emissions, start, transition, end)
    expected = log_z - expected_score - teacher.entropy[0]
    torch.testing.assert_close(actual[0], expected, rtol=1e-9, atol=0)


def test_crf_distillation_loss_keeps_no_tensor_with_pairs_of_tags_for_each_token() -> None:
    pair = make_pair(CRF, scheme="BILOU", lengths=(200, 100), seed=7)
    pair.student_emissions.requires_grad_()
    with largest_saved_tensor() as sizes:
        loss = pair.loss()
    loss.sum().backward()
    assert sizes
    assert max(sizes) <= pair.student_emissions.numel()


# Temperature, several teachers, coarser tags


def heated(chain: tuple[Tensor, ...], temperature: float) -> tuple[Tensor, ...]:
    return tuple(part / temperature for part in chain)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@settings(max_examples=20, deadline=None)
@given(data=st.data(), temperature=st.sampled_from((0.5, 1.0, 3.0)))
def test_divergence_of_sequences_equals_brute_force_at_any_temperature(
    kind: type[TagDecoder], data: st.DataObject, temperature: float
) -> None:
    """Without a CRF the student's distribution is that over its valid sequences."""
    pair = data.draw(pairs(kind))
    chain = ChainScores(*scores_of(pair.teacher))
    targets = chain_targets(
        pair.teacher_emissions / temperature,
        ChainScores(*heated(chain, temperature)),
        pair.layout,
    )
    actual = pair.student.distillation_loss(
        pair.student_emissions, pair.layout, targets, pair.tags, temperature=temperature
    )
    for row, theirs, own in pair.sequences():
        teacher = heated((theirs, *scores_of(pair.teacher)), temperature)
        student = heated((own[:, pair.tags], *restricted(pair)), temperature)
        expected = crf_brute_force_divergence(teacher, student)
        torch.testing.assert_close(actual[row], expected, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_divergence_of_sequences_at_a_temperature_passes_gradcheck(kind: type[TagDecoder]) -> None:
    pair = make_pair(kind, scheme="BILOU", seed=10)
    chain = ChainScores(*heated(scores_of(pair.teacher), 2.0))
    targets = chain_targets(pair.teacher_emissions / 2.0, chain, pair.layout)

    def loss(emissions: Tensor) -> Tensor:
        return pair.student.distillation_loss(
            emissions, pair.layout, targets, pair.tags, temperature=2.0
        )

    assert torch.autograd.gradcheck(loss, [pair.student_emissions.requires_grad_()], atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 4), st.sampled_from(("BIO", "BILOU")))
def test_mean_targets_give_the_mean_divergence_and_its_gradient(
    seed: int, n_teachers: int, scheme: str
) -> None:
    generator = torch.Generator().manual_seed(seed)
    masks, layout = scheme_masks(scheme, 1), Layout([3, 1])
    student, *teachers = (randomize(CRF(*masks), generator, 1.0) for _ in range(n_teachers + 1))
    emissions, *theirs = torch.randn(n_teachers + 1, 4, len(masks[0]), generator=generator)
    emissions = emissions.double().requires_grad_()
    targets = [
        teacher.soft_targets(own, layout) for teacher, own in zip(teachers, theirs, strict=True)
    ]
    tags = torch.arange(len(masks[0]))

    def loss(of_teacher: SoftTargets) -> Tensor:
        return student.distillation_loss(emissions, layout, of_teacher, tags)

    apart = torch.stack([loss(one) for one in targets]).mean(0)
    together = loss(mean_targets(targets))
    torch.testing.assert_close(together, apart)
    weights = [emissions, *student.parameters()]
    for ours, right in zip(
        torch.autograd.grad(together.sum(), weights),
        torch.autograd.grad(apart.sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(ours, right, rtol=1e-6, atol=1e-7)


def test_merged_targets_are_the_sums_over_the_tags_that_become_one() -> None:
    targets = make_pair(CRF, seed=11).targets()
    merged = merged_targets(targets, torch.tensor([1, 0, 1]), 2)
    assert targets.transitions is not None
    assert merged.transitions is not None
    torch.testing.assert_close(merged.marginals[:, 0], targets.marginals[:, 1])
    torch.testing.assert_close(merged.marginals[:, 1], targets.marginals[:, [0, 2]].sum(1))
    together = targets.transitions[:, [0, 2]][:, :, [0, 2]].sum((1, 2))
    torch.testing.assert_close(merged.transitions[:, 1, 1], together)
    torch.testing.assert_close(merged.transitions.sum((1, 2)), targets.transitions.sum((1, 2)))


# Batches and bad input


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_distillation_loss_of_an_empty_batch_is_empty(kind: type[TagDecoder]) -> None:
    module = kind(*scheme_masks("BIO", 1))
    emissions, layout = torch.zeros(0, 3), Layout([])
    targets = module.soft_targets(emissions, layout)
    assert module.distillation_loss(emissions, layout, targets, torch.arange(3)).shape == (0,)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_distillation_loss_refuses_what_does_not_fit(kind: type[TagDecoder]) -> None:
    pair = make_pair(kind, seed=8)
    targets, tags, layout = pair.targets(), pair.tags, pair.layout
    loss, emissions = pair.student.distillation_loss, pair.student_emissions
    with pytest.raises(ValueError, match=r"soft targets are for sequences of \[4, 1, 3\] tokens"):
        loss(emissions, Layout([4, 2, 2]), targets, tags)
    with pytest.raises(ValueError, match="soft targets must have shape"):
        loss(emissions, layout, targets, tags[:2])
    for wrong in ([0, 0, 1], [0, 1, 5], [-1, 0, 1], [0.0, 1.0, 2.0]):
        with pytest.raises(ValueError, match="distinct int64 ids from 0 to 4"):
            loss(emissions, layout, targets, torch.tensor(wrong))
    with pytest.raises(ValueError, match="temperature must be a finite number above 0, got 0"):
        loss(emissions, layout, targets, tags, temperature=0.0)


def test_targets_of_tokens_cannot_teach_a_crf() -> None:
    pair = make_pair(CRF, seed=8)
    targets = replace(pair.targets(), transitions=None)
    with pytest.raises(ValueError, match="cannot teach"):
        pair.student.distillation_loss(pair.student_emissions, pair.layout, targets, pair.tags)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_cuda_distillation_loss_equals_cpu(kind: type[TagDecoder]) -> None:
    pair = make_pair(kind, seed=9)
    expected, targets = pair.loss(), pair.targets()
    pair.student.cuda()
    emissions = pair.student_emissions.cuda().requires_grad_()
    layout = Layout(pair.lengths, emissions.device)
    loss = pair.student.distillation_loss(emissions, layout, targets, pair.tags)
    loss.sum().backward()
    torch.testing.assert_close(loss.cpu(), expected)
    assert emissions.grad is not None
    assert emissions.grad[0].any()
