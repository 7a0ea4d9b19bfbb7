"""Lessons on disk: files of some hundreds of them, each file whole or not there.

A file has the packed lessons one after the other, then a table of where each is, then the table's
size and a mark. Numbers are kept byte by byte, all first bytes before all second ones, which zlib
packs better: exponents are alike. Nothing is rounded.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import safetensors.numpy

from ...support.durable import write_atomically, written_whole

FORMAT = 1
ABOUT = "about.json"
SUFFIX = ".lessons"
_MARK = b"LESSONS1"
_TAIL = struct.Struct("<Q8s")

Arrays = dict[str, np.ndarray]


class LessonCache:
    """A folder of lessons that were all made by the same teachers in the same way.

    folder (Path): Made if it is not there.
    made_by (dict): What decides what the lessons are, as JSON data: written beside them.
    told (dict): What else is told about them there.
    RAISES ValueError: If the folder has lessons that were made otherwise, or of another version.
    """

    def __init__(self, folder: Path, made_by: dict[str, Any], told: dict[str, Any]) -> None:
        self.folder = folder
        self._places: dict[bytes, tuple[Path, int, int]] = {}
        about = {"format": FORMAT, "made_by": made_by}
        path = folder / ABOUT
        if path.exists():
            _check_about(path, about)
        else:
            own = folder / f"{_unique(path.stem)}{path.suffix}"
            write_atomically(own, json.dumps({**about, "told": told}, indent=2))
            own.replace(path)
        for file in sorted(folder.glob(f"*{SUFFIX}")):
            self._places |= _read_table(file)

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    @property
    def n_bytes(self) -> int:
        """The size of all files of lessons."""
        return sum(file.stat().st_size for file in self.folder.glob(f"*{SUFFIX}"))

    def read(self, key: bytes) -> Arrays:
        """The arrays of a lesson.

        RAISES KeyError: If there is none. ValueError: If its file is damaged.
        """
        file, start, size = self._places[key]
        try:
            with file.open("rb") as stream:
                stream.seek(start)
                return unpack(stream.read(size))
        except (zlib.error, safetensors.SafetensorError) as error:
            raise _damage(file) from error

    def add(self, lessons: Mapping[bytes, Arrays]) -> None:
        """Write lessons to a file of their own, which is there when all of it is.

        lessons (Mapping[bytes, Dict[str, ndarray]]): By their keys, all of one length.
        """
        if not lessons:
            return
        file = self.folder / f"{_unique(min(lessons).hex())}{SUFFIX}"
        table: dict[str, tuple[int, int]] = {}
        with written_whole(file) as unfinished, unfinished.open("wb") as stream:
            for key, arrays in lessons.items():
                packed = pack(arrays)
                table[key.hex()] = (stream.tell(), len(packed))
                stream.write(packed)
            end = zlib.compress(json.dumps(table).encode())
            stream.write(end + _TAIL.pack(len(end), _MARK))
        self._places |= {bytes.fromhex(key): (file, *place) for key, place in table.items()}


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as few bytes. arrays (Mapping[str, ndarray]): Of one dimension or more."""
    planes = {}
    for name, array in arrays.items():
        as_bytes = np.ascontiguousarray(array)[..., None].view(np.uint8)  # (..., itemsize)
        planes[f"{name}:{array.dtype.str}"] = np.ascontiguousarray(np.moveaxis(as_bytes, -1, 0))
    return zlib.compress(safetensors.numpy.save(planes))


def unpack(data: bytes) -> Arrays:
    """The reverse of pack. RAISES zlib.error or SafetensorError: If it is damaged."""
    arrays = {}
    for named, planes in safetensors.numpy.load(zlib.decompress(data)).items():
        name, _, kind = named.rpartition(":")
        as_bytes = np.ascontiguousarray(np.moveaxis(planes, 0, -1))  # (..., itemsize)
        arrays[name] = as_bytes.view(np.dtype(kind))[..., 0]
    return arrays


def _unique(name: str) -> str:
    """A file's name of its own: several trainings, on several machines, may write to one folder."""
    return f"{name}-{uuid4().hex[:8]}"


def _check_about(path: Path, about: dict[str, Any]) -> None:
    try:
        found = json.loads(path.read_text(encoding="utf8"))
        is_same = {key: found.get(key) for key in about} == about
    except (ValueError, AttributeError) as error:
        raise _damage(path) from error
    if not is_same:
        raise ValueError(
            f"{path.parent} has lessons that were made otherwise than those that are wanted now: "
            f"see {path.name} in it. Remove the folder, or name another one."
        )


def _read_table(file: Path) -> dict[bytes, tuple[Path, int, int]]:
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _TAIL.size))
        tail = stream.read()
        n_bytes, mark = _TAIL.unpack(tail) if len(tail) == _TAIL.size else (0, b"")
        if mark != _MARK or n_bytes > size - _TAIL.size:
            raise _damage(file)
        stream.seek(size - _TAIL.size - n_bytes)
        try:
            table = json.loads(zlib.decompress(stream.read(n_bytes)))
        except (zlib.error, ValueError) as error:
            raise _damage(file) from error
    return {bytes.fromhex(key): (file, *place) for key, place in table.items()}


def _damage(file: Path) -> ValueError:
    return ValueError(f"{file} is damaged. Remove it: its lessons are made anew.")
