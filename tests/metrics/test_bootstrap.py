"""The bootstrap over documents, against drawing one document at a time."""

import numpy as np
import pytest

from spacy_ner_plus.metrics import bootstrap as module
from spacy_ner_plus.metrics.bootstrap import bootstrap, percentile_interval, resample
from spacy_ner_plus.metrics.spans import scores_of


def random_counts(n_docs: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, size=(n_docs, 3, 3))


def test_resample_adds_up_documents_as_often_as_they_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = random_counts(7)
    drawn = np.random.default_rng(3).multinomial(7, np.full(7, 1 / 7), size=50)
    expected = [
        sum((counts[i] * times for i, times in enumerate(row)), start=np.zeros((3, 3)))
        for row in drawn
    ]
    assert np.array_equal(resample(counts, 50, seed=3), expected)
    monkeypatch.setattr(module, "MAX_WEIGHTS", 20)  # some samples at a time
    assert np.array_equal(resample(counts, 50, seed=3), expected)


def test_bootstrap_interval_is_that_of_drawing_documents_one_by_one() -> None:
    counts = random_counts(40)
    ends = percentile_interval(bootstrap(counts, samples=4000, seed=1).micro)[2]
    random = np.random.default_rng(2)
    f1 = [scores_of(counts[random.integers(0, 40, 40)].sum(axis=0)).micro[2] for _ in range(4000)]
    assert ends == pytest.approx(np.quantile(f1, [0.025, 0.975]), abs=0.005)
    assert ends[0] < scores_of(counts.sum(axis=0)).micro[2] < ends[1]
