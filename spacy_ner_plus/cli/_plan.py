"""How commands show a plan of a training, and what it can be made for."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..training.project.planning import TrainingPlan

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


def print_plan(plan: "TrainingPlan") -> None:
    """Print each number and why it is so."""
    rows = plan.rows()
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    typer.echo(f"{plan.about}:\n")
    for name, value, why in rows:
        typer.echo(f"  {name:{widths[0]}}  {value:>{widths[1]}}  {why}")
    typer.echo("")
