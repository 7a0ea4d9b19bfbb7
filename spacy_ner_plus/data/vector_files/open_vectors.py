"""Which reader a file of word vectors needs, by its content."""

from pathlib import Path

from ..sources.raw_files import check_head
from .array_vectors import MAGIC, ArrayVectors
from .binary_vectors import BinaryVectors
from .text_vectors import Header, TextVectors, is_text
from .vector_block import VectorSource
from .vector_streams import open_stream

# So much of the beginning of a file tells what it is.
HEAD = 1 << 20
_READ = (
    "What is read: text of GloVe, word2vec and fastText (.vec), word2vec's binary form, all of "
    "them packed with gzip or ZIP or not; a .npy file with --word-list; a spaCy pipeline's folder."
)
# By their first bytes, and what to do about them.
_OTHERS = {
    b"\xba\x16\x4f\x2f": (
        "a model of fastText in its own form. Take its .vec file, or make one of words that you "
        "need: fasttext print-word-vectors MODEL.bin < WORDS > FILE.vec"
    ),
    b"\x80": (
        "a pickle, as gensim saves its models, which could run anything. Save the vectors in the "
        "form of word2vec: model.wv.save_word2vec_format(FILE)"
    ),
    b"\x89HDF": "an HDF5 file. Take the text of these vectors, or save them as .npy and words.",
    b"PAR1": (
        "a Parquet file. If it has the words of a .npy file, name that file, and this one with "
        "--word-list."
    ),
    b"SQLite format 3": "a SQLite database, as Magnitude has it. Take the text of these vectors.",
    b"BZh": "packed with bzip2. Unpack it first.",
    b"\xfd7zXZ": "packed with xz. Unpack it first.",
    b"7z\xbc\xaf": "packed with 7-Zip. Unpack it first.",
}


def open_vectors(
    path: Path,
    *,
    member: str | None = None,
    word_list: Path | None = None,
    column: str | None = None,
) -> VectorSource:
    """The reader of a file.

    member (Optional[str]): Which file of a ZIP archive.
    word_list (Optional[Path]): The words of a .npy file.
    column (Optional[str]): Which column of word_list, if that is a Parquet file.
    RAISES ValueError: If it is no file of vectors, or of a form that can't be read, and what to do.
    """
    if not path.is_file():
        raise ValueError(
            f"There is no file or folder {path}, nor is a spaCy pipeline of this name installed."
        )
    with open_stream(path, member) as stream:
        start, name = stream.read(HEAD), stream.name
    if start.startswith(MAGIC):
        return _open_array(path, name, word_list, column)
    if word_list is not None or column is not None:
        raise ValueError(f"--word-list and --column are for a .npy file, which {path} is not.")
    if not start.strip():
        raise ValueError(f"{name} is empty.")
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise ValueError(f"{name} is {what}")
    head = start.split(b"\n")
    if len(start) == HEAD and len(head) > 2:
        head.pop()  # it goes on; of a binary file, it may be all behind the header
    if is_text(head):
        return TextVectors(path, member, head)
    if head and Header.of(head[0]) is not None:
        return BinaryVectors(path, member, head)
    check_head(Path(name), start)
    raise _refusal(name, head[0] if head else start)


def _open_array(path: Path, name: str, word_list: Path | None, column: str | None) -> VectorSource:
    if name != str(path) or path.open("rb").read(len(MAGIC)) != MAGIC:
        raise ValueError(f"{name} is an array of numpy, which is not read packed: unpack it first.")
    if word_list is None:
        raise ValueError(
            f"{path} is an array of numpy without words: name the file that has them with "
            "--word-list, a text with a word a line, or a Parquet file."
        )
    return ArrayVectors(path, word_list, column)


def _refusal(name: str, line: bytes) -> ValueError:
    columns = line.split()
    if len(columns) == 8 and all(map(bytes.isdigit, columns[:6])):  # bucket dim minn maxn ... < >
        return ValueError(
            f"{name} has vectors of floret, which are made of pieces of words, and so no table by "
            "words. Take a file of fastText, whose form is .vec."
        )
    shown = line[:60].decode("utf8", "backslashreplace")
    return ValueError(f"{name} is no file of word vectors: it begins with {shown!r}. {_READ}")
