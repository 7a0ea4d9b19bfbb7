"""Spans that are known to be wrong in the loss, against the enumeration of all paths."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, Layout, ParallelCRF, SpanFactors, TagDecoder
from spacy_ner_plus.tags import TagScheme
from tests.nn.crf.chains import INF, randomize, scores_of
from tests.oracles import crf_enumerate_paths

Place = tuple[int, int, int, int]
"""Sequence, start, end and label."""
Chain = tuple[Tensor, Tensor, Tensor]
"""Start, transition and end scores."""

# What can be enumerated quickly.
LONGEST = {("BIO", 1): 5, ("BIO", 2): 4, ("BILOU", 1): 4, ("BILOU", 2): 3}


@dataclass
class Case:
    """A batch with its annotation."""

    decoder: TagDecoder
    scheme: TagScheme
    emissions: Tensor
    lengths: list[int]
    allowed: Tensor
    rejected: list[Place]
    scored: list[tuple[Place, float]]

    @property
    def layout(self) -> Layout:
        return Layout(self.lengths)

    @property
    def spans(self) -> SpanFactors:
        rejected = SpanFactors.of_rejected(self.scheme, np.array(self.rejected, dtype=np.int64))
        if not self.scored:
            return rejected
        columns = np.array([place for place, _ in self.scored]).T
        scores = torch.tensor([score for _, score in self.scored], dtype=torch.float64)
        return SpanFactors(self.scheme, *columns, scores).and_others(rejected)


def random_allowed(
    scheme: TagScheme, lengths: list[int], generator: torch.Generator, missing: float
) -> Tensor:
    """A path, of which some rows are not annotated, and some for one label only."""
    noise = torch.randn(sum(lengths), scheme.n_tags, generator=generator)
    path = TagDecoder.from_scheme(scheme).decode(noise, Layout(lengths))
    allowed = torch.nn.functional.one_hot(path, scheme.n_tags).bool()
    draws = torch.rand(len(path), generator=generator)
    allowed[draws < missing] = True
    of_last_label = torch.arange(scheme.n_tags) > scheme.n_tags - len(scheme.prefixes) - 1
    allowed[(draws > 0.8) & (path == 0)] |= of_last_label
    return allowed


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Up to three short sequences with spans that overlap, are nested or start alike."""
    name, n_labels = draw(st.sampled_from(list(LONGEST)))
    scheme = TagScheme(name, ["X", "Y"][:n_labels])
    lengths = draw(st.lists(st.integers(1, LONGEST[name, n_labels]), min_size=1, max_size=3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    decoder = draw(st.sampled_from((CRF, TagDecoder))).from_scheme(scheme).double()
    randomize(decoder, generator, draw(st.sampled_from((0.0, 1.0, 10.0))))
    shape = (sum(lengths), scheme.n_tags)
    emissions = torch.randn(shape, generator=generator, dtype=torch.float64)
    emissions *= draw(st.sampled_from((1.0, 30.0)))
    allowed = random_allowed(scheme, lengths, generator, draw(st.sampled_from((0.4, 0.8, 1.0))))

    @st.composite
    def place(draw: st.DrawFn) -> Place:
        row = draw(st.integers(0, len(lengths) - 1))
        start = draw(st.integers(0, lengths[row] - 1))
        end = draw(st.integers(start + 1, lengths[row]))
        return row, start, end, draw(st.integers(0, n_labels - 1))

    rejected = draw(st.lists(place(), min_size=1, max_size=8))
    if draw(st.booleans()):  # all spans of some words, which share tags
        row, start, end, label = draw(place())
        ends = range(start + 1, end + 1)
        rejected += [(row, i, j, label) for i in range(start, end) for j in ends if i < j]
    weight = st.sampled_from((-INF, -2.0, 1.0, 3.0))
    scored = draw(st.lists(st.tuples(place(), weight), max_size=4))
    return Case(decoder, scheme, emissions, lengths, allowed, rejected, scored)


def spans_of(scheme: TagScheme, path: list[int]) -> set[tuple[int, int, int]]:
    columns = scheme.decode(np.array(path))
    return set(zip(*(column.tolist() for column in columns), strict=True))


def stated_loss(
    scheme: TagScheme,
    emissions: Tensor,
    chain: Chain,
    allowed: Tensor,
    rejected: set[tuple[int, int, int]],
    scored: list[tuple[tuple[int, int, int], float]],
) -> Tensor:
    """log Z(valid) - log Z(allowed, with none of the rejected), path by path."""
    paths, scores = crf_enumerate_paths(emissions, *chain)
    is_valid = scores > -INF
    paths, scores = paths[is_valid], scores[is_valid]
    found = [spans_of(scheme, path) for path in paths.tolist()]
    bonus = [sum(w for span, w in scored if span in spans) for spans in found]
    scores = scores + torch.tensor(bonus, dtype=torch.float64)
    agrees = allowed[torch.arange(len(allowed)), paths].all(1)
    agrees &= torch.tensor([not spans & rejected for spans in found])
    if not (agrees & (scores > -INF)).any():
        return torch.tensor(INF, dtype=torch.float64)
    return scores.logsumexp(0) - scores[agrees].logsumexp(0)


def stated_losses(case: Case, emissions: Tensor) -> list[Tensor]:
    losses = []
    parts = zip(emissions.split(case.lengths), case.allowed.split(case.lengths), strict=True)
    for row, (own, allowed) in enumerate(parts):
        rejected = {place[1:] for place in case.rejected if place[0] == row}
        scored = [(place[1:], w) for place, w in case.scored if place[0] == row]
        losses.append(
            stated_loss(case.scheme, own, chain_of(case.decoder), allowed, rejected, scored)
        )
    return losses


def chain_of(decoder: TagDecoder) -> Chain:
    """The scores, with the graph of learned ones."""
    if not isinstance(decoder, CRF):
        return scores_of(decoder)
    masks = (decoder.start_mask, decoder.transition_mask, decoder.end_mask)
    learned = (decoder.start, decoder.transition, decoder.end)
    start, transition, end = (
        torch.where(mask, score.double(), -INF) for mask, score in zip(masks, learned, strict=True)
    )
    return start, transition, end


@settings(max_examples=120, deadline=None)
@given(cases())
def test_loss_and_gradients_equal_enumeration(case: Case) -> None:
    leaf = case.emissions.clone().requires_grad_()
    losses = case.decoder.loss(leaf, case.layout, case.allowed, spans=case.spans)
    expected = stated_losses(case, leaf)
    assert losses.tolist() == pytest.approx([one.item() for one in expected], rel=1e-9, abs=1e-9)
    finite = losses.isfinite()
    if not finite.any():
        return
    leaves = [leaf, *case.decoder.parameters()]
    found = torch.autograd.grad(losses[finite].sum(), leaves, allow_unused=True)
    total = torch.stack(expected)[finite].sum()
    wanted = torch.autograd.grad(total, leaves, allow_unused=True)
    for one, other in zip(found, wanted, strict=True):
        one, other = (torch.zeros(()) if x is None else x.nan_to_num(0.0) for x in (one, other))
        torch.testing.assert_close(one.double(), other.double(), rtol=0, atol=1e-9)


def differences(loss: "LossOf", values: Tensor) -> Tensor:
    """Derivatives by differences of the fifth order."""
    step = 1e-3
    found = torch.zeros_like(values)
    for i in range(values.numel()):
        at = []
        for n in (-2, -1, 1, 2):
            moved = values.clone()
            moved.view(-1)[i] += n * step
            at.append(loss(moved))
        found.view(-1)[i] = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * step)
    return found


class LossOf:
    """The loss of a case as a function of its emissions, or of the transitions."""

    def __init__(self, case: Case, what: str) -> None:
        self.case, self.what = case, what

    def __call__(self, values: Tensor) -> float:
        case, emissions = self.case, self.case.emissions
        if self.what == "emissions":
            emissions = values
        else:
            assert isinstance(case.decoder, CRF)
            case.decoder.transition.data.copy_(values)
        with torch.no_grad():
            losses = case.decoder.loss(emissions, case.layout, case.allowed, spans=case.spans)
        return float(losses.sum())


@pytest.mark.parametrize("name", ["BIO", "BILOU"])
@pytest.mark.parametrize("kind", [CRF, TagDecoder], ids=["crf", "softmax"])
@pytest.mark.parametrize("missing", [0.6, 1.0])
def test_gradients_equal_finite_differences(
    name: str, kind: type[TagDecoder], missing: float
) -> None:
    """In sequences that are too long to enumerate."""
    scheme = TagScheme(name, ["X", "Y"])
    generator = torch.Generator().manual_seed(3)
    lengths = [9, 7]
    decoder = randomize(kind.from_scheme(scheme).double(), generator, 0.5)
    emissions = torch.randn(16, scheme.n_tags, generator=generator, dtype=torch.float64)
    allowed = random_allowed(scheme, lengths, generator, missing)
    # nested, of one start, overlapping, a unit, of both labels; in both sequences
    rejected = [(0, 1, 6, 0), (0, 2, 4, 0), (0, 1, 3, 0), (0, 3, 8, 0), (0, 4, 5, 1), (0, 0, 9, 1)]
    rejected += [(1, 0, 2, 1), (1, 1, 3, 1), (1, 6, 7, 0)]
    is_known = (allowed.sum(1) == 1).split(lengths)
    assert missing == 1.0 or torch.cat(is_known).any()
    # what is annotated may be gold
    is_open = allowed.all(1).split(lengths)
    rejected = [(i, s, e, label) for i, s, e, label in rejected if is_open[i][s:e].all()]
    assert len({i for i, *_ in rejected}) == 2
    case = Case(decoder, scheme, emissions, lengths, allowed, rejected, [])
    leaf = emissions.clone().requires_grad_()
    losses = decoder.loss(leaf, case.layout, allowed, spans=case.spans)
    assert losses.isfinite().all()
    assert (losses > 0).all()
    losses.sum().backward()
    expected = differences(LossOf(case, "emissions"), emissions)
    torch.testing.assert_close(leaf.grad, expected, rtol=0, atol=1e-9)
    if isinstance(decoder, CRF):
        before = decoder.transition.detach().clone()
        expected = differences(LossOf(case, "transition"), before)
        torch.testing.assert_close(decoder.transition.grad, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_where_only_rejected_spans_are_known_the_loss_is_that_of_their_improbability(
    name: str,
) -> None:
    """One span: -log(1 - P(span)), with P as it is predicted."""
    scheme = TagScheme(name, ["X"])
    generator = torch.Generator().manual_seed(0)
    decoder = randomize(CRF.from_scheme(scheme).double(), generator, 1.0)
    emissions = torch.randn(50, scheme.n_tags, generator=generator, dtype=torch.float64)
    layout, everything = Layout([50]), torch.ones(50, scheme.n_tags, dtype=torch.bool)
    lattice = decoder.lattice(emissions, layout)
    for start, end in ((0, 1), (3, 5), (10, 14), (48, 50), (49, 50)):
        tags = torch.tensor(scheme.encode([(0, end - start, "X")], end - start))
        allowed = torch.zeros_like(everything)
        allowed[:] = True
        # all paths with this span, and no longer one
        allowed[start:end] = torch.nn.functional.one_hot(tags, scheme.n_tags).bool()
        if end < 50:
            allowed[end, int(scheme.inside[0])] = False
        log_prob = lattice.log_probs(allowed)[0]
        spans = SpanFactors.of_rejected(scheme, np.array([[0, start, end, 0]]))
        loss = decoder.loss(emissions, layout, everything, spans=spans)[0]
        assert loss.item() == pytest.approx(-torch.log1p(-log_prob.exp()).item(), abs=1e-9)


def test_rejected_spans_change_nothing_in_prediction() -> None:
    scheme = TagScheme("BILOU", ["X"])
    generator = torch.Generator().manual_seed(0)
    decoder = randomize(CRF.from_scheme(scheme).double(), generator, 1.0)
    emissions = torch.randn(8, scheme.n_tags, generator=generator, dtype=torch.float64)
    layout = Layout([8])
    spans = SpanFactors.of_rejected(scheme, np.array([[0, 1, 4, 0], [0, 2, 4, 0]]))
    plain = decoder.lattice(emissions, layout)
    lattice = decoder.lattice(emissions, layout, spans=spans)
    torch.testing.assert_close(lattice.marginals(), plain.marginals(), rtol=0, atol=1e-9)
    found = decoder.decode(emissions, layout, spans=spans)
    assert torch.equal(found, decoder.decode(emissions, layout))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9999), st.sampled_from(["BIO", "BILOU"]))
def test_parallel_chains_equal_single_ones(seed: int, name: str) -> None:
    scheme, n_chains = TagScheme(name, ["X"]), 3
    generator = torch.Generator().manual_seed(seed)
    lengths = [4, 2, 5]
    crfs = ParallelCRF.from_scheme(scheme, n_chains=n_chains).double()
    for parameter in crfs.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    emissions = torch.randn(11, crfs.n_tags, generator=generator, dtype=torch.float64)
    allowed = torch.cat([random_allowed(scheme, lengths, generator, 0.7) for _ in range(3)], 1)
    # by chain: none in the second
    rejected = [[(0, 1, 3, 0), (0, 1, 4, 0), (2, 0, 5, 0)], [], [(0, 1, 3, 0), (1, 0, 1, 0)]]
    rows = [(c * 3 + s, *span) for c, own in enumerate(rejected) for s, *span in own]
    spans = SpanFactors.of_rejected(scheme, np.array(rows))
    leaf = emissions.clone().requires_grad_()
    losses = crfs.chain_losses(leaf, Layout(lengths), allowed, spans=spans)  # (3, chains)
    total = torch.zeros((), dtype=torch.float64)
    for chain, places in enumerate(rejected):
        one = CRF.from_scheme(scheme).double()
        one.start.data = crfs.start[chain].data
        one.transition.data, one.end.data = crfs.transition[chain].data, crfs.end[chain].data
        columns = slice(chain * scheme.n_tags, (chain + 1) * scheme.n_tags)
        own = None
        if places:
            own = SpanFactors.of_rejected(scheme, np.array(places))
        expected = one.loss(leaf[:, columns], Layout(lengths), allowed[:, columns], spans=own)
        torch.testing.assert_close(losses[:, chain], expected, rtol=0, atol=1e-9)
        total = total + expected[expected.isfinite()].sum()
    finite = losses.isfinite()
    [found] = torch.autograd.grad(losses[finite].sum(), [leaf])
    [wanted] = torch.autograd.grad(total, [leaf])
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)
