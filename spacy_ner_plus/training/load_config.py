"""Training configs, from a file or from memory."""

from collections.abc import Iterator, Mapping
from configparser import Error as ParserError
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from spacy import util
from spacy.schemas import ConfigSchemaInit, ConfigSchemaNlp, ConfigSchemaTraining
from thinc.api import Config, ConfigValidationError

from .setting_values import check_values, read_numbers

# Sections whose settings are known by name; the registered functions of others check their own.
SCHEMAS = {"nlp": ConfigSchemaNlp, "training": ConfigSchemaTraining, "initialize": ConfigSchemaInit}


def load_config(config: str | Path | Config, overrides: Mapping[str, Any] | None = None) -> Config:
    """A config with some values replaced, not interpolated.

    config (str / Path / Config): The config, which stays as it is, or its file.
    overrides (Mapping[str, Any]): Values by their dotted names.
    RAISES ValueError: If it is no config, a section is missing, or a setting is misspelt or can't
        be, which spaCy would pass over or find late.
    """
    changes, name = dict(overrides or {}), name_of(config)
    with named_errors(name):
        if isinstance(config, Config):
            loaded = Config().from_str(config.to_str(), overrides=changes, interpolate=False)
        else:
            loaded = util.load_config(config, overrides=changes, interpolate=False)
    check_sections(loaded, name)
    read_numbers(loaded)
    with named_errors(name):
        interpolated = loaded.interpolate()
    check_values(interpolated["training"], name)
    return loaded


def name_of(config: str | Path | Config) -> str:
    """What a config is called in messages."""
    return "The config" if isinstance(config, Config) or str(config) == "-" else str(config)


@contextmanager
def named_errors(name: str) -> Iterator[None]:
    """Let errors about a config say in short which config, which setting, and what is wrong.

    RAISES ValueError: In their place.
    """
    try:
        yield
    except ConfigValidationError as error:
        parent = [error.parent] if error.parent else []
        found = [
            f"{'.'.join([*parent, *map(str, one['loc'])])}: {one['msg']}"
            for one in error.errors or ()
        ]
        said = "; ".join(found) or " ".join(f"{error.desc or error.title}".split())
        hint = "" if found else " `spacy init fill-config` fills in what a config lacks."
        raise ValueError(f"{name}: {said}.{hint}") from error
    except (ParserError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} is no config: {' '.join(str(error).split())}") from error


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
