"""Which version of a data set a file is of, so that figures can name it."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..support.digests import content_digest
from .splitting.split_manifest import MANIFEST, SCHEMA

SHORT = 12  # characters of a digest, for people


@dataclass(frozen=True)
class DataVersion:
    """A version of some data.

    sha256 (str): Of the file, or of all files of the folder.
    data_set (Optional[str]): The version of the data set with all its parts, if the manifest beside
        the file says that it is one of them; null if there is none, or the file was changed.
    part (Optional[str]): Which part it is: `train`, `dev` or `test`; null without a data set.
    """

    sha256: str
    data_set: str | None = None
    part: str | None = None

    @property
    def shown(self) -> str:
        """In short: digests are cut."""
        if self.data_set is None:
            return f"SHA-256 {self.sha256[:SHORT]}"
        return f"version {self.data_set[:SHORT]}, {self.part}"


def find_version(path: Path) -> DataVersion | None:
    """The version of a file or folder; None if it is not there.

    The manifest beside a file, as `ner-plus split` and projects write it, says more, if it lists
    the file with these very bytes.
    """
    if not path.exists():
        return None
    sha256 = content_digest(path)
    try:
        manifest = json.loads((path.parent / MANIFEST).read_text(encoding="utf8"))
        if manifest["schema"] == SCHEMA:
            for name, part in manifest["parts"].items():
                if (part["file"], part["sha256"]) == (path.name, sha256):
                    return DataVersion(sha256, str(manifest["version"]), name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # it is another file of this name, or there is none
    return DataVersion(sha256)
