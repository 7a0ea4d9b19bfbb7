"""A table of phrases as one file that is mapped into memory: loaded at once, and shared."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...support.durable import written_whole
from .phrase_building import MAX_TOKENS
from .phrase_filter import PhraseFilter
from .phrase_table import ATTRIBUTES, PhraseTable
from .string_table import StringTable
from .tensor_file import pack_tensors, read_metadata, unpack_tensors

_FORMAT = "1"
_TYPES = {
    "hashes": (np.uint64,),
    "first_entries": (np.uint32,),
    "entry_labels": (np.uint16,),
    "entry_rules": (np.uint16,),
    "entry_ids": (np.uint32,),
    "entry_weights": (np.float32,),
    "id_offsets": (np.uint32, np.uint64),
    "id_content": (np.uint8,),
    "text_offsets": (np.uint32, np.uint64),
    "text_content": (np.uint8,),
    "slots": (np.uint8,),
}


def phrase_table_bytes(table: PhraseTable) -> bytes:
    """A table as the content of a file: see read_phrase_table. The same table gives the same."""
    arrays = _arrays(table)
    settings = json.dumps(
        {"max_tokens": table.max_tokens, "labels": table.labels, "rules": table.rules}
    )
    digest = hashlib.sha256(settings.encode("utf8"))
    for array in arrays.values():
        digest.update(array.tobytes())
    metadata = {
        "format": _FORMAT,
        "attribute": table.attribute,
        "settings": settings,
        "digest": digest.hexdigest(),
    }
    return pack_tensors(arrays, metadata)


def write_phrase_table(table: PhraseTable, path: Path) -> PhraseTable:
    """Write a table to a file, whole or not at all.

    Tables that are mapped from the file that was there stay as they are.

    RETURNS (PhraseTable): The same, mapped from the file.
    RAISES FullDiskError: If the disk is full.
    """
    with written_whole(path) as unfinished:
        unfinished.write_bytes(phrase_table_bytes(table))
    return read_phrase_table(path)


def read_phrase_table(content: bytes | Path) -> PhraseTable:
    """Read a table; of a file, all that is large stays there until it is looked at.

    RAISES ValueError: If it is none, is damaged, or of a newer format. Everything that is used to
        find something else is checked, as the file may come from a stranger.
    """
    where = str(content) if isinstance(content, Path) else "The table of phrases"
    try:
        arrays, metadata = unpack_tensors(content)
        table = _table(arrays, metadata)
        _check(table)
    except ValueError as error:
        raise ValueError(
            f"{where} is no table of phrases that can be used: {error}. Copy it again, or build it "
            "anew from its phrase lists."
        ) from error
    file = content.absolute() if isinstance(content, Path) else None
    return replace(table, file=file, digest=metadata.get("digest", ""))


def is_file_of(table: PhraseTable) -> bool:
    """Whether the file that a table was read from is still there, and still holds it."""
    if table.file is None or not table.digest:
        return False
    try:
        return read_metadata(table.file).get("digest") == table.digest
    except (OSError, ValueError):
        return False


def _arrays(table: PhraseTable) -> dict[str, np.ndarray]:
    return {
        "hashes": table.hashes,
        "first_entries": table.first_entries,
        "entry_labels": table.entry_labels,
        "entry_rules": table.entry_rules,
        "entry_ids": table.entry_ids,
        "entry_weights": table.entry_weights,
        "id_offsets": table.ids.offsets,
        "id_content": table.ids.content,
        "text_offsets": table.texts.offsets,
        "text_content": table.texts.content,
        "slots": table.filter.slots,
    }


def _table(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> PhraseTable:
    if metadata.get("format") != _FORMAT:
        raise ValueError(f"its format is {metadata.get('format')!r:.40}, not {_FORMAT!r}")
    for name, types in _TYPES.items():
        if name not in arrays or arrays[name].ndim != 1 or arrays[name].dtype not in types:
            raise ValueError(f"it has no such array {name!r} as tables have")
    settings = _settings(metadata.get("settings", ""))
    if not isinstance(settings, dict) or type(settings.get("max_tokens")) is not int:
        raise ValueError("it has no settings")
    return PhraseTable(
        attribute=metadata.get("attribute", ""),
        max_tokens=settings["max_tokens"],
        labels=_names(settings, "labels"),
        rules=_names(settings, "rules"),
        hashes=arrays["hashes"],
        first_entries=arrays["first_entries"],
        entry_labels=arrays["entry_labels"],
        entry_rules=arrays["entry_rules"],
        entry_ids=arrays["entry_ids"],
        entry_weights=arrays["entry_weights"],
        ids=StringTable(arrays["id_offsets"], arrays["id_content"]),
        texts=StringTable(arrays["text_offsets"], arrays["text_content"]),
        filter=PhraseFilter(arrays["slots"]),
    )


def _settings(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(f"its settings are no JSON: {error}") from error


def _names(settings: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = settings.get(key)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"it has no list of {key}")
    return tuple(names)


def _check(table: PhraseTable) -> None:
    """RAISES ValueError: If a number in the table leads to something that is not there."""
    n_entries = len(table.entry_labels)
    if table.attribute not in ATTRIBUTES:
        raise ValueError(f"its attribute is {table.attribute!r:.40}")
    if not 0 <= table.max_tokens <= MAX_TOKENS:
        raise ValueError(f"its phrases have up to {table.max_tokens} tokens, not {MAX_TOKENS}")
    if not np.isfinite(table.entry_weights).all():
        raise ValueError("it has weights that are no numbers")
    if bin(len(table.filter.slots)).count("1") != 1:
        raise ValueError(f"its filter has {len(table.filter.slots)} slots, which is no power of 2")
    for name in ("entry_rules", "entry_ids", "entry_weights", "texts"):
        if len(getattr(table, name)) != n_entries:
            raise ValueError(f"it has {n_entries} entry_labels, but {name} of another number")
    if len(table.first_entries) != len(table.hashes) + 1:
        raise ValueError("it has other numbers of hashes and first_entries")
    for numbers, things, name in (
        (table.entry_labels, table.labels, "labels"),
        (table.entry_rules, table.rules, "rules"),
        (table.entry_ids, table.ids, "ids"),
    ):
        if n_entries and int(numbers.max()) >= len(things):
            raise ValueError(f"entries have {name} that are not in it")
    for offsets, end, name in (
        (table.first_entries, n_entries, "first_entries"),
        (table.ids.offsets, len(table.ids.content), "id_offsets"),
        (table.texts.offsets, len(table.texts.content), "text_offsets"),
    ):
        is_whole = len(offsets) > 0 and offsets[0] == 0 and offsets[-1] == end
        if not is_whole or (offsets[1:] < offsets[:-1]).any():
            raise ValueError(f"its {name} do not rise from 0 to {end}")
    if (table.hashes[1:] <= table.hashes[:-1]).any():
        raise ValueError("its hashes do not rise")
    if not table.ids.is_text():
        raise ValueError("its ids are no text in UTF-8")
