"""Writing folders of word vectors row by row: only the words' hashes are held in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from ..support.committed_folder import CommittedFolder
from .vector_folder import (
    FORMAT,
    INFO,
    KEYS,
    ROWS,
    TABLE,
    VectorsInfo,
    fingerprints,
    write_info,
)
from .word_vectors import WordVectors

# The bytes of a .npy file before its values: room for the number of rows, which is known last.
_HEADER = 128


@dataclass(frozen=True)
class Naming:
    """What vectors.json says of vectors besides their counts. See VectorsInfo."""

    name: str
    source: str
    is_lowercased: bool | None = None


class VectorsWriter:
    """Takes words with vectors in blocks, and writes a row for each.

    folder (Path): Where the files go.
    width (int): The length of a vector.
    precision (str): "float32" or "float16".
    """

    def __init__(self, folder: Path, width: int, precision: str) -> None:
        self._folder = folder
        self._width = width
        self._type = np.dtype(precision).newbyteorder("<")
        self._table: IO[bytes] = (folder / TABLE).open("wb")
        self._table.write(b" " * _HEADER)
        self._blocks: list[np.ndarray] = []  # of hashes, in the order of rows
        self.n_words = 0

    def add(self, hashes: np.ndarray, vectors: np.ndarray) -> None:
        """Write some words.

        hashes: (n,) uint64, each of them once, and not added before.
        vectors: (n, width), finite in the precision that is written.
        """
        self._table.write(np.ascontiguousarray(vectors, dtype=self._type).tobytes())
        self._blocks.append(hashes)
        self.n_words += len(hashes)

    def finish(self, naming: Naming) -> VectorsInfo:
        """Write what is known in the end only. RAISES ValueError: If there is no word."""
        _check_words(self.n_words, naming)
        shape = (self.n_words, self._width)
        self._table.seek(0)
        self._table.write(_npy_header(self._type, shape))
        self._table.close()
        keys = np.concatenate(self._blocks)
        rows = np.argsort(keys, kind="stable")
        return _complete(self._folder, keys[rows], rows, shape, naming)

    def __enter__(self) -> "VectorsWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._table.close()


@contextmanager
def vectors_folder(path: Path) -> Iterator[Path]:
    """Gives a folder to write to, which takes the place of this one when it is complete.

    RAISES ValueError: If something else than word vectors is there.
    RAISES FullDiskError: If the disk is full.
    """
    check_vectors_output(path)
    with CommittedFolder(path).writing() as folder:
        yield folder


def check_vectors_output(path: Path) -> None:
    """RAISES ValueError: If there is a file, or a folder of something else than word vectors."""
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file: name a folder for the word vectors.")
    if path.is_dir() and any(path.iterdir()) and not (path / INFO).is_file():
        raise ValueError(
            f"{path} is a folder with other files in it: name a new one for the word vectors."
        )


def fill_folder(folder: Path, vectors: WordVectors, naming: Naming) -> VectorsInfo:
    """Write vectors that are in memory to an empty folder. RAISES ValueError: If there are none."""
    _check_words(len(vectors.keys), naming)
    precision = "float16" if vectors.table.dtype == np.float16 else "float32"
    kind = np.dtype(precision).newbyteorder("<")
    np.save(folder / TABLE, vectors.table.astype(kind, order="C", copy=False))
    shape = (len(vectors.table), vectors.width)
    return _complete(folder, vectors.keys, vectors.rows, shape, naming)


def _check_words(n_words: int, naming: Naming) -> None:
    if not n_words:
        raise ValueError(f"There are no word vectors to write, from {naming.source}.")


def _complete(
    folder: Path, keys: np.ndarray, rows: np.ndarray, shape: tuple[int, int], naming: Naming
) -> VectorsInfo:
    """Write what stands beside the table."""
    np.save(folder / KEYS, keys.astype("<u8", copy=False))
    np.save(folder / ROWS, rows.astype("<i8", copy=False))
    precision = np.load(folder / TABLE, mmap_mode="r").dtype.name
    info = VectorsInfo(
        format=FORMAT,
        name=naming.name,
        source=naming.source,
        n_words=len(keys),
        n_rows=shape[0],
        width=shape[1],
        precision=precision,
        is_lowercased=naming.is_lowercased,
        arrays=fingerprints(folder),
    )
    write_info(folder, info)
    return info


def _npy_header(kind: np.dtype, shape: tuple[int, int]) -> bytes:
    """What stands before the values in a .npy file of version 1.0, filled up to _HEADER bytes."""
    text = repr({"descr": kind.str, "fortran_order": False, "shape": shape})
    before = np.lib.format.magic(1, 0)
    rest = _HEADER - len(before) - 2
    return before + rest.to_bytes(2, "little") + f"{text:<{rest - 1}}\n".encode("latin1")
