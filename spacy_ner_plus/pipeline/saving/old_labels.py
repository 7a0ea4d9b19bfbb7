"""The labels of components that were saved in format 1 or 2.

They stood in `cfg`, and where there were weights, beside these too.
"""

import json
from collections.abc import Mapping
from typing import Any

from ...models.storage.files import SETTINGS, read_json
from ...models.storage.manifest import Content, damage, describe
from ...models.storage.migration import FIRST_FORMAT_WITHOUT_LABELS_IN_CFG


def with_labels_of_cfg(
    files: dict[str, Content], cfg: Mapping[str, Any], format_: int, content: Content
) -> dict[str, Content]:
    """A model's files with the labels where later formats have them: in the tagger's settings.

    files: The files by name. cfg: What stands beside them, of the format. content: Its file.
    RAISES ValueError: If the cfg has no labels, or others than the model has.
    """
    if format_ >= FIRST_FORMAT_WITHOUT_LABELS_IN_CFG:
        return files
    scheme = {"name": cfg.get("tag_scheme"), "labels": cfg.get("labels")}
    if not isinstance(scheme["name"], str):
        raise damage("cfg", content, "has no tag_scheme")
    labels = scheme["labels"]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise damage("cfg", content, "has no list of labels")
    if not files:
        settings = json.dumps({"format": format_, "scheme": scheme})
        return {SETTINGS: settings.encode("utf8")}
    if SETTINGS in files:
        found = read_json(SETTINGS, files[SETTINGS]).get("scheme")
        if found != scheme:
            raise ValueError(
                f"{describe(SETTINGS, files[SETTINGS])} has the labels {found!r:.400}, but "
                f"{describe('cfg', content)} has {scheme!r:.400}: they were not saved together. "
                "Copy or download all of it again."
            )
    return files
