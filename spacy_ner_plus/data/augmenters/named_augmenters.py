"""Augmenters by their names, as they are given on a command line, and those of a config."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spacy import registry
from thinc.api import Config
from thinc.config import ConfigValidationError

from .doc_augmenter import SpacyAugmenter
from .in_turn import InTurn

_OURS = ("spacy_ner_plus.", ".v1")


def augmenter_of(augmenters: Sequence[str | SpacyAugmenter], config: Path | None) -> SpacyAugmenter:
    """One augmenter of those that are given; several act one after the other.

    augmenters (Sequence[str | Callable]): Each as a function, or as NAME or NAME={...}, with the
        settings as a JSON object. "KeyboardTypos" is short for "spacy_ner_plus.KeyboardTypos.v1".
    config (Path): A config, the augmenter of whose training data comes first.
    RAISES ValueError: There is none, or no such, or a setting is unknown or out of range.
    """
    found = [] if config is None else [_of_config(config)]
    found += [_named(one) if isinstance(one, str) else one for one in augmenters]
    if not found:
        raise ValueError(
            "There is no augmenter: name one with --augmenter, or a config that has one."
        )
    return found[0] if len(found) == 1 else InTurn(*found)


def _named(given: str) -> SpacyAugmenter:
    name, sign, text = given.partition("=")
    settings: Any = {}
    if sign:
        try:
            settings = json.loads(text)
        except ValueError as error:
            raise ValueError(f"--augmenter {given}: {text} is no JSON: {error}.") from error
    if not isinstance(settings, dict) or not name:
        raise ValueError(
            f'--augmenter {given} must be NAME or NAME={{"setting": value}}, such as '
            'KeyboardTypos={"p": 0.05}.'
        )
    return _made({"@augmenters": _whole_name(name), **settings}, f"--augmenter {name}")


def _whole_name(name: str) -> str:
    """RAISES ValueError: There is no such augmenter."""
    known = set(registry.augmenters.get_all())
    whole = name if name in known else name.join(_OURS)
    if whole not in known:
        raise ValueError(f"There is no augmenter {name!r}: name one of {', '.join(sorted(known))}.")
    return whole


def _of_config(path: Path) -> SpacyAugmenter:
    if not path.is_file():
        raise ValueError(f"There is no config {path}.")
    config = Config().from_disk(path).interpolate()
    name = config.get("training", {}).get("train_corpus", "corpora.train")
    block: Any = config
    for part in (*name.split("."), "augmenter"):
        block = block.get(part) if isinstance(block, dict) else None
    if not block:
        raise ValueError(f"{path} has no augmenter: there is no block [{name}.augmenter].")
    return _made(block, f"{path}: [{name}.augmenter]")


def _made(block: dict[str, Any], what: str) -> SpacyAugmenter:
    try:
        made: SpacyAugmenter = registry.resolve({"augmenter": block})["augmenter"]
    except (ConfigValidationError, ValueError, TypeError) as error:
        raise ValueError(f"{what}: {error}") from error
    return made
