"""Calibration of spans that are scored one by one."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.metrics.reliability import expected_calibration_error, log_loss
from spacy_ner_plus.models.decoding.log_odds import LogOddsLine, log_odds, sigmoid
from spacy_ner_plus.models.decoding.span_calibration import (
    FORMS,
    SpanCalibration,
    best_threshold,
    fit_span_calibration,
    read_span_calibration,
)

NAMES = ("PER", "LOC", "ORG")
# By label, what the log odds of the sample are distorted by.
TRUTH = {"PER": LogOddsLine(0.5, 0.0), "LOC": LogOddsLine(1.4, -0.8)}


def sample(n: int, line: LogOddsLine, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """What a model gives, and what comes true by other probabilities."""
    rng = np.random.default_rng(seed)
    given = sigmoid(rng.normal(0.5, 2.0, n))
    return given, rng.random(n) < line.of(given)


def two_labels(n: int = 20_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, labels and correctness of PER and LOC."""
    parts = [sample(n, line, seed) for seed, line in enumerate(TRUTH.values())]
    probabilities, correct = (np.concatenate(column) for column in zip(*parts, strict=True))
    return probabilities, np.repeat([0, 1], n), correct


def test_each_label_gets_the_line_that_generated_it() -> None:
    probabilities, labels, correct = two_labels()
    found = fit_span_calibration(probabilities, labels, correct, NAMES)
    assert found.n_predictions == {"PER": 20_000, "LOC": 20_000}
    assert list(found.sharing) == ["ORG"]
    assert found.sharing["ORG"].startswith("0 predictions, 0 of them right: a fit takes 100")
    assert found.problem is None
    for name, line in TRUTH.items():
        fitted = found.calibration.by_label[name]
        assert fitted.slope == pytest.approx(line.slope, rel=0.05)
        assert fitted.intercept == pytest.approx(line.intercept, abs=0.07)
    calibrated = found.calibration.of_spans(probabilities, labels, NAMES)
    for i in range(2):
        own = labels == i
        assert expected_calibration_error(calibrated[own], correct[own]) < 0.015
        assert log_loss(calibrated[own], correct[own]) < log_loss(probabilities[own], correct[own])


def test_temperature_is_the_slope_alone() -> None:
    given, correct = sample(20_000, LogOddsLine(0.5, 0.0))
    labels = np.zeros(len(given), dtype=np.int64)
    found = fit_span_calibration(given, labels, correct, ["A"], form="temperature").calibration
    assert found.by_label["A"] == found.line
    assert found.line.intercept == 0.0
    assert 1 / found.line.slope == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("form", FORMS)
def test_labels_with_too_few_predictions_share_the_line_of_all(form: str) -> None:
    given, correct = sample(1_000, LogOddsLine(0.6, -0.2))
    labels = np.zeros(1_000, dtype=np.int64)
    labels[:99] = 1
    labels[99:300] = 2
    correct[99:300] = True  # one class only
    found = fit_span_calibration(given, labels, correct, NAMES, form=form)
    assert found.n_predictions == {"PER": 700}
    assert found.sharing["LOC"].startswith("99 predictions")
    assert found.sharing["ORG"].startswith("201 predictions, 201 of them right")
    alone = fit_span_calibration(given, np.zeros_like(labels), correct, ["all"], form=form)
    assert found.calibration.line == alone.calibration.by_label["all"]
    calibrated = found.calibration.of_spans(given, labels, NAMES)
    np.testing.assert_array_equal(calibrated[:300], found.calibration.line.of(given[:300]))
    own = found.calibration.by_label["PER"]
    np.testing.assert_array_equal(calibrated[300:], own.of(given[300:]))


@pytest.mark.parametrize(
    ("probabilities", "correct", "problem"),
    [
        (np.linspace(0.1, 0.9, 99), np.arange(99) > 50, "99 predictions, 48 of them right"),
        (np.linspace(0.1, 0.9, 200), np.arange(200) > 190, "200 predictions, 9 of them right"),
        (np.linspace(0.1, 0.9, 200), np.arange(200) > -1, "200 predictions, 200 of them right"),
        (np.full(200, 0.3), np.arange(200) > 90, "all 200 predictions have the same"),
        (np.linspace(0.1, 0.9, 200), np.arange(200) < 90, "more probable ones are not right more"),
        (np.zeros(0), np.zeros(0, dtype=bool), "0 predictions"),
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_where_nothing_can_be_fitted_nothing_changes_and_it_says_so(
    form: str, probabilities: np.ndarray, correct: np.ndarray, problem: str
) -> None:
    labels = np.zeros(len(correct), dtype=np.int64)
    found = fit_span_calibration(probabilities, labels, correct, ["A"], form=form)
    assert found.calibration == SpanCalibration()
    assert found.problem is not None
    assert problem in found.problem
    assert found.sharing == {"A": found.problem}
    assert found.n_predictions == {}
    after = found.calibration.of_spans(probabilities, labels, ["A"])
    np.testing.assert_array_equal(after, probabilities)


@settings(deadline=None)
@given(st.floats(0.01, 0.99), st.floats(0.01, 10))
def test_weight_of_the_negatives_is_undone_exactly(truth: float, weight: float) -> None:
    """The log odds of least weighted loss, where entities are there with some probability."""
    learned = truth / (truth + weight * (1 - truth))
    slope_of_loss = truth * (1 - learned) - weight * (1 - truth) * learned
    assert slope_of_loss == pytest.approx(0.0, abs=1e-12)
    calibration = SpanCalibration(negative_weight=weight)
    [found] = calibration.of_spans(np.array([learned]), np.array([0]), ["A"])
    assert found == pytest.approx(truth, rel=1e-9)


def test_line_is_fitted_after_the_weight_is_taken_off() -> None:
    truth, correct = sample(5_000, LogOddsLine(0.7, 0.0))
    learned = sigmoid(log_odds(truth) - math.log(0.1))
    labels = np.zeros(5_000, dtype=np.int64)
    plain = fit_span_calibration(truth, labels, correct, ["A"], form="temperature")
    weighted = fit_span_calibration(
        learned, labels, correct, ["A"], form="temperature", negative_weight=0.1
    )
    slopes = [fit.calibration.line.slope for fit in (plain, weighted)]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-9)
    np.testing.assert_allclose(
        plain.calibration.of_spans(truth, labels, ["A"]),
        weighted.calibration.of_spans(learned, labels, ["A"]),
        rtol=1e-7,
    )


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=20, unique=True),
    st.floats(0.1, 5),
    st.floats(-5, 5),
    st.floats(0.01, 10),
)
def test_order_within_a_label_stays(
    probabilities: list[float], slope: float, intercept: float, weight: float
) -> None:
    ordered = np.sort(np.array(probabilities))
    calibration = SpanCalibration(weight, LogOddsLine(slope, intercept))
    mapped = calibration.of_spans(ordered, np.zeros(len(ordered), dtype=np.int64), ["A"])
    assert ((mapped >= 0) & (mapped <= 1)).all()
    assert (np.diff(mapped) >= 0).all()


def test_labels_that_have_the_identity_change_no_bit() -> None:
    probabilities = np.random.default_rng(0).random(100)
    labels = np.arange(100) % 2
    calibration = SpanCalibration(by_label={"LOC": LogOddsLine(0.5, 0.1)})
    mapped = calibration.of_spans(probabilities, labels, NAMES)
    np.testing.assert_array_equal(mapped[::2], probabilities[::2])
    assert (mapped[1::2] != probabilities[1::2]).all()


@settings(deadline=None)
@given(st.lists(st.floats(0.001, 1), max_size=20), st.integers(0, 30))
def test_best_threshold_reaches_the_highest_f1_to_be_expected(
    probabilities: list[float], n_gold: int
) -> None:
    """By trying all thresholds; F1 is that of a great many documents like these."""

    def expected_f1(taken: list[float]) -> float:
        return 2 * sum(taken) / (len(taken) + n_gold) if taken else 0.0

    n_gold = max(n_gold, math.ceil(sum(probabilities)))
    threshold = best_threshold(np.array(probabilities), n_gold)
    assert 0.0 < threshold <= 0.5
    tried = [expected_f1([p for p in probabilities if p >= least]) for least in probabilities]
    reached = expected_f1([p for p in probabilities if p >= threshold])
    assert reached == pytest.approx(max(tried, default=0.0), abs=1e-9)


def test_threshold_without_anything_to_expect_is_even_odds() -> None:
    assert best_threshold(np.zeros(0), 3) == 0.5
    assert best_threshold(np.array([0.9]), 0) == 0.5
    assert best_threshold(np.array([0.9, 0.9]), 1) == 0.5


def test_only_lines_that_labels_use_are_described() -> None:
    own = {name: LogOddsLine(0.5, 0.1) for name in ("PER", "LOC", "OLD")}
    calibration = SpanCalibration(line=LogOddsLine(2.0, -1.0), by_label=own, threshold=0.3)
    shared, line = "slope 2.000, intercept -1.000", "slope 0.500, intercept +0.100"
    threshold = "threshold 0.300"
    expected = f"PER {line}; LOC {line}; other labels {shared}; {threshold}"
    assert calibration.described(NAMES) == expected
    assert calibration.described(("PER", "LOC")) == f"PER {line}; LOC {line}; {threshold}"
    assert calibration.described(("ORG",)) == f"{shared}; {threshold}"


def test_calibration_is_read_from_what_was_saved() -> None:
    by_label = {"PER": LogOddsLine(1.5, -1.0)}
    calibration = SpanCalibration(0.2, LogOddsLine(0.5, 0.25), by_label, 0.3)
    assert read_span_calibration(json.loads(json.dumps(asdict(calibration)))) == calibration
    assert read_span_calibration({}) == SpanCalibration()


@pytest.mark.parametrize(
    "saved",
    [
        None,
        "hot",
        {"heat": 1.0},
        {"line": 1.0},
        {"line": {"temperature": 1.0}},
        {"by_label": [1.0]},
        {"by_label": {"PER": [1.0, 0.0]}},
        {"by_label": {"PER": {"slope": -1.0}}},
        {"negative_weight": 0.0},
        {"negative_weight": math.nan},
        {"negative_weight": "1"},
        {"negative_weight": True},
    ],
)
def test_what_is_no_calibration_is_not_read(saved: Any) -> None:
    with pytest.raises(ValueError, match=r"is no|are no|must be"):
        read_span_calibration(saved)


@pytest.mark.parametrize("wrong", [{"form": "isotonic"}, {"negative_weight": -1.0}])
def test_wrong_settings_of_a_fit_are_an_error(wrong: dict[str, Any]) -> None:
    nothing = np.zeros(0)
    with pytest.raises(ValueError, match=r"is unknown: use one of|must be over 0"):
        fit_span_calibration(nothing, nothing.astype(int), nothing.astype(bool), NAMES, **wrong)


@pytest.mark.parametrize("wrong", [math.nan, -0.1, 1.1])
def test_what_is_no_probability_is_an_error(wrong: float) -> None:
    probabilities = np.array([0.5, wrong])
    with pytest.raises(ValueError, match="Prediction 1 has the probability"):
        fit_span_calibration(probabilities, np.zeros(2, dtype=int), probabilities > 0.1, NAMES)
