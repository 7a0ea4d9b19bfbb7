"""The versions of what computes results: others may give others."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("spacy_ner_plus", "spacy", "thinc", "torch", "transformers", "tokenizers", "numpy")


def package_versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """The versions of packages by name, "none" of one that is not installed."""
    return {name: _version(name) for name in packages}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
