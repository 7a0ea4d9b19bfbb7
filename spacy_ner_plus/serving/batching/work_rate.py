"""How fast a model works, learned from its batches, and so how large they may be."""

_SAFETY = 0.8  # of the limit: batches of one size don't take the same time
_RISE, _FALL = 0.2, 0.5  # how much of what was measured is taken over at once
_TELLING = 0.25  # of the limit: shorter batches are slow because they are small
_LEAST = 1.0
_TICK = 1e-6  # no batch is shorter, whatever the clock says


class WorkRate:
    """Units of work a second, on the safe side.

    It falls fast, when batches take longer than it says, and rises slowly. A small batch that is
    slow says nothing: what each batch costs, whatever its size, is not the model's speed.

    limit (float): Seconds that a batch may take.
    initial (float): Units a second, before anything is known.
    RAISES ValueError: If one of them is not above 0.
    """

    def __init__(self, limit: float, initial: float = 2000.0) -> None:
        if not (limit > 0 and initial > 0):
            raise ValueError(f"limit = {limit} and initial = {initial} must be above 0.")
        self.limit = limit
        self.units_per_second = initial

    @property
    def budget(self) -> int:
        """The units of a batch that stays within the limit; 1 at least."""
        return max(1, int(self.units_per_second * self.limit * _SAFETY))

    def seconds(self, units: float) -> float:
        """How long some work takes."""
        return units / self.units_per_second

    def learn(self, units: float, seconds: float) -> None:
        """Take notice of a batch. seconds (float): What it took."""
        measured = units / max(seconds, _TICK)
        if measured > self.units_per_second:
            self._move(measured, _RISE)
        elif seconds >= self.limit * _TELLING:
            self._move(measured, _FALL)

    def _move(self, measured: float, share: float) -> None:
        moved = self.units_per_second + share * (measured - self.units_per_second)
        self.units_per_second = max(_LEAST, moved)
