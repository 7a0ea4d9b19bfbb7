"""What a result depends on, to see whether a run that goes on is the same."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

PACKAGES = ("spacy_ner_plus", "spacy", "thinc", "torch", "transformers", "tokenizers", "numpy")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files in a folder."""
    if path.is_file():
        return file_digest(path)
    digest = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{file_digest(file)}\n".encode())
    return digest.hexdigest()


def package_versions(*more: str) -> dict[str, str]:
    """The versions of what results depend on: of some package or other, another one may give other
    results.

    more (str): Further packages.
    """
    return {"python": python_version(), **dict(_versions([*PACKAGES, *more]))}


def _versions(names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "none"


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What two identities differ in, in words."""
    return [
        f"{group} {key} was {old!r} and is {new!r}"
        for group in sorted({*before, *now})
        for key in sorted({*before.get(group, {}), *now.get(group, {})})
        if (old := before.get(group, {}).get(key)) != (new := now.get(group, {}).get(key))
    ]
