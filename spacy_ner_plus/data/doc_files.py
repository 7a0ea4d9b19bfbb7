"""The one place that opens .spacy files."""

from collections.abc import Iterator
from pathlib import Path

from spacy.tokens import DocBin

# The key in doc.user_data of what our files keep of a record, and a Doc has no place for.
RECORD = "spacy_ner_plus.record"


def find_files(path: Path) -> list[Path]:
    """The .spacy files that a path names. RAISES ValueError: If there are none."""
    files = sorted(path.rglob("*.spacy")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise ValueError(f"There is no corpus at {path}: write it with ner-plus convert.")
    return files


def read_files(path: Path) -> Iterator[DocBin]:
    """What the .spacy files that a path names hold, one after the other.

    RAISES ValueError: If there are none, one is of another format, or, behind the last one, if they
        have no documents.
    """
    n_docs = 0
    for file in find_files(path):
        docs = read_file(file)
        n_docs += len(docs)
        yield docs
    if not n_docs:
        raise ValueError(f"{path} has no documents.")


def check_files(path: Path) -> None:
    """Look at all that read_files gives. RAISES ValueError: As that."""
    for _ in read_files(path):
        pass


def read_file(path: Path) -> DocBin:
    """What a .spacy file holds. RAISES ValueError: If it is none, or damaged."""
    return parse_file(path, path.read_bytes())


def parse_file(path: Path, content: bytes) -> DocBin:
    """As read_file, of a file's content that was read already."""
    try:
        return DocBin().from_bytes(content)
    # msgpack, numpy and a dictionary each find damage of another kind
    except (ValueError, KeyError, TypeError) as error:
        # spaCy's own message names its own `convert`, which does not read what ours does
        reason = "it can't be unpacked" if "[E1014]" in str(error) else error
        raise ValueError(
            f"{path} is no .spacy file, or a damaged one: {reason}. `ner-plus convert` writes such "
            "files."
        ) from error
