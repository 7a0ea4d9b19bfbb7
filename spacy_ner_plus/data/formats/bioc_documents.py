"""The documents in a BioC JSON file, in whatever they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..sources.json_values import json_values
from ..sources.raw_files import open_bytes
from ..sources.rows import RowError, decode
from ..sources.text_inputs import read_json
from . import bioc_passages as bioc

# Where a collection has them; the second is PubTator's.
DOCUMENTS = ("documents", "PubTator3")


def documents_of(path: Path) -> Iterator[tuple[str, Any]]:
    """Each document of a file, with what its collection says."""
    for where, value in _values(path):
        key = next((one for one in DOCUMENTS if isinstance(value, dict) and one in value), None)
        if key is None:
            yield where, (value, {})
            continue
        documents = value[key]
        if not isinstance(documents, list):
            raise ValueError(f"{where}: {key!r} must be a list of documents.")
        collection = bioc.rest_of(value, key)
        for i, document in enumerate(documents, start=1):
            yield f"{where}, document {i}", (document, collection)


def _values(path: Path) -> Iterator[tuple[str, Any]]:
    """The values of a file: one object on many lines, or what json_values reads."""
    with open_bytes(path) as file:
        first = next((line for line in file if line.strip()), b"").strip()
        try:
            is_many = first.startswith(b"{") and not isinstance(read_json(first), dict)
        except RowError:
            is_many = first.removeprefix(b"\xef\xbb\xbf").startswith(b"{")
        if is_many:
            file.seek(0)
            try:
                value = json.loads(decode(file.read()).removeprefix("\ufeff"))
            except ValueError as error:
                raise ValueError(f"{path}: invalid JSON: {error}") from None
    if is_many:
        yield str(path), value
    else:
        yield from json_values(path)


def has_annotations(document: Any) -> bool:
    """Whether a document tells anything of its entities."""
    passages = document.get("passages") if isinstance(document, dict) else None
    if not isinstance(passages, list):
        return False
    if bioc.RECORD in (document.get("infons") or {}):  # which says itself what is known
        return True
    return any(isinstance(one, dict) and any(bioc.annotations_of(one)) for one in passages)
