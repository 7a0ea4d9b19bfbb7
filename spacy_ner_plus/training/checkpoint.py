"""Checkpoint folders that are complete or absent, whenever the process is killed.

The one before is removed only when the new one is there. A manifest with the size and SHA-256 of
every file tells damaged files.
"""

import json
from collections.abc import Callable
from pathlib import Path

from ..support.committed_folder import CommittedFolder, remove_at_once
from ..support.digests import files_in
from ..support.durable import remove
from ..support.file_manifest import Fingerprint, find_problems

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
        older = self._complete()
        with CommittedFolder(target, unfinished=self.path / UNFINISHED).writing() as folder:
            fill(folder)
            _write_manifest(folder)
        for path in older:
            remove(path)

    def remove(self) -> None:
        """Remove all checkpoints, and what a kill left of an earlier removal."""
        remove_at_once(self.path, removed=self.path.with_name(f"{self.path.name}.removed"))


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
    recorded = {name: Fingerprint(*file) for name, file in manifest["files"].items()}
    for name, problem in find_problems(recorded, _files(checkpoint)):
        raise _damage(checkpoint / name, problem)


def _damage(path: Path, what: str) -> ValueError:
    return ValueError(
        f"The checkpoint is damaged: {path} {what}. Restore it from a copy, or start again from "
        "the beginning with --overwrite."
    )


def _files(folder: Path) -> dict[str, Path]:
    """All files but the manifest, by their path in the folder."""
    return {name: path for name, path in files_in(folder).items() if name != MANIFEST}


def _write_manifest(folder: Path) -> None:
    files = {name: Fingerprint.of(path) for name, path in _files(folder).items()}
    manifest = {"format": FORMAT, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf8")
