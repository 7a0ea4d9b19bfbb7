"""Each chain of a ParallelCRF is a CRF of its own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, Layout, ParallelCRF, SpanTags, blocks
from spacy_ner_plus.tags import TagScheme
from tests.nn.crf.chains import INF, SCHEMES
from tests.nn.crf.test_chunks import ALWAYS, NEVER, limits

CLOSE = {"rtol": 1e-9, "atol": 1e-9}


class Chains:
    """Chains with random scores, emissions of a batch, and each chain as a CRF."""

    def __init__(
        self, scheme: TagScheme, n_chains: int, lengths: list[int], scale: float, seed: int
    ) -> None:
        self.scheme, self.lengths, self.layout = scheme, lengths, Layout(lengths)
        generator = torch.Generator().manual_seed(seed)
        self.generator = generator
        self.crf = ParallelCRF.from_scheme(scheme, n_chains=n_chains).double()
        with torch.no_grad():
            for parameter in self.crf.parameters():
                parameter.copy_(self.random(*parameter.shape))
        self.emissions = self.random(sum(lengths), n_chains * scheme.n_tags) * scale

    def random(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def columns(self, flat: Tensor, chain: int) -> Tensor:
        """Those of one chain."""
        return flat[:, chain * self.scheme.n_tags : (chain + 1) * self.scheme.n_tags]

    def single(self, chain: int) -> CRF:
        crf = CRF.from_scheme(self.scheme).double()
        with torch.no_grad():
            for name, parameter in crf.named_parameters():
                parameter.copy_(self.crf.get_parameter(name)[chain])
        return crf

    def allowed(self, *, partial: bool) -> Tensor:
        """Tags of a random valid path in each chain, and further ones if partial."""
        paths = self.crf.decode(self.random(*self.emissions.shape), self.layout)
        allowed = torch.nn.functional.one_hot(paths, self.scheme.n_tags).bool().flatten(1)
        if partial:
            allowed |= torch.rand(allowed.shape, generator=self.generator) < 0.4
        return allowed


@st.composite
def chains(draw: st.DrawFn) -> Chains:
    """Up to four chains over up to four sequences; some emissions are -inf, never for O."""
    scheme = TagScheme(draw(st.sampled_from(SCHEMES)), ["X", "Y"][: draw(st.integers(1, 2))])
    n_chains = draw(st.integers(1, 4))
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    scale = draw(st.sampled_from([0.0, 1.0, 30.0, 300.0]))  # the last is run in log space
    made = Chains(scheme, n_chains, lengths, scale, draw(st.integers(0, 2**31)))
    if draw(st.booleans()):
        is_gone = torch.rand(made.emissions.shape, generator=made.generator) < 0.2
        is_gone[:, :: scheme.n_tags] = False
        made.emissions[is_gone] = -INF
    return made


rules = st.sampled_from([ALWAYS, NEVER])


@settings(max_examples=40, deadline=None)
@given(chains(), rules, st.booleans())
def test_losses_and_gradients_are_those_of_each_chain(
    made: Chains, rule: object, partial: bool
) -> None:
    allowed = made.allowed(partial=partial)
    weights = made.random(len(made.lengths), made.crf.n_chains)
    emissions = made.emissions.requires_grad_()
    with limits(rule, 0.8):
        losses = made.crf.chain_losses(emissions, made.layout, allowed)
        variables = [emissions, *made.crf.parameters()]
        gradients = torch.autograd.grad((losses * weights)[losses < INF].sum(), variables)
    torch.testing.assert_close(made.crf.loss(emissions, made.layout, allowed), losses.sum(1))
    for chain in range(made.crf.n_chains):
        crf = made.single(chain)
        own = made.columns(emissions.detach(), chain).clone().requires_grad_()
        expected = crf.loss(own, made.layout, made.columns(allowed, chain))
        torch.testing.assert_close(losses[:, chain], expected, **CLOSE)
        total = (expected * weights[:, chain])[expected < INF].sum()
        own_gradients = torch.autograd.grad(total, [own, *crf.parameters()])
        found = [made.columns(gradients[0], chain), *(part[chain] for part in gradients[1:])]
        for ours, theirs in zip(found, own_gradients, strict=True):
            torch.testing.assert_close(ours, theirs, **CLOSE)


@settings(max_examples=60, deadline=None)
@given(chains(), rules, st.booleans())
def test_best_paths_are_those_of_each_chain(made: Chains, rule: object, ties: bool) -> None:
    is_gone = made.emissions == -INF
    # Without emissions, paths of the same transitions in another order have the same score: only
    # whole numbers add up to the same in any order.
    if ties or not made.emissions[~is_gone].any():
        made.emissions = made.emissions.clamp(-2, 2).round().masked_fill(is_gone, -INF)
        for parameter in made.crf.parameters():
            parameter.data.round_()
    with limits(rule, 0.8):
        paths = made.crf.decode(made.emissions, made.layout)
    for chain in range(made.crf.n_chains):
        expected = made.single(chain).decode(made.columns(made.emissions, chain), made.layout)
        assert paths[:, chain].tolist() == expected.tolist()


@settings(max_examples=40, deadline=None)
@given(chains(), rules, st.booleans())
def test_probabilities_are_those_of_each_chain(made: Chains, rule: object, warm: bool) -> None:
    temperatures = torch.linspace(0.5, 2.0, made.crf.n_chains) if warm else torch.ones(())
    with limits(rule, 0.8):
        lattices = made.crf.lattices(made.emissions, made.layout, temperature=temperatures)
    rows = torch.arange(len(made.lengths))
    ends = torch.tensor(made.lengths)
    tags = SpanTags(
        *(
            torch.full_like(rows, int(column[-1]))
            for column in (
                made.scheme.first,
                made.scheme.inside,
                made.scheme.last,
                made.scheme.unit,
            )
        )
    )
    for chain, lattice in enumerate(lattices):
        temperature = float(temperatures.expand(made.crf.n_chains)[chain])
        own = made.columns(made.emissions, chain)
        single = made.single(chain).lattice(own, made.layout, temperature=temperature)
        torch.testing.assert_close(lattice.log_z, single.log_z, **CLOSE)
        torch.testing.assert_close(lattice.marginals(), single.marginals(), **CLOSE)
        torch.testing.assert_close(lattice.entropy(), single.entropy(), rtol=1e-8, atol=1e-8)
        for start in (torch.zeros_like(rows), ends - 1, ends // 2):
            found = lattice.span_log_probs(rows, start, ends, tags)
            expected = single.span_log_probs(rows, start, ends, tags)
            torch.testing.assert_close(found.exp(), expected.exp(), **CLOSE)


@pytest.mark.parametrize("fewest", [2, 600])
def test_chains_of_many_tags_are_run_in_blocks(
    fewest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Chains(TagScheme("BILOU", [f"L{i}" for i in range(6)]), 3, [7, 12, 1], 1.0, seed=3)
    expected = made.crf.decode(made.emissions, made.layout)
    marginals = [one.marginals() for one in made.crf.lattices(made.emissions, made.layout)]
    monkeypatch.setattr(blocks, "FEWEST_TAGS", fewest)
    assert (blocks.Blocks.of_all(made.crf.constraints.transition_mask[None], 0) is None) == (
        fewest > made.scheme.n_tags
    )
    assert torch.equal(made.crf.decode(made.emissions, made.layout), expected)
    found = [one.marginals() for one in made.crf.lattices(made.emissions, made.layout)]
    torch.testing.assert_close(found, marginals)


def test_chains_of_an_empty_batch_have_no_results() -> None:
    made = Chains(TagScheme("BIO", ["X"]), 2, [], 1.0, seed=1)
    assert made.crf.decode(made.emissions, made.layout).shape == (0, 2)
    assert made.crf.chain_losses(made.emissions, made.layout, made.emissions > 0).shape == (0, 2)
    assert [len(one.log_z) for one in made.crf.lattices(made.emissions, made.layout)] == [0, 0]


def test_constraints_of_chains_are_not_weights() -> None:
    made = Chains(TagScheme("BIO", ["X"]), 2, [3], 1.0, seed=1)
    assert sorted(made.crf.state_dict()) == ["end", "start", "transition"]


def test_what_chains_cannot_do_is_refused() -> None:
    made = Chains(TagScheme("BIO", ["X"]), 2, [3], 1.0, seed=1)
    emissions, layout = made.emissions, made.layout
    with pytest.raises(ValueError, match=r"\(tokens, tags\) = \(3, 6\), got \(3, 5\)"):
        made.crf.decode(emissions[:, 1:], layout)
    with pytest.raises(ValueError, match="allowed must be bool"):
        made.crf.loss(emissions, layout, emissions)
    with pytest.raises(ValueError, match="temperature must be a finite number above 0"):
        made.crf.lattices(emissions, layout, temperature=torch.tensor([1.0, 0.0]))
    with pytest.raises(ValueError, match="too small: scores overflow"):
        made.crf.lattices(emissions, layout, temperature=5e-324)
    with pytest.raises(ValueError, match="at least 1 chain, got 0"):
        ParallelCRF.from_scheme(made.scheme, n_chains=0)
    emissions[1, 3:] = -INF  # the second chain has no tag at the second token
    with pytest.raises(ValueError, match=r"no valid tag sequence exists for the sequences \[0\]"):
        made.crf.decode(emissions, layout)
    made.crf.end.data[1, 0] = torch.nan
    with pytest.raises(ValueError, match="scores contain nan"):
        made.crf.decode(emissions.nan_to_num(neginf=0.0), layout)


@pytest.mark.gpu
def test_cuda_chains_equal_cpu() -> None:
    made = Chains(TagScheme("BILOU", ["X"]), 3, [50, 8, 300], 1.0, seed=5)
    allowed = made.allowed(partial=True)
    losses = made.crf.chain_losses(made.emissions, made.layout, allowed)
    paths = made.crf.decode(made.emissions, made.layout)
    layout = Layout(made.lengths, torch.device("cuda"))
    made.crf.cuda()
    emissions = made.emissions.cuda()
    found = made.crf.chain_losses(emissions, layout, allowed.cuda())
    torch.testing.assert_close(found.cpu(), losses)
    assert torch.equal(made.crf.decode(emissions, layout).cpu(), paths)
