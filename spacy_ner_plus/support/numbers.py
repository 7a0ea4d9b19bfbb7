"""Numbers in settings, given as numbers or as text, and in sentences, with their nouns."""

from numbers import Real
from typing import Any


def as_float(value: Any, what: str) -> float:
    """A setting that is a number.

    value: A number of any kind, or one that is written as text.
    what (str): The setting, for the error.
    RAISES ValueError: If it is none; true and false are none either.
    """
    if not isinstance(value, bool) and isinstance(value, Real | str):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"{what} = {value!r:.80} must be a number.")


def as_int(value: Any, what: str) -> int:
    """Likewise, of a whole number; 64.0 is one."""
    number = as_float(value, what)
    if not number.is_integer():  # nor NaN, nor infinity
        raise ValueError(f"{what} = {value!r} must be a whole number.")
    return int(number)


def counted(n: int, one: str, several: str = "") -> str:
    """A number with its noun: "1 place", "2 places".

    one (str): The noun in the singular.
    several (str): In the plural, if that is not with an s.
    """
    return f"{n:,} {one if n == 1 else several or f'{one}s'}"
