"""Further labels for a head of chains."""

import pytest
import torch

from spacy_ner_plus.nesting.chain_plan import Chain, ChainPlan
from spacy_ner_plus.nn.crf import Layout
from spacy_ner_plus.nn.heads.chain_growth import with_chains
from spacy_ner_plus.nn.heads.chain_head import ChainHead

PLANS = [ChainPlan.of_levels([(["A"], 2), (["B"], 1)]), ChainPlan.of_levels([(["A", "B"], 2)])]


def make_head(plan: ChainPlan) -> ChainHead:
    torch.manual_seed(0)
    head = ChainHead(6, plan, "BILOU", dropout=0.1).eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_()
    return head


@pytest.mark.parametrize("plan", PLANS)
def test_scores_of_old_tags_stay_bit_for_bit(plan: ChainPlan) -> None:
    head = make_head(plan)
    crfs, weights = head.crfs, {n: p.clone() for n, p in head.named_parameters()}
    grown = with_chains(head, plan.with_labels(("A", "B", "C", "D")))
    assert not grown.training and grown.plan.labels == ("A", "B", "C", "D")
    chains, tags = slice(crfs.n_chains), slice(crfs.n_tags_each)
    new = grown.crfs
    assert torch.equal(new.start[chains, tags], crfs.start)
    assert torch.equal(new.transition[chains, tags, tags], crfs.transition)
    assert torch.equal(new.end[chains, tags], crfs.end)
    linear = grown.tags.linear.weight.view(new.n_chains, new.n_tags_each, 6)
    assert torch.equal(linear[chains, tags].flatten(0, 1), head.tags.linear.weight)
    bias = grown.tags.linear.bias.view(new.n_chains, new.n_tags_each)
    assert torch.equal(bias[chains, tags].flatten(), head.tags.linear.bias)
    assert all(torch.equal(p, weights[n]) for n, p in head.named_parameters())


@pytest.mark.parametrize("plan", PLANS)
def test_old_spans_are_as_probable_and_new_ones_are_not(plan: ChainPlan) -> None:
    """In layers, new labels take as little from the others as they have."""
    head = make_head(plan)
    grown = with_chains(head, plan.with_labels(("A", "B", "C")))
    vectors, layout = 0.3 * torch.randn(7, 6), Layout([4, 3])
    old = head.crfs.span_lattice(head.read_tokens(vectors), layout)
    new = grown.crfs.span_lattice(grown.read_tokens(vectors), layout)
    places = torch.tensor(
        [
            (sequence, start, end, label)
            for sequence, length in enumerate((4, 3))
            for start in range(length)
            for end in range(start + 1, length + 1)
            for label in range(3)
        ]
    )
    is_old = places[:, 3] < 2
    before = old.span_log_probs(*places[is_old].T).exp()
    after = new.span_log_probs(*places.T).exp()
    within = 0.02 if plan.is_layered else 1e-6
    torch.testing.assert_close(after[is_old], before, rtol=0, atol=within)
    assert before.max() > 0.3 and after[~is_old].max() < 0.01


def test_head_of_chains_is_one_of_spans() -> None:
    head = make_head(PLANS[0])
    assert (head.width, head.n_features) == (6, 3 * 5)
    assert head.read_tokens(torch.zeros(2, 6)).shape == (2, 15)
    names = [name for name, _ in head.named_parameters() if name.startswith(head.undecayed)]
    assert names == [f"tags.decoder.{part}" for part in ("start", "transition", "end")]


@pytest.mark.parametrize("plan", PLANS)
def test_deeper_levels_add_to_the_scores_of_the_outermost(plan: ChainPlan) -> None:
    """Chain by chain, by hand."""
    head = make_head(plan)
    vectors = torch.randn(5, 6)
    weight, bias = head.tags.linear.weight, head.tags.linear.bias
    own = dict(
        zip(plan.chains, (vectors @ weight.T + bias).chunk(len(plan.chains), 1), strict=True)
    )
    expected = [
        scores + own[Chain(chain.labels, 0)] if chain.level else scores
        for chain, scores in own.items()
    ]
    torch.testing.assert_close(head.read_tokens(vectors), torch.cat(expected, dim=1))
