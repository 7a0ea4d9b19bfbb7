import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.nn.crf import CRF, Layout, TagDecoder
from tests.nn.crf.chains import (
    INF,
    Case,
    cases,
    is_valid,
    randomize,
    scheme_masks,
    scores_of,
    unconstrained,
)
from tests.oracles import crf_brute_force_k_best


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(cases(), st.sampled_from((1, 2, 3, 7, 50, 10_000)), st.sampled_from((0.5, 1.0, 3.0)))
def test_k_best_equals_brute_force(case: Case, k: int, temperature: float) -> None:
    lattice = case.module.lattice(case.emissions, case.layout, temperature=temperature)
    scores = [score / temperature for score in scores_of(case.module)]
    readings = lattice.k_best(k)
    assert len(readings) == len(case.lengths)
    for row, emissions in case.sequences():
        expected = crf_brute_force_k_best(emissions / temperature, *scores)
        tags, log_probs = readings[row]
        assert tags.dtype == torch.int64
        assert tags.shape == (min(k, len(expected)), len(emissions))
        values = torch.tensor([value for _, value in expected[:k]], dtype=torch.float64)
        torch.testing.assert_close(log_probs, values, rtol=1e-9, atol=1e-8)
        assert (log_probs.diff() <= 0).all()
        assert (log_probs <= 0).all()
        by_path = {tuple(path): value for path, value in expected}
        paths = [tuple(path) for path in tags.tolist()]
        assert len(set(paths)) == len(paths)
        own = torch.tensor([by_path[path] for path in paths], dtype=torch.float64)
        torch.testing.assert_close(log_probs, own, rtol=1e-9, atol=1e-8)


@pytest.mark.slow
@settings(max_examples=75, deadline=None)
@given(cases(emission_scales=(0.0, 1.0)), st.sampled_from((1, 4, 10_000)))
def test_k_best_orders_equals_by_their_last_differing_tag(case: Case, k: int) -> None:
    # Small whole numbers have many equal sums, all exact.
    impossible = case.emissions == -INF
    case.emissions = case.emissions.clamp(-2, 2).round().masked_fill(impossible, -INF)
    for parameter in case.module.parameters():
        parameter.data.clamp_(-1, 1).round_()
    readings = case.module.lattice(case.emissions, case.layout).k_best(k)
    decoded = case.split(case.module.decode(case.emissions, case.layout))
    for row, emissions in case.sequences():
        expected = crf_brute_force_k_best(emissions, *scores_of(case.module))
        assert readings[row][0].tolist() == [path for path, _ in expected[:k]]
        assert torch.equal(readings[row][0][0], decoded[row])


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
@pytest.mark.parametrize("scheme", ["BIO", "BILOU"])
def test_k_best_of_longer_sequences_are_valid_and_have_their_probabilities(
    kind: type[TagDecoder], scheme: str
) -> None:
    masks = scheme_masks(scheme, 4)
    generator = torch.Generator().manual_seed(1)
    module = randomize(kind(*masks), generator, 1.0)
    lengths = [60, 1, 33, 47, 60]
    emissions = torch.randn(sum(lengths), module.n_tags, generator=generator) * 2
    readings = module.lattice(emissions, Layout(lengths)).k_best(20)
    decoded = module.decode(emissions, Layout(lengths)).split(lengths)
    certain = CRF(*masks)
    certain.load_state_dict(module.state_dict(), strict=kind is CRF)
    for (tags, log_probs), best, own in zip(
        readings, decoded, emissions.split(lengths), strict=True
    ):
        assert all(is_valid(path, masks) for path in tags.tolist())
        assert len(torch.unique(tags, dim=0)) == len(tags) == len(log_probs)
        assert torch.equal(tags[0], best)
        allowed = torch.nn.functional.one_hot(tags.flatten(), module.n_tags).bool()
        layout = Layout([len(own)] * len(tags))
        loss = certain.loss(own.repeat(len(tags), 1), layout, allowed)
        torch.testing.assert_close(log_probs, -loss, rtol=1e-10, atol=1e-10)


def test_k_best_of_one_tag_is_certain() -> None:
    lattice = CRF(*unconstrained(1)).lattice(torch.randn(34, 1), Layout([30, 4]))
    for (tags, log_probs), length in zip(lattice.k_best(5), [30, 4], strict=True):
        assert tags.tolist() == [[0] * length]
        torch.testing.assert_close(log_probs, torch.zeros(1).double(), rtol=0, atol=1e-12)


def test_k_best_of_a_sequence_without_any_path_is_empty() -> None:
    emissions = torch.zeros(6, 3)
    emissions[1] = -INF
    lattice = CRF(*scheme_masks("BIO", 1)).lattice(emissions, Layout([3, 3]))
    (tags, log_probs), other = lattice.k_best(2)
    assert tags.shape == (0, 3)
    assert log_probs.shape == (0,)
    assert len(other[0]) == 2


def test_k_best_of_an_empty_batch_is_empty() -> None:
    assert CRF(*scheme_masks("BIO", 1)).lattice(torch.zeros(0, 3), Layout([])).k_best(2) == []


@pytest.mark.parametrize("k", [0, -1])
def test_k_best_refuses_k_below_one(k: int) -> None:
    lattice = CRF(*scheme_masks("BIO", 1)).lattice(torch.zeros(2, 3), Layout([2]))
    with pytest.raises(ValueError, match="k must be at least 1"):
        lattice.k_best(k)
