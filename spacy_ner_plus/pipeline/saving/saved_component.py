"""A whole component as files: `cfg`, further files in `model`, and the manifest of both.

In memory the same files are msgpack: {"cfg": bytes, "model": {name: bytes}, "manifest": bytes}.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ...models.storage.files import Unsaved, as_bytes, read_json, read_msgpack, write_file
from ...models.storage.manifest import MANIFEST, Content, damage, make_manifest, verify
from ...models.storage.migration import FORMAT, check_format, check_sealed, migrate_cfg
from ...support.durable import remove
from ...support.full_disk import told_if_full
from .old_labels import with_labels_of_cfg

logger = logging.getLogger("spacy_ner_plus")
T = TypeVar("T")
CFG, MODEL = "cfg", "model"
# Where a component is written in its folder until it is whole.
UNFINISHED = ".unfinished"
STAYS = (
    "The component that was saved there before is as it was. Make room and save the pipeline "
    "again, to this place or to another one."
)


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

        files: What goes to `model`, by name.
        RAISES ValueError: If cfg can't be saved, or a file is none of the component's.
        """
        packed = as_bytes(self._to_save(cfg, files))
        parts: dict[str, Any] = {CFG: packed[CFG]} if self._has_cfg else {}
        if self.has_model:
            parts[MODEL] = _of_model(packed)
        return {**parts, "manifest": make_manifest(packed)}

    def write(
        self,
        folder: Path,
        cfg: Mapping[str, Any],
        files: Mapping[str, Unsaved],
        *,
        write_others: Callable[[Path], object],
    ) -> None:
        """Write a component's folder, with its manifest.

        All is written beside what was saved there before, and takes its place only at the end: what
        fails on the way leaves that as it was. Files of it that are none of the component any more
        are removed; parts that are left out stay.

        files: What goes to `model`, by name.
        write_others (Callable): Writes what is in no manifest into the folder that it gets.
        RAISES ValueError: If cfg can't be saved, or a file is none of the component's.
            FullDiskError: If the disk is full.
        """
        saved = self._to_save(cfg, files)
        folder.mkdir(exist_ok=True)
        unfinished = folder / UNFINISHED
        remove(unfinished)  # of a save that was killed
        try:
            with told_if_full(folder, to_go_on=STAYS):
                self._fill(unfinished, folder, saved, write_others)
            self._commit(unfinished, folder, set(saved))
        finally:
            remove(unfinished)

    def _fill(
        self,
        unfinished: Path,
        folder: Path,
        saved: Mapping[str, Unsaved],
        write_others: Callable[[Path], object],
    ) -> None:
        (unfinished / MODEL).mkdir(parents=True)
        for name, content in saved.items():
            write_file(unfinished / name, content)
        write_others(unfinished)
        written: dict[str, Content] = {name: unfinished / name for name in saved}
        manifest = make_manifest(self._find(folder, self._left_out) | written)
        (unfinished / MANIFEST).write_bytes(manifest)

    def _commit(self, unfinished: Path, folder: Path, saved: set[str]) -> None:
        for inner in (MODEL, "vocab"):
            if (folder / inner).is_symlink():  # of a stranger: what it points to is not ours
                (folder / inner).unlink()
        if self.has_model:
            (folder / MODEL).mkdir(exist_ok=True)
        for name in set(self._wanted) - saved:
            (folder / name).unlink(missing_ok=True)
        paths = [path for path in unfinished.rglob("*") if path.is_file()]
        # the manifest at last: a kill before that leaves files that are not those it lists
        for path in sorted(paths, key=lambda path: path == unfinished / MANIFEST):
            target = folder / path.relative_to(unfinished)
            target.parent.mkdir(exist_ok=True, parents=True)
            path.replace(target)

    def _to_save(self, cfg: Mapping[str, Any], files: Mapping[str, Unsaved]) -> dict[str, Unsaved]:
        """What is saved, by the names that the manifest has."""
        undeclared = sorted(set(files) - set(self._names))
        if undeclared:
            raise ValueError(
                f"to_files gave {undeclared}, but the component's file_names are "
                f"{list(self._names)}: it would not be saved. Add it to them."
            )
        every = {f"{MODEL}/{name}": content for name, content in files.items()}
        if self._has_cfg:
            every[CFG] = pack_cfg(cfg)
        return {name: every[name] for name in self._wanted if name in every}

    def write_manifest(self, path: Path) -> None:
        """Write the manifest of what lies in a component's folder. path: Where it goes."""
        path.write_bytes(make_manifest(self._find(path.parent, self._wanted)))

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
        files = self._find(path, self._wanted)
        manifest = path / MANIFEST if (path / MANIFEST).is_file() else None
        if self._has_cfg and CFG not in files and manifest is None:
            raise damage(CFG, path / CFG, "is missing")
        if manifest is not None:
            self._tell_of_undeclared(path)
        return self._verified(manifest, files, has_model=self.has_model)

    def _tell_of_undeclared(self, path: Path) -> None:
        """Log the files in a component's folder that are none of it.

        They harm nothing, as they are not read; but who put them there may think otherwise. Hidden
        ones are the file manager's.
        """
        own = {MANIFEST, *self._wanted, *self._left_out}
        found = {
            file.relative_to(path).as_posix()
            for file in (*path.iterdir(), *path.glob(f"{MODEL}/*"))
            if file.is_file() and not file.name.startswith(".")
        }
        if undeclared := sorted(found - own):
            logger.warning(
                "%s has files that are not in its %s and were not read: %s. Remove them, or save "
                "the pipeline anew if they should be part of it.",
                path,
                MANIFEST,
                ", ".join(undeclared),
            )

    def _find(self, path: Path, names: Iterable[str]) -> dict[str, Content]:
        return {name: path / name for name in names if (path / name).is_file()}

    def _verified(
        self, manifest: Content | None, files: Mapping[str, Content], *, has_model: bool
    ) -> SavedComponent:
        if manifest is not None:
            if not isinstance(manifest, bytes | Path):
                raise damage(MANIFEST, None, "is no bytes")
            verify(manifest, files, known=frozenset(self._wanted), left_out=self._left_out)
        model = None
        if has_model:  # without a manifest there may be others in the bytes
            model = {n: file for n, file in _of_model(files).items() if n in self._names}
        is_verified = manifest is not None
        if CFG not in files:
            return SavedComponent(None, model, is_verified)
        cfg = read_json(CFG, files[CFG])
        format_ = check_format(cfg.pop("format", 1), CFG)
        check_sealed(format_, CFG, is_verified=is_verified)
        if model is not None:
            model = with_labels_of_cfg(model, cfg, format_, files[CFG])
        return SavedComponent(migrate_cfg(cfg, format_), model, is_verified, files[CFG])


def _of_model(files: Mapping[str, T]) -> dict[str, T]:
    """The files in `model`, by their names there."""
    prefix = f"{MODEL}/"
    return {n.removeprefix(prefix): file for n, file in files.items() if n.startswith(prefix)}


def pack_cfg(cfg: Mapping[str, Any]) -> bytes:
    """The content of `cfg`.

    RAISES ValueError: If it has a key that is the save's own.
    """
    if "format" in cfg:
        raise ValueError(
            f"cfg has the key 'format' ({cfg['format']!r:.80}), where the number of the saved "
            "format goes: give the setting another name."
        )
    return json.dumps({"format": FORMAT, **cfg}, indent=2).encode("utf8")
