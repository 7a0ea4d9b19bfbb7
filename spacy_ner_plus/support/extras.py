"""Packages that only some commands need: imported when they are used, named when they lack."""

from importlib import import_module
from importlib.util import find_spec
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
        raise ValueError(_missing("This", package, extra)) from None


def is_installed(package: str) -> bool:
    """Whether a package is there, without importing it."""
    return find_spec(package) is not None


def check_installed(package: str, extra: str, *, what: str) -> None:
    """As require, without importing anything.

    what (str): What needs the package.
    RAISES ValueError: If it is not installed.
    """
    if not is_installed(package):
        raise ValueError(_missing(what, package, extra))


def _missing(what: str, package: str, extra: str) -> str:
    return f'{what} needs {package}, which is not installed: pip install "spacy_ner_plus[{extra}]"'
