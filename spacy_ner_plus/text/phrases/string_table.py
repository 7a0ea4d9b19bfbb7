"""Many strings as two arrays, which can stay on the disk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

# How many strings are put into another order at once.
_BLOCK = 1 << 16


@dataclass(frozen=True)
class StringTable:
    """Strings by their number.

    offsets: (n_strings + 1,) uint32 or uint64, where each begins in the bytes.
    content: (n_bytes,) uint8, the strings in UTF-8.
    """

    offsets: np.ndarray
    content: np.ndarray

    @classmethod
    def of(cls, strings: Iterable[str]) -> "StringTable":
        """Make one. Halves of characters (lone surrogates) are kept."""
        parts = [string.encode("utf8", "surrogatepass") for string in strings]
        lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
        return cls(offsets_of(lengths), np.frombuffer(b"".join(parts), dtype=np.uint8))

    @classmethod
    def joined(cls, tables: Sequence["StringTable"]) -> "StringTable":
        """The strings of some tables, one after the other."""
        none = np.empty(0, dtype=np.int64)
        lengths = np.concatenate([none, *(table.lengths for table in tables)])
        content = [np.empty(0, dtype=np.uint8), *(table.content for table in tables)]
        return cls(offsets_of(lengths), np.concatenate(content))

    @property
    def lengths(self) -> np.ndarray:
        """(n_strings,) int64, in bytes."""
        return np.diff(self.offsets.astype(np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, number: int) -> str:
        start, end = int(self.offsets[number]), int(self.offsets[number + 1])
        return self.content[start:end].tobytes().decode("utf8", "surrogatepass")

    def strings(self, numbers: np.ndarray) -> list[str]:
        """Some of the strings, as such. numbers: (n,) int64."""
        starts, ends = self.offsets[numbers].tolist(), self.offsets[numbers + 1].tolist()
        content = self.content.data
        return [
            str(content[start:end], "utf8", "surrogatepass")
            for start, end in zip(starts, ends, strict=True)
        ]

    def is_text(self) -> bool:
        """Whether all strings are text in Unicode, without halves of characters."""
        beginnings = self.content[self.offsets[self.offsets < len(self.content)]]
        if ((beginnings & 0xC0) == 0x80).any():  # inside of a character
            return False
        try:
            self.content.tobytes().decode("utf8")
        except UnicodeDecodeError:
            return False
        return True

    def taken(self, numbers: np.ndarray) -> "StringTable":
        """Some of the strings. numbers: (n,) int64."""
        lengths = self.lengths[numbers]
        offsets = offsets_of(lengths)
        content = np.empty(int(offsets[-1]), dtype=np.uint8)
        starts = self.offsets[numbers].astype(np.int64)  # (n,)
        for i in range(0, len(numbers), _BLOCK):
            here, first = lengths[i : i + _BLOCK], int(offsets[i])
            size = int(here.sum())
            shifts = starts[i : i + _BLOCK] - (np.cumsum(here) - here)  # (n_block,)
            content[first : first + size] = self.content[np.repeat(shifts, here) + np.arange(size)]
        return StringTable(offsets, content)


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """Where parts of some lengths begin, and the last ends: (n + 1,), of the least size."""
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return offsets.astype(np.uint32 if offsets[-1] < 1 << 32 else np.uint64)
