"""`ner-plus init-config`: a config whose numbers are computed."""

from pathlib import Path
from typing import Annotated

import typer

from ..pages.telling import say
from ._errors import errors_as_messages
from ._parts import ExceptionsFile
from ._plan import (
    Device,
    EncoderName,
    Lang,
    ModelKind,
    Nested,
    NestedKey,
    Vectors,
    WordsPerSecond,
    print_plan,
)


def init_config_cli(
    data: Annotated[Path, typer.Argument(help="Training data, a .spacy file")],
    config: Annotated[Path, typer.Argument(help="Config to write")],
    dev: Annotated[
        Path | None,
        typer.Option(help="Development data, a .spacy file; or name them when training starts"),
    ] = None,
    encoder: EncoderName = None,
    lang: Lang = "en",
    device: Device = "auto",
    exceptions: ExceptionsFile = None,
    model: ModelKind = "transformer",
    vectors: Vectors = None,
    words_per_second: WordsPerSecond = None,
    nested: Nested = None,
    spans_key: NestedKey = "sc",
) -> None:
    """Write a config whose numbers fit data, encoder and device.

    Each number that depends on them has a comment that says why it is so.
    """
    with errors_as_messages():
        from .. import init_config
        from ..training.project.encoder_wheel import ENCODER_FOLDER

        plan = init_config(
            data,
            config,
            dev=dev,
            encoder=encoder,
            lang=lang,
            device=device,
            exceptions=exceptions,
            model=model,
            vectors=vectors,
            words_per_second=words_per_second,
            nested=nested,
            spans_key=spans_key,
        )
    print_plan(plan)
    say.good(f"Wrote {config}")
    if encoder is None and plan.kind == "transformer":
        say.info(
            "The default encoder is put in place by: python -m spacy ner-plus project encoder "
            f"{ENCODER_FOLDER}"
        )
