"""Files that say which types of entities there are."""

from collections.abc import Sequence
from pathlib import Path

import srsly

from .prompting.label_guides import LabelSettings, read_label_guides


def read_labels(labels: LabelSettings | str | Path) -> LabelSettings:
    """The types of entities of a file of YAML or JSON, or as they are given.

    The file has a list of labels, or by label what is said of it; either may be under `labels`.

    RAISES ValueError: If there is no such file, or it holds something else.
    """
    if not isinstance(labels, str | Path):
        read_label_guides(labels)
        return labels
    path = Path(labels)
    try:
        found = srsly.yaml_loads(path.read_text(encoding="utf8"))
    except OSError as error:
        raise ValueError(f"The labels {path} can't be read: {error.strerror}.") from error
    except Exception as error:  # of several kinds, in the package that srsly brings
        raise ValueError(f"The labels {path} are no YAML: {error}") from error
    inner = found["labels"] if isinstance(found, dict) and list(found) == ["labels"] else found
    try:
        read_label_guides(inner)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return list(inner) if isinstance(inner, Sequence) else dict(inner)
