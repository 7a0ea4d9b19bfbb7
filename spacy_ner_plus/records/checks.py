"""What the values of a record must be. All checks raise a ValueError that says so."""

from typing import Any


def whole(value: Any) -> Any:
    """JSON has one kind of numbers: 3.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check(name: str, is_sound: bool, wanted: str, value: Any) -> None:
    """What a value must be, in words."""
    if not is_sound:
        raise ValueError(f"{name} must be {wanted}, got {shown(value)}.")


def check_stretch(start: Any, end: Any) -> None:
    """Characters, as far as they can be judged without the text."""
    if type(start) is type(end) is int and 0 <= start < end:
        return
    for name, value in (("start", start), ("end", end)):
        check(name, is_integer(value), "an integer, a number of characters", value)
    raise ValueError(
        f"characters {start}-{end} are none: start must be 0 or more, and end, which is exclusive, "
        "greater than start."
    )


def check_label(name: str, label: Any) -> None:
    """A type of entities or relations."""
    check(name, isinstance(label, str) and label != "", "a string that is not empty", label)
    check_characters(name, label)


def check_characters(name: str, value: str) -> None:
    """Half a character (a lone surrogate) can't be written to any file."""
    if value.isascii():
        return
    try:
        value.encode("utf8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name}: {value[error.start]!a} is half a character (a lone surrogate): correct how "
            "the text was decoded."
        ) from None


def check_probability(value: Any) -> None:
    """A probability, or None."""
    if value is not None:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        check("probability", is_number and 0 <= value <= 1, "a number from 0 to 1", value)


def check_id(name: str, value: Any) -> None:
    """The id of a span or relation."""
    check(name, isinstance(value, str) or is_integer(value), "a string or an integer", value)
    if isinstance(value, str):
        check_characters(name, value)


def check_string(name: str, value: Any) -> None:
    """A string, or None."""
    if value is not None:
        check(name, isinstance(value, str), "a string", value)
        check_characters(name, value)


def is_integer(value: Any) -> bool:
    """Python takes True for 1."""
    return isinstance(value, int) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """A value for a message, not longer than a line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
