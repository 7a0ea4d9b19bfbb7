"""A whole component as files: `cfg`, further files in `model`, and the manifest of both.

In memory the same files are msgpack: {"cfg": bytes, "model": {name: bytes}, "manifest": bytes}.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...models.storage.files import Unsaved, as_bytes, read_json, read_msgpack, write_file
from ...models.storage.manifest import MANIFEST, Content, damage, make_manifest, verify
from ...models.storage.migration import FORMAT, check_format, check_sealed, migrate_cfg
from .old_labels import with_labels_of_cfg

CFG, MODEL = "cfg", "model"


@dataclass(frozen=True)
class SavedComponent:
    """A component's files, found to be those that were saved; of those in `model`, none is read.

    cfg (dict): Settings; None if they were left out.
    files: The files in `model` by name; None if they were left out.
    is_verified (bool): Whether there is a manifest: format 1 has none.
    cfg_content: What the cfg was read from.
    """

    cfg: dict[str, Any] | None
    files: Mapping[str, Content] | None
    is_verified: bool
    cfg_content: Content | None = None


class ComponentFiles:
    """Which files a component consists of, and how they are written and found again.

    names (Sequence[str]): Those that there may be in its folder `model`; without any, it has no
        such folder. Others are never read, whatever lies there.
    exclude (Iterable[str]): Parts to leave out: "cfg", "model".
    """

    def __init__(self, names: Sequence[str], exclude: Iterable[str] = ()) -> None:
        parts = {CFG, MODEL} - set(exclude)
        every = [CFG, *(f"{MODEL}/{name}" for name in names)]
        self._names = names
        self._wanted = [name for name in every if name.split("/")[0] in parts]
        self._left_out = frozenset(every) - frozenset(self._wanted)
        self._has_cfg = CFG in parts
        self.has_model = MODEL in parts and bool(names)

    # Writing

    def pack(self, cfg: Mapping[str, Any], files: Mapping[str, Unsaved]) -> dict[str, Any]:
        """The parts of a component with their manifest, for msgpack.

        files: What goes to `model`, by name; not looked at if it is left out.
        """
        parts: dict[str, Any] = {}
        packed: dict[str, bytes] = {}
        if self._has_cfg:
            parts[CFG] = packed[CFG] = pack_cfg(cfg)
        if self.has_model:
            parts[MODEL] = as_bytes(files)
            packed |= {f"{MODEL}/{name}": content for name, content in parts[MODEL].items()}
        return {**parts, "manifest": make_manifest(packed)}

    def write_model(self, folder: Path, files: Mapping[str, Unsaved]) -> None:
        """Write the folder `model`, and remove files of what was saved there before."""
        folder.mkdir(exist_ok=True)
        for name in self._names:
            if name in files:
                write_file(folder / name, files[name])
            else:
                (folder / name).unlink(missing_ok=True)

    def write_manifest(self, path: Path) -> None:
        """Write the manifest of what lies in a component's folder. path: Where it goes."""
        path.write_bytes(make_manifest(self._find(path.parent)))

    # Reading

    def unpack(self, parts: Mapping[str, Any]) -> SavedComponent:
        """The reverse of pack.

        RAISES ValueError: If parts are damaged, of a newer format, or not those of the manifest.
        """
        files: dict[str, Content] = {}
        if self._has_cfg and CFG in parts:
            cfg = parts[CFG]
            files[CFG] = cfg.encode("utf8") if isinstance(cfg, str) else cfg  # a str in format 1
        has_model = self.has_model and MODEL in parts
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
        return self._verified(parts.get("manifest"), files, has_model=has_model)

    def read_folder(self, path: Path) -> SavedComponent:
        """Find a component's files in its folder and compare them with the manifest.

        RAISES ValueError: If files are missing, damaged, of a newer format, or not those of the
            manifest.
        """
        if self.has_model and not (path / MODEL).is_dir():
            raise ValueError(f"The saved pipeline lacks its folder {path / MODEL}.")
        files = self._find(path)
        manifest = path / MANIFEST if (path / MANIFEST).is_file() else None
        if self._has_cfg and CFG not in files and manifest is None:
            raise damage(CFG, path / CFG, "is missing")
        return self._verified(manifest, files, has_model=self.has_model)

    def _find(self, path: Path) -> dict[str, Content]:
        return {name: path / name for name in self._wanted if (path / name).is_file()}

    def _verified(
        self, manifest: Content | None, files: Mapping[str, Content], *, has_model: bool
    ) -> SavedComponent:
        if manifest is not None:
            if not isinstance(manifest, bytes | Path):
                raise damage(MANIFEST, None, "is no bytes")
            verify(manifest, files, known=frozenset(self._wanted), left_out=self._left_out)
        prefix = f"{MODEL}/"
        model: dict[str, Content] | None = None
        if has_model:
            model = {n.removeprefix(prefix): c for n, c in files.items() if n.startswith(prefix)}
        is_verified = manifest is not None
        if CFG not in files:
            return SavedComponent(None, model, is_verified)
        cfg = read_json(CFG, files[CFG])
        format_ = check_format(cfg.pop("format", 1), CFG)
        check_sealed(format_, CFG, is_verified=is_verified)
        if model is not None:
            model = with_labels_of_cfg(model, cfg, format_, files[CFG])
        return SavedComponent(migrate_cfg(cfg, format_), model, is_verified, files[CFG])


def pack_cfg(cfg: Mapping[str, Any]) -> bytes:
    """The content of `cfg`."""
    return json.dumps({"format": FORMAT, **cfg}, indent=2).encode("utf8")
