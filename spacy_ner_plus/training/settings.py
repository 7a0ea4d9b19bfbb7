"""What of a config decides the outcome, and whether a run may continue with another config."""

import warnings
from collections.abc import Sequence
from typing import Any

from ..support.package_versions import package_versions
from ..support.run_identity import as_json, refuse
from ..support.run_identity import differences as all_differences

# What changes no weights: variables, a change of which shows where they are used, and the logger.
INDIFFERENT = ("paths", "system", "vars", "training.logger")
# What decides only when training ends, and how it is shown.
CHANGEABLE = ("training.max_steps", "training.patience", "training.logger")


def settings_without(blocks: Sequence[str], config: dict[str, Any]) -> dict[str, Any]:
    """The values of an interpolated config by their dotted names.

    blocks (Sequence[str]): What is left out, dotted names of values or of blocks.
    """
    return {
        name: value
        for name, value in flatten(config).items()
        if not any(f"{name}.".startswith(f"{block}.") for block in blocks)
    }


def flatten(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of a config by their dotted names."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Say where two interpolated configs differ in what a run can't change on its way.

    RETURNS (List[str]): One sentence each, empty if there is none.
    """
    changeable = (*INDIFFERENT, *CHANGEABLE)
    old, new = (settings_without(changeable, as_json(config)) for config in (then, now))
    return all_differences(old, new)


def check_config(then: dict[str, Any], now: dict[str, Any]) -> None:
    """RAISES ValueError: If the config differs from the checkpoint's, with what differs."""
    refuse(
        differences(then, now),
        "The config is not the one of the checkpoint, so training can't be resumed",
        "Restore these settings, or start from the beginning with --overwrite. Only "
        f"{', '.join(CHANGEABLE)} may be changed on the way.",
    )


def warn_of_versions(then: dict[str, str]) -> None:
    """Warn if packages have other versions than when the checkpoint was written."""
    now = package_versions()
    changed = [
        f"{name} {then.get(name)} then, {present} now"
        for name, present in now.items()
        if then.get(name) != present
    ]
    if changed:
        warnings.warn(
            "The checkpoint was written with other versions, so the weights may come out other "
            f"than without the interruption: {'; '.join(changed)}.",
            stacklevel=2,
        )
