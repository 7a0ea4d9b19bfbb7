"""model-last and model-best, written as spaCy's training does."""

import shutil
from collections.abc import Callable
from pathlib import Path

from spacy.language import Language
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST
from thinc.api import Optimizer

UNFINISHED_BEST = "model-best.unfinished"


def save_pipeline(
    nlp: Language,
    output: Path,
    *,
    optimizer: Optimizer,
    before_to_disk: Callable[[Language], Language],
    is_best: bool,
) -> None:
    """Write model-last with the optimizer's averages, if it has any, and copy it to model-best.

    A kill leaves model-best as it was, or the new one complete: see recover_best.
    """
    with nlp.use_params(optimizer.averages):
        before_to_disk(nlp).to_disk(output / DIR_MODEL_LAST)
    if is_best:
        best, unfinished = output / DIR_MODEL_BEST, output / UNFINISHED_BEST
        if unfinished.exists():
            shutil.rmtree(unfinished)
        shutil.copytree(output / DIR_MODEL_LAST, unfinished)
        if best.exists():
            shutil.rmtree(best)
        unfinished.rename(best)


def recover_best(output: Path) -> None:
    """Finish what a kill interrupted after the first model-best was written."""
    best, unfinished = output / DIR_MODEL_BEST, output / UNFINISHED_BEST
    # a copy that is not complete is never seen here without the model-best before it
    if unfinished.exists() and not best.exists():
        unfinished.rename(best)
    elif unfinished.exists():
        shutil.rmtree(unfinished)
