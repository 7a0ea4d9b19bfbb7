"""The bytes of a tok2vec that is not ours, looked at before its layers read them.

thinc's layers are arrays and plain data. Modules of other libraries within them bring readers of
their own: those of thinc's PyTorchWrapper and of spacy-transformers unpickle weights with torch,
and the latter writes tokenizer files to a folder by the names that it finds and passes on arguments
to the transformers library. What they are given is checked here; others are not given anything.
"""

import io
import json
import pickle
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import torch
from thinc.api import Model, PyTorchShim
from thinc.shims.pytorch import default_deserialize_torch_model

from ...models.runtime.torch_shim import TorchShim
from ...models.storage.bounded_building import built_within
from ...models.storage.files import read_msgpack
from ...nn.encoders.transformer import TransformerEncoder, check_stored_config

TOK2VEC = "tok2vec.msgpack"
_HF_MODULE = "spacy_transformers.layers.hf_shim"
# Of tokenizers: vocabularies and settings, nothing that Python could run or unpickle.
_SUFFIXES = (".json", ".txt", ".model", ".bpe", ".codes")
# Those that are data all through, and that may be large.
_VOCABULARIES = ("tokenizer.json", "vocab.json")
# Settings that have code run, or another model or file read.
_CODE = (
    "auto_map",
    "trust_remote_code",
    "quantization_config",
    "attn_implementation",
    "attn_implementation_internal",
)


def check_shims(model: Model) -> None:
    """Check that the layers hold nothing that could not be loaded safely again.

    RAISES ValueError: Naming the class that is the matter.
    """
    for shim in _shims(model):
        if _kind(shim) is None:
            raise ValueError(
                f"The tok2vec under ner_plus holds a {type(shim).__module__}."
                f"{type(shim).__qualname__}, of which ner_plus does not know whether its bytes can "
                "be read without running code from them. Put the encoder in a component of its own "
                "and listen to it (spacy.Tok2VecListener.v1), or use spacy_ner_plus.Transformer.v1."
            )


def check_message(model: Model, message: Mapping[str, Any]) -> None:
    """Check what the shims of some layers would read.

    message: What the model's to_bytes packed.
    RAISES ValueError: If something in it could have code run, or write or read other files.
    """
    check_shims(model)
    nodes = list(model.walk())
    parts = message.get("shims")
    if not isinstance(parts, list) or len(parts) != len(nodes):
        raise ValueError(f"{TOK2VEC} is of a tok2vec with other layers than the config's.")
    for node, contents in zip(nodes, parts, strict=True):
        if not isinstance(contents, list) or len(contents) != len(node.shims):
            raise ValueError(f"{TOK2VEC} is of a tok2vec with other layers than the config's.")
        for shim, content in zip(node.shims, contents, strict=True):
            kind = _kind(shim)
            if kind == "ours":
                continue
            part = read_msgpack(TOK2VEC, content)
            if kind == "transformers":
                _check_transformer(part)
            state = _check_torch_file(part["state"]) if part.get("state") else {}
            if kind == "transformers" and part.get("config"):
                _check_size(part["config"], state)


def _shims(model: Model) -> Iterator[Any]:
    return (shim for node in model.walk() for shim in node.shims)


def _kind(shim: Any) -> str | None:
    if isinstance(shim, TorchShim):
        return "ours"
    if type(shim).__module__ == _HF_MODULE:
        return "transformers"
    # a PyTorchWrapper may have been given a reader of its own
    reads_with_torch = (
        type(shim) is PyTorchShim and shim._deserialize_model is default_deserialize_torch_model
    )
    return "torch" if reads_with_torch else None


def _check_torch_file(content: object) -> Mapping[str, torch.Tensor]:
    """torch.load must not need more than tensors; on the meta device they take no memory.

    RETURNS: The tensors by name.
    """
    if not isinstance(content, bytes):
        raise ValueError(f"{TOK2VEC} holds weights that are no bytes.")
    try:
        state = torch.load(io.BytesIO(content), weights_only=True, map_location="meta")
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError) as error:
        raise ValueError(
            f"{TOK2VEC} holds weights that are more than tensors, or damaged ones. Nothing of them "
            f"was run. The reason: {str(error).splitlines()[0][:200]}"
        ) from error
    if not isinstance(state, Mapping) or not all(map(torch.is_tensor, state.values())):
        raise ValueError(f"{TOK2VEC} holds weights that are no tensors by name.")
    return state


def _check_size(config: dict[str, Any], state: Mapping[str, torch.Tensor]) -> None:
    """The encoder that spacy-transformers will build must be no larger than the weights."""
    with torch.device("meta"), built_within(state, of="its weights", by=TOK2VEC):
        TransformerEncoder.from_config(config)


def _check_transformer(part: Mapping[str, Any]) -> None:
    for name in ("config", "_init_tokenizer_config", "_init_transformer_config"):
        _check_settings(part.get(name), name)
    if part.get("config"):
        check_stored_config(part["config"])
    files = part.get("tokenizer")
    if not isinstance(files, Mapping):
        raise ValueError(f"{TOK2VEC} holds a transformer without a tokenizer.")
    for name, content in files.items():
        if name == "kwargs":
            if not isinstance(content, Mapping) or set(content) - {"use_fast"}:
                raise ValueError(
                    f"{TOK2VEC} has the arguments {content!r:.200} for the tokenizer; only "
                    "use_fast may be among them."
                )
            continue
        _check_tokenizer_file(name, content)


def _check_tokenizer_file(name: object, content: object) -> None:
    if not isinstance(name, str) or not _is_plain(name) or not name.endswith(_SUFFIXES):
        raise ValueError(
            f"{TOK2VEC} holds a tokenizer file named {name!r:.200}: only plain names that end in "
            f"{', '.join(_SUFFIXES)} are taken."
        )
    if not isinstance(content, bytes):
        raise ValueError(f"{TOK2VEC} holds a tokenizer file {name!r:.200} that is no bytes.")
    if name.endswith(".json") and name not in _VOCABULARIES:
        try:
            _check_settings(json.loads(content), name)
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"{TOK2VEC} holds a {name!r:.200} that is no JSON.") from error


def _is_plain(name: str) -> bool:
    """Whether a name names a file in a folder, on every system."""
    return name == PurePosixPath(name).name == PureWindowsPath(name).name


def _check_settings(settings: object, where: str) -> None:
    if settings is None:
        return
    if not isinstance(settings, Mapping):
        raise ValueError(f"{TOK2VEC}: {where} holds no settings.")
    for key, value in settings.items():
        if not value:
            continue
        bare = str(key).lstrip("_")
        if bare in _CODE or bare.endswith("_file"):
            raise ValueError(
                f"{TOK2VEC}: {where} has {key} = {value!r:.200}, which would have code run or "
                "other files read. ner_plus does neither for a saved pipeline."
            )
        if isinstance(value, Mapping):
            _check_settings(value, where)
