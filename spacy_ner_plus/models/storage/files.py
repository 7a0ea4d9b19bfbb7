"""What a shim saves.

That is settings as JSON, the tokenizer's JSON, weights as safetensors, of an exported encoder its
graph, and of hand-written features their values.

What is read may come from a stranger: no file can have code run, another file read or the network
used, and the weights are compared with the settings before memory is taken for a module.
"""

import gc
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import srsly
import torch
from torch import Tensor, nn

from ...support.full_disk import told_if_full
from ...text.wordpieces import WordpieceTokenizer
from .bounded_building import built_within
from .manifest import Content, damage
from .migration import FORMAT, check_format, check_sealed, migrate_settings

WEIGHTS, SETTINGS, TOKENIZER = "weights.safetensors", "tagger.json", "tokenizer.json"
GRAPH = "model.onnx"
FEATURES = "features.json"
FILES = (SETTINGS, TOKENIZER, WEIGHTS, GRAPH, FEATURES)
# Tensors that a module makes itself and that are in no file (positions, masks): in bytes.
MAX_UNSAVED = 1 << 30


@dataclass(frozen=True)
class Weights:
    """Tensors to save. They are still the module's own: no copy is made of what is on the CPU."""

    tensors: dict[str, Tensor]

    def to_bytes(self) -> bytes:
        """The tensors as a safetensors file in memory."""
        return safetensors.torch.save(self.tensors)

    def to_file(self, path: Path) -> None:
        """Write a safetensors file without a copy of it in memory."""
        with named_errors(path):
            safetensors.torch.save_file(self.tensors, path)


# What msgpack and numpy raise when lengths, types or shapes are not what they should be.
_NO_MSGPACK = (ValueError, TypeError, LookupError, SyntaxError, OverflowError, RecursionError)

# Of a file to write: its bytes, weights, or another file that it is a copy of.
Unsaved = bytes | Weights | Path


@dataclass(frozen=True)
class Saved:
    """A module's files after reading.

    settings (dict): Plain data.
    tokenizer: None if the module has no encoder of its own.
    state (dict): Tensors by name; from a file, they are mapped into memory, not read.
    """

    settings: dict[str, Any]
    tokenizer: WordpieceTokenizer | None
    state: dict[str, Tensor]

    def check(self, build: Callable[[], nn.Module]) -> None:
        """Compare the weights with a module of the settings, by name and shape.

        It is built without memory (torch's meta device), and no further than the weights go.

        build (Callable): Makes the module.
        RAISES ValueError: If they do not fit it.
        """
        with torch.device("meta"), built_within(self.state, of=WEIGHTS, by=SETTINGS):
            module = build()
        wanted = module.state_dict()
        for name, value in wanted.items():
            if name in self.state and self.state[name].shape != value.shape:
                raise ValueError(
                    f"{WEIGHTS} does not fit the other files of the saved pipeline: {name} has "
                    f"shape {tuple(self.state[name].shape)}, where {tuple(value.shape)} is needed."
                )
            if name in self.state and _kind_of(self.state[name]) != _kind_of(value):
                raise ValueError(
                    f"{WEIGHTS} has {name} in {self.state[name].dtype}, where {value.dtype} is "
                    "needed: quantised weights can't be read."
                )
        # buffers such as position_ids come and go with versions of transformers, and hold nothing
        parameters = {name for name, _ in module.named_parameters()}
        missing = [name for name in wanted if name in parameters and name not in self.state]
        unexpected = [
            name for name in self.state if name not in wanted and not name.endswith("position_ids")
        ]
        if missing or unexpected:
            raise ValueError(
                f"{WEIGHTS} does not fit the saved encoder configuration: missing "
                f"{_some(missing)}, unexpected {_some(unexpected)}. Was it saved with a newer "
                "version of transformers?"
            )
        unsaved = sum(
            b.numel() * b.element_size() for n, b in module.named_buffers() if n not in self.state
        )
        if unsaved > MAX_UNSAVED:
            raise ValueError(
                f"{SETTINGS} of the saved pipeline asks for {unsaved:,} bytes besides the "
                "weights, far more than any encoder needs: nothing was loaded."
            )

    def fill(self, module: nn.Module) -> None:
        """Put the weights into a module that they fit."""
        module.load_state_dict(self.state, strict=False)


def pack(
    settings: Mapping[str, Any], tokenizer: str | None, state: Mapping[str, Tensor]
) -> dict[str, Unsaved]:
    """Files by name, from settings, a tokenizer's JSON and weights."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    files: dict[str, Unsaved] = {**pack_settings(settings), WEIGHTS: Weights(tensors)}
    if tokenizer is not None:
        files[TOKENIZER] = tokenizer.encode("utf8")
    return files


def pack_settings(settings: Mapping[str, Any]) -> dict[str, Unsaved]:
    """The file of the settings alone.

    RAISES ValueError: If they have a key that is the file's own.
    """
    if "format" in settings:
        raise ValueError(
            f"The settings of the model have the key 'format' ({settings['format']!r:.80}), where "
            "the number of the saved format goes: give it another name."
        )
    content = json.dumps({"format": FORMAT, **settings}, indent=2, sort_keys=True)
    return {SETTINGS: content.encode("utf8")}


def as_bytes(files: Mapping[str, Unsaved]) -> dict[str, bytes]:
    """Files to write, in memory."""
    return {
        name: content.to_bytes() if isinstance(content, Weights) else _read(content)
        for name, content in files.items()
    }


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """RAISES OSError: If safetensors can't write a file, which its own error does not name."""
    try:
        with told_if_full(path):
            yield
    except safetensors.SafetensorError as error:
        raise OSError(f"{path} can't be written: {error}") from error


def write_file(path: Path, content: Unsaved) -> None:
    """Write one file. RAISES FullDiskError: If the disk is full."""
    with told_if_full(path):
        if isinstance(content, Weights):
            content.to_file(path)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        elif not (path.exists() and path.samefile(content)):
            shutil.copyfile(content, path)


def unpack(files: Mapping[str, Content], *, is_verified: bool) -> Saved:
    """The reverse of pack.

    is_verified (bool): Whether the files were compared with a manifest.
    RAISES ValueError: If a file is missing, damaged or of another format.
    """
    needed = {SETTINGS, WEIGHTS}
    if SETTINGS in files:
        settings = read_settings(files[SETTINGS], is_verified=is_verified)
        if "pad_id" in settings:
            needed.add(TOKENIZER)
    missing = needed - set(files)
    if missing:
        raise ValueError(f"The saved pipeline lacks {', '.join(sorted(missing))}.")
    tokenizer = None
    if TOKENIZER in needed:
        tokenizer = _read_tokenizer(files[TOKENIZER], pad_id=settings["pad_id"])
    return Saved(settings, tokenizer, _read_weights(files[WEIGHTS]))


def read_settings(content: Content, *, is_verified: bool) -> dict[str, Any]:
    """The settings from their file, as the present format has them.

    RAISES ValueError: If it is damaged or of another format.
    """
    settings = read_json(SETTINGS, content)
    format_ = check_format(settings.get("format"), SETTINGS)
    check_sealed(format_, SETTINGS, is_verified=is_verified)
    return migrate_settings(settings, format_)


def _read_tokenizer(content: Content, *, pad_id: object) -> WordpieceTokenizer:
    if type(pad_id) is not int or pad_id < 0:
        raise damage(SETTINGS, None, f"has the pad_id {pad_id!r:.40}, which is no vocabulary id")
    try:
        return WordpieceTokenizer.from_json(_read(content).decode("utf8"), pad_id=pad_id)
    except Exception as error:  # the tokenizers library raises no narrower one
        raise damage(TOKENIZER, content, f"is no tokenizer: {error}") from error


def _read_weights(content: Content) -> dict[str, Tensor]:
    try:
        if isinstance(content, Path):
            return safetensors.torch.load_file(content)
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, KeyError) as error:  # KeyError: a type unknown to torch
        raise damage(WEIGHTS, content, f"is no safetensors file: {error}") from error


def read_json(name: str, content: Content) -> dict[str, Any]:
    """An object from a JSON file. RAISES ValueError: If it is something else."""
    try:
        found = json.loads(_read(content))
    except (ValueError, RecursionError) as error:
        raise damage(name, content, f"is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise damage(name, content, "holds no JSON object")
    return found


def read_msgpack(name: str, content: Content) -> dict[Any, Any]:
    """A mapping from msgpack, which holds plain data and numpy arrays of numbers, never objects.

    RAISES ValueError: If it is something else.
    """
    is_collecting = gc.isenabled()
    try:
        found = srsly.msgpack_loads(_read(content))
    except _NO_MSGPACK as error:
        raise damage(name, content, f"is no msgpack: {error}") from error
    finally:
        if is_collecting:  # srsly switches it off, and forgets that when it fails
            gc.enable()
    if not isinstance(found, dict):
        raise damage(name, content, "holds no mapping")
    return found


def _read(content: Content) -> bytes:
    return content.read_bytes() if isinstance(content, Path) else content


def _kind_of(tensor: Tensor) -> tuple[bool, bool]:
    """What is kept when one dtype is converted to another."""
    return tensor.is_floating_point(), tensor.is_complex()


def _some(names: Iterable[str]) -> list[str]:
    return [name[:200] for name in list(names)[:5]]
