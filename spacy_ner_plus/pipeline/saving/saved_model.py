"""A whole model as files: those of its shim, and the bytes of a tok2vec under it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thinc.api import Model

from ...models.onnx.shim import ONLY_ONNX, OnnxShim
from ...models.runtime.torch_shim import TorchShim
from ...models.storage.files import FILES, GRAPH, WEIGHTS, Unsaved, read_msgpack
from ...models.storage.manifest import Content
from .foreign import TOK2VEC, check_message, check_shims
from .layers import become, loaded_copy

ALL_FILES = (*FILES, TOK2VEC)


def to_files(model: Model) -> dict[str, Unsaved]:
    """Everything that loading needs, by file name.

    Of a model without weights, it is what its shim knows all the same.

    RAISES ValueError: If there is something in the tok2vec that could not be loaded safely.
    """
    files = _shim_of(model).to_files()
    if WEIGHTS in files and model.layers:
        check_shims(model.layers[0])
        files[TOK2VEC] = model.layers[0].to_bytes()
    return files


@dataclass(frozen=True)
class ReadModel:
    """A model's files after reading and checking; the model is still as it was.

    shim (TorchShim): What the model's shim is to become.
    tok2vec (Model): What the model's tok2vec is to become; None if it has none, or stays.
    """

    model: Model
    shim: Any
    tok2vec: Model | None

    def take(self) -> None:
        """Put it into the model."""
        if self.tok2vec is not None:
            become(self.model.layers[0], self.tok2vec)
        _shim_of(self.model).take(self.shim)


def read_model(model: Model, files: Mapping[str, Content], *, is_verified: bool) -> ReadModel:
    """Read the files of a model that was built from the same config; the reverse of to_files.

    files: By name.
    is_verified (bool): Whether they were compared with a manifest.
    RAISES ValueError: If a file is missing, damaged, of another format, or does not fit the others
        or the settings of the config.
    """
    own = dict(files)
    tok2vec = own.pop(TOK2VEC, None)
    has_weights = WEIGHTS in own or tok2vec is not None
    if has_weights and (tok2vec is None) == bool(model.layers):
        raise ValueError(
            f"The saved pipeline {'lacks' if tok2vec is None else 'has'} {TOK2VEC}, so it was "
            "saved with another architecture than that of its component's model in the config."
        )
    if GRAPH in own and not isinstance(_shim_of(model), OnnxShim):
        raise ValueError(ONLY_ONNX)
    shim = _shim_of(model).read_files(own, is_verified=is_verified)
    if tok2vec is None:
        return ReadModel(model, shim, None)
    return ReadModel(model, shim, _read_tok2vec(model.layers[0], tok2vec))


def _read_tok2vec(tok2vec: Model, content: Content) -> Model:
    message = read_msgpack(TOK2VEC, content)
    check_message(tok2vec, message)
    try:
        return loaded_copy(tok2vec, message)
    # of thinc, torch and transformers, for data that is not what their layers saved
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError, OSError) as error:
        raise ValueError(f"{TOK2VEC} does not fit the config's tok2vec: {error}") from error


def _shim_of(model: Model) -> TorchShim:
    """The model's own shim: others may be within its tok2vec."""
    return next(shim for shim in model.shims if isinstance(shim, TorchShim))
