"""A training from config to pipeline: from the first step, or from where an earlier one stopped."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy.training.initialize import init_nlp
from thinc.api import Config
from wasabi import msg

from ..pages.telling import say
from ..pipeline.preparing import import_user_code, use_gpu
from ..support.full_disk import told_if_full
from ..support.locks import locked
from ..support.output_folder import check_output_folder
from .checkpoint import CheckpointFolder, verify
from .load_config import load_config, name_of
from .loop import CHECKPOINT, TrainingRun
from .prerequisites import check_corpora, check_pipeline
from .settings import check_config
from .snapshot import read_state
from .sourced import check_sourced_labels

TO_GO_ON = (
    "Make room: the same command with --resume goes on from the last checkpoint. model-best and "
    "model-last are those that were saved before."
)


def train(
    config: str | Path | Config,
    output: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    code: Path | None = None,
    gpu_id: int = -1,
    checkpoint_every: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> bool:
    """Train a pipeline as `spacy train` does, with checkpoints to go on from after a kill.

    Leaves model-last and model-best in the output folder, and tells on stdout how it goes.

    config (str / Path / Config): A config file, "-" for standard input, or a config.
    output (str / Path): The folder for pipelines and checkpoints.
    overrides (Mapping[str, Any]): Values by their dotted names: {"training.max_steps": 1000}.
    code (Path): A Python file with registered functions to import.
    gpu_id (int): GPU for components that need CuPy, or -1; ner_plus finds a GPU by itself.
    checkpoint_every (int): Steps from one checkpoint to the next; None for one after every
        evaluation.
    resume (bool): Continue from the checkpoint, if there is one; the weights come out as without
        the interruption.
    overwrite (bool): Start from the beginning, whatever is there.
    RETURNS (bool): Whether training has ended. False after Ctrl-C or SIGTERM: then there is a
        checkpoint.
    RAISES ValueError: If something that is needed is missing or can't be, if there is a checkpoint
        and neither resume nor overwrite, if it is damaged, or if config or data are not those that
        it was made with. FullDiskError: If the disk is full; what was saved before is whole.
    """
    output = Path(output)
    check_output_folder(output)
    use_gpu(gpu_id)
    import_user_code(code)
    loaded, name = load_config(config, overrides), name_of(config)
    check_corpora(loaded.interpolate(), check_pipeline(loaded, name), name)
    output.mkdir(parents=True, exist_ok=True)
    with locked(output, output):  # two trainings would write over each other's checkpoints
        checkpoint = find_checkpoint(output, resume=resume, overwrite=overwrite)
        say.info(f"Saving to output directory: {output}")
        run = _start(loaded, output, checkpoint, gpu_id=gpu_id, checkpoint_every=checkpoint_every)
        msg.divider("Training pipeline")
        with told_if_full(output, to_go_on=TO_GO_ON):
            has_ended = run.run()
        if not has_ended:
            say.warn(
                f"Training was stopped after {run.state.n_steps} steps, which are saved. The same "
                "command with --resume continues it."
            )
            return False
        say.good(f"Saved pipeline to output directory {output / 'model-last'}")
        return True


def find_checkpoint(output: Path, *, resume: bool, overwrite: bool) -> Path | None:
    """Find where to continue.

    output (Path): The output folder of the training.
    resume, overwrite (bool): Whether to continue from a checkpoint, or to remove it.
    RETURNS (Optional[Path]): The checkpoint, its files verified; None to start from the beginning.
    RAISES ValueError: If there is a checkpoint and neither is asked for, or if it is damaged.
    """
    if resume and overwrite:
        raise ValueError("--resume and --overwrite exclude each other.")
    checkpoints = CheckpointFolder(output / CHECKPOINT)
    newest = checkpoints.newest()
    if overwrite or newest is None:
        checkpoints.remove()
        if resume:
            say.info(f"There is no checkpoint in {output}: starting from the beginning")
        return None
    if not resume:
        raise ValueError(
            f"{output} holds a checkpoint after {newest.name} steps. Continue it with --resume, "
            "or start from the beginning with --overwrite."
        )
    verify(newest)
    return newest


def _start(
    config: Config,
    output: Path,
    checkpoint: Path | None,
    *,
    gpu_id: int,
    checkpoint_every: int | None,
) -> TrainingRun:
    """Initialise the pipeline, and bring it into the state of the checkpoint if there is one."""
    interpolated = config.interpolate()
    if checkpoint is not None:
        check_config(read_state(checkpoint)["config"], interpolated)
    msg.divider("Initializing pipeline")
    nlp = init_nlp(config, use_gpu=gpu_id)
    run = TrainingRun(
        nlp,
        output,
        config=interpolated,
        checkpoint_every=checkpoint_every,
        use_gpu=gpu_id,
        stdout=sys.stdout,
        stderr=sys.stderr,
    )
    check_sourced_labels(nlp, run.train_corpus.corpus, config, frozen=run.frozen)
    say.good("Initialized pipeline")
    if checkpoint is not None:
        run.restore(checkpoint)
        say.good(f"Resumed after {run.state.n_steps} steps from {checkpoint}")
    return run
