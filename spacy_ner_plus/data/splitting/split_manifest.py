"""What is in the parts of a data set, and by which version of it."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...about import __version__
from ...records import TextRecord
from ...support.digests import content_digest
from ...support.durable import write_atomically

SCHEMA, SCHEMA_VERSION = "spacy_ner_plus.split", 1
MANIFEST = "manifest.json"


def record_digest(record: TextRecord) -> str:
    """SHA-256 of all that a record says, however its file is written."""
    text = json.dumps(record.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf8")).hexdigest()


def combined_digest(digests: Iterable[str]) -> str:
    """SHA-256 of several, in their order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


@dataclass
class PartSummary:
    """A part of a data set.

    file (str): Its name in the folder.
    n_documents (int): Its documents. n_without_annotation (int): Of these, those about whose
        entities nothing is known.
    entities (Counter[str]): Its entities by label.
    digest (str): SHA-256 of what its documents say, in their order.
    sha256 (str): Of the file, or the folder.
    """

    file: str
    n_documents: int = 0
    n_without_annotation: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    digest: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Split:
    """A data set that was divided.

    folder (Path): Where its parts are.
    parts (Dict[str, PartSummary]): "train", "dev" and "test", but for those with a share of 0.
    version (str): SHA-256 of what is in which part: the same data set in other files, divided the
        same way, has the same.
    near_duplicates (Tuple[Tuple[str, ...], ...]): Where the documents are that are nearly the same,
        each group for itself.
    n_groups (int): How many groups of several documents stayed together.
    n_without_key (int): Documents without the key that they were to be grouped by.
    notes (Tuple[str, ...]): What is odd.
    """

    folder: Path
    parts: dict[str, PartSummary]
    version: str
    near_duplicates: tuple[tuple[str, ...], ...]
    n_groups: int
    n_without_key: int
    notes: tuple[str, ...]


def version_of(parts: Mapping[str, PartSummary]) -> str:
    """SHA-256 of what is in which part."""
    return combined_digest(f"{name} {part.digest}" for name, part in parts.items())


def summary_of(file: str, records: Iterable[TextRecord]) -> PartSummary:
    """What is in a part, but for the SHA-256 of its file, which may not be there yet."""
    part, digests = PartSummary(file), list[str]()
    for record in records:
        part.n_documents += 1
        part.n_without_annotation += record.spans is None
        part.entities.update(span.label for span in record.spans or () if span.is_accepted)
        digests.append(record_digest(record))
    part.digest = combined_digest(digests)
    return part


def write_manifest(folder: Path, parts: Mapping[str, PartSummary]) -> None:
    """Write the manifest of parts that are in a folder, which were not divided here."""
    for part in parts.values():
        part.sha256 = content_digest(folder / part.file)
    text = _parts_text(parts, version_of(parts), {}, {})
    write_atomically(folder / MANIFEST, text)


def manifest_text(split: Split, settings: Mapping[str, Any], part_of: Mapping[str, str]) -> str:
    """The manifest of a data set that was divided, as JSON.

    settings (Mapping[str, Any]): How it was divided.
    part_of (Mapping[str, str]): The part of each near duplicate, by where it is.
    """
    alike = [
        {"part": part_of[group[0]], "documents": list(group)} for group in split.near_duplicates
    ]
    groups = {
        "groups": split.n_groups,
        "documents_without_group": split.n_without_key,
        "near_duplicates": alike,
    }
    return _parts_text(split.parts, split.version, settings, groups)


def _parts_text(
    parts: Mapping[str, PartSummary],
    version: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> str:
    """The text of a manifest. before, after (Mapping[str, Any]): What stands around the parts."""
    rows = {
        name: {
            "file": part.file,
            "sha256": part.sha256,
            "digest": part.digest,
            "documents": part.n_documents,
            "documents_without_annotation": part.n_without_annotation,
            "entities": dict(sorted(part.entities.items())),
        }
        for name, part in parts.items()
    }
    manifest = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "spacy_ner_plus": __version__,
        "version": version,
        **before,
        "parts": rows,
        **after,
    }
    return json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
