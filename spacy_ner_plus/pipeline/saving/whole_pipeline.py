"""Pipelines that are there complete or not at all, also in place of the one they were made of."""

import shutil
from pathlib import Path

from spacy.language import Language

from ...support.committed_folder import CommittedFolder


def save_whole(nlp: Language, folder: Path) -> None:
    """Save a pipeline, which takes the place of what is there only when it is complete.

    folder (Path): What else lies in it, such as a README, stays there.
    RAISES OSError: If it can't be written. What was there is as it was.
    """
    folder = folder.resolve()
    with CommittedFolder(folder).writing() as new:
        nlp.to_disk(new)
        if folder.is_dir():
            for other in folder.iterdir():
                if not (new / other.name).exists():
                    copy = shutil.copytree if other.is_dir() else shutil.copy2
                    copy(other, new / other.name)
