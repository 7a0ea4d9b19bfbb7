"""What a server says of a pipeline."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language

from ...annotation.entity_source import EntitySource
from ...pipeline.capabilities import GivesReadings, WritesNestedEntities, components
from ...pipeline.entity_sources import source_of
from ...support.digests import content_digest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_PLACES = ("doc.ents", "doc.spans")


def check_name(what: str, name: str) -> None:
    """RAISES ValueError: If a name of a model or version is none that URLs and metrics can have."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{what} {name!r:.80} must be of up to 64 letters, digits and . _ + -, and begin with "
            "a letter or digit."
        )


@dataclass(frozen=True)
class ModelInfo:
    """A pipeline.

    name, version (str): What requests call it: those of its meta.json, if the command does not say
        otherwise.
    lang (str): Its language.
    labels (Tuple[str, ...]): The types of entities that its components may find, in order; empty
        if none says so.
    scores (Dict[str, float]): Of its meta.json.
    data_version (Any): Likewise; None if it does not say.
    sha256 (str): Of all of its files; None if it is in memory only.
    source (EntitySource): Where its entities are.
    max_characters (int): Of a text that it takes.
    has_alternatives (bool): Whether it can tell other readings of a sentence.
    keeps_entities (bool): Whether entities that are there already stay as they are.
    """

    name: str
    version: str
    lang: str
    labels: tuple[str, ...]
    scores: dict[str, float]
    data_version: Any
    sha256: str | None
    source: EntitySource
    max_characters: int
    has_alternatives: bool
    keeps_entities: bool


def describe(nlp: Language, name: str | None, version: str | None) -> ModelInfo:
    """What there is to say of a pipeline.

    RAISES ValueError: If it can find no entities, or can't be called so.
    """
    if not nlp.pipeline:
        raise ValueError("The pipeline has no components, and so finds no entities.")
    meta: Mapping[str, Any] = nlp.meta
    name = name or f"{meta['lang']}_{meta['name']}"
    version = version or str(meta["version"])
    check_name("The name of a pipeline", name)
    check_name("The version of a pipeline", version)
    found = components(nlp)
    path = Path(str(nlp.path)) if nlp.path is not None else None
    return ModelInfo(
        name,
        version,
        lang=str(meta["lang"]),
        labels=_labels(nlp),
        scores=_numbers(meta.get("performance") or {}),
        data_version=meta.get("data_version"),
        sha256=None if path is None else content_digest(path),
        source=source_of(nlp),
        max_characters=nlp.max_length,
        has_alternatives=any(isinstance(one, GivesReadings) for one in found),
        keeps_entities=all(getattr(one, "existing_ents", "keep") != "overwrite" for one in found),
    )


def _labels(nlp: Language) -> tuple[str, ...]:
    found: set[str] = set()
    for name, component in nlp.pipeline:
        assigned: Iterable[str] = nlp.get_pipe_meta(name).assigns
        is_nested = isinstance(component, WritesNestedEntities)
        if is_nested or any(place in assigned for place in _PLACES):
            found.update(getattr(component, "labels", ()))
    return tuple(sorted(found))


def _numbers(scores: Mapping[str, Any]) -> dict[str, float]:
    """Those of all types together."""
    return {
        name: float(value)
        for name, value in scores.items()
        if isinstance(value, (int, float)) and math.isfinite(value)
    }
