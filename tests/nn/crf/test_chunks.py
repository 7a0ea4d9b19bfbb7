"""Long sequences in chunks: the same numbers as without."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, SpanTags, TagDecoder, chunks, forward_backward, viterbi
from spacy_ner_plus.nn.crf.chunks import Limits, cut, transfer_matrices
from spacy_ner_plus.nn.crf.layout import Layout
from tests.nn.crf.chains import (
    INF,
    SCHEMES,
    Case,
    cases,
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
    crf_log_space_marginals,
    crf_long_double,
)

ALWAYS, NEVER = Limits(1, 0.0, 10_000), Limits(1, 0.0, 0)


@contextmanager
def limits(value: Limits, ratio: float = chunks.CHUNK_RATIO) -> Iterator[None]:
    """Other rules of when sequences are cut, and into chunks of which length."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(viterbi, "LIMITS", value)
        patch.setattr(forward_backward, "LIMITS", value)
        patch.setattr(chunks, "CHUNK_RATIO", ratio)
        yield


tiny_chunks = st.sampled_from([0.6, 0.8, 1.1])  # 5 tokens become 3, 2 and 2 chunks


# Where sequences are cut


@settings(deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=6), st.integers(2, 90))
def test_cut_makes_chunks_of_nearly_the_same_length(lengths: list[int], shortest: int) -> None:
    found = cut(Layout(lengths), 5, Limits(shortest, 0.0, 5))
    if found is None:
        assert max(lengths) < max(shortest, 4)
        return
    sizes = found.layout.lengths.split(found.chain.lengths.tolist())
    assert [int(part.sum()) for part in sizes] == lengths
    for part, length in zip(sizes, lengths, strict=True):
        assert part.max() - part.min() <= 1
        if length < shortest:
            assert len(part) == 1
    heads = [sum(lengths[:i]) + int(part[:j].sum()) for i, part in enumerate(sizes)
             for j in range(1, len(part))]  # fmt: skip
    assert found.heads.tolist() == heads


@pytest.mark.parametrize("block", [1, 2, 5, 1000])
def test_matrices_are_products_of_steps_whatever_runs_together(block: int) -> None:
    """Blocks of chunks that are all shorter than the longest one, too."""
    lengths = [200, 3, 6, 1, 12]
    weights = torch.rand(2, sum(lengths), 3, dtype=torch.float64)  # of two chains
    transition = torch.rand(2, 3, 3, dtype=torch.float64)  # (chains, from, to)

    def advance(running: Tensor, weight: Tensor) -> Tensor:
        return torch.einsum("cpt,cpfn->ctfn", transition, running) * weight

    found = cut(Layout(lengths), 3, Limits(2, 0.0, 3))
    assert found is not None
    sizes = found.layout.lengths
    assert len(set(sizes[found.part_ids].tolist())) > 2
    assert found.part_tokens.tolist() == [i for i in range(222) if i != 209]  # that of length 1
    matrices = transfer_matrices(weights, found, advance, 0.0, block)
    part_ids = found.part_ids.tolist()
    for chain in range(2):
        pieces = weights[chain].split(sizes.tolist())
        for i, (matrix, piece) in enumerate(zip(matrices[chain], pieces, strict=True)):
            expected = piece[0].diag()  # (first, last)
            for weight in piece[1:]:
                expected = expected @ transition[chain] * weight
            torch.testing.assert_close(matrix, expected * (i in part_ids))


def test_cut_depends_on_the_length_and_the_number_of_tags_alone() -> None:
    rule = Limits(shortest=100, per_cube=0.1, most_tags=25)
    assert cut(Layout([99]), 9, rule) is None
    assert cut(Layout([10_000]), 26, rule) is None
    assert cut(Layout([490]), 17, rule) is None
    alone = cut(Layout([500]), 17, rule)
    among = cut(Layout([700, 500, 3]), 17, rule)
    assert alone is not None and among is not None
    sizes = among.layout.lengths.split(among.chain.lengths.tolist())
    assert sizes[1].tolist() == alone.layout.lengths.tolist()
    assert len(sizes[1]) > 10


# Against brute force


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(cases(), tiny_chunks)
def test_log_z_and_marginals_in_chunks_equal_brute_force(case: Case, ratio: float) -> None:
    with limits(ALWAYS, ratio):
        lattice = case.module.lattice(case.emissions, case.layout)
    marginals = case.split(lattice.marginals())
    for row, emissions in case.sequences():
        scores = scores_of(case.module)
        expected = crf_brute_force_log_z(emissions, *scores)
        torch.testing.assert_close(lattice.log_z[row], expected, rtol=1e-11, atol=1e-9)
        expected = crf_brute_force_marginals(emissions, *scores)
        torch.testing.assert_close(marginals[row], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(cases(emission_scales=(0.0, 1.0, 30.0, 300.0)), tiny_chunks, st.booleans())
def test_decode_in_chunks_equals_brute_force_and_ties_go_to_the_lowest_tag(
    case: Case, ratio: float, ties: bool
) -> None:
    if ties:
        impossible = case.emissions == -INF
        case.emissions = case.emissions.clamp(-2, 2).round().masked_fill(impossible, -INF)
        for parameter in case.module.parameters():
            parameter.data.clamp_(-1, 1).round_()
    with limits(ALWAYS, ratio):
        decoded = case.split(case.module.decode(case.emissions, case.layout))
    for row, emissions in case.sequences():
        best = crf_brute_force_best_path(emissions, *scores_of(case.module))
        assert decoded[row].tolist() == best


# Against the same recursions in one piece


def long_case(scheme: str, lengths: list[int], seed: int, scale: float) -> tuple[CRF, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    module = randomize(CRF(*scheme_masks(scheme, 2)), generator, 1.0)
    shape = (sum(lengths), module.n_tags)
    emissions = torch.randn(shape, generator=generator) * scale
    emissions[..., 1:][torch.rand(shape, generator=generator)[..., 1:] < 0.1] = -INF
    assert isinstance(module, CRF)
    return module, emissions


# Lengths at which the number of chunks changes (0.8^2 k^2), and those around the shortest one cut.
edge_lengths = st.one_of(
    st.integers(98, 102),
    st.builds(lambda k, step: round(0.64 * k * k) + step, st.integers(13, 22), st.integers(-1, 1)),
    st.integers(1, 400),
)
long_cases = given(
    scheme=st.sampled_from(SCHEMES),
    lengths=st.lists(edge_lengths, min_size=1, max_size=4),
    seed=st.integers(0, 2**31),
    scale=st.sampled_from([0.1, 3.0, 30.0, 400.0]),  # the last one takes the log-space recursion
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@long_cases
def test_probabilities_in_chunks_equal_those_in_one_piece(
    scheme: str, lengths: list[int], seed: int, scale: float
) -> None:
    module, emissions = long_case(scheme, lengths, seed, scale)
    if seed % 3 == 0:
        emissions[seed % lengths[0]] = -INF  # no path at all
    label = scheme_labels(scheme, 2)[0]
    tags = SpanTags(*(torch.full((len(lengths),), tag) for tag in vars(label).values()))
    ends = torch.tensor(lengths)
    results = []
    for rule in (NEVER, Limits(100, 0.0, 10)):
        with limits(rule):
            lattice = module.lattice(emissions, Layout(lengths))
        spans = lattice.span_log_probs(torch.arange(len(ends)), ends // 2, ends // 2 + 1, tags)
        results.append([lattice.marginals(), lattice.transitions(), lattice.entropy(), spans])
        results[-1].append(lattice.log_z)
    for whole, chunked in zip(*results, strict=True):
        torch.testing.assert_close(chunked, whole, rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@long_cases
def test_decode_in_chunks_equals_one_piece(
    scheme: str, lengths: list[int], seed: int, scale: float
) -> None:
    module, emissions = long_case(scheme, lengths, seed, scale)
    if seed % 2:  # many equal sums, all exact
        emissions = emissions.clamp(-2, 2).round().masked_fill(emissions == -INF, -INF)
        for parameter in module.parameters():
            parameter.data.round_()
    results = []
    for rule in (NEVER, Limits(100, 0.0, 10)):
        with limits(rule):
            results.append(module.decode(emissions, Layout(lengths)))
    assert torch.equal(*results)


@pytest.mark.parametrize("partial", [False, True])
def test_loss_and_gradients_in_chunks_equal_those_in_one_piece(partial: bool) -> None:
    lengths = [500, 90, 1, 230]
    module, emissions = long_case("BIO", lengths, 3, 2.0)
    emissions = emissions.clamp_min(-9.0).double().requires_grad_()
    allowed = one_hot(random_valid_tags(module, lengths, seed=4), 5)
    if partial:
        allowed |= torch.rand(allowed.shape, generator=torch.Generator().manual_seed(5)) < 0.4
    results = []
    for rule in (NEVER, Limits(100, 0.0, 10)):
        with limits(rule):
            loss = module.loss(emissions, Layout(lengths), allowed)
            gradients = torch.autograd.grad(loss.sum(), [emissions, *module.parameters()])
        results.append([loss, *gradients])
    for whole, chunked in zip(*results, strict=True):
        torch.testing.assert_close(chunked, whole, rtol=1e-6, atol=1e-9)


def test_matrices_that_vanish_are_noticed() -> None:
    """Two tags that never change: of all paths only the one that stays 10 behind at every token is
    valid. Beside the other one it vanishes from the matrices, but not from the ordinary messages.
    """
    starts, _, ends = unconstrained(2)
    module = CRF(starts & torch.tensor([False, True]), torch.eye(2, dtype=torch.bool), ends)
    emissions = torch.tensor([0.0, -10.0]).repeat(10_000, 1)
    lattice = module.lattice(emissions, Layout([10_000]))
    assert lattice.log_z.tolist() == [-100_000.0]
    assert torch.equal(lattice.marginals(), torch.tensor([0.0, 1.0]).double().expand(10_000, 2))
    assert module.decode(emissions, Layout([10_000])).all()


def test_decode_in_chunks_refuses_a_dead_end() -> None:
    module = CRF(*scheme_masks("BIO", 1))
    emissions = torch.zeros(800, 3)
    emissions[600, 1:] = -INF
    emissions[601, :2] = -INF  # only I after only O
    with pytest.raises(ValueError, match=r"no valid tag sequence .*\[1\]"):
        module.decode(emissions, Layout([400, 400]))


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_a_sequence_in_chunks_does_not_depend_on_the_batch(kind: type[TagDecoder]) -> None:
    generator = torch.Generator().manual_seed(6)
    module = randomize(kind(*scheme_masks("BIO", 4)), generator, 1.0)
    lengths = [1500, 99, 100, 640, 3]
    emissions = torch.randn(sum(lengths), 9, generator=generator)
    tags = module.decode(emissions, Layout(lengths)).split(lengths)
    lattice = module.lattice(emissions, Layout(lengths))
    marginals = lattice.marginals().split(lengths)
    for row, part in enumerate(emissions.split(lengths)):
        alone = module.lattice(part, Layout([len(part)]))
        assert torch.equal(module.decode(part, Layout([len(part)])), tags[row])
        torch.testing.assert_close(alone.log_z[0], lattice.log_z[row], rtol=1e-13, atol=1e-12)
        torch.testing.assert_close(alone.marginals(), marginals[row], rtol=1e-10, atol=1e-12)


# Against independent implementations


@pytest.mark.slow
def test_lattice_and_decode_are_exact_at_100000_tokens() -> None:
    generator = torch.Generator().manual_seed(0)
    module = randomize(CRF(*scheme_masks("BIO", 4)), generator, 1.0)
    emissions = torch.randn(100_000, 9, generator=generator) * 3
    with torch.no_grad():
        marginals, log_z, path = crf_long_double(emissions.double(), *scores_of(module))
    lattice = module.lattice(emissions, Layout([100_000]))
    assert lattice.log_z.item() == pytest.approx(float(log_z), rel=1e-13)
    np.testing.assert_allclose(lattice.marginals(), marginals.astype(float), atol=1e-12)
    assert module.decode(emissions, Layout([100_000])).tolist() == path


def test_extreme_scores_in_chunks_match_a_log_space_reference() -> None:
    generator = torch.Generator().manual_seed(1)
    module = randomize(CRF(*scheme_masks("BILOU", 2)), generator, 1.0)
    emissions = torch.randn(300, 9, generator=generator, dtype=torch.float64) * 300
    with torch.no_grad():
        marginals, log_z = crf_log_space_marginals(emissions, *scores_of(module))
    lattice = module.lattice(emissions, Layout([300]))
    torch.testing.assert_close(lattice.log_z[0], log_z, rtol=1e-12, atol=0)
    torch.testing.assert_close(lattice.marginals(), marginals, rtol=0, atol=1e-8)
