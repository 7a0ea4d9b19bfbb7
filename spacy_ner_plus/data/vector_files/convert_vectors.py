"""A file of word vectors of any form -> a folder that is mapped into memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...support.output_folder import check_output_folder
from ...text.vector_folder import VectorsInfo, read_vectors
from ...text.vectors_writer import (
    Naming,
    VectorsWriter,
    check_vectors_output,
    fill_folder,
    vectors_folder,
)
from ...text.word_vectors import WordVectors
from .data_words import WordCoverage, read_words
from .open_vectors import open_vectors
from .stored_vectors import StoredVectors, is_stored, read_stored
from .vector_block import VectorBlock, VectorSource
from .word_choice import ReadCounts, WordChoice

# Of files, what does not belong to their names.
_SUFFIXES = {".gz", ".zip", ".txt", ".vec", ".bin", ".npy"}


@dataclass(frozen=True)
class ConvertedVectors:
    """What was written of a file of word vectors.

    output (Path): The folder.
    info (VectorsInfo): What is in it.
    counts (ReadCounts): What was read, and what of it was left out.
    n_bytes (int): The size of the folder's arrays.
    coverage (Optional[WordCoverage]): How many words of the given data have a vector.
    """

    output: Path
    info: VectorsInfo
    counts: ReadCounts
    n_bytes: int
    coverage: WordCoverage | None


def convert_vectors(
    input: str | Path,
    output: str | Path,
    *,
    words: int | None = None,
    float16: bool = False,
    only_words_of: str | Path | Sequence[str | Path] | None = None,
    word_list: str | Path | None = None,
    column: str | None = None,
    member: str | None = None,
    lang: str = "en",
) -> ConvertedVectors:
    """Write word vectors as a folder that is mapped into memory when it is read.

    The content of the file tells its form: text as GloVe, word2vec or fastText (.vec) writes it,
    word2vec's binary form, each of these packed with gzip or ZIP or not, an array of numpy with a
    list of its words, a spaCy pipeline's folder or name, or a folder that was written here. A file
    is read block by block: the memory that is needed grows with it by some 50 bytes a word.

    input (str / Path): The file, or folder, or the name of an installed spaCy pipeline.
    output (str / Path): The folder, which is there whole in the end, or as it was before. One of
        word vectors is replaced; no other is.
    words (int): So many of the first words, the most frequent in most files; None for all.
    float16 (bool): Write two bytes a number instead of four.
    only_words_of (str / Path / Sequence): Annotated texts of any format that `read` knows: keep the
        words that they have, as they are and in lower case, and count how many have a vector.
    word_list (str / Path): The words of a .npy file in the order of its rows: a text with a word a
        line, or a Parquet file.
    column (str): Its column with the words, of a Parquet file that has several with strings.
    member (str): The file's name within a ZIP archive that has several.
    lang (str): The language whose tokenizer cuts annotated texts that have no tokens.
    RETURNS (ConvertedVectors): What was read and written. Words that come again (the first vector
        stays), that are empty, and such as are not UTF-8, are left out and counted.
    RAISES (ValueError): What is wrong, with file and line, and what to do. Nothing is written then.
    """
    path, output = Path(input), Path(output)
    _check(path, output, words)
    source: StoredVectors | VectorSource
    if is_stored(path):
        _check_alone(path, word_list=word_list, column=column, member=member)
        source = read_stored(path)
    else:
        listed = None if word_list is None else Path(word_list)
        source = open_vectors(path, member=member, word_list=listed, column=column)
    data = _paths(only_words_of)
    wanted = read_words(data, lang) if data else None
    choice = WordChoice(words, None if wanted is None else wanted.hashes())
    naming = Naming(_name(Path(member or path)), f"{path.name} ({source.form})")
    with vectors_folder(output) as folder:
        if isinstance(source, StoredVectors):
            info = _write_stored(source, folder, naming, choice, float16=float16)
        else:
            info = _write_read(source, folder, naming, choice, float16=float16)
    coverage = None if wanted is None else wanted.coverage(read_vectors(output))
    n_bytes = sum(one.size for one in info.arrays.values())
    return ConvertedVectors(output, info, choice.counts, n_bytes, coverage)


def _check(path: Path, output: Path, words: int | None) -> None:
    """RAISES ValueError: What can be known to be wrong before anything is read."""
    if words is not None and words < 1:
        raise ValueError(f"--words must be at least 1, got {words}.")
    check_output_folder(output.parent)
    check_vectors_output(output)
    if output.exists() and path.exists() and output.samefile(path):
        raise ValueError(f"{output} is what is read: name another folder to write to.")


def _check_alone(path: Path, **options: object) -> None:
    """RAISES ValueError: If options are given that are for files."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value is not None]
    if given:
        raise ValueError(f"{path} has its words with it: leave out {', '.join(given)}.")


def _paths(given: str | Path | Sequence[str | Path] | None) -> list[Path]:
    if given is None:
        return []
    return [Path(one) for one in ([given] if isinstance(given, (str, Path)) else given)]


def _name(path: Path) -> str:
    """A file's name without what its form and packing are called."""
    while path.suffix.lower() in _SUFFIXES:
        path = path.with_suffix("")
    return path.name


def _write_stored(
    source: StoredVectors, folder: Path, naming: Naming, choice: WordChoice, *, float16: bool
) -> VectorsInfo:
    vectors, is_lowercased = source.chosen(choice.take_hashes(source.in_order))
    _check_some(len(vectors.keys), choice, naming)
    table = in_precision(vectors.table, "float16" if float16 else vectors.table.dtype.name)
    is_bad = ~np.isfinite(table).all(axis=1)
    if is_bad.any():
        raise ValueError(
            f"{naming.source}: {is_bad.sum():,} vectors have numbers that are not finite in "
            f"{table.dtype.name}, the first one in row {is_bad.argmax():,}."
        )
    naming = replace(naming, is_lowercased=is_lowercased)
    return fill_folder(folder, WordVectors(vectors.keys, vectors.rows, table), naming)


def _write_read(
    source: VectorSource, folder: Path, naming: Naming, choice: WordChoice, *, float16: bool
) -> VectorsInfo:
    precision = "float16" if float16 else source.precision
    bar = tqdm(
        total=source.total, desc="Reading vectors", unit=source.unit, unit_scale=True,
        disable=None, leave=False,
    )  # fmt: skip
    with bar, VectorsWriter(folder, source.width, precision) as writer:
        for block in source.blocks():
            places, hashes = choice.take_words(block.words)
            writer.add(hashes, _vectors(block, places, precision))
            bar.update(block.amount)
            if choice.is_full:
                break
        _check_some(writer.n_words, choice, naming)
        return writer.finish(replace(naming, is_lowercased=choice.is_lowercased))


def _vectors(block: VectorBlock, places: np.ndarray, precision: str) -> np.ndarray:
    """(n, width) of these words. RAISES ValueError: If one has no finite number."""
    vectors = in_precision(block.vectors(places), precision)
    is_bad = ~np.isfinite(vectors).all(axis=1)
    if is_bad.any():
        i = int(places[is_bad.argmax()])
        raise ValueError(
            f"{block.where(i)}: the vector of {block.words[i]!r} has a number that is not finite "
            f"in {precision}."
        )
    return vectors


def in_precision(vectors: np.ndarray, precision: str) -> np.ndarray:
    """Vectors in another type; numbers that it has no room for are not finite."""
    with np.errstate(over="ignore"):
        return vectors.astype(precision, copy=False)


def _check_some(n_words: int, choice: WordChoice, naming: Naming) -> None:
    if n_words == 0 and choice.counts.n_unwanted:
        raise ValueError(
            f"None of the {choice.counts.n_unwanted:,} words of {naming.source} is in the texts of "
            "--only-words-of, neither as it is nor in lower case: is it of another language?"
        )
    if n_words == 0:
        raise ValueError(f"There are no word vectors in {naming.source}.")
