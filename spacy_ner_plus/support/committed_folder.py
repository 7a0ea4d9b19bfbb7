"""Folders that are there complete or not at all, whatever is killed and whenever.

They are filled under another name and renamed, and renamed again before they are removed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .durable import remove, sync, sync_tree
from .full_disk import told_if_full


class CommittedFolder:
    """A folder that is written at once, and replaced at once.

    path (Path): The folder.
    unfinished (Optional[Path]): Where it is filled, on the same disk; None for
        `<path>.unfinished`.
    """

    def __init__(self, path: Path, *, unfinished: Path | None = None) -> None:
        self.path = path
        self._unfinished = unfinished or path.with_name(f"{path.name}.unfinished")
        self._replaced = path.with_name(f"{path.name}.replaced")

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Write the folder, in place of one that is there.

        YIELDS (Path): An empty folder to fill. It becomes the folder at the end of the context,
            unless that ends with an error.
        RAISES FullDiskError: If the disk is full.
        """
        self.recover()
        self._unfinished.mkdir(parents=True)
        try:
            with told_if_full(self.path):
                yield self._unfinished
                sync_tree(self._unfinished)
        except BaseException:
            remove(self._unfinished)
            raise
        if self.path.exists():
            self.path.rename(self._replaced)
        self._unfinished.rename(self.path)
        sync(self.path.parent)
        remove(self._replaced)

    def recover(self) -> None:
        """Clear up after a kill.

        The folder is then the one before, or the new one if that was complete.
        """
        if self._unfinished.exists() and self._replaced.exists() and not self.path.exists():
            self._unfinished.rename(self.path)  # complete: else nothing would have been replaced
        remove(self._unfinished)
        remove(self._replaced)


def remove_at_once(path: Path, *, removed: Path) -> None:
    """Remove a folder, if it is there, so that what a kill leaves of it is not taken for it.

    removed (Path): Its name while it is removed, on the same disk. What an earlier kill left there
        is removed, too.
    """
    remove(removed)
    if path.exists():
        path.rename(removed)
        remove(removed)
