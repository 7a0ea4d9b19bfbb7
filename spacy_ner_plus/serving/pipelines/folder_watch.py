"""Whether the files of a pipeline are others than before."""

from pathlib import Path

from spacy import util

FolderState = tuple[str, tuple[tuple[str, int, int], ...]]


def model_folder(model: str) -> Path | None:
    """Where the files of a pipeline are: a package's, or a folder; None for one without."""
    if util.is_package(model):
        return Path(util.get_package_path(model))
    return Path(model) if Path(model).is_dir() else None


def folder_state(folder: Path) -> FolderState | None:
    """What tells a folder from what it was: where links lead, and sizes and times of its files.

    RETURNS: None if it is not there, or changes under our eyes.
    """
    try:
        real = folder.resolve(strict=True)
        found = []
        for path in sorted(real.rglob("*")):
            status = path.stat()
            if path.is_file():
                name = path.relative_to(real).as_posix()
                found.append((name, status.st_size, status.st_mtime_ns))
    except OSError:
        return None
    return str(real), tuple(found)


class FolderWatch:
    """Looks at a pipeline's folder from time to time.

    model (str): The pipeline's name or folder.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._taken = self._last = self._look()

    def has_changed(self) -> bool:
        """Whether it is another than the one that was taken, and was at the last look too.

        What is still being written is not looked at twice as the same.
        """
        now = self._look()
        is_steady = now is not None and now == self._last
        self._last = now
        if not is_steady or now == self._taken:
            return False
        self._taken = now
        return True

    def _look(self) -> FolderState | None:
        folder = model_folder(self._model)
        return None if folder is None else folder_state(folder)
