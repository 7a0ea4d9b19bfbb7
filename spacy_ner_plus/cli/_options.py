"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import import_code, setup_gpu

CodePath = Annotated[
    Path | None,
    typer.Option("--code", "-c", help="Python file with registered functions to import"),
]
GpuId = Annotated[
    int,
    typer.Option(
        "--gpu-id",
        "-g",
        help="GPU for components that need CuPy, or -1; ner_plus finds a GPU by itself",
    ),
]
SpansKey = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Take doc.spans[KEY], which may overlap, instead of doc.ents"),
]
Tokens = Annotated[
    str,
    typer.Option(
        help="Which tokens the pipeline gets: 'reference' for those of the corpus, as published "
        "results are scored, 'pipeline' for what its tokenizer makes of the text"
    ),
]


def use_gpu(gpu_id: int, *, silent: bool = False) -> None:
    """Let components that need CuPy use a GPU.

    silent (bool): Print nothing, as what comes next does it again and tells.
    RAISES ValueError: If there is none, or no CuPy.
    """
    if gpu_id < 0:
        return
    try:
        setup_gpu(gpu_id, silent=silent)
    except ValueError as error:
        raise ValueError(
            f"--gpu-id {gpu_id}: {error}. Only components of others need it: leave it out if there "
            "are none, as ner_plus finds a GPU by itself."
        ) from error


def prepare(gpu_id: int, code: Path | None) -> None:
    """What comes before a pipeline is loaded. RAISES ValueError: See use_gpu."""
    use_gpu(gpu_id)
    import_code(code)
