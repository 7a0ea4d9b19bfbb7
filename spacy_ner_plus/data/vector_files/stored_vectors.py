"""Word vectors that are stored as tables already: in our own folders, and in spaCy's pipelines."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from spacy.util import get_package_path, is_package
from spacy.vocab import Vocab

from ...text.vector_folder import INFO, read_vectors, read_vectors_info
from ...text.word_vectors import WordVectors

# What spaCy has in the folder of a vocabulary.
_KEYS, _STRINGS = "key2row", "strings.json"


@dataclass(frozen=True)
class StoredVectors:
    """A table of vectors, of which words may share rows.

    form (str): What it is from, for users.
    vectors (WordVectors): All of them.
    in_order: (n_words,) uint64, the words' hashes in the order of the source: frequent ones first,
        as a rule.
    words (Optional[List[str]]): The words in this order, if they are known.
    """

    form: str
    vectors: WordVectors
    in_order: np.ndarray
    words: list[str] | None

    def chosen(self, hashes: np.ndarray) -> tuple[WordVectors, bool | None]:
        """Those of some words only, and whether none of these has a capital letter, if it is known.

        hashes: (n,) uint64.
        """
        if self.words is None:
            return self.vectors.chosen(hashes), None
        kept = np.isin(self.in_order, hashes)
        words = (word for word, is_kept in zip(self.words, kept.tolist(), strict=True) if is_kept)
        return self.vectors.chosen(hashes), all(word == word.lower() for word in words)


def read_stored(path: Path) -> StoredVectors:
    """Read a folder of vectors, a spaCy pipeline's folder, or an installed pipeline by its name.

    RAISES ValueError: If it is none, or has no vectors by words; see WordVectors.from_vocab.
    """
    if (path / INFO).is_file():
        return _read_own(path)
    folder = _vocab_folder(path)
    if folder is None:
        raise ValueError(
            f"{path} is a folder without word vectors: neither one that ner-plus vectors wrote, "
            f"nor a spaCy pipeline, whose vocab folder has {_KEYS}."
        )
    return _read_spacy(path, folder)


def is_stored(path: Path) -> bool:
    """Whether a path is a folder, or the name of an installed pipeline."""
    return path.is_dir() or (not path.exists() and is_package(str(path)))


def _read_own(path: Path) -> StoredVectors:
    vectors = read_vectors(path)
    # rows are in the order in which the words came
    order = np.argsort(vectors.rows, kind="stable")
    info = read_vectors_info(path)
    return StoredVectors(f"word vectors from {info.source}", vectors, vectors.keys[order], None)


def _vocab_folder(path: Path) -> Path | None:
    if not path.exists():
        found = sorted(get_package_path(str(path)).glob(f"*/vocab/{_KEYS}"))
        return found[0].parent if found else None
    return next((one for one in (path, path / "vocab") if (one / _KEYS).is_file()), None)


def _read_spacy(path: Path, folder: Path) -> StoredVectors:
    has_strings = (folder / _STRINGS).is_file()
    exclude = ["lookups"] if has_strings else ["lookups", "strings"]
    vocab = Vocab()
    try:
        vocab.from_disk(folder, exclude=exclude)
        # spaCy gives no order of its own, but keeps that of the file
        in_order = np.array(list(vocab.vectors.key2row), dtype=np.uint64)
    except Exception as error:  # msgpack, JSON and numpy each raise others for damage
        raise ValueError(f"The vectors in {folder} can't be read by spaCy: {error}") from error
    vectors = WordVectors.from_vocab(vocab)
    words = None
    if has_strings and all(key in vocab.strings for key in in_order.tolist()):
        words = [vocab.strings[key] for key in in_order.tolist()]
    return StoredVectors("vectors of a spaCy pipeline", vectors, in_order, words)
