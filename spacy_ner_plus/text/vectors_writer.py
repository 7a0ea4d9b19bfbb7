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

PRECISIONS = ("float32", "float16")
# The bytes of a .npy file before its values: room for the number of rows, which is known last.
_HEADER = 128


@dataclass(frozen=True)
class Naming:
    """What vectors.json says of vectors besides their counts. See VectorsInfo."""

    name: str
    source: str
    is_lowercased: bool | None = None


class VectorsWriter:
    """Takes words with vectors in blocks. Of a word that comes again, the first vector stays.

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
        self._seen = np.zeros(0, dtype=np.uint64)  # ascending
        self.n_words = 0
        self.n_repeated = 0

    def new(self, hashes: np.ndarray) -> np.ndarray:
        """Which of some words come for the first time. The others are counted as repeated.

        hashes: (n,) uint64.
        RETURNS: (n,) bool.
        """
        _, first = np.unique(hashes, return_index=True)
        is_new = np.zeros(len(hashes), dtype=bool)
        is_new[first] = True
        is_new &= ~is_in(hashes, self._seen)
        self.n_repeated += len(hashes) - int(is_new.sum())
        return is_new

    def add(self, hashes: np.ndarray, vectors: np.ndarray) -> None:
        """Write words that are new.

        hashes: (n,) uint64, each of them once, and not added before.
        vectors: (n, width), finite in the precision that is written.
        """
        self._table.write(np.ascontiguousarray(vectors, dtype=self._type).data)
        self._blocks.append(hashes)
        # two ascending runs, which a stable sort merges in one pass
        self._seen = np.sort(np.concatenate([self._seen, np.sort(hashes)]), kind="stable")
        self.n_words += len(hashes)

    def finish(self, naming: Naming) -> VectorsInfo:
        """Write what is known in the end only.

        RAISES ValueError: If there is no word.
        """
        if not self.n_words:
            raise ValueError(f"There are no word vectors to write, from {naming.source}.")
        self._table.seek(0)
        self._table.write(_npy_header(self._type, (self.n_words, self._width)))
        self.close()
        keys = np.concatenate(self._blocks)
        rows = np.argsort(keys, kind="stable").astype("<i8")
        return _complete(self._folder, keys[rows], rows, (self.n_words, self._width), naming)

    def close(self) -> None:
        """Leave off writing."""
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


def write_vectors(vectors: WordVectors, path: Path, naming: Naming) -> VectorsInfo:
    """Write vectors that are in memory to a folder.

    RAISES ValueError: If there are no words, or something else than word vectors is there.
    """
    if not len(vectors.keys):
        raise ValueError(f"There are no word vectors to write, from {naming.source}.")
    precision = "float16" if vectors.table.dtype == np.float16 else "float32"
    with vectors_folder(path) as folder:
        np.save(folder / TABLE, vectors.table.astype(np.dtype(precision).newbyteorder("<")))
        shape = (len(vectors.table), vectors.width)
        return _complete(folder, vectors.keys, vectors.rows, shape, naming)


def is_in(hashes: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Which of some hashes are among others.

    hashes: (n,) uint64.
    among: (m,) uint64, ascending.
    RETURNS: (n,) bool.
    """
    if not len(among):
        return np.zeros(len(hashes), dtype=bool)
    at = np.searchsorted(among, hashes).clip(max=len(among) - 1)  # (n,)
    found: np.ndarray = among[at] == hashes
    return found


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
