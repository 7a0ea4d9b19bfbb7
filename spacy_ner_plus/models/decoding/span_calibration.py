"""Calibration of the probabilities of spans that are scored one by one.

A span's log odds x become slope * (x + log v) + intercept. The weight v is that of the negatives in
the loss: where the loss of what is no entity counts v times, training makes

    x = log(P / (v * (1 - P))) = log(P / (1 - P)) - log v,

so a weight below 1 makes a model too sure, and log v mends that exactly, before anything is
fitted. The line is fitted to whether spans are right, by maximum likelihood: with an intercept, or
the slope alone, which is one over a temperature (Guo et al. 2017, "On calibration of modern neural
networks"). A label with enough predictions has a line of its own; the others share one that is
fitted to all.

Within a label the order of the spans stays the same; between labels it may change, and with it what
is chosen: choose spans by the calibrated probabilities.

Once probabilities mean something, F1 is highest where all spans are taken that are more probable
than half of the F1 that is reached, whatever their label (Lipton, Elkan and Naryanaswamy 2014,
"Optimal thresholding of classifiers to maximize F1 measure"): so a calibration knows a threshold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from .line_fit import fit_line, fit_slope, platt_targets
from .log_odds import LogOddsLine, check_finite, log_odds, sigmoid

FORMS = ("line", "temperature")
# With fewer predictions, or fewer right or wrong ones among them, a fit would follow accidents.
LEAST_PREDICTIONS, LEAST_OF_EACH = 100, 10


@dataclass(frozen=True)
class SpanCalibration:
    """How the probabilities of spans that a model gives become calibrated ones.

    negative_weight (float): How much the negatives counted in the loss of the model.
    line (LogOddsLine): For labels without one of their own.
    by_label (Dict[str, LogOddsLine]): By the label's name.
    threshold (float): The calibrated probability from which spans are best taken, where nobody sets
        another: even odds before anything is fitted.
    RAISES ValueError: If the weight is no finite number over 0, or the threshold none from 0 to 1.
    """

    negative_weight: float = 1.0
    line: LogOddsLine = field(default_factory=LogOddsLine)
    by_label: Mapping[str, LogOddsLine] = field(default_factory=dict)
    threshold: float = 0.5

    def __post_init__(self) -> None:
        check_finite(self, "negative_weight", self.negative_weight)
        if not self.negative_weight > 0:
            raise ValueError(f"{self}: negative_weight must be over 0.")
        check_finite(self, "threshold", self.threshold)
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"{self}: threshold must be from 0 to 1.")

    def of_spans(
        self, probabilities: np.ndarray, labels: np.ndarray, names: Sequence[str]
    ) -> np.ndarray:
        """The calibrated probabilities, (n,) float64.

        Those of a label on which nothing is to be changed stay as they are, to the bit.

        probabilities: (n,) float64. labels: (n,) int64, indices into names.
        names (Sequence[str]): The labels of the model.
        """
        lines = [self.by_label.get(name, self.line) for name in names]
        slopes = np.array([line.slope for line in lines])[labels]  # (n,)
        intercepts = np.array([line.intercept for line in lines])[labels]  # (n,)
        if self.negative_weight == 1.0:
            changes = ~np.array([line.is_identity for line in lines], dtype=bool)[labels]  # (n,)
        else:
            changes = np.ones(len(labels), dtype=bool)
        scores = log_odds(probabilities) + np.log(self.negative_weight)  # (n,)
        return np.where(changes, sigmoid(slopes * scores + intercepts), probabilities)

    def described(self, names: Sequence[str]) -> str:
        """Its numbers in a line.

        names (Sequence[str]): The labels of the model. Lines that none of them uses are left out.
        """
        lines = [
            f"{name} {self.by_label[name].described}" for name in names if name in self.by_label
        ]
        if len(lines) < len(names):
            lines.append(f"{'other labels ' if lines else ''}{self.line.described}")
        return "; ".join([*lines, f"threshold {self.threshold:.3f}"])


@dataclass(frozen=True)
class SpanCalibrationFit:
    """How a calibration of spans came out.

    calibration (SpanCalibration): The calibration.
    n_predictions (Dict[str, int]): Labels that have a line of their own, with the number of
        predictions that it is fitted to.
    sharing (Dict[str, str]): The other labels, and why they have none.
    problem (str): Why the line that these share changes nothing; None if it was fitted.
    """

    calibration: SpanCalibration
    n_predictions: dict[str, int]
    sharing: dict[str, str]
    problem: str | None

    @property
    def notes(self) -> tuple[str, ...]:
        """Which labels have no line of their own, and why."""
        shared = "share one line" if self.problem is None else "stay as they are"
        whys = [f"{label} ({why})" for label, why in self.sharing.items()]
        return (f"These labels {shared}: {'; '.join(whys)}.",) if whys else ()


def fit_span_calibration(
    probabilities: np.ndarray,
    labels: np.ndarray,
    correct: np.ndarray,
    names: Sequence[str],
    *,
    form: str = "line",
    negative_weight: float = 1.0,
) -> SpanCalibrationFit:
    """Fit a line for each label that has enough predictions, and one for all labels together.

    probabilities: (n,) float64, as the model gives them, of spans that were not trained on. Nobody
        can fit what is left out: give all spans of which the probabilities shall be right.
    labels: (n,) int64, indices into names. correct: (n,) bool, whether each span is right.
    names (Sequence[str]): The labels of the model.
    form (str): "line", or "temperature" for the slope alone.
    negative_weight (float): How much the negatives counted in the loss of the model.
    RETURNS (SpanCalibrationFit): Where there was too little to fit, it says so.
    RAISES ValueError: If the form is unknown, the weight is no finite number over 0, or a
        probability is not from 0 to 1.
    """
    if form not in FORMS:
        raise ValueError(f"form = {form!r} is unknown: use one of {FORMS}.")
    is_wrong = ~((probabilities >= 0.0) & (probabilities <= 1.0))  # (n,), NaN too
    if is_wrong.any():
        raise ValueError(
            f"Prediction {int(is_wrong.argmax())} has the probability "
            f"{probabilities[is_wrong][0]}: it must be from 0 to 1."
        )
    shift = SpanCalibration(negative_weight)
    scores = log_odds(probabilities) + np.log(shift.negative_weight)  # (n,)
    shared, problem = _fit(scores, correct, form)
    by_label, n_predictions, sharing = {}, {}, {}
    for i, name in enumerate(names):
        is_own = labels == i  # (n,)
        line, lack = _fit(scores[is_own], correct[is_own], form)
        if lack is None:
            by_label[name], n_predictions[name] = line, int(is_own.sum())
        else:
            sharing[name] = lack
    calibration = SpanCalibration(negative_weight, shared, by_label)
    return SpanCalibrationFit(calibration, n_predictions, sharing, problem)


def best_threshold(probabilities: np.ndarray, n_gold: int) -> float:
    """Half of the highest F1 that can be expected: the threshold at which it is reached.

    Of spans in the order of their probabilities, the first k have as many right ones as their
    probabilities add up to, so their F1 is 2 * sum / (k + n_gold).

    probabilities: (n,) float64, calibrated ones of candidates.
    n_gold (int): Annotated spans in the same documents, candidates or not.
    RETURNS (float): 0.5 if there are neither.
    """
    if not len(probabilities) or not n_gold:
        return 0.5
    n_right = np.cumsum(np.sort(probabilities)[::-1])  # (n,)
    scores = 2.0 * n_right / (np.arange(1, len(n_right) + 1) + n_gold)  # (n,)
    # more may be expected to be right than there are
    return min(0.5, 0.5 * float(scores.max()))


def read_span_calibration(saved: object) -> SpanCalibration:
    """The calibration that was saved as plain data: the reverse of dataclasses.asdict.

    saved: Values by name; those left out are such as change nothing.
    RAISES ValueError: If it is no calibration of spans.
    """
    known = {own.name for own in fields(SpanCalibration)}
    if not isinstance(saved, Mapping) or set(saved) - known:
        raise ValueError(f"{saved!r:.200} is no weight, line, lines by label and threshold.")
    by_label = saved.get("by_label", {})
    if not isinstance(by_label, Mapping):
        raise ValueError(f"{by_label!r:.200} are no lines by label.")
    return SpanCalibration(
        saved.get("negative_weight", 1.0),
        _read_line(saved.get("line", {})),
        {str(label): _read_line(line) for label, line in by_label.items()},
        saved.get("threshold", 0.5),
    )


def _read_line(saved: object) -> LogOddsLine:
    known = {own.name for own in fields(LogOddsLine)}
    if not isinstance(saved, Mapping) or set(saved) - known:
        raise ValueError(f"{saved!r:.200} is no slope and intercept.")
    return LogOddsLine(**saved)


def _fit(scores: np.ndarray, correct: np.ndarray, form: str) -> tuple[LogOddsLine, str | None]:
    """The line, and None; or the identity, and why nothing was fitted.

    scores: (n,) float64 log odds. correct: (n,) bool.
    """
    n, n_right = len(correct), int(correct.sum())
    if n < LEAST_PREDICTIONS or min(n_right, n - n_right) < LEAST_OF_EACH:
        return LogOddsLine(), (
            f"{n} predictions, {n_right} of them right: a fit takes {LEAST_PREDICTIONS}, of which "
            f"{LEAST_OF_EACH} are right and {LEAST_OF_EACH} wrong"
        )
    if np.ptp(scores) == 0.0:
        return LogOddsLine(), f"all {n} predictions have the same probability"
    targets = platt_targets(correct)  # (n,)
    if form == "line":
        slope, intercept = fit_line(scores, targets)
    else:
        slope, intercept = fit_slope(scores, targets), 0.0
    if not slope > 0:
        return LogOddsLine(), (
            f"of the {n} predictions, the more probable ones are not right more often"
        )
    return LogOddsLine(slope, intercept), None
