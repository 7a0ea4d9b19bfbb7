"""`ner-plus train`: spacy train that can be continued after it was killed."""

import logging
from pathlib import Path
from typing import Annotated

import typer
from spacy import util

from ._errors import errors_as_messages
from ._options import CodePath, GpuId, config_overrides

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
        bool,
        typer.Option("--verbose", "-V", help="Display more information, and where errors are from"),
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
        _show_all_messages()
    from .. import train

    with errors_as_messages(tracebacks=verbose):
        has_ended = train(
            config_path,
            output,
            overrides=config_overrides(ctx.args),
            code=code,
            gpu_id=gpu_id,
            checkpoint_every=checkpoint_every,
            resume=resume,
            overwrite=overwrite,
        )
    if not has_ended:
        raise typer.Exit(130)


def _show_all_messages() -> None:
    """Show what spaCy and this package log of any level, in the form of spaCy's messages."""
    own = logging.getLogger("spacy_ner_plus")
    own.addHandler(util.logger_stream_handler)
    for logger in (util.logger, own):
        logger.setLevel(logging.DEBUG)
