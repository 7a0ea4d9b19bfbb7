"""Whether a run that goes on is the one that was begun: what it depends on, then and now."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

MAX_SHOWN = 10


def as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON has them, so that they can be compared with some that were read."""
    read: dict[str, Any] = json.loads(json.dumps(settings, default=str))
    return read


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Where settings differ, a few words each: by name, with their values as JSON."""
    return [
        f"{name}: {_shown(then, name)} then, {_shown(now, name)} now"
        for name in sorted({*then, *now})
        if (name in then) != (name in now) or then.get(name) != now.get(name)
    ]


def refuse(found: Sequence[str], what: str, what_to_do: str) -> None:
    """Go no further if anything was found to differ.

    RAISES ValueError: With what that means, the first differences, the count of the others, and
        what to do.
    """
    if found:
        more = [f"and {len(found) - MAX_SHOWN} more"] if len(found) > MAX_SHOWN else []
        lines = "\n".join(f"  {line}" for line in [*found[:MAX_SHOWN], *more])
        raise ValueError(f"{what}:\n{lines}\n{what_to_do}")


def _shown(settings: Mapping[str, Any], name: str) -> str:
    return json.dumps(settings[name], ensure_ascii=False) if name in settings else "not set"
