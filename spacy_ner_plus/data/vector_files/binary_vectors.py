"""word2vec's binary form: a header, then each word, a blank, and its numbers in four bytes each."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from .text_vectors import Header
from .vector_block import VectorBlock, decoded
from .vector_streams import VectorStream, open_stream

BLOCK = 1 << 22  # bytes
# word2vec cuts words off at 100 bytes, and gensim writes longer ones.
MAX_WORD = 1 << 16


class BinaryVectors:
    """A file as word2vec or gensim writes it with `binary`; little-endian.

    Words that word2vec cut off within a character are not UTF-8.

    path (Path): May be packed: see open_stream.
    head (Sequence[bytes]): Its first lines, of which one is the header.
    """

    form = "word2vec binary"
    unit = "B"
    precision = "float32"

    def __init__(self, path: Path, member: str | None, head: Sequence[bytes]) -> None:
        header = Header.of(head[0])
        if header is None:
            raise ValueError(f"{path} does not begin with the number and the width of its vectors.")
        self._path = path
        self._member = member
        self._header = header
        self._n_before = len(head[0]) + 1
        self.width = header.width
        with open_stream(path, member) as stream:
            self.total = stream.total

    def blocks(self) -> Iterator[VectorBlock]:
        """See VectorSource.

        RAISES ValueError: Another number of words than the header says, or what is no word.
        """
        with open_stream(self._path, self._member) as stream:
            stream.read(self._n_before)
            n_words, n_read, rest = 0, 0, b""
            while n_words < self._header.n_words and (data := stream.read(self._size)):
                data = rest + data
                words, starts, end = self._cut(data, self._header.n_words - n_words)
                self._check_word(stream, n_words + len(words), data, end)
                rest, position = data[end:], stream.position()
                yield self._block(stream.name, n_words, data, words, starts, position - n_read)
                n_words, n_read = n_words + len(words), position
            self._header.check(n_words, stream.name)
            if (rest + stream.read(1)).strip(b"\n"):
                raise ValueError(
                    f"{stream.name} goes on after the {n_words:,} words that its first line "
                    "promises: it is damaged, or of another form. Copy or download it again."
                )

    @property
    def _size(self) -> int:
        """How many bytes to read at once: at least a word with its vector."""
        return max(BLOCK, MAX_WORD + 4 * self.width)

    def _cut(self, data: bytes, most: int) -> tuple[list[bytes], list[int], int]:
        """The words that are whole, where their vectors start, and where the last one ends."""
        words: list[bytes] = []
        starts: list[int] = []
        end, size = 0, 4 * self.width
        while len(words) < most:
            blank = data.find(b" ", end, end + MAX_WORD)
            if blank < 0 or blank + 1 + size > len(data):
                break
            words.append(data[end:blank].lstrip(b"\n"))  # word2vec ends a vector with a line feed
            starts.append(blank + 1)
            end = blank + 1 + size
        return words, starts, end

    def _check_word(self, stream: VectorStream, number: int, data: bytes, end: int) -> None:
        if len(data) - end > MAX_WORD and data.find(b" ", end, end + MAX_WORD) < 0:
            raise ValueError(
                f"{stream.name}, word {number + 1:,}: it has no end within {MAX_WORD:,} bytes. The "
                f"file is damaged, or its vectors have not the {self.width:,} numbers that its "
                "first line says."
            )

    def _block(
        self,
        name: str,
        before: int,
        data: bytes,
        words: list[bytes],
        starts: list[int],
        amount: int,
    ) -> VectorBlock:
        def vectors(places: np.ndarray) -> np.ndarray:
            chosen = (data[starts[i] : starts[i] + 4 * self.width] for i in places.tolist())
            return np.frombuffer(b"".join(chosen), dtype="<f4").reshape(-1, self.width)

        def where(i: int) -> str:
            return f"{name}, word {before + i + 1:,}"

        return VectorBlock(list(map(decoded, words)), vectors, where, amount)
