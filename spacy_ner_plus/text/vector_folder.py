"""Word vectors on the disk: three arrays, mapped into memory, and what they are as JSON.

It is what `ner-plus vectors` writes. Processes that read one folder share its memory, and nothing
of the table is read before a row is asked for.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..support.file_manifest import Fingerprint, find_problems
from ..support.typed_json import from_json, to_json
from .word_vectors import WordVectors

KEYS, ROWS, TABLE, INFO = "keys.npy", "rows.npy", "vectors.npy", "vectors.json"
ARRAYS = (KEYS, ROWS, TABLE)
# The version of the folder's form.
FORMAT = 1
WHAT_TO_DO = "Copy all of it again, or write it anew with ner-plus vectors."


@dataclass(frozen=True)
class SavedArray:
    """A file of the folder as it was written: its size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class VectorsInfo:
    """What a folder of word vectors says of itself, in vectors.json.

    format: The version of its form.
    name: What the vectors are called.
    source: The file or pipeline that they are from, by its name, and its form.
    n_words, n_rows, width: Of the arrays. Words may share a row.
    precision: "float32" or "float16".
    is_lowercased: Whether no word has a capital letter; None if the words are not known.
    arrays: The files.
    """

    format: int
    name: str
    source: str
    n_words: int
    n_rows: int
    width: int
    precision: str
    is_lowercased: bool | None
    arrays: dict[str, SavedArray]


def read_vectors(folder: Path, *, verify: bool = False) -> WordVectors:
    """Map a folder of word vectors into memory.

    folder (Path): As `ner-plus vectors` wrote it.
    verify (bool): Read all of it and compare it with its SHA-256. Without that, sizes, shapes and
        types are compared, and keys and rows must be ones that can be looked up.
    RAISES ValueError: If it is no such folder, is of a newer version, or is damaged.
    """
    info = read_vectors_info(folder)
    _check_files(folder, info, verify=verify)
    found = {name: _mapped(folder / name) for name in ARRAYS}
    wanted: dict[str, tuple[tuple[int, ...], str]] = {
        KEYS: ((info.n_words,), "uint64"),
        ROWS: ((info.n_words,), "int64"),
        TABLE: ((info.n_rows, info.width), info.precision),
    }
    for name, (shape, kind) in wanted.items():
        array = found[name]
        if array.shape != shape or array.dtype != np.dtype(kind).newbyteorder("<"):
            raise damage(
                folder / name,
                f"has shape {array.shape} and type {array.dtype}, where {shape} and {kind} are "
                f"needed by {INFO}",
            )
    keys, rows, table = (found[name] for name in ARRAYS)
    if np.any(keys[:-1] >= keys[1:]):
        raise damage(folder / KEYS, "is not in ascending order")
    if len(rows) and not 0 <= rows.min() <= rows.max() < info.n_rows:
        raise damage(folder / ROWS, f"has rows beyond the {info.n_rows:,} of {TABLE}")
    return WordVectors(keys, rows, table)


def read_vectors_info(folder: Path) -> VectorsInfo:
    """What a folder of word vectors says of itself; no array is opened.

    RAISES ValueError: If it is no such folder, is of a newer version, or is damaged.
    """
    path = folder / INFO
    if not path.is_file():
        raise ValueError(
            f"{folder} is no folder of word vectors: it has no {INFO}. Make one of a file of "
            "vectors (GloVe, word2vec, fastText, ...) with: ner-plus vectors FILE FOLDER"
        )
    try:
        data: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise damage(path, f"is no JSON: {error}") from error
    if not isinstance(data, dict) or type(data.get("format")) is not int:
        raise damage(path, "does not say the version of its form")
    if data["format"] > FORMAT:
        raise ValueError(
            f"{folder} has form {data['format']} of word vectors, and this version of "
            f"spacy_ner_plus reads up to {FORMAT}: install a newer one, or write the folder anew."
        )
    try:
        info = from_json(VectorsInfo, data, INFO)
    except ValueError as error:
        raise damage(path, f"is not as it was written: {error}") from error
    if info.precision not in ("float32", "float16") or set(info.arrays) != set(ARRAYS):
        raise damage(path, "names another precision, or other files, than word vectors have")
    return info


def write_info(folder: Path, info: VectorsInfo) -> None:
    """Write vectors.json."""
    text = json.dumps(to_json(info), indent=2, ensure_ascii=False)
    (folder / INFO).write_text(f"{text}\n", encoding="utf8")


def fingerprints(folder: Path) -> dict[str, SavedArray]:
    """The arrays of a folder as they are now."""
    return {name: SavedArray(*Fingerprint.of(folder / name)) for name in ARRAYS}


def damage(path: Path, what: str) -> ValueError:
    """The error that says which file is wrong, how, and what to do."""
    return ValueError(f"Word vectors are damaged: {path} {what}. {WHAT_TO_DO}")


def _check_files(folder: Path, info: VectorsInfo, *, verify: bool) -> None:
    for name in ARRAYS:
        path, saved = folder / name, info.arrays[name]
        if not path.is_file():
            raise damage(path, "is missing")
        if (size := path.stat().st_size) != saved.size:
            raise damage(path, f"has {size:,} bytes, but {saved.size:,} were written")
    if verify:
        recorded = {name: Fingerprint(one.size, one.sha256) for name, one in info.arrays.items()}
        for name, problem in find_problems(recorded, {name: folder / name for name in ARRAYS}):
            raise damage(folder / name, problem)


def _mapped(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, TypeError, OverflowError) as error:
        raise damage(path, f"is no array of numpy: {error}") from error
    return array
