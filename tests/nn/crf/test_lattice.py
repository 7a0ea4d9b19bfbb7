import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spacy_ner_plus.nn.crf import CRF, Layout, SpanTags, TagDecoder
from tests.nn.crf.chains import (
    INF,
    Case,
    cases,
    randomize,
    scheme_labels,
    scheme_masks,
    scores_of,
    unconstrained,
)
from tests.oracles import (
    crf_brute_force_entropy,
    crf_brute_force_log_z,
    crf_brute_force_marginals,
    crf_brute_force_segment,
    crf_brute_force_span_log_prob,
    crf_brute_force_transitions,
)

TEMPERATURES = (0.3, 1.0, 1.7, 40.0)


# Temperature


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(cases(), st.sampled_from(TEMPERATURES))
def test_temperature_divides_all_scores(case: Case, temperature: float) -> None:
    lattice = case.module.lattice(case.emissions, case.layout, temperature=temperature)
    marginals = case.split(lattice.marginals())
    scores = [score / temperature for score in scores_of(case.module)]
    for row, emissions in case.sequences():
        divided = emissions / temperature
        expected = crf_brute_force_log_z(divided, *scores)
        torch.testing.assert_close(lattice.log_z[row], expected, rtol=1e-11, atol=1e-9)
        expected = crf_brute_force_marginals(divided, *scores)
        torch.testing.assert_close(marginals[row], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_temperature_goes_from_the_best_path_to_uniform(kind: type[TagDecoder]) -> None:
    module = randomize(kind(*unconstrained(3)), torch.Generator().manual_seed(1), 1.0)
    emissions = torch.randn(6, 3, generator=torch.Generator().manual_seed(2))
    cold = module.lattice(emissions, Layout([6]), temperature=1e-3)
    assert torch.equal(cold.marginals().argmax(-1), module.decode(emissions, Layout([6])))
    torch.testing.assert_close(cold.marginals().amax(-1), torch.ones(6).double())
    hot = module.lattice(emissions, Layout([6]), temperature=1e9)
    torch.testing.assert_close(hot.entropy(), torch.full((1,), 6 * math.log(3)).double())


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, INF])
def test_temperature_out_of_range_is_refused(temperature: float) -> None:
    module = CRF(*scheme_masks("BIO", 1))
    with pytest.raises(ValueError, match="temperature must be a finite number above 0"):
        module.lattice(torch.zeros(4, 3), Layout([4]), temperature=temperature)


def test_temperature_that_makes_scores_overflow_is_refused() -> None:
    module = CRF(*scheme_masks("BIO", 1))
    with pytest.raises(ValueError, match="too small: scores overflow"):
        module.lattice(torch.ones(4, 3), Layout([4]), temperature=1e-310)


# Entropy and transitions


@settings(max_examples=100, deadline=None)
@given(cases(), st.sampled_from(TEMPERATURES))
def test_entropy_and_transitions_equal_brute_force(case: Case, temperature: float) -> None:
    lattice = case.module.lattice(case.emissions, case.layout, temperature=temperature)
    entropy, transitions = lattice.entropy(), lattice.transitions()
    assert entropy.dtype == transitions.dtype == torch.float64
    scores = [score / temperature for score in scores_of(case.module)]
    for row, emissions in case.sequences():
        expected = crf_brute_force_entropy(emissions / temperature, *scores)
        torch.testing.assert_close(entropy[row], expected, rtol=1e-8, atol=1e-9)
        assert entropy[row] >= 0
        expected = crf_brute_force_transitions(emissions / temperature, *scores)
        torch.testing.assert_close(transitions[row], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 500.0])  # the larger one takes the log-space recursion
def test_entropy_without_alternatives_is_zero(scale: float) -> None:
    generator = torch.Generator().manual_seed(3)
    module = randomize(CRF(*scheme_masks("BILOU", 2)), generator, scale)
    layout = Layout([50, 20])
    emissions = torch.full((70, 9), -INF, dtype=torch.float64)
    path = module.decode(torch.randn(70, 9, generator=generator) * 3, layout)
    emissions.scatter_(1, path[:, None], torch.randn(70, 1, generator=generator).double())
    entropy = module.lattice(emissions, layout).entropy()
    torch.testing.assert_close(entropy, torch.zeros(2).double(), rtol=0, atol=1e-10)
    assert not entropy.signbit().any()


def test_entropy_of_a_sequence_without_any_path_is_zero() -> None:
    module = CRF(*scheme_masks("BIO", 1))
    emissions = torch.zeros(6, 3)
    emissions[1] = -INF
    lattice = module.lattice(emissions, Layout([3, 3]))
    assert lattice.entropy()[0] == 0
    assert not lattice.transitions()[0].any()
    torch.testing.assert_close(
        lattice.entropy()[1:], torch.tensor([13.0], dtype=torch.float64).log()
    )
    assert lattice.log_z.tolist() == [-INF, math.log(13)]


def test_entropy_at_100000_tokens_is_the_sum_over_independent_tokens() -> None:
    module = CRF(*unconstrained(5))
    emissions = torch.randn(100_000, 5, generator=torch.Generator().manual_seed(4)) * 3
    entropy = module.lattice(emissions, Layout([100_000])).entropy()
    expected = torch.special.entr(torch.softmax(emissions.double(), -1)).sum()
    torch.testing.assert_close(entropy[0], expected, rtol=1e-12, atol=0)


def test_entropy_at_100000_tokens_is_log_z_minus_the_expected_score() -> None:
    generator = torch.Generator().manual_seed(5)
    module = randomize(CRF(*scheme_masks("BIO", 2)), generator, 1.0)
    emissions = torch.randn(100_000, 5, generator=generator) * 3
    lattice = module.lattice(emissions, Layout([100_000]))
    marginals = lattice.marginals()
    start, transition, end = scores_of(module)
    expected_score = (marginals * emissions).sum() + (
        marginals[0] @ start.clamp_min(-1e9) + marginals[-1] @ end.clamp_min(-1e9)
    )
    expected_score += (lattice.transitions()[0] * transition.clamp_min(-1e9)).sum()
    expected = lattice.log_z[0] - expected_score
    torch.testing.assert_close(lattice.entropy()[0], expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("length", [1, 30])
def test_entropy_of_valid_sequences_with_equal_scores_is_the_log_of_their_number(
    length: int,
) -> None:
    module = TagDecoder(*scheme_masks("BILOU", 3))
    lattice = module.lattice(torch.zeros(length, module.n_tags), Layout([length]))
    torch.testing.assert_close(lattice.entropy(), lattice.log_z)


# Segments


@settings(max_examples=50, deadline=None)
@given(cases(), st.sampled_from(TEMPERATURES))
def test_log_probs_of_allowed_tags_equal_brute_force(case: Case, temperature: float) -> None:
    allowed = case.random_allowed()
    lattice = case.module.lattice(case.emissions, case.layout, temperature=temperature)
    actual = lattice.log_probs(allowed)
    scores = [score / temperature for score in scores_of(case.module)]
    for row, emissions in case.sequences():
        divided = emissions / temperature
        within = crf_brute_force_log_z(divided, *scores, case.split(allowed)[row])
        expected = within - crf_brute_force_log_z(divided, *scores)
        torch.testing.assert_close(actual[row], expected, rtol=1e-9, atol=1e-8)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(cases(), st.data())
def test_segment_has_the_marginal_distribution_of_its_tags(case: Case, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(case.lengths) - 1))
    start = data.draw(st.integers(0, case.lengths[row] - 1))
    end = data.draw(st.integers(start + 1, case.lengths[row]))
    temperature = data.draw(st.sampled_from(TEMPERATURES))
    whole = case.module.lattice(case.emissions, case.layout, temperature=temperature)
    segment = whole.segment(row, start, end)
    torch.testing.assert_close(segment.log_z, torch.zeros(1).double(), rtol=0, atol=1e-9)
    marginals = segment.marginals()
    assert marginals.shape == (end - start, case.module.n_tags)
    expected = case.split(whole.marginals())[row][start:end]
    torch.testing.assert_close(marginals, expected, rtol=1e-7, atol=1e-9)

    emissions = case.split(case.emissions)[row] / temperature
    scores = [score / temperature for score in scores_of(case.module)]
    expected = crf_brute_force_segment(emissions, *scores, (start, end))
    ((tags, log_probs),) = segment.k_best(10_000)
    found = {tuple(path): value for path, value in zip(tags.tolist(), log_probs, strict=True)}
    assert found.keys() == expected.keys()
    values = torch.tensor([expected[path] for path in found], dtype=torch.float64)
    torch.testing.assert_close(torch.stack(list(found.values())), values, rtol=1e-8, atol=1e-8)
    entropy = torch.special.entr(values.exp()).sum()
    torch.testing.assert_close(segment.entropy()[0], entropy, rtol=1e-8, atol=1e-8)


@settings(max_examples=50, deadline=None)
@given(cases(), st.data())
def test_span_log_probs_of_a_segment_look_no_further_than_its_end(
    case: Case, data: st.DataObject
) -> None:
    labels = scheme_labels(case.scheme, case.n_labels)
    assume(labels)
    label = data.draw(st.sampled_from(labels))
    row = data.draw(st.integers(0, len(case.lengths) - 1))
    start = data.draw(st.integers(0, case.lengths[row] - 1))
    end = data.draw(st.integers(start + 1, case.lengths[row]))
    first = data.draw(st.integers(start, end - 1))
    last = data.draw(st.integers(first + 1, end))
    segment = case.module.lattice(case.emissions, case.layout).segment(row, start, end)
    actual = segment.span_log_probs(
        torch.tensor([0]),
        torch.tensor([first - start]),
        torch.tensor([last - start]),
        SpanTags(*(torch.tensor([tag]) for tag in vars(label).values())),
    )
    # No tag has the id -1: whatever follows the end of the segment is counted.
    expected = crf_brute_force_span_log_prob(
        case.split(case.emissions)[row],
        *scores_of(case.module),
        (first, last),
        label.path(last - first),
        label.inside if last < end else -1,
    )
    torch.testing.assert_close(actual[0], expected, rtol=1e-9, atol=1e-8)


def test_segments_of_a_long_document_keep_their_digits() -> None:
    generator = torch.Generator().manual_seed(6)
    module = randomize(CRF(*scheme_masks("BIO", 2)), generator, 1.0)
    emissions = torch.randn(50_100, 5, generator=generator) * 3
    lattice = module.lattice(emissions, Layout([50_000, 100]))
    segment = lattice.segment(0, 10, 49_990)
    torch.testing.assert_close(segment.log_z, torch.zeros(1).double(), rtol=0, atol=1e-8)
    expected = lattice.marginals()[10:49_990]
    torch.testing.assert_close(segment.marginals(), expected, rtol=0, atol=1e-12)


def test_segment_of_a_segment_is_a_segment() -> None:
    generator = torch.Generator().manual_seed(7)
    module = randomize(CRF(*scheme_masks("BIO", 2)), generator, 1.0)
    lattice = module.lattice(torch.randn(42, 5, generator=generator), Layout([12, 30]))
    direct, twice = lattice.segment(1, 8, 15), lattice.segment(1, 5, 20).segment(0, 3, 10)
    torch.testing.assert_close(twice.marginals(), direct.marginals())
    torch.testing.assert_close(twice.entropy(), direct.entropy())


@pytest.mark.parametrize("scale", [1.0, 300.0])  # the latter in log space
def test_segments_at_once_are_those_one_by_one(scale: float) -> None:
    generator = torch.Generator().manual_seed(9)
    module = randomize(CRF(*scheme_masks("BILOU", 2)), generator, 1.0)
    lengths = [12, 40, 1]
    emissions = torch.randn(sum(lengths), 9, generator=generator) * scale
    lattice = module.lattice(emissions, Layout(lengths))
    bounds = [(1, 8, 15), (0, 0, 12), (1, 39, 40), (2, 0, 1), (0, 5, 7), (1, 0, 8)]
    together = lattice.segments(*zip(*bounds, strict=True))
    parts = together.marginals().split([end - start for _, start, end in bounds])
    tolerance = {"rtol": 0.0, "atol": 1e-9 * scale}
    for i, ((row, start, end), best) in enumerate(zip(bounds, together.k_best(7), strict=True)):
        alone = lattice.segment(row, start, end)
        torch.testing.assert_close(together.log_z[i], alone.log_z[0], **tolerance)
        torch.testing.assert_close(parts[i], alone.marginals(), **tolerance)
        expected = lattice.marginals().split(lengths)[row][start:end]
        torch.testing.assert_close(parts[i], expected, **tolerance)
        [(tags, log_probs)] = alone.k_best(7)
        assert torch.equal(best[0], tags)
        torch.testing.assert_close(best[1], log_probs, **tolerance)


def test_segment_of_a_sequence_without_any_path_has_none() -> None:
    emissions = torch.zeros(4, 3)
    emissions[2] = -INF
    lattice = CRF(*scheme_masks("BIO", 1)).lattice(emissions, Layout([4]))
    for start, end in ((0, 2), (1, 4), (3, 4)):
        segment = lattice.segment(0, start, end)
        assert segment.log_z.tolist() == [-INF]
        assert not segment.marginals().any()
        assert segment.entropy().tolist() == [0.0]
        assert [len(part) for part in segment.k_best(3)[0]] == [0, 0]


@pytest.mark.parametrize(
    "bounds", [(0, 2, 2), (0, 3, 2), (0, -1, 2), (0, 0, 4), (2, 0, 1), (-1, 0, 1)]
)
def test_segment_out_of_range_is_refused(bounds: tuple[int, int, int]) -> None:
    lattice = CRF(*scheme_masks("BIO", 1)).lattice(torch.zeros(7, 3), Layout([3, 4]))
    with pytest.raises(ValueError, match=r"segment from token|sequence .* is outside"):
        lattice.segment(*bounds)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", [TagDecoder, CRF])
def test_cuda_lattice_equals_cpu(kind: type[TagDecoder]) -> None:
    generator = torch.Generator().manual_seed(8)
    module = randomize(kind(*scheme_masks("BIO", 2)), generator, 1.0)
    lengths = [50, 8, 21]
    emissions = torch.randn(sum(lengths), 5, generator=generator)
    whole = module.lattice(emissions, Layout(lengths), temperature=1.5)
    layout = Layout(lengths, torch.device("cuda"))
    on_gpu = module.cuda().lattice(emissions.cuda(), layout, temperature=1.5)
    bounds = ([0, 2], [7, 0], [30, 21])
    for cpu, gpu in ((whole, on_gpu), (whole.segments(*bounds), on_gpu.segments(*bounds))):
        torch.testing.assert_close(gpu.entropy().cpu(), cpu.entropy())
        torch.testing.assert_close(gpu.transitions().cpu(), cpu.transitions())
        for ours, theirs in zip(gpu.k_best(5), cpu.k_best(5), strict=True):
            assert torch.equal(ours[0].cpu(), theirs[0])
            torch.testing.assert_close(ours[1].cpu(), theirs[1])
