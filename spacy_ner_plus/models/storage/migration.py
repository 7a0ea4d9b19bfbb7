"""Formats of saved models: which this version reads, and how older ones become the present one.

Format 1 (0.1.0) has no manifest and knows no calibration, no labels that wait to be learned, and no
weights of labels.
Format 2 has them, a manifest, and the format's number in `cfg` too.
Format 3 has labels and tag scheme in the tagger's settings alone, which an untrained component
saves too; up to format 2 they stood in `cfg` as well.
"""

import logging
import re
from collections.abc import Callable
from typing import Any

from ...about import __version__

logger = logging.getLogger("spacy_ner_plus")

FORMAT = 3
# From this one on there is a manifest.
FIRST_SEALED_FORMAT = 2
# From this one on `cfg` has no labels.
FIRST_FORMAT_WITHOUT_LABELS_IN_CFG = 3
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]{0,39}")

Migration = Callable[[dict[str, Any]], dict[str, Any]]


def check_format(found: object, file: str, *, saved_by: object = None) -> int:
    """Check that a format's number is one that this version reads.

    saved_by: The version of this package that saved it, if it is known.
    RAISES ValueError: If it is newer, with what to install, or no such number at all.
    """
    if type(found) is not int or found < 1:
        raise ValueError(f"{file} of the saved pipeline has no format number: {found!r:.40}.")
    if found > FORMAT:
        # written by whoever made the folder: shown only if it is a version and nothing else
        is_version = isinstance(saved_by, str) and _VERSION.fullmatch(saved_by)
        newer = f'"spacy_ner_plus>={saved_by}"' if is_version else "--upgrade spacy_ner_plus"
        raise ValueError(
            f"{file} of the saved pipeline has format {found}, and this version of "
            f"spacy_ner_plus ({__version__}) reads formats up to {FORMAT}: install the one that "
            f"saved it, or a newer one (pip install {newer})."
        )
    return found


def check_sealed(format_: int, file: str, *, is_verified: bool) -> None:
    """RAISES ValueError: If a model of a format with a manifest has none."""
    if format_ >= FIRST_SEALED_FORMAT and not is_verified:
        raise ValueError(
            f"The saved pipeline lacks manifest.json, which its format {format_} has (see "
            f"{file}): the copy is not complete. Copy or download all of it again."
        )


def migrate_settings(settings: dict[str, Any], format_: int) -> dict[str, Any]:
    """The settings beside the weights (tagger.json), as this version has them."""
    if format_ < FIRST_SEALED_FORMAT:
        logger.info(
            "The saved pipeline has format %d, that of this version is %d: it was read as it is. "
            "Save it again to have it checked on loading.",
            format_,
            FORMAT,
        )
    return _migrate(settings, format_, _SETTINGS)


def migrate_cfg(cfg: dict[str, Any], format_: int) -> dict[str, Any]:
    """The component's `cfg`, as this version has it. Its labels go where old_labels puts them."""
    return _migrate(cfg, format_, _CFG)


def _migrate(
    content: dict[str, Any], format_: int, migrations: dict[int, Migration]
) -> dict[str, Any]:
    for older in range(format_, FORMAT):
        content = migrations[older](content)
    return content


def _settings_from_1(settings: dict[str, Any]) -> dict[str, Any]:
    return {"calibration": {}, "fresh_labels": [], **settings}


def _settings_from_2(settings: dict[str, Any]) -> dict[str, Any]:
    return settings


def _cfg_from_1(cfg: dict[str, Any]) -> dict[str, Any]:
    return {"balanced": {}, **cfg}


def _cfg_from_2(cfg: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in cfg.items() if name not in ("tag_scheme", "labels")}


# By the format that they start from; each leads to the next one.
_SETTINGS: dict[int, Migration] = {1: _settings_from_1, 2: _settings_from_2}
_CFG: dict[int, Migration] = {1: _cfg_from_1, 2: _cfg_from_2}
