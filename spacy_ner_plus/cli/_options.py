"""Options that several commands have."""

from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.cli._util import parse_config_overrides

from ..pipeline.preparing import import_user_code, use_gpu

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


def prepare(gpu_id: int, code: Path | None) -> None:
    """What comes before a pipeline is loaded.

    RAISES ValueError: If there is no such GPU or file, or the file can't be imported.
    """
    use_gpu(gpu_id, silent=gpu_id < 0)
    import_user_code(code)


def config_overrides(arguments: list[str]) -> dict[str, Any]:
    """The values of a config that are given as options: --training.max_steps 3.

    RAISES ValueError: If one of them is no option, nor of this form.
    """
    rest = list(arguments)
    while rest:
        option = rest.pop(0)
        if not option.startswith("--") or "." not in option.split("=")[0]:
            raise ValueError(
                f"There is no option or argument {option}; a setting of the config is given with "
                "its section: --training.max_steps 3."
            )
        if "=" not in option and rest and not rest[0].startswith("--"):
            rest.pop(0)
    return dict(parse_config_overrides(list(arguments)))
