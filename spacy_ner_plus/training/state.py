"""How far a run has got: steps, losses, and the evaluations that decide when it ends."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

# What a row keeps of the information that spaCy's loggers get.
ROW_KEYS = ("epoch", "step", "score", "other_scores", "losses", "seconds", "words")


@dataclass
class RunState:
    """Steps are numbered from 0, as in spaCy.

    n_steps (int): How many steps were done.
    words (int): Words in them.
    seconds (float): Time they took, evaluation included.
    losses (Dict[str, float]): Sums since the last evaluation, by component.
    rows (List[dict]): One for each evaluation, with the keys ROW_KEYS.
    """

    n_steps: int = 0
    words: int = 0
    seconds: float = 0.0
    losses: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def info(self, n_rows: int) -> dict[str, Any]:
        """What a logger gets about the last of the first n_rows evaluations."""
        results = [(row["score"], row["step"]) for row in self.rows[:n_rows]]
        return {**self.rows[n_rows - 1], "checkpoints": results}

    def is_best(self) -> bool:
        """Whether no evaluation had a higher score than the last one."""
        return bool(self.rows[-1]["score"] == max(row["score"] for row in self.rows))

    def is_over(self, *, patience: int, max_steps: int) -> bool:
        """Whether the last step was the last of all, as spaCy decides it. 0 is no limit."""
        if not self.rows:
            return False
        last = self.n_steps - 1
        # of equal scores the earliest counts
        _, negative_step = max((row["score"], -row["step"]) for row in self.rows)
        is_patience_over = patience > 0 and last + negative_step >= patience
        return is_patience_over or (max_steps > 0 and last >= max_steps)

    def to_json(self) -> dict[str, Any]:
        """The state as plain data."""
        rows = [{key: encode(row[key]) for key in ROW_KEYS} for row in self.rows]
        return {
            "n_steps": self.n_steps,
            "words": self.words,
            "seconds": self.seconds,
            "losses": encode(self.losses),
            "rows": rows,
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "RunState":
        """The state that to_json gave."""
        return cls(**{key: decode(value) for key, value in saved.items()})


def encode(value: Any) -> Any:
    """A value as JSON that `decode` makes the same value of.

    Losses of some components are numpy numbers, and adding to them as floats would give other sums.
    """
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, np.generic):
        return {"@numpy": value.dtype.str, "value": value.item()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "item"):  # an array of one number, on a GPU maybe
        return value.item()
    return str(value)


def decode(value: Any) -> Any:
    """The reverse of encode, but for tuples, which become lists."""
    if isinstance(value, dict):
        if "@numpy" in value:
            return np.dtype(value["@numpy"]).type(value["value"])
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value
