"""How commands show a plan of a training, and what it can be made for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..training.project.planned import ModelPlan

EncoderName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Encoder to start from, a name on the hub or a folder; without it the default one, "
        "MiniLM for English",
    ),
]
Lang = Annotated[str, typer.Option(help="Language, as spaCy abbreviates it; xx stands for any")]
Device = Annotated[
    str, typer.Option(help="What will train: cpu, cuda, or auto for what this machine has")
]
ModelKind = Annotated[
    str,
    typer.Option(
        help="Kind of model: rules, features, bilstm, transformer; or auto for what suits so many "
        "annotated sentences, the device and --words-per-second"
    ),
]
Vectors = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Word vectors of a bilstm, a folder that ner-plus vectors wrote"
    ),
]
Nested = Annotated[
    bool | None,
    typer.Option(
        "--nested/--flat",
        help="Find entities within entities, or the longest of those that overlap alone (without "
        "either: as the data are)",
    ),
]
NestedKey = Annotated[
    str,
    typer.Option(
        metavar="KEY",
        help="Where in doc.spans entities that overlap are in .spacy files, and where the pipeline "
        "puts them",
    ),
]
WordsPerSecond = Annotated[
    float | None,
    typer.Option(metavar="N", help="With --model auto: words of text to be read each second"),
]


def print_plan(plan: "ModelPlan") -> None:
    """Print the kind of model and why it is this one, and each number and why it is so."""
    typer.echo(f"Model: {plan.kind}")
    for why in (plan.why, plan.spans.why if plan.spans else ""):
        if why:
            typer.echo(f"{why}.")
    rows = plan.rows()
    typer.echo(f"\n{plan.about}:\n" if rows else "")
    for name, value, why in rows:
        typer.echo(f"  {name:{_width(rows, 0)}}  {value:>{_width(rows, 1)}}  {why}")
    if rows:
        typer.echo("")


def _width(rows: list[tuple[str, str, str]], column: int) -> int:
    return max(len(row[column]) for row in rows)
