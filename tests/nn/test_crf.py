from collections.abc import Callable

import pytest
import torch
import torchcrf
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, SpanTags, TagDecoder
from spacy_ner_plus.nn.layout import Layout
from tests.nn.chains import (
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


@settings(max_examples=150, deadline=None)
@given(cases())
def test_log_z_and_marginals_equal_brute_force(case: Case) -> None:
    scores = scores_of(case.module)
    lattice = case.module.lattice(case.emissions, case.lengths)
    marginals = lattice.marginals()
    assert lattice.log_z.dtype == torch.float64
    for row, emissions in case.sequences():
        expected = crf_brute_force_log_z(emissions, *scores)
        torch.testing.assert_close(lattice.log_z[row], expected, rtol=1e-11, atol=1e-9)
        expected = crf_brute_force_marginals(emissions, *scores)
        actual = marginals[row, : len(emissions)]
        torch.testing.assert_close(actual, expected, rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(actual.sum(1), torch.ones(len(emissions)).double())
        assert not marginals[row, len(emissions) :].any()


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
    actual = case.module.lattice(case.emissions, case.lengths).span_log_probs(
        sequence, start, end, tags
    )
    assert actual.shape == (len(spans),)
    for log_prob, (row, first, stop, label) in zip(actual, spans, strict=True):
        emissions = case.emissions[row, : case.lengths[row]]
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
    emissions = torch.full((1, 7, module.n_tags), -INF)
    emissions[0, torch.arange(7), path] = 0.0
    tags = SpanTags(*(torch.full((4,), tag) for tag in vars(label).values()))
    log_probs = module.lattice(emissions, [7]).span_log_probs(
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
    emissions = torch.randn(3, 4000, 5, generator=torch.Generator().manual_seed(2)).double()
    label = scheme_labels("BIO", 2)[1]
    tags = SpanTags(*(torch.tensor([tag]) for tag in vars(label).values()))
    lattice = module.lattice(emissions, lengths)
    actual = lattice.span_log_probs(
        torch.tensor([2]), torch.tensor([200]), torch.tensor([3200]), tags
    )
    allowed = torch.ones(3500, 5, dtype=torch.bool)
    allowed[200:3200] = False
    allowed[torch.arange(200, 3200), torch.tensor(label.path(3000))] = True
    allowed[3200, label.inside] = False
    masked = emissions[2, :3500].masked_fill(~allowed, -INF)
    expected = crf_log_space_log_z(masked, *scores_of(module)) - lattice.log_z[2]
    assert expected < -3000
    torch.testing.assert_close(actual[0], expected, rtol=1e-10, atol=1e-7)


@pytest.mark.parametrize(
    "span", [(0, 2, 2), (0, 3, 2), (0, -1, 2), (0, 0, 4), (2, 0, 1), (-1, 0, 1)]
)
def test_span_log_probs_rejects_spans_out_of_range(span: tuple[int, int, int]) -> None:
    lattice = CRF(*scheme_masks("BIO", 1)).lattice(torch.zeros(2, 4, 3), [3, 4])
    sequence, start, end = (torch.tensor([value]) for value in span)
    tags = SpanTags(*(torch.tensor([tag]) for tag in (1, 2, 2, 1)))
    with pytest.raises(ValueError, match="span"):
        lattice.span_log_probs(sequence, start, end, tags)


# Decoding


@settings(max_examples=150, deadline=None)
@given(cases(emission_scales=(0.0, 1.0, 30.0, 300.0)), st.booleans())
def test_decode_equals_brute_force_and_ties_go_to_the_lowest_tag(case: Case, ties: bool) -> None:
    if ties:  # small whole numbers have many equal sums, all exact
        impossible = case.emissions == -INF
        case.emissions = case.emissions.clamp(-2, 2).round().masked_fill(impossible, -INF)
        for parameter in case.module.parameters():
            parameter.data.clamp_(-1, 1).round_()
    decoded = case.module.decode(case.emissions, case.lengths)
    assert decoded.dtype == torch.int64
    for row, emissions in case.sequences():
        best = crf_brute_force_best_path(emissions, *scores_of(case.module))
        assert decoded[row].tolist() == best + [0] * (decoded.shape[1] - len(emissions))


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e30])
def test_decode_is_always_valid(kind: type[TagDecoder], scheme: str, scale: float) -> None:
    masks = scheme_masks(scheme, 3)
    generator = torch.Generator().manual_seed(3)
    module = randomize(kind(*masks), generator, scale)
    lengths = torch.randint(1, 60, (40,), generator=generator)
    emissions = torch.randn(40, 60, module.n_tags, generator=generator) * scale
    for path, length in zip(module.decode(emissions, lengths).tolist(), lengths, strict=True):
        assert is_valid(path[:length], masks)


def test_decode_ignores_what_all_tags_of_a_token_share() -> None:
    generator = torch.Generator().manual_seed(23)
    module = randomize(CRF(*scheme_masks("BIO", 2)), generator, 1.0)
    emissions = torch.randn(1, 40, 5, generator=generator, dtype=torch.float64)
    emissions[0, 10].round_()
    expected = module.decode(emissions, [40])
    emissions[0, 10] += 2.0**52  # still exact, but it would round what is added to it
    assert torch.equal(module.decode(emissions, [40]), expected)


def test_decode_follows_impossible_emissions_and_refuses_a_dead_end() -> None:
    module = CRF(*scheme_masks("BIO", 1))
    emissions = torch.zeros(2, 3, 3)
    emissions[0, 1, :2] = -INF  # only I at the second token: B must come before
    assert module.decode(emissions, [3, 3]).tolist() == [[1, 2, 0], [0, 0, 0]]
    emissions[1, 0, 1:] = -INF
    emissions[1, 1, :2] = -INF
    with pytest.raises(ValueError, match=r"no valid tag sequence .*\[1\]"):
        module.decode(emissions, [3, 3])


# Loss


@settings(max_examples=150, deadline=None)
@given(cases(kinds=(CRF,)))
def test_partial_label_loss_equals_brute_force(case: Case) -> None:
    allowed = case.random_allowed()
    actual = case.module.loss(case.emissions, case.lengths, allowed)
    scores = scores_of(case.module)
    for row, emissions in case.sequences():
        log_z = crf_brute_force_log_z(emissions, *scores)
        log_allowed = crf_brute_force_log_z(emissions, *scores, allowed[row, : len(emissions)])
        torch.testing.assert_close(actual[row], log_z - log_allowed, rtol=1e-11, atol=1e-8)


@settings(max_examples=75, deadline=None)
@given(cases(kinds=(CRF,)))
def test_full_label_loss_equals_brute_force(case: Case) -> None:
    tags = torch.randint(0, case.module.n_tags, case.emissions.shape[:2], generator=case.generator)
    allowed = one_hot(tags, case.module.n_tags)
    actual = case.module.loss(case.emissions, case.lengths, allowed)
    scores = scores_of(case.module)
    for row, emissions in case.sequences():
        log_z = crf_brute_force_log_z(emissions, *scores)
        log_path = crf_brute_force_log_z(emissions, *scores, allowed[row, : len(emissions)])
        torch.testing.assert_close(actual[row], log_z - log_path, rtol=1e-11, atol=1e-8)


def test_full_label_losses_are_log_probabilities_that_sum_to_one() -> None:
    module = randomize(CRF(*scheme_masks("BILOU", 1)), torch.Generator().manual_seed(4), 1.0)
    paths = torch.cartesian_prod(*[torch.arange(5)] * 4)  # (625, 4)
    emissions = torch.randn(1, 4, 5, generator=torch.Generator().manual_seed(5))
    losses = module.loss(emissions.expand(len(paths), 4, 5), [4] * len(paths), one_hot(paths, 5))
    torch.testing.assert_close((-losses).exp().sum().item(), 1.0)
    masks = scheme_masks("BILOU", 1)
    valid = torch.tensor([is_valid(path, masks) for path in paths.tolist()])
    assert torch.equal(losses < INF, valid)


def test_loss_is_zero_when_everything_is_missing() -> None:
    module = randomize(CRF(*scheme_masks("BIO", 2)), torch.Generator().manual_seed(6), 1.0)
    emissions = torch.randn(2, 30, 5, requires_grad=True)
    loss = module.loss(emissions, [30, 7], torch.ones(2, 30, 5, dtype=torch.bool))
    loss.sum().backward()
    torch.testing.assert_close(loss, torch.zeros(2, dtype=torch.float64), atol=1e-10, rtol=0)
    torch.testing.assert_close(emissions.grad, torch.zeros(2, 30, 5), atol=1e-10, rtol=0)


def loss_function(module: CRF, lengths: list[int], allowed: Tensor) -> Callable[..., Tensor]:
    """The loss as a function of emissions and parameters, for gradcheck."""

    def loss(emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor) -> Tensor:
        state = {"start": start, "transition": transition, "end": end}
        arguments = (emissions, lengths, allowed)
        return torch.func.functional_call(_Loss(module), _prefix(state), arguments)

    return loss


class _Loss(torch.nn.Module):
    def __init__(self, crf: CRF) -> None:
        super().__init__()
        self.crf = crf

    def forward(self, emissions: Tensor, lengths: list[int], allowed: Tensor) -> Tensor:
        return self.crf.loss(emissions, lengths, allowed)


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
    allowed = one_hot(random_valid_tags(module, lengths, 6, seed=8), n_tags)
    if partial:
        allowed |= torch.rand(allowed.shape, generator=generator) < 0.4
    shapes = [(3, 6, n_tags), (n_tags,), (n_tags, n_tags), (n_tags,)]
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
    emissions = torch.randn(4, 42, 5, generator=generator, dtype=torch.float64) * scale
    emissions.requires_grad_()
    allowed = one_hot(random_valid_tags(module, lengths, 42, seed=10), 5)
    if partial:
        allowed |= torch.rand(allowed.shape, generator=generator) < 0.4

    variables = [emissions, *module.parameters()]
    actual = torch.autograd.grad(module.loss(emissions, lengths, allowed) @ weights, variables)

    start, transition, end = scores_of(module)
    losses = []
    for row, length in enumerate(lengths):
        unmasked = emissions[row, :length]
        # A large finite penalty: plain autograd gives nan for rows of -inf.
        masked = unmasked + torch.where(allowed[row, :length], 0.0, -1e6)
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
    emissions = torch.randn(3, 5, 3, generator=generator, requires_grad=True)
    lengths = [5, 4, 3]
    allowed = one_hot(random_valid_tags(module, lengths, 5, seed=12), 3)
    if kind is CRF and not partial:
        allowed[1, 0] = torch.tensor([False, False, True])  # I cannot start a sequence
    else:
        allowed[1, 2] = False

    loss = module.loss(emissions, lengths, allowed)
    assert loss.isinf().tolist() == [False, True, False]
    grads = torch.autograd.grad(loss.sum(), [emissions, *module.parameters()])
    assert not grads[0][1].any()

    others = module.loss(emissions[::2], lengths[::2], allowed[::2])
    torch.testing.assert_close(loss[::2], others)
    expected = torch.autograd.grad(others.sum(), [emissions, *module.parameters()])
    for ours, alone in zip(grads, expected, strict=True):
        torch.testing.assert_close(ours, alone)


def test_loss_is_infinite_without_nan_where_emissions_exclude_every_tag() -> None:
    allowed = torch.ones(2, 3, 3, dtype=torch.bool)
    for kind in (TagDecoder, CRF):
        emissions = torch.zeros(2, 3, 3)
        emissions[0, 1] = -INF
        emissions.requires_grad_()
        loss = kind(*scheme_masks("BIO", 1)).loss(emissions, [3, 3], allowed)
        loss.sum().backward()
        assert loss.tolist() == [INF, 0.0]
        assert emissions.grad is not None
        torch.testing.assert_close(emissions.grad, torch.zeros(2, 3, 3))


def test_loss_of_far_apart_paths_does_not_vanish() -> None:
    # Only O...O and B I...I remain. The second one falls 1,000 behind before it catches up,
    # much further than the smallest double.
    module = CRF(*scheme_masks("BIO", 1))
    allowed = torch.ones(1, 200, 3, dtype=torch.bool)
    allowed[0, 1:, 1] = False
    emissions = torch.zeros(1, 200, 3, dtype=torch.float64)
    emissions[0, :100, 0] = 10.0
    emissions[0, 100:, 2] = 10.0
    emissions.requires_grad_()
    loss = module.loss(emissions, [200], allowed)
    loss.backward()
    scores = scores_of(module)
    with torch.no_grad():
        full, log_z = crf_log_space_marginals(emissions[0], *scores)
        masked = emissions[0].masked_fill(~allowed[0], -INF)
        partial, log_z_allowed = crf_log_space_marginals(masked, *scores)
    torch.testing.assert_close(loss[0], log_z - log_z_allowed, rtol=1e-10, atol=0)
    assert emissions.grad is not None
    torch.testing.assert_close(emissions.grad[0], full - partial, rtol=0, atol=1e-8)


@pytest.mark.parametrize("partial", [False, True])
def test_loss_keeps_no_tensor_with_pairs_of_tags_for_each_token(partial: bool) -> None:
    module = CRF(*scheme_masks("BILOU", 4))
    n_tags = module.n_tags  # 17
    lengths = [50, 40, 30]
    allowed = one_hot(random_valid_tags(module, lengths, 50, seed=13), n_tags)
    allowed[0, 10:20] |= partial
    emissions = torch.randn(3, 50, n_tags, requires_grad=True)
    with largest_saved_tensor() as sizes:
        loss = module.loss(emissions, lengths, allowed)
    loss.sum().backward()
    assert sizes
    assert max(sizes) <= 2 * emissions.numel()


# Softmax


@settings(max_examples=75, deadline=None)
@given(cases(kinds=(TagDecoder,)))
def test_softmax_loss_equals_its_definition(case: Case) -> None:
    allowed = case.random_allowed()
    actual = case.module.loss(case.emissions, case.lengths, allowed)
    for row, emissions in case.sequences():
        expected = torch.zeros((), dtype=torch.float64)
        for emission, tags in zip(emissions, allowed[row], strict=False):
            expected += torch.logsumexp(emission, 0) - torch.logsumexp(emission[tags], 0)
        torch.testing.assert_close(actual[row], expected)


def test_softmax_loss_of_full_annotation_is_cross_entropy() -> None:
    module = TagDecoder(*scheme_masks("BIO", 2))
    emissions = torch.randn(1, 8, 5, requires_grad=True)
    tags = torch.randint(0, 5, (8,))
    loss = module.loss(emissions, [8], one_hot(tags, 5)[None])[0].float()
    expected = torch.nn.functional.cross_entropy(emissions[0], tags, reduction="sum")
    torch.testing.assert_close(loss, expected)
    (ours,) = torch.autograd.grad(loss, emissions)
    (theirs,) = torch.autograd.grad(expected, emissions)
    torch.testing.assert_close(ours, theirs)


def test_softmax_loss_passes_gradcheck() -> None:
    generator = torch.Generator().manual_seed(14)
    module = TagDecoder(*scheme_masks("BIO", 1))
    emissions = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    allowed = torch.rand(2, 4, 3, generator=generator) < 0.5
    allowed[..., 0] = True
    assert torch.autograd.gradcheck(
        lambda values: module.loss(values, [4, 2], allowed), emissions.requires_grad_()
    )


# Batches, types, other implementations


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("scale", [1.0, 400.0])
def test_results_do_not_depend_on_batch_padding_or_order(
    kind: type[TagDecoder], scale: float
) -> None:
    generator = torch.Generator().manual_seed(15)
    module = randomize(kind(*scheme_masks("BILOU", 2)), generator, 1.0)
    lengths = [7, 30, 1, 30, 12]
    emissions = torch.randn(5, 33, 9, generator=generator) * scale
    allowed = one_hot(random_valid_tags(module, lengths, 33, seed=16), 9)
    allowed |= torch.rand(allowed.shape, generator=generator) < 0.2
    together = module.lattice(emissions, lengths)
    losses = module.loss(emissions, lengths, allowed)
    decoded = module.decode(emissions, lengths)
    order = [3, 0, 4, 2, 1]
    reordered = module.decode(emissions[order], [lengths[row] for row in order])
    assert torch.equal(reordered, decoded[order])
    for row, length in enumerate(lengths):
        alone = emissions[row : row + 1, :length]
        lattice = module.lattice(alone, [length])
        torch.testing.assert_close(together.log_z[row], lattice.log_z[0], rtol=1e-13, atol=1e-11)
        marginals = together.marginals()[row, :length]
        torch.testing.assert_close(marginals, lattice.marginals()[0], rtol=1e-9, atol=1e-12)
        loss = module.loss(alone, [length], allowed[row : row + 1, :length])[0]
        torch.testing.assert_close(losses[row], loss, rtol=1e-10, atol=1e-9)
        assert torch.equal(decoded[row, :length], module.decode(alone, [length])[0])


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_padding_may_be_nan_and_gets_no_gradient(kind: type[TagDecoder]) -> None:
    module = kind(*scheme_masks("BIO", 1))
    emissions = torch.randn(2, 5, 3)
    emissions[1, 2:] = torch.nan
    emissions.requires_grad_()
    allowed = torch.zeros(2, 5, 3, dtype=torch.bool)
    allowed[..., 0] = True
    module.loss(emissions, [5, 2], allowed).sum().backward()
    assert emissions.grad is not None
    assert emissions.grad.isfinite().all()
    assert not emissions.grad[1, 2:].any()
    assert emissions.grad[1, :2].any()


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

    loss = ours.loss(emissions, lengths, one_hot(tags, n_tags))
    their_loss = -theirs(emissions, tags, mask=mask, reduction="none")
    torch.testing.assert_close(loss, their_loss)
    our_grads = torch.autograd.grad(loss.sum(), [emissions, *ours.parameters()])
    parameters = [theirs.start_transitions, theirs.transitions, theirs.end_transitions]
    their_grads = torch.autograd.grad(their_loss.sum(), [emissions, *parameters])
    for our_grad, their_grad in zip(our_grads, their_grads, strict=True):
        torch.testing.assert_close(our_grad, their_grad)
    decoded = ours.decode(emissions, lengths)
    paths = [path[:length].tolist() for path, length in zip(decoded, lengths, strict=True)]
    assert paths == theirs.decode(emissions, mask=mask)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_gradients_have_the_type_of_the_emissions(
    kind: type[TagDecoder], dtype: torch.dtype
) -> None:
    module = kind(*scheme_masks("BIO", 1))
    emissions = torch.randn(2, 6, 3).to(dtype).requires_grad_()
    allowed = one_hot(random_valid_tags(module, [6, 4], 6, seed=18), 3)
    loss = module.loss(emissions, [6, 4], allowed)
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
    emissions = torch.randn(2, 20, 5, generator=generator).bfloat16()
    allowed = one_hot(random_valid_tags(module, [20, 11], 20, seed=20), 5)
    allowed[0, 3:6] = True

    def results() -> list[Tensor]:
        leaf = emissions.clone().requires_grad_()
        loss = module.loss(leaf, [20, 11], allowed)
        lattice = module.lattice(emissions, [20, 11])
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
    emissions = torch.zeros(0, 0, 3, requires_grad=True)
    lattice = module.lattice(emissions, [])
    loss = module.loss(emissions, [], torch.zeros(0, 0, 3, dtype=torch.bool))
    loss.sum().backward()
    assert loss.shape == lattice.log_z.shape == (0,)
    assert lattice.marginals().shape == (0, 0, 3)
    assert module.decode(emissions, torch.tensor([], dtype=torch.int64)).shape == (0, 0)


def test_constraints_are_not_weights() -> None:
    assert not TagDecoder(*scheme_masks("BIO", 1)).state_dict()
    assert set(CRF(*scheme_masks("BIO", 1)).state_dict()) == {"start", "transition", "end"}


# Bad input


@pytest.mark.parametrize("lengths", [[0, 3], [3, 5], [-1, 2]])
def test_lengths_out_of_range_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="from 1 to 4"):
        CRF(*scheme_masks("BIO", 1)).decode(torch.zeros(2, 4, 3), lengths)


def test_wrong_shapes_and_types_are_refused() -> None:
    module = CRF(*scheme_masks("BIO", 1))
    emissions, lengths = torch.zeros(2, 4, 3), [4, 4]
    with pytest.raises(ValueError, match=r"shape \(batch, time, 3\)"):
        module.decode(torch.zeros(2, 4, 5), lengths)
    with pytest.raises(ValueError, match="1 lengths for 2 sequences"):
        module.decode(emissions, [4])
    with pytest.raises(ValueError, match="allowed must be bool"):
        module.loss(emissions, lengths, torch.ones(2, 4, 3))
    with pytest.raises(ValueError, match="allowed must be bool"):
        module.loss(emissions, lengths, torch.ones(2, 4, dtype=torch.bool))
    starts, transitions, ends = scheme_masks("BIO", 1)
    with pytest.raises(ValueError, match="transitions must be bool"):
        CRF(starts, transitions[:2], ends)
    with pytest.raises(ValueError, match="ends must be bool"):
        TagDecoder(starts, transitions, ends.long())


@pytest.mark.parametrize("value", [torch.nan, INF])
def test_emissions_that_are_not_finite_are_refused(value: float) -> None:
    module = CRF(*scheme_masks("BIO", 1))
    emissions = torch.zeros(1, 4, 3)
    emissions[0, 2, 1] = value
    with pytest.raises(ValueError, match="not finite"):
        module.decode(emissions, [4])
    with pytest.raises(ValueError, match="not finite"):
        module.lattice(emissions, [4])
    with pytest.raises(ValueError, match="not finite"):
        module.loss(emissions, [4], torch.ones(1, 4, 3, dtype=torch.bool))


# Layout


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=0, max_size=5))
def test_layout_orders_are_inverse(lengths: list[int]) -> None:
    layout = Layout(lengths, 7, torch.device("cpu"))
    padded = torch.arange(len(lengths) * 7, dtype=torch.float64).view(len(lengths), 7)
    flat = layout.flatten(padded)
    mask = torch.arange(7) < layout.lengths[:, None]
    assert torch.equal(flat, padded[mask])
    assert torch.equal(layout.pad(flat), padded * mask)
    assert torch.equal(layout.unpack(layout.pack(flat)), flat)
    for direction in layout.unpack_both(layout.pack_both(flat, flat)):
        assert torch.equal(direction, flat)
    torch.testing.assert_close(layout.sum(flat), (padded * mask).sum(1))
    assert layout.step_sizes == [sum(n > t for n in lengths) for t in range(max([0, *lengths]))]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_cuda_equals_cpu(kind: type[TagDecoder]) -> None:
    generator = torch.Generator().manual_seed(21)
    module = randomize(kind(*scheme_masks("BIO", 2)), generator, 1.0)
    lengths = [50, 8, 21]
    emissions = torch.randn(3, 50, 5, generator=generator)
    allowed = one_hot(random_valid_tags(module, lengths, 50, seed=22), 5)
    allowed[0, 5:9] = True
    on_cpu = module.loss(emissions, lengths, allowed)
    decoded = module.decode(emissions, lengths)
    marginals = module.lattice(emissions, lengths).marginals()
    module.cuda()
    on_gpu = module.loss(emissions.cuda(), lengths, allowed.cuda())
    torch.testing.assert_close(on_gpu.cpu(), on_cpu)
    assert torch.equal(module.decode(emissions.cuda(), lengths).cpu(), decoded)
    lattice = module.lattice(emissions.cuda(), lengths)
    torch.testing.assert_close(lattice.marginals().cpu(), marginals)
