"""Checkpoint folders that are complete or absent, whenever the process is killed.

A checkpoint is written to a folder of another name, forced to the disk, and renamed. Only then is
the one before removed. A manifest with the size and SHA-256 of every file tells damaged files.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from ..support.durable import file_digest, sync

FORMAT = 1
MANIFEST = "manifest.json"
UNFINISHED = "unfinished"


class CheckpointFolder:
    """The folder that holds the newest checkpoint, in a folder named by its number of steps.

    path (Path): The folder; made when there is something to write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def newest(self) -> Path | None:
        """The newest complete checkpoint, None if there is none. Files are not looked at."""
        complete = self._complete()
        return complete[-1] if complete else None

    def _complete(self) -> list[Path]:
        found = [path for path in self.path.glob("*") if path.name.isdecimal()]
        return sorted(found, key=lambda path: int(path.name))

    def write(self, n_steps: int, fill: Callable[[Path], None]) -> None:
        """Write a checkpoint and remove the one before.

        n_steps (int): How many steps were done.
        fill (Callable[[Path], None]): Writes the files into the folder that it is given.
        """
        target = self.path / str(n_steps)
        if target.exists():
            return
        temporary = self.path / UNFINISHED
        if temporary.exists():
            shutil.rmtree(temporary)
        temporary.mkdir(parents=True)
        fill(temporary)
        _write_manifest(temporary)
        _sync_tree(temporary)
        older = self._complete()
        temporary.rename(target)
        sync(self.path)
        for path in older:
            shutil.rmtree(path)

    def remove(self) -> None:
        """Remove all checkpoints, and what a kill left of an earlier removal."""
        removed = self.path.with_name(f"{self.path.name}.removed")
        if removed.exists():
            shutil.rmtree(removed)
        if self.path.exists():
            self.path.rename(removed)  # at once: what is left of a checkpoint would look damaged
            shutil.rmtree(removed)


def verify(checkpoint: Path) -> None:
    """Check that the files of a checkpoint are those that were written.

    RAISES ValueError: If a file is missing, damaged or has been added.
    """
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise _damage(checkpoint / MANIFEST, "can't be read") from error
    if manifest.get("format") != FORMAT:
        raise ValueError(
            f"The checkpoint {checkpoint} has format {manifest.get('format')}, this version of "
            f"spacy_ner_plus reads format {FORMAT}: continue with the version that wrote it."
        )
    files = _files(checkpoint)
    for name in sorted(set(manifest["files"]) | set(files)):
        if name not in files:
            raise _damage(checkpoint / name, "is missing")
        if name not in manifest["files"]:
            raise _damage(checkpoint / name, "was added")
        size, digest = manifest["files"][name]
        if files[name].stat().st_size != size:
            raise _damage(files[name], f"has {files[name].stat().st_size} bytes instead of {size}")
        if file_digest(files[name]) != digest:
            raise _damage(files[name], "has another SHA-256 than it was written with")


def _damage(path: Path, what: str) -> ValueError:
    return ValueError(
        f"The checkpoint is damaged: {path} {what}. Restore it from a copy, or start again from "
        "the beginning with --overwrite."
    )


def _files(folder: Path) -> dict[str, Path]:
    """All files but the manifest, by their path in the folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path for path in paths}
    found.pop(MANIFEST, None)
    return found


def _write_manifest(folder: Path) -> None:
    files = {
        name: [path.stat().st_size, file_digest(path)] for name, path in _files(folder).items()
    }
    manifest = {"format": FORMAT, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf8")


def _sync_tree(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder, folder.parent]:
        sync(path)
