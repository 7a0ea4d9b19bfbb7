"""What the commands share that train a config several times."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..experiments.results import Spread

ConfigPath = Annotated[Path, typer.Argument(help="Path to config file", exists=True)]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for runs and results")]
Seed = Annotated[int, typer.Option(help="Seed of the choice of documents")]
DevShare = Annotated[
    float,
    typer.Option(
        help="How much of the documents to train with is set aside to choose the checkpoint by"
    ),
]
KeepModels = Annotated[
    bool,
    typer.Option("--keep-models", help="Keep models and data of the runs, which take space"),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Begin anew, and remove the runs that are there")
]


def plus_minus(value: "Spread") -> str:
    """Mean and standard deviation in percent."""
    mean = f"{100 * value.mean:.2f}"
    return mean if value.sd is None else f"{mean} ± {100 * value.sd:.2f}"
