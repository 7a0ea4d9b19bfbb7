"""Settings that are one of some values."""

from collections.abc import Collection


def check_choice(name: str, value: str | None, permitted: Collection[str | None]) -> None:
    """RAISES ValueError: A setting is none of those permitted."""
    if value not in permitted:
        raise ValueError(f"{name} = {value!r} is unknown: use one of {permitted}.")
