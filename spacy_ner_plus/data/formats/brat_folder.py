"""What stands in a folder beside brat's own files: what brat has no place for.

LABELS has the labels that brat can't write, by the names that they have in .ann files. DOCUMENTS
has a line for each text, in their order: its file, and what else is known about it.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LABELS, DOCUMENTS, CONFIG, VISUAL = (
    "labels.json",
    "documents.jsonl",
    "annotation.conf",
    "visual.conf",
)
# Of a record's meta: the lines of its .ann that have no place in a record.
LINES = "brat"
# Of a span's meta.
ATTRIBUTES, NOTE_TEXTS, KB_NAME = "attributes", "notes", "kb_name"
# Of other keys of spans and relations.
FRAGMENTS, ROLES = "fragments", "roles"
ARGUMENTS = ["Arg1", "Arg2"]
# Of a kb id without a database, which brat's must have.
NO_DATABASE = "_"

_STORED = re.compile(r"[A-Za-z0-9_-]+")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,149}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def is_stored(name: str) -> bool:
    """Whether brat stores a name of a type as it is."""
    return bool(_STORED.fullmatch(name))


@dataclass
class StoredLabels:
    """The names that labels have in .ann files, each one's own.

    by_label (Dict[str, str]): Those given so far.
    """

    by_label: dict[str, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set, repr=False)

    def stored(self, label: str) -> str:
        """A label with _ for what brat does not take, and perhaps a number."""
        if label not in self.by_label:
            first = name = re.sub(r"[^A-Za-z0-9_-]", "_", label)
            n = 1
            while name in self._taken:
                n += 1
                name = f"{first}_{n}"
            self._taken.add(name)
            self.by_label[label] = name
        return self.by_label[label]

    def renamed(self) -> dict[str, str]:
        """The labels whose names are others, by name."""
        return {name: label for label, name in self.by_label.items() if name != label}


@dataclass
class FileNames:
    """Names of files for texts, without a suffix: their ids, where those are names."""

    _taken: set[str] = field(default_factory=set)
    _n: int = 0

    def name_for(self, id: Any) -> str:
        """A name, which may be a path within the folder."""
        if isinstance(id, str) and _is_path(id) and id.casefold() not in self._taken:
            name = id
        else:
            self._n += 1
            while f"document-{self._n:06}" in self._taken:
                self._n += 1
            name = f"document-{self._n:06}"
        self._taken.add(name.casefold())
        return name


def _is_path(name: str) -> bool:
    *folders, _ = parts = name.split("/")
    return (
        len(name) < 200
        and all(_PART.fullmatch(part) and not _RESERVED.fullmatch(part) for part in parts)
        and not any(part.endswith(".") for part in parts)
        and not any(part.lower().endswith((".txt", ".ann")) for part in folders)
    )


def find_root(path: Path) -> Path | None:
    """The folder at or above a path in which DOCUMENTS is; None if there is none."""
    path = path.resolve()
    for folder in (path, *path.parents):
        if (folder / DOCUMENTS).is_file() and (folder / CONFIG).is_file():
            return folder
    return None


def read_documents(root: Path) -> dict[str, dict[str, Any]]:
    """What DOCUMENTS says, by the names of files.

    RAISES (ValueError): A line is not as it was written.
    """
    documents = {}
    path = root / DOCUMENTS
    for number, line in enumerate(path.read_text("utf8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            documents[str(row["file"])] = dict(row.get("record", {}))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError(
                f"{path}, line {number}: it should be an object with 'file' and 'record'. Without "
                f"{DOCUMENTS}, brat's own files are read alone."
            ) from None
    return documents


def read_labels(root: Path) -> dict[str, str]:
    """What LABELS says. RAISES (ValueError): It is not as it was written."""
    path = root / LABELS
    if not path.is_file():
        return {}
    try:
        labels = json.loads(path.read_text("utf8"))
        return {str(name): str(label) for name, label in labels.items()}
    except (ValueError, AttributeError):
        raise ValueError(f"{path} should be an object with labels by their names.") from None


def config_of(
    entities: Iterable[str],
    relations: Iterable[str],
    events: Iterable[str],
    attributes: dict[str, set[str]],
) -> str:
    """The content of annotation.conf.

    attributes (Dict[str, Set[str]]): The values of each; none if it has no value.
    """
    lines = ["[entities]", "", *entities, "", "[relations]", ""]
    lines += [f"{name}\tArg1:<ENTITY>, Arg2:<ENTITY>" for name in relations]
    lines += ["", "[events]", "", *(f"{name}\t<ANY>*:<ANY>" for name in events)]
    lines += ["", "[attributes]", ""]
    for name, values in attributes.items():
        value = f", Value:{'|'.join(sorted(values))}" if values else ""
        lines.append(f"{name}\tArg:<ANY>{value}")
    return "\n".join(lines) + "\n"
