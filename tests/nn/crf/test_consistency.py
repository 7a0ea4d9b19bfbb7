"""The divergence of two passes, against all tag sequences written out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, Layout, TagDecoder
from tests.nn.crf.chains import INF, largest_saved_tensor, randomize, scheme_masks, scores_of
from tests.oracles import crf_enumerate_paths

KINDS = [TagDecoder, CRF]


@pytest.fixture(autouse=True)
def _the_same_numbers_each_time() -> None:
    torch.manual_seed(0)


def make_decoder(kind: type[TagDecoder], scheme: str = "BIO", seed: int = 0) -> TagDecoder:
    generator = torch.Generator().manual_seed(seed)
    decoder = randomize(kind(*scheme_masks(scheme, 1)), generator, 1.0)
    return decoder.double()


def symmetric(log_p: Tensor, log_q: Tensor) -> Tensor:
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum() / 2


def enumerated(decoder: TagDecoder, first: Tensor, second: Tensor) -> Tensor:
    """Of one sequence, with a gradient."""
    if not isinstance(decoder, CRF):
        possible = first > -INF
        rows = zip(first, second, possible, strict=True)
        parts = [
            symmetric(*(torch.log_softmax(part[mask], 0) for part in (one, other)))
            for one, other, mask in rows
        ]
        return torch.stack(parts).sum()
    chain = scores_of(decoder)
    scores = [crf_enumerate_paths(part, *chain)[1] for part in (first, second)]
    valid = scores[0] > -INF
    return symmetric(*(torch.log_softmax(part[valid], 0) for part in scores))


def brute_force(
    decoder: TagDecoder, emissions: Tensor, lengths: list[int], weights: Tensor
) -> list[Tensor]:
    """The losses, and the gradients of their weighted sum."""
    leaf = emissions.clone().requires_grad_()
    first, second = (part.split(lengths) for part in leaf.chunk(2))
    losses = [enumerated(decoder, *pair) for pair in zip(first, second, strict=True)]
    return [torch.stack(losses).detach(), *gradients(decoder, leaf, losses, weights)]


def gradients(
    decoder: TagDecoder, leaf: Tensor, losses: Tensor | list[Tensor], weights: Tensor
) -> tuple[Tensor, ...]:
    total = sum(weight * loss for weight, loss in zip(weights, losses, strict=True))
    assert isinstance(total, Tensor)
    return torch.autograd.grad(total, [leaf, *decoder.parameters()])


def computed(
    decoder: TagDecoder, emissions: Tensor, lengths: list[int], weights: Tensor
) -> list[Tensor]:
    leaf = emissions.clone().requires_grad_()
    losses = decoder.consistency_loss(leaf, Layout(lengths))
    return [losses.detach(), *gradients(decoder, leaf, losses, weights)]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(
    scheme=st.sampled_from(("BIO", "BILOU")),
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    scale=st.sampled_from((0.0, 1.0, 30.0, 400.0)),
    gap=st.sampled_from((0.0, 0.1, 2.0)),
    rules_out=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_loss_and_gradient_equal_brute_force(
    kind: type[TagDecoder],
    scheme: str,
    lengths: list[int],
    scale: float,
    gap: float,
    rules_out: bool,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    decoder = make_decoder(kind, scheme, seed)
    first = torch.randn(sum(lengths), decoder.n_tags, generator=generator).double() * scale
    second = first + gap * torch.randn(first.shape, generator=generator).double()
    if rules_out:
        impossible = torch.rand(first.shape, generator=generator) < 0.2
        impossible[:, 0] = False
        first[impossible] = second[impossible] = -INF
    weights = torch.rand(len(lengths), generator=generator, dtype=torch.float64)
    arguments = (decoder, torch.cat([first, second]), lengths, weights)
    size = max(1.0, scale)
    for found, expected in zip(computed(*arguments), brute_force(*arguments), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-11 * size)


@pytest.mark.parametrize("kind", KINDS)
def test_loss_of_equal_passes_is_zero_with_a_zero_gradient(kind: type[TagDecoder]) -> None:
    decoder, lengths = make_decoder(kind), [3, 1]
    emissions = torch.randn(4, 3, dtype=torch.float64).repeat(2, 1)
    loss, gradient, *_ = computed(decoder, emissions, lengths, torch.ones(2))
    assert not loss.any() and gradient.abs().max() < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_the_passes_makes_no_difference(kind: type[TagDecoder]) -> None:
    decoder, lengths = make_decoder(kind), [4, 2, 5]
    emissions = 3 * torch.randn(22, 3, dtype=torch.float64)
    swapped = torch.cat(emissions.chunk(2)[::-1])
    loss = decoder.consistency_loss(emissions, Layout(lengths))
    assert (loss > 0.01).all()
    torch.testing.assert_close(decoder.consistency_loss(swapped, Layout(lengths)), loss)


@pytest.mark.parametrize("kind", KINDS)
def test_what_one_pass_alone_can_be_has_no_gradient(kind: type[TagDecoder]) -> None:
    decoder, lengths = make_decoder(kind), [2, 2]
    emissions = torch.randn(8, 3, dtype=torch.float64)
    emissions[0, 0] = -INF  # of the first pass and the first sequence
    loss, gradient, *_ = computed(decoder, emissions, lengths, torch.ones(2))
    assert loss[0] == INF and loss[1] < INF
    assert not gradient[[0, 1, 4, 5]].any() and gradient[[2, 3, 6, 7]].any()


def test_sequence_without_any_path_has_no_gradient() -> None:
    decoder = make_decoder(CRF)
    emissions = torch.randn(8, 3, dtype=torch.float64)
    emissions[[1, 5]] = -INF
    loss, gradient, *others = computed(decoder, emissions, [2, 2], torch.ones(2))
    assert loss[0] == INF and loss[1] < INF
    assert not gradient[[0, 1, 4, 5]].any()
    assert all(other.isfinite().all() for other in [gradient, *others])


def test_long_sequence_is_exact_and_keeps_no_matrix_a_token() -> None:
    """The loss adds up over stretches that nothing connects, and so does its gradient."""
    decoder, n = CRF.unconstrained(3).double(), 3000
    emissions = 4 * torch.randn(2 * n, 3, dtype=torch.float64)
    leaf = emissions.clone().requires_grad_()
    loss = decoder.consistency_loss(leaf, Layout([n]))
    plain = TagDecoder.unconstrained(3).consistency_loss(leaf, Layout([n]))
    torch.testing.assert_close(loss, plain, rtol=1e-10, atol=0)
    [expected] = torch.autograd.grad(plain.sum(), leaf)
    [found] = torch.autograd.grad(loss.sum(), leaf)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)
    with largest_saved_tensor() as sizes:
        decoder.consistency_loss(leaf, Layout([n]))
    assert sizes and max(sizes) <= 2 * n * 3


@pytest.mark.parametrize("n_rows", [5, 11])
def test_emissions_of_one_pass_alone_are_refused(n_rows: int) -> None:
    with pytest.raises(ValueError, match=r"\(tokens, tags\) = \(10, 3\)"):
        make_decoder(CRF).consistency_loss(torch.zeros(n_rows, 3), Layout([5]))
