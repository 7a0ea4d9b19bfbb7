"""Training configs, from a file or from memory."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from spacy import util
from spacy.schemas import ConfigSchemaInit, ConfigSchemaNlp, ConfigSchemaTraining
from thinc.api import Config

# Sections whose settings are known by name; the registered functions of others check their own.
SCHEMAS = {"nlp": ConfigSchemaNlp, "training": ConfigSchemaTraining, "initialize": ConfigSchemaInit}


def load_config(config: str | Path | Config, overrides: Mapping[str, Any] | None = None) -> Config:
    """A config with some values replaced, not interpolated.

    config (str / Path / Config): The config, which stays as it is, or its file.
    overrides (Mapping[str, Any]): Values by their dotted names.
    RAISES ValueError: If a section is missing, or a setting is misspelt: spaCy passes that over.
    """
    changes = dict(overrides or {})
    if isinstance(config, Config):
        loaded = Config().from_str(config.to_str(), overrides=changes, interpolate=False)
    else:
        loaded = util.load_config(config, overrides=changes, interpolate=False)
    check_sections(loaded, "The config" if isinstance(config, Config) else str(config))
    return loaded


def check_sections(config: Config, name: str) -> None:
    """RAISES ValueError: If a section is missing, or a setting is none that there is."""
    for section in ("nlp", "components", "corpora", "training"):
        if section not in config:
            raise ValueError(
                f"{name} has no section [{section}]. `ner-plus init-config` writes a whole one, "
                "`spacy init fill-config` fills one in."
            )
    for section, schema in SCHEMAS.items():
        known = list(schema.__annotations__)
        for setting in config.get(section, {}):
            if setting not in known:
                near = get_close_matches(setting, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
                raise ValueError(f"{name}: [{section}] has no setting {setting!r}: {hint}")
