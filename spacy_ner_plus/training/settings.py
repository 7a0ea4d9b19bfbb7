"""Whether a run may continue with these settings: a checkpoint fits one config only."""

import json
import warnings
from importlib.metadata import version
from typing import Any

# What decides only when training ends, and how it is shown.
CHANGEABLE = ("training.max_steps", "training.patience", "training.logger")
# Variables: a change of them shows where they are used.
VARIABLES = ("paths", "system", "vars")
PACKAGES = ("spacy_ner_plus", "spacy", "thinc", "torch", "transformers", "tokenizers", "numpy")
MAX_SHOWN = 10


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
    old, new = flatten(_as_json(then)), flatten(_as_json(now))
    found = []
    for name in sorted(old.keys() | new.keys()):
        if _is_changeable(name) or (name in old and name in new and old[name] == new[name]):
            continue
        before = json.dumps(old[name]) if name in old else "not set"
        after = json.dumps(new[name]) if name in new else "not set"
        found.append(f"{name}: {before} in the checkpoint, {after} now")
    return found


def check_config(then: dict[str, Any], now: dict[str, Any]) -> None:
    """RAISES ValueError: If the config differs from the checkpoint's, with what differs."""
    found = differences(then, now)
    if found:
        more = f"\n  and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
        raise ValueError(
            "The config is not the one of the checkpoint, so training can't be resumed:\n  "
            + "\n  ".join(found[:MAX_SHOWN])
            + f"{more}\nRestore these settings, or start from the beginning with --overwrite. Only "
            f"{', '.join(CHANGEABLE)} may be changed on the way."
        )


def _is_changeable(name: str) -> bool:
    within_changeable = any(f"{name}.".startswith(f"{other}.") for other in CHANGEABLE)
    return within_changeable or name.split(".")[0] in VARIABLES


def _as_json(config: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(json.dumps(config, default=str))
    return result


def package_versions() -> dict[str, str]:
    """The versions of what computes the weights."""
    return {name: version(name) for name in PACKAGES}


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
