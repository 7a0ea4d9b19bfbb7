from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_ner_plus.evaluation.comparison import significance
from spacy_ner_plus.evaluation.comparison.significance import (
    difference_intervals,
    holm,
    randomisation,
    score_table,
)
from spacy_ner_plus.metrics.bootstrap import resample
from tests.metrics import naive

LABELS = ("A", "B")


@st.composite
def two_systems(draw: st.DrawFn, most_documents: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Counts of two systems on the same documents: the gold entities are the same."""
    n = draw(st.integers(1, most_documents))
    gold = draw(arrays(np.int64, (n, len(LABELS)), elements=st.integers(0, 3)))
    systems = []
    for _ in range(2):
        found = draw(arrays(np.int64, gold.shape, elements=st.integers(0, 3)))
        tp = np.minimum(found, gold)
        fp = draw(arrays(np.int64, gold.shape, elements=st.integers(0, 2)))
        systems.append(np.stack([tp, fp, gold - tp], axis=-1))
    return systems[0], systems[1]


def naive_table(documents: list[np.ndarray]) -> np.ndarray:
    total = sum(documents, np.zeros((len(LABELS), 3), dtype=np.int64))
    counts = {label: tuple(row) for label, row in zip(LABELS, total.tolist(), strict=True)}
    types = [naive.ratios(*row) for row in counts.values()]
    return np.array([naive.micro(counts), naive.macro(counts), *types])


def naive_p(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    observed = np.abs(naive_table([*b]) - naive_table([*a]))
    ways = list(product([False, True], repeat=len(a)))
    as_large = np.zeros_like(observed)
    for swapped in ways:
        mixed_a = [b[i] if swap else a[i] for i, swap in enumerate(swapped)]
        mixed_b = [a[i] if swap else b[i] for i, swap in enumerate(swapped)]
        as_large += np.abs(naive_table(mixed_b) - naive_table(mixed_a)) >= observed - 1e-9
    return as_large / len(ways)


def random_systems(
    rng: np.random.Generator, n: int, recall: tuple[float, float] = (0.6, 0.6)
) -> tuple[np.ndarray, np.ndarray]:
    gold = rng.integers(0, 6, size=(n, len(LABELS)))
    hardness = rng.uniform(0.7, 1.3, size=(n, 1))  # documents that are hard are so for both
    systems = []
    for share in recall:
        tp = rng.binomial(gold, np.minimum(1.0, share * hardness))
        fp = rng.binomial(gold, 0.3)
        systems.append(np.stack([tp, fp, gold - tp], axis=-1))
    return systems[0], systems[1]


@given(two_systems())
@settings(max_examples=50, deadline=None)
def test_score_table_equals_the_scores_of_a_summary(systems) -> None:
    for counts in systems:
        assert score_table(counts.sum(axis=0)) == pytest.approx(naive_table([*counts]))


@given(two_systems())
@settings(max_examples=50, deadline=None)
def test_randomisation_equals_brute_force(systems) -> None:
    a, b = systems
    result = randomisation(a, b, swaps=100, seed=0)
    assert result.exact
    assert result.swaps == 2 ** int((a != b).any(axis=(1, 2)).sum())
    assert result.p == pytest.approx(naive_p(a, b))
    assert randomisation(b, a, swaps=100, seed=0).p == pytest.approx(result.p)


def test_randomisation_comes_close_to_all_ways() -> None:
    a, b = random_systems(np.random.default_rng(1), 14, recall=(0.5, 0.7))
    exact = randomisation(a, b, swaps=2**14, seed=0)
    assert exact.exact
    drawn = randomisation(a, b, swaps=1000, seed=0)
    assert not drawn.exact
    assert drawn.swaps == 1000
    deviation = np.sqrt(exact.p * (1 - exact.p) / drawn.swaps)
    assert (np.abs(drawn.p - exact.p) < 4 * deviation + 1 / drawn.swaps).all()


def test_randomisation_is_the_same_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = random_systems(np.random.default_rng(2), 13)
    exact = randomisation(a, b, swaps=2**13, seed=0)
    assert exact.exact
    monkeypatch.setattr(significance, "MAX_NUMBERS", 7 * 12)
    np.testing.assert_array_equal(randomisation(a, b, swaps=2**13, seed=0).p, exact.p)
    drawn = randomisation(a, b, swaps=1000, seed=0)
    assert drawn.swaps == 1000
    assert np.abs(drawn.p - exact.p).max() < 0.07


def test_randomisation_depends_on_the_seed_alone() -> None:
    a, b = random_systems(np.random.default_rng(3), 40)
    first, again, other = (randomisation(a, b, swaps=500, seed=seed).p for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_randomisation_is_uniform_if_there_is_no_difference() -> None:
    rng = np.random.default_rng(4)
    n_trials = 400
    p = np.stack(
        [randomisation(*random_systems(rng, 25), swaps=199, seed=i).p for i in range(n_trials)]
    )  # (trials, rows, measures)
    for level in (0.05, 0.25, 0.5, 0.75):
        below = (p <= level).mean(axis=0)
        deviation = np.sqrt(level * (1 - level) / n_trials)
        # ties make it cautious: recall has few values
        assert (below < level + 4 * deviation).all(), (level, below)
        assert (below[:, 2] > level - 4 * deviation).all(), (level, below[:, 2])


def test_randomisation_sees_a_clear_difference() -> None:
    a, b = random_systems(np.random.default_rng(5), 200, recall=(0.5, 0.8))
    result = randomisation(a, b, swaps=999, seed=0)
    micro_f1 = result.p[0, 2]
    assert micro_f1 == 1 / 1000  # the smallest that 999 swaps can give


def test_randomisation_of_equal_systems_is_one() -> None:
    a, _ = random_systems(np.random.default_rng(6), 30)
    result = randomisation(a, a.copy(), swaps=1000, seed=0)
    assert (result.p == 1.0).all()
    assert result.exact
    assert result.swaps == 1


def test_randomisation_takes_a_single_document_and_no_labels() -> None:
    a, b = random_systems(np.random.default_rng(7), 1)
    assert (randomisation(a, b, swaps=1000, seed=0).p == 1.0).all()
    none = np.zeros((3, 0, 3), dtype=np.int64)
    assert (randomisation(none, none, swaps=1000, seed=0).p == np.ones((2, 3))).all()


def test_difference_intervals_equal_a_naive_loop() -> None:
    a, b = random_systems(np.random.default_rng(8), 9)
    weights = resample(np.eye(9), 60, seed=3)
    differences = []
    for row in weights.astype(int):
        drawn = [i for i, n in enumerate(row) for _ in range(n)]
        differences.append(naive_table([b[i] for i in drawn]) - naive_table([a[i] for i in drawn]))
    expected = np.quantile(differences, [0.025, 0.975], axis=0)
    intervals = difference_intervals(a, b, samples=60, seed=3)
    assert intervals is not None
    assert intervals == pytest.approx(np.moveaxis(expected, 0, -1))


def test_difference_intervals_are_paired() -> None:
    a, _ = random_systems(np.random.default_rng(9), 20)
    intervals = difference_intervals(a, a.copy(), samples=100, seed=0)
    assert intervals is not None
    assert not intervals.any()


def test_difference_intervals_need_two_documents() -> None:
    a, b = random_systems(np.random.default_rng(10), 1)
    assert difference_intervals(a, b, samples=100, seed=0) is None


def test_holm_corrects_step_by_step() -> None:
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])) == pytest.approx([1.0, 1.0])
    assert holm(np.stack([p, p[::-1]], axis=1))[:, 1] == pytest.approx([0.02, 0.06, 0.06, 0.03])
    assert holm(np.empty((0, 3))).shape == (0, 3)


@given(arrays(np.float64, st.integers(1, 6), elements=st.floats(0, 1)), st.floats(0.001, 0.5))
@settings(max_examples=100, deadline=None)
def test_holm_rejects_what_its_procedure_rejects(p: np.ndarray, level: float) -> None:
    rejected: set[int] = set()
    for i in sorted(range(len(p)), key=lambda i: p[i]):
        if p[i] * (len(p) - len(rejected)) > level:
            break
        rejected.add(i)
    assert set(np.flatnonzero(holm(p) <= level)) == rejected
