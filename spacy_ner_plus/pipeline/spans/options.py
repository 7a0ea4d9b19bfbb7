"""Settings of spans that need looking at."""

import math
from typing import Any

from ...support.numbers import as_float


def read_negative_weight(weight: Any) -> float:
    """RAISES ValueError: If it is no finite number over 0."""
    value = as_float(weight, "negative_weight")
    if not 0.0 < value < math.inf:
        raise ValueError(f"negative_weight = {weight} must be a finite number over 0.")
    return value


def read_boundary_smoothing(smoothing: Any) -> float:
    """A share. RAISES ValueError: If it is not at least 0 and less than 1."""
    share = as_float(smoothing, "boundary_smoothing")
    if not 0.0 <= share < 1.0:
        raise ValueError(f"boundary_smoothing = {smoothing} must be at least 0 and less than 1.")
    return share


def check_flag(name: str, value: Any) -> None:
    """RAISES ValueError: If it is neither true nor false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} = {value!r} must be true or false.")


def check_group_key(key: Any) -> None:
    """RAISES ValueError: If it is no name of a group in doc.spans: there is no other place."""
    if not (isinstance(key, str) and key):
        raise ValueError(
            f"spans_key = {key!r} must be a name for doc.spans: that is where spans are found."
        )
