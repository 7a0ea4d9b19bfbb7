"""`ner-plus train`: spacy train that can be continued after it was killed."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from spacy import util
from spacy.cli._util import import_code, parse_config_overrides, setup_gpu, show_validation_error
from spacy.training.initialize import init_nlp
from wasabi import msg

from ._errors import errors_as_messages
from ._options import CodePath, GpuId

if TYPE_CHECKING:
    from ..training.loop import TrainingRun

# `spacy train` takes overrides of the config as options; so does this command.
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def train_cli(
    ctx: typer.Context,
    config_path: Annotated[
        Path, typer.Argument(help="Path to config file", exists=True, allow_dash=True)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "--output-path",
            "-o",
            help="Folder for the trained pipeline and checkpoints",
        ),
    ],
    code: CodePath = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-V", help="Display more information for debugging")
    ] = False,
    gpu_id: GpuId = -1,
    checkpoint_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of steps from one checkpoint to the next; without it, there is one after "
            "every evaluation",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue from the checkpoint, if there is one"),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start from the beginning, whatever is there")
    ] = False,
) -> None:
    """Train a pipeline as spacy train does, with checkpoints.

    After a crash, a kill or Ctrl-C the same command with --resume continues from the last
    checkpoint and ends with the weights of a run that was not interrupted. The config can be
    overridden as in spacy train: --training.max_steps 1000.
    """
    if verbose:
        util.logger.setLevel(logging.DEBUG)
    overrides = parse_config_overrides(ctx.args)
    import_code(code)
    with errors_as_messages():
        checkpoint = find_checkpoint(output, resume=resume, overwrite=overwrite)
    output.mkdir(parents=True, exist_ok=True)
    msg.info(f"Saving to output directory: {output}")
    setup_gpu(gpu_id)
    with show_validation_error(config_path):
        config = util.load_config(config_path, overrides=overrides, interpolate=False)
    run = start_run(
        config_path, config, output, checkpoint, gpu_id=gpu_id, checkpoint_every=checkpoint_every
    )
    msg.divider("Training pipeline")
    if not run.run():
        msg.warn(
            f"Training was stopped after {run.state.n_steps} steps, which are saved. The same "
            "command with --resume continues it."
        )
        raise typer.Exit(130)
    msg.good("Saved pipeline to output directory", output / "model-last")


def find_checkpoint(output: Path, *, resume: bool, overwrite: bool) -> Path | None:
    """Find where to continue.

    output (Path): The output folder of the training.
    resume, overwrite (bool): Whether to continue from a checkpoint, or to remove it.
    RETURNS (Optional[Path]): The checkpoint, its files verified; None to start from the beginning.
    RAISES ValueError: If there is a checkpoint and neither is asked for, or if it is damaged.
    """
    from ..training.checkpoint import CheckpointFolder, verify
    from ..training.loop import CHECKPOINT

    if resume and overwrite:
        raise ValueError("--resume and --overwrite exclude each other.")
    checkpoints = CheckpointFolder(output / CHECKPOINT)
    newest = checkpoints.newest()
    if overwrite or newest is None:
        checkpoints.remove()
        if resume:
            msg.info(f"There is no checkpoint in {output}: starting from the beginning")
        return None
    if not resume:
        raise ValueError(
            f"{output} holds a checkpoint after {newest.name} steps. Continue it with --resume, "
            "or start from the beginning with --overwrite."
        )
    verify(newest)
    return newest


def start_run(
    config_path: Path,
    config: Any,
    output: Path,
    checkpoint: Path | None,
    *,
    gpu_id: int,
    checkpoint_every: int | None,
) -> "TrainingRun":
    """Initialise the pipeline, and bring it into the state of the checkpoint if there is one."""
    from ..training.loop import TrainingRun
    from ..training.settings import check_config
    from ..training.snapshot import read_state

    interpolated = config.interpolate()
    if checkpoint is not None:
        with errors_as_messages():
            check_config(read_state(checkpoint)["config"], interpolated)
    msg.divider("Initializing pipeline")
    with show_validation_error(config_path, hint_fill=False):
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
    msg.good("Initialized pipeline")
    if checkpoint is not None:
        with errors_as_messages():
            run.restore(checkpoint)
        msg.good(f"Resumed after {run.state.n_steps} steps from {checkpoint}")
    return run
