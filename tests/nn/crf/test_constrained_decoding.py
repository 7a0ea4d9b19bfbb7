"""Emissions of -inf outside of permitted tags condition the whole distribution on these tags.

The oracle conditions by division: P(path | permitted) = P(path) / P(all permitted paths), with
the probabilities of the distribution without any constraint.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, Layout, SpanTags, TagDecoder
from tests.nn.crf.chains import (
    INF,
    SCHEMES,
    Case,
    cases,
    randomize,
    scheme_labels,
    scheme_masks,
    scores_of,
)
from tests.oracles import crf_enumerate_paths

pytestmark = pytest.mark.slow

# Larger ones leave the permitted paths a share below the smallest double.
SCALES = (0.0, 1.0, 30.0)


@st.composite
def constrained_cases(draw: st.DrawFn) -> tuple[Case, Tensor]:
    """A case and its permitted tags: those of one valid path at least, and random others."""
    case = draw(cases(emission_scales=SCALES))
    permitted = case.random_allowed(draw(st.sampled_from((0.0, 0.3, 0.8))))
    path = case.module.decode(case.emissions, case.layout)  # a valid path to keep
    noise = torch.randn(case.emissions.shape, generator=case.generator)
    if draw(st.booleans()):  # any other valid path
        path = case.module.decode(noise.masked_fill(case.emissions == -INF, -INF), case.layout)
    return case, permitted.scatter(1, path[:, None], True)


def conditional_paths(
    emissions: Tensor, module: TagDecoder, permitted: Tensor
) -> tuple[Tensor, Tensor]:
    """All valid paths of permitted tags (paths, time), and log P(path | permitted) (paths,)."""
    paths, scores = crf_enumerate_paths(emissions, *scores_of(module))
    log_probs = torch.log_softmax(scores, 0)
    agree = permitted[torch.arange(len(emissions)), paths].all(1) & (log_probs > -INF)
    paths, log_probs = paths[agree], log_probs[agree]
    return paths, log_probs - torch.logsumexp(log_probs, 0)


@settings(max_examples=100, deadline=None)
@given(constrained_cases())
def test_masked_emissions_give_the_conditional_distribution_of_paths(
    constrained: tuple[Case, Tensor],
) -> None:
    case, permitted = constrained
    masked = case.emissions.masked_fill(~permitted, -INF)
    lattice = case.module.lattice(masked, case.layout)
    decoded = case.split(case.module.decode(masked, case.layout))
    marginals, permitted = case.split(lattice.marginals()), case.split(permitted)
    readings, entropy = lattice.k_best(3), lattice.entropy()
    for row, emissions in case.sequences():
        paths, log_probs = conditional_paths(emissions, case.module, permitted[row])
        by_path = dict(zip(map(tuple, paths.tolist()), log_probs, strict=True))
        best = log_probs.sort(descending=True).values[:3]
        assert by_path[tuple(decoded[row].tolist())] >= best[0] - 1e-8
        tags, found = readings[row]
        torch.testing.assert_close(found, best, rtol=1e-9, atol=1e-8)
        own = torch.stack([by_path[tuple(path)] for path in tags.tolist()])
        torch.testing.assert_close(found, own, rtol=1e-9, atol=1e-8)
        one_hot = torch.nn.functional.one_hot(paths, case.module.n_tags).double()
        expected = torch.einsum("p,ptk->tk", log_probs.exp(), one_hot)
        torch.testing.assert_close(marginals[row], expected, rtol=1e-7, atol=1e-9)
        expected = torch.special.entr(log_probs.exp()).sum()
        torch.testing.assert_close(entropy[row], expected, rtol=1e-8, atol=1e-8)


@settings(max_examples=75, deadline=None)
@given(constrained_cases())
def test_masked_emissions_give_conditional_span_log_probs(
    constrained: tuple[Case, Tensor],
) -> None:
    case, permitted = constrained
    masked = case.emissions.masked_fill(~permitted, -INF)
    lattice = case.module.lattice(masked, case.layout)
    for row, emissions in case.sequences():
        n_tokens = len(emissions)
        paths, log_probs = conditional_paths(emissions, case.module, case.split(permitted)[row])
        for label in scheme_labels(case.scheme, case.n_labels):
            spans = torch.combinations(torch.arange(n_tokens + 1))  # (spans, 2)
            tags = SpanTags(*(torch.full((len(spans),), tag) for tag in vars(label).values()))
            rows = torch.full((len(spans),), row)
            actual = lattice.span_log_probs(rows, spans[:, 0], spans[:, 1], tags)
            for log_prob, (start, end) in zip(actual, spans.tolist(), strict=True):
                matches = (paths[:, start:end] == torch.tensor(label.path(end - start))).all(1)
                if end < n_tokens:
                    matches &= paths[:, end] != label.inside
                expected = torch.logsumexp(log_probs[matches], 0)
                torch.testing.assert_close(log_prob, expected, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_fixed_entity_is_kept_and_certain(kind: type[TagDecoder], scheme: str) -> None:
    module = randomize(kind(*scheme_masks(scheme, 2)), torch.Generator().manual_seed(1), 1.0)
    label = scheme_labels(scheme, 2)[1]
    emissions = torch.randn(12, module.n_tags, generator=torch.Generator().manual_seed(2))
    emissions[3:6, 0] += 20.0  # against the encoder's will
    path = label.path(3)
    layout = Layout([12])
    assert module.decode(emissions, layout)[3:6].tolist() != path
    permitted = torch.ones(emissions.shape, dtype=torch.bool)
    permitted[3:6] = False
    permitted[torch.arange(3, 6), path] = True
    permitted[6, label.inside] = False  # in BIO it would go on
    masked = emissions.masked_fill(~permitted, -INF)
    lattice = module.lattice(masked, layout)
    assert module.decode(masked, layout)[3:6].tolist() == path
    tags = SpanTags(*(torch.tensor([tag]) for tag in vars(label).values()))
    bounds = (torch.tensor([value]) for value in (0, 3, 6))
    log_prob = lattice.span_log_probs(*bounds, tags)
    torch.testing.assert_close(log_prob, torch.zeros(1).double(), rtol=0, atol=1e-12)
    (readings, _), *_ = lattice.k_best(10)
    assert readings[:, 3:6].tolist() == [path] * 10
