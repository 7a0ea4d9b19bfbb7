"""Training configs, from a file or from memory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy import util
from thinc.api import Config


def load_config(config: str | Path | Config, overrides: Mapping[str, Any] | None = None) -> Config:
    """A config with some values replaced, not interpolated.

    config (str / Path / Config): The config, which stays as it is, or its file.
    overrides (Mapping[str, Any]): Values by their dotted names.
    """
    changes = dict(overrides or {})
    if isinstance(config, Config):
        return Config().from_str(config.to_str(), overrides=changes, interpolate=False)
    return util.load_config(config, overrides=changes, interpolate=False)
