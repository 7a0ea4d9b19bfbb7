"""Classes of words, such as those of Brown et al. (1992), from a file or from a saved model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class WordClusters:
    """The cluster of each word.

    words: A word, and the path to its cluster in the tree of all ("0010110"), or the cluster's
        name, which then is looked at whole: by "clusterN" with an N that is long enough.
    """

    words: Mapping[str, str] = field(repr=False)

    def path_of(self, word: str) -> str:
        """Its path, or that of the word in lower case; "" for none."""
        return self.words.get(word) or self.words.get(word.lower(), "")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """From a file with a word, a tab and its cluster in each line.

        The other way round, as Liang's program for Brown clusters writes it, is read as well: there
        a third column has the word's frequency.

        RAISES ValueError: If there is no such file, or a line has something else.
        """
        try:
            lines = Path(path).read_bytes().decode("utf-8-sig").split("\n")
        except OSError as error:
            raise ValueError(f"clusters = {str(path)!r} can't be read: {error}") from error
        except UnicodeDecodeError as error:
            number = error.object[: error.start].count(b"\n") + 1
            raise ValueError(
                f"{path}, line {number}: 0x{error.object[error.start]:02x} is not UTF-8. Save the "
                "file as UTF-8."
            ) from error
        words = {}
        for number, line in enumerate(lines, start=1):
            columns = line.rstrip("\r").split("\t")
            if line.strip() and (len(columns) not in (2, 3) or not all(columns)):
                raise ValueError(
                    f"{path}, line {number}: {line[:80]!r} is no word and cluster with a tab "
                    "between them."
                )
            if len(columns) == 3:
                cluster, word, _ = columns
                words[word] = cluster
            elif line.strip():
                word, cluster = columns
                words[word] = cluster
        if not words:
            raise ValueError(f"clusters = {str(path)!r}: the file has no words.")
        return cls(words)
