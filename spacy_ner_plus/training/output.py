"""model-last and model-best, written as spaCy's training does."""

import shutil
from collections.abc import Callable
from pathlib import Path

from spacy.language import Language
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST
from thinc.api import Optimizer

from ..support.committed_folder import CommittedFolder


def save_pipeline(
    nlp: Language,
    output: Path,
    *,
    optimizer: Optimizer,
    before_to_disk: Callable[[Language], Language],
    is_best: bool,
) -> None:
    """Write model-last with the optimizer's averages, if it has any, and copy it to model-best.

    A kill or a full disk leaves each of them as it was, or the new one complete: see recover.
    """
    with (
        nlp.use_params(optimizer.averages),
        CommittedFolder(output / DIR_MODEL_LAST).writing() as folder,
    ):
        before_to_disk(nlp).to_disk(folder)
    if is_best:
        with CommittedFolder(output / DIR_MODEL_BEST).writing() as folder:
            shutil.copytree(output / DIR_MODEL_LAST, folder, dirs_exist_ok=True)


def recover(output: Path) -> None:
    """Clear up after a kill while one of them was written."""
    for name in (DIR_MODEL_LAST, DIR_MODEL_BEST):
        CommittedFolder(output / name).recover()
