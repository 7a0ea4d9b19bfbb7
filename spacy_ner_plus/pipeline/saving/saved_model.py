"""A whole model as files: those of the tagger's shim, and the bytes of a tok2vec under it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinc.api import Model

from ...models.onnx.shim import ONLY_ONNX, OnnxShim
from ...models.runtime.tagger_shim import TaggerShim, shim_of
from ...models.storage.files import FILES, GRAPH, Unsaved, Weights, read_msgpack
from ...models.storage.manifest import Content
from .foreign import TOK2VEC, check_message, check_shims
from .rollback import unchanged_on_error

ALL_FILES = (*FILES, TOK2VEC)


def to_files(model: Model) -> dict[str, Unsaved]:
    """Everything that loading needs, by file name; nothing if the model has no weights yet.

    RAISES ValueError: If there is something in the tok2vec that could not be loaded safely.
    """
    files = shim_of(model).to_files()
    if files and model.layers:
        check_shims(model.layers[0])
        files[TOK2VEC] = model.layers[0].to_bytes()
    return files


@dataclass(frozen=True)
class ReadModel:
    """A model's files after reading and checking; the model is still as it was."""

    model: Model
    shim: TaggerShim
    tok2vec: dict[str, Any] | None

    def take(self) -> None:
        """Put it into the model: all of it, or, with an error, nothing.

        RAISES ValueError: If the tok2vec's part does not fit the config's tok2vec.
        """
        if self.tok2vec is not None:
            self._take_tok2vec(self.tok2vec)
        shim_of(self.model).take(self.shim)

    def _take_tok2vec(self, message: dict[str, Any]) -> None:
        tok2vec = self.model.layers[0]
        try:
            with unchanged_on_error(tok2vec):
                tok2vec.from_dict(message)
        # of thinc, torch and transformers, for data that is not what their layers saved
        except (ValueError, TypeError, LookupError, AttributeError, RuntimeError, OSError) as error:
            raise ValueError(f"{TOK2VEC} does not fit the config's tok2vec: {error}") from error


def read_model(model: Model, files: Mapping[str, Content], *, is_verified: bool) -> ReadModel:
    """Read the files of a model that was built from the same config; the reverse of to_files.

    files: By name; none for a model without weights.
    is_verified (bool): Whether they were compared with a manifest.
    RAISES ValueError: If a file is missing, damaged, of another format, or does not fit the others
        or the settings of the config.
    """
    own = dict(files)
    tok2vec = own.pop(TOK2VEC, None)
    if own and (tok2vec is None) == bool(model.layers):
        raise ValueError(
            f"The saved ner_plus model {'lacks' if tok2vec is None else 'has'} {TOK2VEC}, so it "
            "was saved with another architecture than the config's [components.ner_plus.model]."
        )
    if GRAPH in own and not isinstance(shim_of(model), OnnxShim):
        raise ValueError(ONLY_ONNX)
    shim = shim_of(model).read_files(own, is_verified=is_verified)
    message = None
    if tok2vec is not None:
        message = read_msgpack(TOK2VEC, tok2vec)
        check_message(model.layers[0], message)
    return ReadModel(model, shim, message)


def write(folder: Path, files: Mapping[str, Unsaved]) -> None:
    """Write the files, and remove those of a model that was saved there before."""
    folder.mkdir(exist_ok=True)
    for name in ALL_FILES:
        content = files.get(name)
        if content is None:
            (folder / name).unlink(missing_ok=True)
        elif isinstance(content, Weights):
            content.to_file(folder / name)
        else:
            (folder / name).write_bytes(content)
