"""Chains of labels and levels: their spans, and what each one's probability is."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nesting.chain_plan import ChainPlan
from spacy_ner_plus.nn.crf import Layout
from spacy_ner_plus.nn.heads.label_crfs import LabelCRFs
from spacy_ner_plus.nn.heads.label_lattice import log_any, log_complement
from spacy_ner_plus.nn.heads.tag_head import TagHead
from tests.oracles import crf_enumerate_paths

Place = tuple[int, int, int, int]
"""Sequence, start, end, label."""

PLANS = [
    ChainPlan.of_levels([(["A"], 2), (["B"], 1)]),
    ChainPlan.of_levels([(["A"], 1), (["B"], 3)]),
    ChainPlan.of_levels([(["A", "B"], 2)]),
]


def make_crfs(plan: ChainPlan, name: str, seed: int) -> LabelCRFs:
    generator = torch.Generator().manual_seed(seed)
    crfs = LabelCRFs(plan, name).double()
    with torch.no_grad():
        for parameter in crfs.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return crfs


def chain_sets(crfs: LabelCRFs, emissions: Tensor) -> list[list[tuple[set[Place], float]]]:
    """For each chain, the spans of each of its tag sequences over a text, and its probability."""
    result = []
    for i, chain in enumerate(crfs.plan.chains):
        scores = [part[i] for part in crfs._scores()]
        own = emissions[:, i * crfs.n_tags_each : (i + 1) * crfs.n_tags_each]
        paths, totals = crf_enumerate_paths(own, *scores)
        probabilities = torch.softmax(totals, 0)
        sets = []
        for path, probability in zip(paths.numpy(), probabilities.tolist(), strict=True):
            if probability > 0:
                starts, ends, ids = crfs.scheme.decode(path)
                labels = [crfs.plan.labels.index(chain.labels[j]) for j in ids]
                spans = set(
                    zip([0] * len(ids), starts.tolist(), ends.tolist(), labels, strict=True)
                )
                sets.append((spans, probability))
        result.append(sets)
    return result


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.sampled_from(PLANS[::2]), st.sampled_from(["BIO", "BILOU"]), st.integers(0, 2**31))
def test_probabilities_are_those_of_all_combinations_of_independent_chains(
    plan: ChainPlan, name: str, seed: int
) -> None:
    """Two tokens only: the sequences of all chains are combined with each other."""
    crfs = make_crfs(plan, name, seed)
    emissions = torch.randn(2, crfs.n_tags, dtype=torch.float64)
    expected = dict.fromkeys(
        [(0, *place, label) for place in [(0, 1), (0, 2), (1, 2)] for label in (0, 1)], 0.0
    )
    for combination in product(*chain_sets(crfs, emissions)):
        probability = float(np.prod([p for _, p in combination]))
        for place in set().union(*(spans for spans, _ in combination)):
            expected[place] += probability
    lattice = crfs.span_lattice(emissions, Layout([2]))
    found = lattice.span_log_probs(*torch.tensor(list(expected)).T).exp()
    torch.testing.assert_close(found.tolist(), list(expected.values()), rtol=1e-9, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(PLANS),
    st.sampled_from(["BIO", "BILOU"]),
    st.sampled_from([1.0, 5.0]),
    st.sampled_from([0.01, 0.2, 0.7]),
    st.integers(0, 2**31),
)
def test_likely_spans_are_all_that_are_so_probable_at_any_level(
    plan: ChainPlan, name: str, scale: float, least: float, seed: int
) -> None:
    crfs = make_crfs(plan, name, seed)
    generator = torch.Generator().manual_seed(seed)
    lengths = [3, 1]
    emissions = torch.randn(4, crfs.n_tags, dtype=torch.float64, generator=generator) * scale
    lattice = crfs.span_lattice(emissions, Layout(lengths))
    expected = {}
    for row, part in enumerate(emissions.split(lengths)):
        missed: dict[Place, float] = {}  # the probability that no chain has it
        for sets in chain_sets(crfs, part):
            own: dict[Place, float] = {}
            for spans, probability in sets:
                for _, *place in spans:
                    key = (row, *place)
                    own[key] = own.get(key, 0.0) + probability
            for key, probability in own.items():
                missed[key] = missed.get(key, 1.0) * (1 - probability)
        expected |= {key: 1 - p for key, p in missed.items()}
    found, log_probs = crfs.likely_spans(lattice, least)
    places = list(zip(found.sequences, found.starts, found.ends, found.labels, strict=True))
    assert places == sorted(key for key, p in expected.items() if p >= least)
    np.testing.assert_allclose(np.exp(log_probs), [expected[place] for place in places], atol=1e-9)


def test_a_batch_without_spans_or_tokens_has_none() -> None:
    crfs = LabelCRFs(PLANS[0], "BILOU")
    outside = torch.zeros(3, crfs.n_tags)
    outside[:, :: crfs.n_tags_each] = 30.0
    for emissions, layout in ((outside, Layout([2, 1])), (outside[:0], Layout([]))):
        lattice = crfs.span_lattice(emissions, layout)
        assert len(crfs.likely_spans(lattice, 0.5)[0]) == 0
        none = torch.zeros(0, dtype=torch.int64)
        assert lattice.span_log_probs(none, none, none, none).shape == (0,)


def test_a_label_with_one_level_keeps_the_probability_of_its_chain() -> None:
    """However small: nothing is rounded away where nothing is combined."""
    crfs = LabelCRFs(PLANS[0], "BIO")
    emissions = torch.zeros(2, crfs.n_tags)
    emissions[:, 7:9] = -1000.0  # the tags of B
    place = [torch.tensor([value]) for value in (0, 0, 2, 1)]
    [log_prob] = crfs.span_lattice(emissions, Layout([2])).span_log_probs(*place)
    assert log_prob.item() == pytest.approx(-2000.0, rel=1e-12)


def test_head_over_chains_learns_nested_spans_from_one_linear_layer() -> None:
    """A text that no single tag sequence holds: A over all, A within, B at the same place."""
    torch.manual_seed(0)
    plan, layout = PLANS[0], Layout([4])
    crfs = LabelCRFs(plan, "BILOU")
    head = TagHead(8, crfs, dropout=0.0)
    assert head.linear.out_features == 3 * 5
    held = [[(0, 4, "A")], [(1, 2, "A")], [(1, 2, "B")]]
    tags = np.concatenate(
        [
            np.eye(5, dtype=bool)[crfs.scheme.encode([(s, e, "A") for s, e, _ in spans], 4)]
            for spans in held
        ],
        axis=1,
    )
    vectors = torch.randn(4, 8)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(40):
        optimizer.zero_grad()
        loss = crfs.loss(head(vectors), layout, torch.from_numpy(tags)).sum()
        loss.backward()
        optimizer.step()
    lattice = crfs.span_lattice(head(vectors), layout)
    found, _ = crfs.likely_spans(lattice, 0.9)
    places = list(zip(found.starts, found.ends, found.labels, strict=True))
    assert places == [(0, 4, 0), (1, 2, 0), (1, 2, 1)]


def test_spans_of_unknown_labels_and_heads_without_chains_are_refused() -> None:
    crfs = LabelCRFs(PLANS[0], "BIO")
    lattice = crfs.span_lattice(torch.zeros(2, crfs.n_tags), Layout([2]))
    place = [torch.tensor([value]) for value in (0, 0, 2, 2)]
    with pytest.raises(ValueError, match="labels of spans must be from 0 to 1"):
        lattice.span_log_probs(*place)
    with pytest.raises(ValueError, match="above 0 and at most 1, got 0"):
        crfs.likely_spans(lattice, 0.0)
    with pytest.raises(ValueError, match="at least 1 chain"):
        LabelCRFs(ChainPlan(()), "BIO")


def test_combined_log_probabilities_keep_small_and_large_ones() -> None:
    values = [-torch.inf, -1000.0, -50.0, -0.7, -0.6, -1e-3, -1e-12, 0.0]
    logs = torch.tensor(values, dtype=torch.float64)
    one, other = logs[:, None].expand(8, 8), logs.expand(8, 8)
    exact = 1 - (1 - one.exp()) * (1 - other.exp())
    torch.testing.assert_close(log_any(one, other).exp(), exact, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(log_any(logs, logs[:1].expand(8)), logs, rtol=0, atol=0)
    tiny = log_any(logs[1], logs[1])  # two of e^-1000, which is 0
    assert tiny.item() == pytest.approx(-1000.0 + np.log(2.0), rel=1e-12)
    complement = log_complement(logs)
    assert complement[-2].item() == pytest.approx(np.log(1e-12), rel=1e-12)
    assert complement[2].item() == pytest.approx(-np.exp(-50.0), rel=1e-12)
    assert complement[0] == 0 and complement[-1] == -torch.inf
