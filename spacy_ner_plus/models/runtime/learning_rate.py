"""The learning rate of spaCy's optimizer, and what to do where it is 0.

A warm-up begins at 0, and only `spacy train` steps schedules: a loop of nlp.update, as after
nlp.resume_training, would go on at 0 for ever.
"""

import warnings
from collections import deque
from collections.abc import Iterator
from typing import Any

# A warm-up that takes longer than this is not looked through.
MAX_AHEAD = 1_000_000


class WatchedSchedule:
    """A schedule of thinc's that tells how often it was stepped, and can be looked ahead.

    schedule (Iterator[float]): Its next value is that after `value`.
    value (float): The value that it has now.
    """

    def __init__(self, schedule: Iterator[float], value: float) -> None:
        self.n_steps = 0
        self.highest = value
        self._schedule = schedule
        self._ahead: deque[float] = deque()

    def __iter__(self) -> Iterator[float]:
        return self

    def __next__(self) -> float:
        value = self._ahead.popleft() if self._ahead else next(self._schedule)
        self.n_steps += 1
        self.highest = max(self.highest, value)
        return value

    def peak(self) -> float:
        """The highest value that it had or, if it had none over 0, that it rises to."""
        highest = self.highest
        # all that was looked at stays in the queue
        while highest <= 0 and len(self._ahead) < MAX_AHEAD and self._look():
            highest = self._ahead[-1]
        while self._ahead and self._ahead[-1] >= highest and self._look():
            highest = max(highest, self._ahead[-1])
            if len(self._ahead) >= MAX_AHEAD:
                break
        return highest

    def _look(self) -> bool:
        """Look one value further; False at the end."""
        value = next(self._schedule, None)
        if value is not None:
            self._ahead.append(value)
        return value is not None


class LearningRate:
    """Reads the learning rate at each step of one model's optimizer."""

    def __init__(self) -> None:
        self._last: tuple[WatchedSchedule | None, int] | None = None
        self._is_down = False

    def read(self, settings: Any) -> float:
        """The rate of a step.

        Where it is 0 and its schedule was not stepped since the step before, the schedule's peak
        takes its place, in the optimizer too. Each reason for a rate of 0 is told once.

        settings (Optimizer): thinc's optimizer, or what nlp.rehearse makes of it.
        """
        schedule = _watch(settings)
        n_steps = 0 if schedule is None else schedule.n_steps
        is_unstepped = self._last == (schedule, n_steps)
        self._last = (schedule, n_steps)
        if settings.learn_rate > 0:
            self._is_down = False
            return float(settings.learn_rate)
        peak = schedule.peak() if schedule is not None and is_unstepped else 0.0
        if peak > 0:
            settings.learn_rate = peak
            _warn(
                "The learning rate is 0 and its schedule is not stepped, as `spacy train` does by "
                "optimizer.step_schedules() after each update: its highest value is used instead. "
                "Step it, or give an optimizer with a fixed rate."
            )
        elif schedule is not None and schedule.highest > 0:
            if self._is_down:  # `spacy train` takes a step more than max_steps: that one is at 0
                _warn(
                    "The learning rate has come down to 0: nothing more is learned. Let its "
                    "schedule (total_steps) last as long as the training (max_steps)."
                )
            self._is_down = True
        elif schedule is None or is_unstepped:
            _warn(
                "The learning rate is 0: nothing is learned. Set [training.optimizer] learn_rate."
            )
        return float(settings.learn_rate)


def _watch(settings: Any) -> WatchedSchedule | None:
    """The schedule of the rate, which is exchanged for one that can be watched."""
    schedules = getattr(settings, "schedules", {})
    if "learn_rate" not in schedules:
        return None
    schedule = schedules["learn_rate"]
    if not isinstance(schedule, WatchedSchedule):
        schedule = schedules["learn_rate"] = WatchedSchedule(schedule, float(settings.learn_rate))
    return schedule


def _warn(message: str) -> None:
    # the same words each time, so that Python shows them once
    warnings.warn(message, stacklevel=4)
