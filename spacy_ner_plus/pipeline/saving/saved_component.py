"""A whole component as files: `cfg`, the model's files in `model`, and the manifest of both.

In memory the same files are msgpack: {"cfg": bytes, "model": {name: bytes}, "manifest": bytes}.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinc.api import Model

from ...models.storage.files import as_bytes, read_json, read_msgpack
from ...models.storage.manifest import MANIFEST, Content, damage, make_manifest, verify
from ...models.storage.migration import FORMAT, check_format, check_sealed, migrate_cfg
from . import saved_model

CFG, MODEL = "cfg", "model"
# Parts of the component, as in `exclude`.
PARTS = (CFG, MODEL)
_NAMES = (CFG, *(f"{MODEL}/{name}" for name in saved_model.ALL_FILES))


@dataclass(frozen=True)
class SavedComponent:
    """A component's files, found to be those that were saved; of the model's, none is read yet.

    cfg (dict): Settings; None if they were left out.
    model: The model's files by name, none for one without weights; None if they were left out.
    is_verified (bool): Whether there is a manifest: format 1 has none.
    """

    cfg: dict[str, Any] | None
    model: Mapping[str, Content] | None
    is_verified: bool


def pack_cfg(cfg: Mapping[str, Any]) -> bytes:
    """The content of `cfg`."""
    return json.dumps({"format": FORMAT, **cfg}, indent=2).encode("utf8")


def pack(cfg: Mapping[str, Any], model: Model, exclude: Iterable[str]) -> dict[str, Any]:
    """The parts of a component that are not left out, with their manifest, for msgpack."""
    parts: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    if CFG not in exclude:
        parts[CFG] = files[CFG] = pack_cfg(cfg)
    if MODEL not in exclude:
        parts[MODEL] = as_bytes(saved_model.to_files(model))
        files |= {f"{MODEL}/{name}": content for name, content in parts[MODEL].items()}
    return {**parts, "manifest": make_manifest(files)}


def unpack(parts: Mapping[str, Any], exclude: Iterable[str]) -> SavedComponent:
    """The reverse of pack.

    RAISES ValueError: If parts are damaged, of a newer format, or not those of the manifest.
    """
    files: dict[str, Content] = {}
    if CFG in parts and CFG not in exclude:
        cfg = parts[CFG]
        files[CFG] = cfg.encode("utf8") if isinstance(cfg, str) else cfg  # a str in format 1
    has_model = MODEL in parts and MODEL not in exclude
    if has_model:
        model = parts[MODEL]
        if isinstance(model, bytes):  # format 1 packed them twice
            model = read_msgpack(MODEL, model)
        if not isinstance(model, dict):
            raise damage(MODEL, None, "holds no files")
        files |= {f"{MODEL}/{name}": content for name, content in model.items()}
    for name, content in files.items():
        if not isinstance(content, bytes):
            raise damage(name, None, "is no bytes")
    return _verified(parts.get("manifest"), files, exclude, has_model=has_model)


def write_manifest(path: Path) -> None:
    """Write the manifest of what lies in a component's folder. path: Where the manifest goes."""
    path.write_bytes(make_manifest(_find(path.parent, exclude=())))


def read_folder(path: Path, exclude: Iterable[str]) -> SavedComponent:
    """Find a component's files in its folder and compare them with the manifest.

    RAISES ValueError: If files are missing, damaged, of a newer format, or not those of the
        manifest.
    """
    model_folder = path / MODEL
    if MODEL not in exclude and not model_folder.is_dir():
        raise ValueError(f"The saved ner_plus model lacks its folder {model_folder}.")
    files = _find(path, exclude)
    manifest = path / MANIFEST
    if CFG not in exclude and CFG not in files and not manifest.is_file():
        raise damage(CFG, path / CFG, "is missing")
    return _verified(
        manifest if manifest.is_file() else None, files, exclude, has_model=MODEL not in exclude
    )


def _find(path: Path, exclude: Iterable[str]) -> dict[str, Content]:
    """The files that the parts consist of, by name. Others that lie there are never read."""
    names = [name for name in _NAMES if name.split("/")[0] not in exclude]
    return {name: path / name for name in names if (path / name).is_file()}


def _verified(
    manifest: Content | None,
    files: Mapping[str, Content],
    exclude: Iterable[str],
    *,
    has_model: bool,
) -> SavedComponent:
    if manifest is not None:
        if not isinstance(manifest, bytes | Path):
            raise damage(MANIFEST, None, "is no bytes")
        known = {name for name in _NAMES if name.split("/")[0] not in exclude}
        verify(manifest, files, known=frozenset(known), left_out=frozenset(_NAMES) - known)
    cfg = None
    if CFG in files:
        cfg = read_json(CFG, files[CFG])
        format_ = check_format(cfg.pop("format", 1), CFG)
        check_sealed(format_, CFG, is_verified=manifest is not None)
        cfg = migrate_cfg(cfg, format_)
        _check_cfg(cfg, files[CFG])
    prefix = f"{MODEL}/"
    model = {n.removeprefix(prefix): c for n, c in files.items() if n.startswith(prefix)}
    return SavedComponent(cfg, model if has_model else None, is_verified=manifest is not None)


def _check_cfg(cfg: Mapping[str, Any], content: Content) -> None:
    labels, weights = cfg.get("labels"), cfg.get("balanced")
    if not isinstance(cfg.get("tag_scheme"), str):
        raise damage(CFG, content, "has no tag_scheme")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise damage(CFG, content, "has no list of labels")
    if not isinstance(weights, dict) or not all(
        isinstance(weight, int | float) and 0 < weight < float("inf") for weight in weights.values()
    ):
        raise damage(CFG, content, "has no weights of labels")
