"""Packages that only some commands need: imported when they are used, named when they lack."""

from importlib import import_module
from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """Import a module of one of the package's extras.

    module (str): The module's full name.
    extra (str): The extra of spacy_ner_plus that installs it.
    RAISES ValueError: If it is not installed.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        raise ValueError(
            f"This needs {package}, which is not installed: "
            f'pip install "spacy_ner_plus[{extra}]"'
        ) from None
