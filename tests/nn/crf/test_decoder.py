from collections.abc import Callable

import pytest
import torch
import torchcrf
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, Layout, SpanTags, TagDecoder
from spacy_ner_plus.tags import TagScheme
from tests.nn.crf.chains import (
    INF,
    SCHEMES,
    Case,
    cases,
    is_valid,
    largest_saved_tensor,
    one_hot,
    random_valid_tags,
    randomize,
    scheme_labels,
    scheme_masks,
    scores_of,
    unconstrained,
)
from tests.oracles import (
    crf_brute_force_best_path,
    crf_brute_force_log_z,
    crf_brute_force_marginals,
    crf_brute_force_span_log_prob,
    crf_log_space_log_z,
    crf_log_space_marginals,
)

# Probabilities


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(cases())
def test_log_z_and_marginals_equal_brute_force(case: Case) -> None:
    scores = scores_of(case.module)
    lattice = case.module.lattice(case.emissions, case.layout)
    marginals = case.split(lattice.marginals())
    assert lattice.log_z.dtype == torch.float64
    for row, emissions in case.sequences():
        expected = crf_brute_force_log_z(emissions, *scores)
        torch.testing.assert_close(lattice.log_z[row], expected, rtol=1e-11, atol=1e-9)
        expected = crf_brute_force_marginals(emissions, *scores)
        torch.testing.assert_close(marginals[row], expected, rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(marginals[row].sum(1), torch.ones(len(emissions)).double())


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(cases())
def test_span_log_probs_equal_brute_force(case: Case) -> None:
    labels = scheme_labels(case.scheme, case.n_labels)
    scores = scores_of(case.module)
    spans = [
        (row, start, end, label)
        for row, length in enumerate(case.lengths)
        for start in range(length)
        for end in range(start + 1, length + 1)
        for label in labels
    ]
    sequence, start, end = torch.tensor([span[:3] for span in spans], dtype=torch.int64).view(
        -1, 3
    ).T  # fmt: skip
    tags = SpanTags(
        *(
            torch.tensor([getattr(span[3], name) for span in spans], dtype=torch.int64)
            for name in ("first", "inside", "last", "unit")
        )
    )
    actual = case.module.lattice(case.emissions, case.layout).span_log_probs(
        sequence, start, end, tags
    )
    assert actual.shape == (len(spans),)
    for log_prob, (row, first, stop, label) in zip(actual, spans, strict=True):
        emissions = case.split(case.emissions)[row]
        path = label.path(stop - first)
        expected = crf_brute_force_span_log_prob(
            emissions, *scores, (first, stop), path, label.inside
        )
        torch.testing.assert_close(log_prob, expected, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_span_log_probs_of_certain_and_impossible_spans(scheme: str) -> None:
    label = scheme_labels(scheme, 1)[0]
    module = CRF(*scheme_masks(scheme, 1))
    path = [0, *label.path(4), 0, *label.path(1)]
    emissions = torch.full((7, module.n_tags), -INF)
    emissions[torch.arange(7), path] = 0.0
    tags = SpanTags(*(torch.full((4,), tag) for tag in vars(label).values()))
    log_probs = module.lattice(emissions, Layout([7])).span_log_probs(
        torch.zeros(4, dtype=torch.int64),
        torch.tensor([1, 6, 1, 2]),
        torch.tensor([5, 7, 4, 5]),
        tags,
    )
    assert log_probs.tolist() == [0.0, 0.0, -INF, -INF]


def test_span_log_probs_of_long_spans_stay_exact() -> None:
    # A span of 3,000 tokens in a batch with others: far below the smallest double.
    module = randomize(CRF(*scheme_masks("BIO", 2)), torch.Generator().manual_seed(1), 0.5)
    lengths = [4000, 20, 3500]
    emissions = torch.randn(sum(lengths), 5, generator=torch.Generator().manual_seed(2)).double()
    label = scheme_labels("BIO", 2)[1]
    tags = SpanTags(*(torch.tensor([tag]) for tag in vars(label).values()))
    lattice = module.lattice(emissions, Layout(lengths))
    actual = lattice.span_log_probs(
        torch.tensor([2]), torch.tensor([200]), torch.tensor([3200]), tags
    )
    allowed = torch.ones(3500, 5, dtype=torch.bool)
    allowed[200:3200] = False
    allowed[torch.arange(200, 3200), torch.tensor(label.path(3000))] = True
    allowed[3200, label.inside] = False
    masked = emissions.split(lengths)[2].masked_fill(~allowed, -INF)
    expected = crf_log_space_log_z(masked, *scores_of(module)) - lattice.log_z[2]
    assert expected < -3000
    torch.testing.assert_close(actual[0], expected, rtol=1e-10, atol=1e-7)


@pytest.mark.parametrize(
    "span", [(0, 2, 2), (0, 3, 2), (0, -1, 2), (0, 0, 4), (2, 0, 1), (-1, 0, 1)]
)
def test_span_log_probs_rejects_spans_out_of_range(span: tuple[int, int, int]) -> None:
    lattice = CRF(*scheme_masks("BIO", 1)).lattice(torch.zeros(7, 3), Layout([3, 4]))
    sequence, start, end = (torch.tensor([value]) for value in span)
    tags = SpanTags(*(torch.tensor([tag]) for tag in (1, 2, 2, 1)))
    with pytest.raises(ValueError, match="span"):
        lattice.span_log_probs(sequence, start, end, tags)


# Decoding


@settings(max_examples=100, deadline=None)
@given(cases(emission_scales=(0.0, 1.0, 30.0, 300.0)), st.booleans())
def test_decode_equals_brute_force_and_ties_go_to_the_lowest_tag(case: Case, ties: bool) -> None:
    if ties:  # small whole numbers have many equal sums, all exact
        impossible = case.emissions == -INF
        case.emissions = case.emissions.clamp(-2, 2).round().masked_fill(impossible, -INF)
        for parameter in case.module.parameters():
            parameter.data.clamp_(-1, 1).round_()
    decoded = case.module.decode(case.emissions, case.layout)
    assert decoded.dtype == torch.int64
    for row, emissions in case.sequences():
        best = crf_brute_force_best_path(emissions, *scores_of(case.module))
        assert case.split(decoded)[row].tolist() == best


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e30])
def test_decode_is_always_valid(kind: type[TagDecoder], scheme: str, scale: float) -> None:
    masks = scheme_masks(scheme, 3)
    generator = torch.Generator().manual_seed(3)
    module = randomize(kind(*masks), generator, scale)
    lengths = torch.randint(1, 60, (40,), generator=generator).tolist()
    emissions = torch.randn(sum(lengths), module.n_tags, generator=generator) * scale
    for path in module.decode(emissions, Layout(lengths)).split(lengths):
        assert is_valid(path.tolist(), masks)


def test_decode_ignores_what_all_tags_of_a_token_share() -> None:
    generator = torch.Generator().manual_seed(23)
    module = randomize(CRF(*scheme_masks("BIO", 2)), generator, 1.0)
    emissions = torch.randn(40, 5, generator=generator, dtype=torch.float64)
    emissions[10].round_()
    expected = module.decode(emissions, Layout([40]))
    emissions[10] += 2.0**52  # still exact, but it would round what is added to it
    assert torch.equal(module.decode(emissions, Layout([40])), expected)


def test_decode_follows_impossible_emissions_and_refuses_a_dead_end() -> None:
    module = CRF(*scheme_masks("BIO", 1))
    emissions, layout = torch.zeros(6, 3), Layout([3, 3])
    emissions[1, :2] = -INF  # only I at the second token: B must come before
    assert module.decode(emissions, layout).tolist() == [1, 2, 0, 0, 0, 0]
    emissions[3, 1:] = -INF
    emissions[4, :2] = -INF
    with pytest.raises(ValueError, match=r"no valid tag sequence .*\[1\]"):
        module.decode(emissions, layout)


# Loss


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(cases(kinds=(CRF,)))
def test_partial_label_loss_equals_brute_force(case: Case) -> None:
    allowed = case.random_allowed()
    actual = case.module.loss(case.emissions, case.layout, allowed)
    scores = scores_of(case.module)
    for row, emissions in case.sequences():
        log_z = crf_brute_force_log_z(emissions, *scores)
        log_allowed = crf_brute_force_log_z(emissions, *scores, case.split(allowed)[row])
        torch.testing.assert_close(actual[row], log_z - log_allowed, rtol=1e-11, atol=1e-8)


@settings(max_examples=75, deadline=None)
@given(cases(kinds=(CRF,)))
def test_full_label_loss_equals_brute_force(case: Case) -> None:
    tags = torch.randint(0, case.module.n_tags, case.emissions.shape[:1], generator=case.generator)
    allowed = one_hot(tags, case.module.n_tags)
    actual = case.module.loss(case.emissions, case.layout, allowed)
    scores = scores_of(case.module)
    for row, emissions in case.sequences():
        log_z = crf_brute_force_log_z(emissions, *scores)
        log_path = crf_brute_force_log_z(emissions, *scores, case.split(allowed)[row])
        torch.testing.assert_close(actual[row], log_z - log_path, rtol=1e-11, atol=1e-8)


def test_full_label_losses_are_log_probabilities_that_sum_to_one() -> None:
    module = randomize(CRF(*scheme_masks("BILOU", 1)), torch.Generator().manual_seed(4), 1.0)
    paths = torch.cartesian_prod(*[torch.arange(5)] * 4)  # (625, 4)
    emissions = torch.randn(4, 5, generator=torch.Generator().manual_seed(5)).repeat(625, 1)
    losses = module.loss(emissions, Layout([4] * 625), one_hot(paths.flatten(), 5))
    torch.testing.assert_close((-losses).exp().sum().item(), 1.0)
    masks = scheme_masks("BILOU", 1)
    valid = torch.tensor([is_valid(path, masks) for path in paths.tolist()])
    assert torch.equal(losses < INF, valid)


def test_loss_is_zero_when_everything_is_missing() -> None:
    module = randomize(CRF(*scheme_masks("BIO", 2)), torch.Generator().manual_seed(6), 1.0)
    emissions = torch.randn(37, 5, requires_grad=True)
    loss = module.loss(emissions, Layout([30, 7]), torch.ones(37, 5, dtype=torch.bool))
    loss.sum().backward()
    torch.testing.assert_close(loss, torch.zeros(2, dtype=torch.float64), atol=1e-10, rtol=0)
    torch.testing.assert_close(emissions.grad, torch.zeros(37, 5), atol=1e-10, rtol=0)


def loss_function(module: CRF, lengths: list[int], allowed: Tensor) -> Callable[..., Tensor]:
    """The loss as a function of emissions and parameters, for gradcheck."""

    def loss(emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor) -> Tensor:
        state = {"start": start, "transition": transition, "end": end}
        arguments = (emissions, Layout(lengths), allowed)
        return torch.func.functional_call(_Loss(module), _prefix(state), arguments)

    return loss


class _Loss(torch.nn.Module):
    def __init__(self, crf: CRF) -> None:
        super().__init__()
        self.crf = crf

    def forward(self, emissions: Tensor, layout: Layout, allowed: Tensor) -> Tensor:
        return self.crf.loss(emissions, layout, allowed)


def _prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"crf.{name}": value for name, value in state.items()}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("scale", [1.0, 150.0])  # the larger one takes the log-space recursion
def test_loss_passes_gradcheck(scheme: str, partial: bool, scale: float) -> None:
    generator = torch.Generator().manual_seed(7)
    module = CRF(*scheme_masks(scheme, 1))
    lengths = [4, 1, 5]
    n_tags = module.n_tags
    allowed = one_hot(random_valid_tags(module, lengths, seed=8), n_tags)
    if partial:
        allowed |= torch.rand(allowed.shape, generator=generator) < 0.4
    shapes = [(10, n_tags), (n_tags,), (n_tags, n_tags), (n_tags,)]
    inputs = [
        (torch.randn(shape, generator=generator, dtype=torch.float64)).requires_grad_()
        for shape in shapes
    ]
    inputs[0].data.mul_(scale)
    assert torch.autograd.gradcheck(loss_function(module, lengths, allowed), inputs, atol=1e-6)


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_loss_gradients_equal_plain_autograd(partial: bool, scale: float) -> None:
    generator = torch.Generator().manual_seed(9)
    module = randomize(CRF(*scheme_masks("BIO", 2)).double(), generator, 1.0)
    lengths = [40, 3, 1, 25]
    weights = torch.tensor([1.0, 0.5, -2.0, 0.0], dtype=torch.float64)
    emissions = torch.randn(sum(lengths), 5, generator=generator, dtype=torch.float64) * scale
    emissions.requires_grad_()
    allowed = one_hot(random_valid_tags(module, lengths, seed=10), 5)
    if partial:
        allowed |= torch.rand(allowed.shape, generator=generator) < 0.4

    variables = [emissions, *module.parameters()]
    losses = module.loss(emissions, Layout(lengths), allowed)
    actual = torch.autograd.grad(losses @ weights, variables)

    start, transition, end = scores_of(module)
    losses = []
    for unmasked, permitted in zip(emissions.split(lengths), allowed.split(lengths), strict=True):
        # A large finite penalty: plain autograd gives nan for rows of -inf.
        masked = unmasked + torch.where(permitted, 0.0, -1e6)
        penalized = [score.clamp_min(-1e6) for score in (start, transition, end)]
        log_z_allowed = crf_log_space_log_z(masked, *penalized)
        losses.append(crf_log_space_log_z(unmasked, *penalized) - log_z_allowed)
    expected = torch.autograd.grad(torch.stack(losses) @ weights, variables)
    for ours, naive in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, naive, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("partial", [False, True])
def test_loss_is_infinite_without_gradient_where_nothing_is_allowed(
    kind: type[TagDecoder], partial: bool
) -> None:
    generator = torch.Generator().manual_seed(11)
    module = randomize(kind(*scheme_masks("BIO", 1)), generator, 1.0)
    emissions = torch.randn(12, 3, generator=generator, requires_grad=True)
    lengths = [5, 4, 3]
    allowed = one_hot(random_valid_tags(module, lengths, seed=12), 3)
    if kind is CRF and not partial:
        allowed[5] = torch.tensor([False, False, True])  # I cannot start a sequence
    else:
        allowed[7] = False

    loss = module.loss(emissions, Layout(lengths), allowed)
    assert loss.isinf().tolist() == [False, True, False]
    grads = torch.autograd.grad(loss.sum(), [emissions, *module.parameters()])
    assert not grads[0][5:9].any()

    kept = torch.tensor([0, 1, 2, 3, 4, 9, 10, 11])
    others = module.loss(emissions[kept], Layout([5, 3]), allowed[kept])
    torch.testing.assert_close(loss[::2], others)
    expected = torch.autograd.grad(others.sum(), [emissions, *module.parameters()])
    for ours, alone in zip(grads, expected, strict=True):
        torch.testing.assert_close(ours, alone)


def test_loss_is_infinite_without_nan_where_emissions_exclude_every_tag() -> None:
    allowed = torch.ones(6, 3, dtype=torch.bool)
    for kind in (TagDecoder, CRF):
        emissions = torch.zeros(6, 3)
        emissions[1] = -INF
        emissions.requires_grad_()
        loss = kind(*scheme_masks("BIO", 1)).loss(emissions, Layout([3, 3]), allowed)
        loss.sum().backward()
        assert loss.tolist() == [INF, 0.0]
        assert emissions.grad is not None
        torch.testing.assert_close(emissions.grad, torch.zeros(6, 3))


def test_loss_of_far_apart_paths_does_not_vanish() -> None:
    # Only O...O and B I...I remain. The second one falls 1,000 behind before it catches up,
    # much further than the smallest double.
    module = CRF(*scheme_masks("BIO", 1))
    allowed = torch.ones(200, 3, dtype=torch.bool)
    allowed[1:, 1] = False
    emissions = torch.zeros(200, 3, dtype=torch.float64)
    emissions[:100, 0] = 10.0
    emissions[100:, 2] = 10.0
    emissions.requires_grad_()
    loss = module.loss(emissions, Layout([200]), allowed)
    loss.backward()
    scores = scores_of(module)
    with torch.no_grad():
        full, log_z = crf_log_space_marginals(emissions, *scores)
        masked = emissions.masked_fill(~allowed, -INF)
        partial, log_z_allowed = crf_log_space_marginals(masked, *scores)
    torch.testing.assert_close(loss[0], log_z - log_z_allowed, rtol=1e-10, atol=0)
    assert emissions.grad is not None
    torch.testing.assert_close(emissions.grad, full - partial, rtol=0, atol=1e-8)


@pytest.mark.parametrize("partial", [False, True])
def test_loss_keeps_no_tensor_with_pairs_of_tags_for_each_token(partial: bool) -> None:
    module = CRF(*scheme_masks("BILOU", 4))
    n_tags = module.n_tags  # 17
    lengths = [50, 40, 30]
    allowed = one_hot(random_valid_tags(module, lengths, seed=13), n_tags)
    allowed[10:20] |= partial
    emissions = torch.randn(sum(lengths), n_tags, requires_grad=True)
    with largest_saved_tensor() as sizes:
        loss = module.loss(emissions, Layout(lengths), allowed)
    loss.sum().backward()
    assert sizes
    assert max(sizes) <= 2 * emissions.numel()


# Softmax


@settings(max_examples=75, deadline=None)
@given(cases(kinds=(TagDecoder,)))
def test_softmax_loss_equals_its_definition(case: Case) -> None:
    allowed = case.random_allowed()
    actual = case.module.loss(case.emissions, case.layout, allowed)
    for row, emissions in case.sequences():
        expected = torch.zeros((), dtype=torch.float64)
        for emission, tags in zip(emissions, case.split(allowed)[row], strict=True):
            expected += torch.logsumexp(emission, 0) - torch.logsumexp(emission[tags], 0)
        torch.testing.assert_close(actual[row], expected)


def test_softmax_loss_of_full_annotation_is_cross_entropy() -> None:
    module = TagDecoder(*scheme_masks("BIO", 2))
    emissions = torch.randn(8, 5, requires_grad=True)
    tags = torch.randint(0, 5, (8,))
    loss = module.loss(emissions, Layout([8]), one_hot(tags, 5))[0].float()
    expected = torch.nn.functional.cross_entropy(emissions, tags, reduction="sum")
    torch.testing.assert_close(loss, expected)
    (ours,) = torch.autograd.grad(loss, emissions)
    (theirs,) = torch.autograd.grad(expected, emissions)
    torch.testing.assert_close(ours, theirs)


def test_softmax_loss_passes_gradcheck() -> None:
    generator = torch.Generator().manual_seed(14)
    module = TagDecoder(*scheme_masks("BIO", 1))
    emissions = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    allowed = torch.rand(6, 3, generator=generator) < 0.5
    allowed[..., 0] = True
    assert torch.autograd.gradcheck(
        lambda values: module.loss(values, Layout([4, 2]), allowed), emissions.requires_grad_()
    )


# Batches, types, other implementations


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("scale", [1.0, 400.0])
def test_results_do_not_depend_on_batch_or_order(kind: type[TagDecoder], scale: float) -> None:
    generator = torch.Generator().manual_seed(15)
    module = randomize(kind(*scheme_masks("BILOU", 2)), generator, 1.0)
    lengths = [7, 30, 1, 30, 12]
    layout = Layout(lengths)
    emissions = torch.randn(sum(lengths), 9, generator=generator) * scale
    allowed = one_hot(random_valid_tags(module, lengths, seed=16), 9)
    allowed |= torch.rand(allowed.shape, generator=generator) < 0.2
    together = module.lattice(emissions, layout)
    marginals = together.marginals().split(lengths)
    losses = module.loss(emissions, layout, allowed)
    decoded = module.decode(emissions, layout).split(lengths)
    order = [3, 0, 4, 2, 1]
    parts = emissions.split(lengths)
    reordered = module.decode(
        torch.cat([parts[row] for row in order]), Layout([lengths[row] for row in order])
    )
    assert torch.equal(reordered, torch.cat([decoded[row] for row in order]))
    for row, (alone, own) in enumerate(zip(parts, allowed.split(lengths), strict=True)):
        layout = Layout([len(alone)])
        lattice = module.lattice(alone, layout)
        torch.testing.assert_close(together.log_z[row], lattice.log_z[0], rtol=1e-13, atol=1e-11)
        torch.testing.assert_close(marginals[row], lattice.marginals(), rtol=1e-9, atol=1e-12)
        loss = module.loss(alone, layout, own)[0]
        torch.testing.assert_close(losses[row], loss, rtol=1e-10, atol=1e-9)
        assert torch.equal(decoded[row], module.decode(alone, layout))


def test_torchcrf_gives_the_same_losses_and_paths() -> None:
    generator = torch.Generator().manual_seed(17)
    n_tags, lengths = 7, [40, 12, 1, 33]
    ours = randomize(CRF(*unconstrained(n_tags)).double(), generator, 1.0)
    theirs = torchcrf.CRF(n_tags, batch_first=True).double()
    assert isinstance(ours, CRF)
    theirs.start_transitions.data.copy_(ours.start)
    theirs.transitions.data.copy_(ours.transition)
    theirs.end_transitions.data.copy_(ours.end)
    emissions = torch.randn(4, 40, n_tags, generator=generator, dtype=torch.float64) * 2
    emissions.requires_grad_()
    tags = torch.randint(0, n_tags, (4, 40), generator=generator)
    mask = torch.arange(40) < torch.tensor(lengths)[:, None]

    loss = ours.loss(emissions[mask], Layout(lengths), one_hot(tags[mask], n_tags))
    their_loss = -theirs(emissions, tags, mask=mask, reduction="none")
    torch.testing.assert_close(loss, their_loss)
    our_grads = torch.autograd.grad(loss.sum(), [emissions, *ours.parameters()])
    parameters = [theirs.start_transitions, theirs.transitions, theirs.end_transitions]
    their_grads = torch.autograd.grad(their_loss.sum(), [emissions, *parameters])
    for our_grad, their_grad in zip(our_grads, their_grads, strict=True):
        torch.testing.assert_close(our_grad, their_grad)
    decoded = ours.decode(emissions[mask], Layout(lengths)).split(lengths)
    assert [path.tolist() for path in decoded] == theirs.decode(emissions, mask=mask)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_gradients_have_the_type_of_the_emissions(
    kind: type[TagDecoder], dtype: torch.dtype
) -> None:
    module = kind(*scheme_masks("BIO", 1))
    emissions = torch.randn(10, 3).to(dtype).requires_grad_()
    allowed = one_hot(random_valid_tags(module, [6, 4], seed=18), 3)
    loss = module.loss(emissions, Layout([6, 4]), allowed)
    loss.sum().backward()
    assert loss.dtype == torch.float64
    assert emissions.grad is not None
    assert emissions.grad.dtype == dtype
    for parameter in module.parameters():
        assert parameter.grad is not None
        assert parameter.grad.dtype == torch.float32


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_autocast_changes_nothing(kind: type[TagDecoder]) -> None:
    generator = torch.Generator().manual_seed(19)
    module = randomize(kind(*scheme_masks("BIO", 2)), generator, 1.0)
    layout = Layout([20, 11])
    emissions = torch.randn(31, 5, generator=generator).bfloat16()
    allowed = one_hot(random_valid_tags(module, [20, 11], seed=20), 5)
    allowed[3:6] = True

    def results() -> list[Tensor]:
        leaf = emissions.clone().requires_grad_()
        loss = module.loss(leaf, layout, allowed)
        lattice = module.lattice(emissions, layout)
        grads = torch.autograd.grad(loss.sum(), [leaf, *module.parameters()])
        return [loss, lattice.log_z, lattice.marginals(), *grads]

    plain = results()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = results()
    for expected, actual in zip(plain, under_autocast, strict=True):
        assert torch.equal(actual, expected)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_empty_batch_gives_empty_results(kind: type[TagDecoder]) -> None:
    module = kind(*scheme_masks("BIO", 1))
    emissions, layout = torch.zeros(0, 3, requires_grad=True), Layout([])
    lattice = module.lattice(emissions, layout)
    loss = module.loss(emissions, layout, torch.zeros(0, 3, dtype=torch.bool))
    loss.sum().backward()
    assert loss.shape == lattice.log_z.shape == (0,)
    assert lattice.marginals().shape == (0, 3)
    assert module.decode(emissions, layout).shape == (0,)


def test_constraints_are_not_weights() -> None:
    assert not TagDecoder(*scheme_masks("BIO", 1)).state_dict()
    assert set(CRF(*scheme_masks("BIO", 1)).state_dict()) == {"start", "transition", "end"}


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_decoders_are_made_of_schemes_or_without_any(kind: type[TagDecoder]) -> None:
    scheme = TagScheme("BILOU", ["X", "Y"])
    constrained = kind.from_scheme(scheme)
    assert type(constrained) is kind
    assert constrained.start_mask.tolist() == scheme.starts.tolist()
    assert constrained.transition_mask.tolist() == scheme.transitions.tolist()
    assert constrained.end_mask.tolist() == scheme.ends.tolist()
    free = kind.unconstrained(4)
    assert (type(free), free.n_tags) == (kind, 4)
    assert free.start_mask.all() and free.transition_mask.all() and free.end_mask.all()


# Bad input


@pytest.mark.parametrize("lengths", [[0, 3], [-1, 2]])
def test_sequences_without_a_token_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match=f"at least 1 token, got {lengths[0]}"):
        Layout(lengths)


@pytest.mark.parametrize("lengths", [[3, 5], [3], []])
def test_emissions_of_another_layout_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match=rf"= \({sum(lengths)}, 3\), got \(7, 3\)"):
        CRF(*scheme_masks("BIO", 1)).decode(torch.zeros(7, 3), Layout(lengths))


def test_wrong_shapes_and_types_are_refused() -> None:
    module = CRF(*scheme_masks("BIO", 1))
    emissions, layout = torch.zeros(8, 3), Layout([4, 4])
    for wrong in (torch.zeros(8, 5), torch.zeros(2, 4, 3)):
        with pytest.raises(ValueError, match=r"emissions must have shape .* = \(8, 3\)"):
            module.decode(wrong, layout)
    with pytest.raises(ValueError, match="allowed must be bool"):
        module.loss(emissions, layout, torch.ones(8, 3))
    with pytest.raises(ValueError, match="allowed must be bool"):
        module.loss(emissions, layout, torch.ones(8, dtype=torch.bool))
    starts, transitions, ends = scheme_masks("BIO", 1)
    with pytest.raises(ValueError, match="transitions must be bool"):
        CRF(starts, transitions[:2], ends)
    with pytest.raises(ValueError, match="ends must be bool"):
        TagDecoder(starts, transitions, ends.long())


@pytest.mark.parametrize("value", [torch.nan, INF])
def test_emissions_that_are_not_finite_are_refused(value: float) -> None:
    module = CRF(*scheme_masks("BIO", 1))
    emissions, layout = torch.zeros(4, 3), Layout([4])
    emissions[2, 1] = value
    with pytest.raises(ValueError, match="not finite"):
        module.decode(emissions, layout)
    with pytest.raises(ValueError, match="not finite"):
        module.lattice(emissions, layout)
    with pytest.raises(ValueError, match="not finite"):
        module.loss(emissions, layout, torch.ones(4, 3, dtype=torch.bool))


@pytest.mark.parametrize("value", [torch.nan, INF])
@pytest.mark.parametrize("name", ["start", "transition", "end"])
def test_scores_that_are_not_finite_are_refused(name: str, value: float) -> None:
    """They would give tags that mean nothing, and probabilities that are nan."""
    module = CRF(*scheme_masks("BIO", 1))
    with torch.no_grad():
        module.get_parameter(name).fill_(value)
    emissions, layout = torch.zeros(4, 3), Layout([4])
    for use in (module.decode, module.lattice, module.soft_targets):
        with pytest.raises(ValueError, match="scores contain nan"):
            use(emissions, layout)


# Layout


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=0, max_size=5))
def test_layout_orders_are_inverse(lengths: list[int]) -> None:
    layout = Layout(lengths)
    longest = max([0, *lengths])
    padded = torch.arange(len(lengths) * longest, dtype=torch.float64).view(len(lengths), longest)
    mask = torch.arange(longest) < layout.lengths[:, None]
    flat = padded[mask]
    assert layout.n_tokens == len(flat)
    assert torch.equal(layout.pad(flat), padded * mask)
    assert torch.equal(layout.unpack(layout.pack(flat)), flat)
    for direction in layout.unpack_both(layout.pack_both(flat, flat)):
        assert torch.equal(direction, flat)
    torch.testing.assert_close(layout.sum(flat), (padded * mask).sum(1))
    assert layout.step_sizes == [sum(n > t for n in lengths) for t in range(longest)]


@pytest.mark.gpu
@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_cuda_equals_cpu(kind: type[TagDecoder]) -> None:
    generator = torch.Generator().manual_seed(21)
    module = randomize(kind(*scheme_masks("BIO", 2)), generator, 1.0)
    lengths = [50, 8, 21]
    layout, on_device = Layout(lengths), Layout(lengths, torch.device("cuda"))
    emissions = torch.randn(sum(lengths), 5, generator=generator)
    allowed = one_hot(random_valid_tags(module, lengths, seed=22), 5)
    allowed[5:9] = True
    on_cpu = module.loss(emissions, layout, allowed)
    decoded = module.decode(emissions, layout)
    marginals = module.lattice(emissions, layout).marginals()
    module.cuda()
    on_gpu = module.loss(emissions.cuda(), on_device, allowed.cuda())
    torch.testing.assert_close(on_gpu.cpu(), on_cpu)
    assert torch.equal(module.decode(emissions.cuda(), on_device).cpu(), decoded)
    lattice = module.lattice(emissions.cuda(), on_device)
    torch.testing.assert_close(lattice.marginals().cpu(), marginals)
