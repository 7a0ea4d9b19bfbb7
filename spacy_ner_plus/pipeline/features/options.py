"""Settings of the trainers of hand-written features."""

from dataclasses import dataclass

from ...support.numbers import as_float, as_int

AUTO, CRFSUITE, PATHS = "auto", "crfsuite", "torch"
TRAINERS = (AUTO, CRFSUITE, PATHS)


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """How weights are learned.

    trainer (str): "crfsuite", "torch", or "auto" for the first that can learn from the data.
    c1, c2 (float): Of the sums of the weights' absolute values and squares in the objective.
    max_iterations (int): Of L-BFGS.
    min_freq (int): Features that fewer tokens have are left out.
    RAISES ValueError: If one is unknown or out of range.
    """

    trainer: str
    c1: float
    c2: float
    max_iterations: int
    min_freq: int

    def __post_init__(self) -> None:
        if self.trainer not in TRAINERS:
            raise ValueError(f"trainer = {self.trainer!r} is unknown: use one of {TRAINERS}.")
        for name in ("c1", "c2"):
            value = as_float(getattr(self, name), name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name} = {value} must be at least 0.")
            object.__setattr__(self, name, value)  # it is frozen
        for name in ("max_iterations", "min_freq"):
            number = as_int(getattr(self, name), name)
            if number < 1:
                raise ValueError(f"{name} = {number} must be at least 1.")
            object.__setattr__(self, name, number)
