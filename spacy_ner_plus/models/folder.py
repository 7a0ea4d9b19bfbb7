"""A whole model as files: those of the tagger's shim, and the bytes of a tok2vec under it."""

from collections.abc import Mapping
from pathlib import Path

from thinc.api import Model

from .files import FILES
from .shim import shim_of

TOK2VEC = "tok2vec.msgpack"
ALL_FILES = (*FILES, TOK2VEC)


def to_files(model: Model) -> dict[str, bytes]:
    """Everything that loading needs, by file name; nothing if the model has no weights yet."""
    files = shim_of(model).to_files()
    if files and model.layers:
        files[TOK2VEC] = model.layers[0].to_bytes()
    return files


def from_files(model: Model, files: Mapping[str, bytes]) -> None:
    """Fill in a model that was built from the same config; the reverse of to_files.

    RAISES ValueError: If a file is missing, of another format, or does not fit the others or the
        settings of the config.
    """
    own = dict(files)
    tok2vec = own.pop(TOK2VEC, None)
    if own and (tok2vec is None) == bool(model.layers):
        raise ValueError(
            f"The saved ner_plus model {'lacks' if tok2vec is None else 'has'} {TOK2VEC}, so it "
            "was saved with another architecture than the config's [components.ner_plus.model]."
        )
    shim_of(model).from_files(own)
    if tok2vec is not None:
        try:
            model.layers[0].from_bytes(tok2vec)
        except ValueError as error:
            raise ValueError(f"{TOK2VEC} does not fit the config's tok2vec: {error}") from error


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, and remove those of a model that was saved there before."""
    folder.mkdir(exist_ok=True)
    for name in ALL_FILES:
        if name in files:
            (folder / name).write_bytes(files[name])
        else:
            (folder / name).unlink(missing_ok=True)


def read(folder: Path) -> dict[str, bytes]:
    """Read the files. RAISES ValueError: If there is no such folder."""
    if not folder.is_dir():
        raise ValueError(f"The saved ner_plus model lacks its folder {folder}.")
    paths = [folder / name for name in ALL_FILES]
    return {path.name: path.read_bytes() for path in paths if path.exists()}
