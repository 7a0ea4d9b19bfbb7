"""Word vectors as text, a line each: GloVe's without a header, word2vec's and fastText's with."""

import re
import warnings
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .vector_block import VectorBlock, decoded
from .vector_streams import open_stream

BLOCK = 1 << 22  # bytes
# A line that is longer is none: 100,000 numbers of 20 characters, say, fit.
MAX_LINE = 1 << 22
_HEADER = re.compile(rb"(\d{1,18})[ \t]+([1-9]\d{0,8})[ \t\r]*")
# A column that is not a part of a word with blanks in it.
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
# Bytes that no text has.
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1b]")
# Lines whose number of columns tells the width.
_LOOKED_AT = 1000


@dataclass(frozen=True)
class Header:
    """The first line of word2vec's files: how many words there are, and the length of a vector."""

    n_words: int
    width: int

    @classmethod
    def of(cls, line: bytes) -> "Header | None":
        """Read a line; None if it is none."""
        found = _HEADER.fullmatch(line.removeprefix(BOM_UTF8))
        return None if found is None else cls(int(found[1]), int(found[2]))

    def check(self, n_words: int, name: str) -> None:
        """RAISES ValueError: If there was another number of words than it says."""
        if n_words != self.n_words:
            raise ValueError(
                f"{name} has {n_words:,} words, and its first line says {self.n_words:,}: it may "
                "have been cut off on its way. Copy or download it again; if it is whole, correct "
                "its first line, or read its beginning with --words."
            )


class TextVectors:
    """A file with a word and its numbers on each line.

    They are parted by blanks or tabs. A word may have blanks within it, as GloVe 840B has some, but
    no part behind a blank that is a number. Blank lines are passed over.

    path (Path): May be packed: see open_stream.
    head (Sequence[bytes]): Its first lines, which tell whether there is a header, and the width.
    """

    unit = "B"
    precision = "float32"

    def __init__(self, path: Path, member: str | None, head: Sequence[bytes]) -> None:
        self._path = path
        self._member = member
        self._header = text_header(head)
        self.form = "word2vec text" if self._header else "GloVe text"
        self.width = self._header.width if self._header else _width_of(head)
        with open_stream(path, member) as stream:
            self.total = stream.total

    def blocks(self) -> Iterator[VectorBlock]:
        """See VectorSource.

        RAISES ValueError: A line that is too short, or too long; another number of words than the
            header says.
        """
        n_lines, n_words, n_read = 0, 0, 0
        with open_stream(self._path, self._member) as stream:
            while data := stream.read_lines(BLOCK, MAX_LINE):
                before, n_lines = n_lines, n_lines + data.count(b"\n")
                if len(data) - data.rfind(b"\n") - 1 > MAX_LINE:  # behind the last end of a line
                    raise ValueError(
                        f"{stream.name} has a line of more than {MAX_LINE:,} bytes after line "
                        f"{n_lines:,}: it is no text with a word and its numbers on each line."
                    )
                rows = data.removesuffix(b"\n").split(b"\n")
                if before == 0:
                    rows[0] = b"" if self._header else rows[0].removeprefix(BOM_UTF8)
                lines = _Lines(stream.name, before, self.width)
                lines.add(rows)
                n_words += len(lines.words)
                position = stream.position()
                yield lines.block(position - n_read)
                n_read = position
            if self._header is not None:
                self._header.check(n_words, stream.name)


class _Lines:
    """Some lines of a file, cut into words and numbers, which are parsed if they are asked for."""

    def __init__(self, name: str, first: int, width: int) -> None:
        self._name = name
        self._first = first
        self._width = width
        self._numbers: list[bytes] = []
        self._at: list[int] = []
        self.words: list[str | None] = []

    def add(self, lines: Sequence[bytes]) -> None:
        for number, line in enumerate(lines, start=self._first + 1):
            line = line.rstrip(b" \t\r")
            if not line:
                continue
            parts = _cut(line, self._width)
            if isinstance(parts, str):
                raise ValueError(f"{self._name}, line {number:,}: {parts}")
            self.words.append(decoded(parts[0]))
            self._numbers.append(parts[1])
            self._at.append(number)

    def block(self, amount: int) -> VectorBlock:
        return VectorBlock(self.words, self._parsed, self._where, amount)

    def _where(self, i: int) -> str:
        return f"{self._name}, line {self._at[i]:,}"

    def _parsed(self, places: np.ndarray) -> np.ndarray:
        chosen = [self._numbers[i] for i in places.tolist()]
        vectors = parse_numbers(b" ".join(chosen)) if chosen else np.zeros(0, dtype=np.float32)
        if vectors is not None and vectors.size == len(chosen) * self._width:
            return vectors.reshape(len(chosen), self._width)
        for i in places.tolist():
            one = parse_numbers(self._numbers[i])
            if one is None or one.size != self._width:
                raise ValueError(f"{self._where(i)}: {_first_bad(self._numbers[i])} is no number.")
        raise AssertionError("lines that are parsed one by one are parsed together, too")


def _cut(line: bytes, width: int) -> tuple[bytes, bytes] | str:
    """The word and the numbers of a line, or what is wrong with it."""
    word, _, numbers = line.partition(b" ")
    if numbers.count(b" ") == width - 1 and b"\t" not in line:
        return word, numbers
    word, columns = _columns(line)
    if len(columns) != width:
        return f"it has {len(columns):,} numbers, where {width:,} are expected."
    return word, b" ".join(columns)


def _columns(line: bytes) -> tuple[bytes, list[bytes]]:
    """The word and the numbers of a line that has tabs, or a word with blanks in it.

    What follows the first tab are numbers, else all at the end of the line that look like such.
    """
    word, tab, numbers = line.partition(b"\t")
    if tab:
        return word, numbers.split()
    columns = line.split(b" ")
    first = len(columns)
    while first > 1 and (not columns[first - 1] or _NUMBER.fullmatch(columns[first - 1])):
        first -= 1
    return b" ".join(columns[:first]), list(filter(None, columns[first:]))


def parse_numbers(text: bytes) -> np.ndarray | None:
    """Numbers parted by blanks, (n,) float32; None if there is something else among them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # so older versions of numpy say it
        try:
            return np.fromstring(text, dtype=np.float32, sep=" ")
        except (ValueError, DeprecationWarning):
            return None


def text_header(head: Sequence[bytes]) -> Header | None:
    """The header of a text, if its first line is one.

    Where vectors have one number each, all lines may look like a header.
    """
    header = Header.of(head[0]) if head else None
    if header is None or len(head) == 1:
        return header
    is_of_one = header.width != 1 and len(head[1].split()) == 2
    is_numeric = _is_numeric(head[1], min(header.width, 3))
    return header if is_numeric and not is_of_one else None


def is_text(head: Sequence[bytes]) -> bool:
    """Whether the first lines of a file look like those of vectors as text."""
    if head and Header.of(head[0]):
        return text_header(head) is not None or _is_numeric(head[1], 1)
    first = next((line for line in head if line.strip()), b"")
    return _is_numeric(first, 1)


def _is_numeric(line: bytes, n: int) -> bool:
    """Whether a line is text, and its last n columns are numbers."""
    columns = line.split()
    return (
        len(columns) > n
        and not _CONTROLS.search(line)
        and parse_numbers(b" ".join(columns[-n:])) is not None
    )


def _width_of(head: Sequence[bytes]) -> int:
    """The length of most vectors; lines with words that have blanks seem to have more."""
    counts = Counter(_n_numbers(line) for line in head[:_LOOKED_AT] if line.strip())
    most = max(counts.values())
    return min(width for width, n in counts.items() if n == most)


def _n_numbers(line: bytes) -> int:
    _, tab, numbers = line.partition(b"\t")
    return len(numbers.split()) if tab else len(line.split()) - 1


def _first_bad(numbers: bytes) -> str:
    """The first column that is no number, for an error."""
    bad = next((one for one in numbers.split() if parse_numbers(one) is None), numbers)
    return repr(bad[:40].decode("utf8", "backslashreplace"))
