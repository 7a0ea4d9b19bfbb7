"""Folders that are there complete or not at all, whenever the process is killed or the machine
stops.

They are filled under another name and renamed, and renamed again before they are removed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .durable import remove, sync, sync_tree

T = TypeVar("T")


class CommittedFolder:
    """A folder that is written at once, and replaced at once.

    path (Path): The folder.
    unfinished (Optional[Path]): Where it is filled, on the same disk; by default beside it, as
        `<path>.unfinished`.
    """

    def __init__(self, path: Path, *, unfinished: Path | None = None) -> None:
        self.path = path
        self._unfinished = unfinished or path.with_name(f"{path.name}.unfinished")
        self._replaced = path.with_name(f"{path.name}.replaced")

    def commit(self, fill: Callable[[Path], T]) -> T:
        """Write the folder, in place of one that is there.

        fill (Callable[[Path], T]): Writes the files into the empty folder that it is given.
        RETURNS (T): What `fill` returns.
        """
        self.recover()
        self._unfinished.mkdir(parents=True)
        result = fill(self._unfinished)
        sync_tree(self._unfinished)
        if self.path.exists():
            self.path.rename(self._replaced)
        self._unfinished.rename(self.path)
        sync(self.path.parent)
        remove(self._replaced)
        return result

    def recover(self) -> None:
        """Clear up after a kill: the folder is then the one before, or the new one if that was
        complete.
        """
        if self._unfinished.exists() and self._replaced.exists() and not self.path.exists():
            self._unfinished.rename(self.path)  # complete: else nothing would have been replaced
        remove(self._unfinished)
        remove(self._replaced)


def remove_at_once(path: Path, *, removed: Path) -> None:
    """Remove a folder so that nobody takes what a kill leaves of it for the folder.

    path (Path): The folder. It need not be there.
    removed (Path): Its name while it is removed, on the same disk. What an earlier kill left there
        is removed, too.
    """
    remove(removed)
    if path.exists():
        path.rename(removed)
        remove(removed)
