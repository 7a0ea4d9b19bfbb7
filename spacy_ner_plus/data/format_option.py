"""Options of formats as they are given on a command line."""

import json
from typing import Any


def parse_option(option: str, given_as: str = "--option") -> tuple[str, Any]:
    """Read NAME=VALUE: a value that is JSON is what it says, another one is text.

    given_as (str): The name of the command line's option, for messages.
    RAISES ValueError: No "=".
    """
    name, sign, value = option.partition("=")
    if not sign or not name:
        raise ValueError(f"{given_as} {option} must be NAME=VALUE, such as view=binary.")
    try:
        return name.replace("-", "_"), json.loads(value)
    except ValueError:
        return name.replace("-", "_"), value
