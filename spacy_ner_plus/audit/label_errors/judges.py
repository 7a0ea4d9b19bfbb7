"""What is to judge an annotation: a pipeline that has not seen it, or some that are trained so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...pipeline.preparing import check_pipeline_exists
from ...support.output_folder import check_output_folder


@dataclass(frozen=True)
class Folds:
    """How models are trained that have not seen what they judge.

    output (Path / str): The folder for their work; the same call goes on after the last fold that
        was finished.
    n (int): How many.
    config (Path / str): A training config; None for what init_config makes of the texts.
    overrides (Mapping[str, Any]): Values of the config by their dotted names.
    seed (int): Of the choice of documents.
    dev_share (float): How much of the documents to train with is set aside to choose the
        checkpoint by, and to calibrate its probabilities with.
    code (Path / str): A Python file with registered functions to import.
    gpu_id (int): GPU for components that need CuPy, or -1.
    keep_models (bool): Keep models and data of the folds.
    overwrite (bool): Begin anew, and remove the folds that are there.
    """

    output: Path | str
    n: int = 5
    config: Path | str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    dev_share: float = 0.1
    code: Path | str | None = None
    gpu_id: int = -1
    keep_models: bool = False
    overwrite: bool = False

    @property
    def folder(self) -> Path:
        """The folder for their work."""
        return Path(self.output)


Judge = Path | str | Folds
"""A trained pipeline, by its name or folder, which has not seen the texts; or how to train some."""


def check_judge(judge: Judge) -> None:
    """What can be known before the data is read.

    RAISES ValueError: There is no such pipeline, folder or config, or the folds are too few.
    """
    if not isinstance(judge, Folds):
        check_pipeline_exists(judge)
        return
    if judge.n < 2:
        raise ValueError(f"--folds must be 2 at least, got {judge.n}.")
    for option, path in (("--config", judge.config), ("--code", judge.code)):
        if path is not None and not Path(path).is_file():
            raise ValueError(f"{option} {path}: there is no such file.")
    check_output_folder(judge.folder)
