"""Options that several commands have."""

from collections.abc import Iterable
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

LabelMap = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="OLD=NEW", help="Rename an entity type, or drop it: OLD=; repeatable"
    ),
]
MapOfBothSides = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="OLD=NEW",
        help="Rename an entity type, of the data and of what is predicted alike, or drop it: OLD=; "
        "repeatable",
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        metavar="A,B",
        help="Only these entity types count, of the data and of what is predicted; with --map, by "
        "their new names",
    ),
]


def parse_labels(text: str | None) -> list[str] | None:
    """Types parted by commas. RAISES ValueError: If one is empty."""
    if text is None:
        return None
    labels = [part.strip() for part in text.split(",")]
    if not all(labels):
        raise ValueError(f"--labels must be types parted by commas, such as A,B, got {text!r}.")
    return labels


def parse_label_map(entries: Iterable[str] | None) -> dict[str, str]:
    """Read OLD=NEW entries; NEW may be empty. RAISES (ValueError): No "=", or OLD repeated."""
    label_map: dict[str, str] = {}
    for entry in entries or ():
        old, equals, new = entry.partition("=")
        if not old or not equals:
            raise ValueError(f"--map wants OLD=NEW, or OLD= to drop the type, got {entry!r}.")
        if old in label_map:
            raise ValueError(f"--map names {old!r} twice: leave one out.")
        label_map[old] = new
    return label_map


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
