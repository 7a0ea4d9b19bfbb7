"""`ner-plus calibrate`: make a pipeline's probabilities come true as often as they say."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ..pages.telling import say
from ._errors import errors_as_messages
from ._options import Tokens, parse_labels

if TYPE_CHECKING:
    from ..metrics.reliability import Agreement


def calibrate_cli(
    model: Annotated[str, typer.Argument(help="Name or folder of a trained pipeline")],
    data: Annotated[
        Path,
        typer.Argument(
            help=".spacy file with gold annotation that the pipeline was not trained on: its "
            "development data"
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder for the calibrated pipeline")],
    test: Annotated[
        Path | None, typer.Option(help="Further .spacy file, to see how well it worked")
    ] = None,
    tokens: Tokens = "reference",
    if_enough: Annotated[
        bool,
        typer.Option(
            "--if-enough",
            help="Where there are too few entities to calibrate on, save the pipeline as it is, "
            "with a warning, instead of failing",
        ),
    ] = False,
    component: Annotated[str, typer.Option(help="Name of the component")] = "ner_plus",
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="The types that the data is annotated for: what is found of others is left out",
        ),
    ] = None,
) -> None:
    """Calibrate a pipeline's probabilities on development data.

    Fits a temperature, and a line through the entities' log odds, and saves them with the model.
    The entities that it finds stay the same.
    """
    from .. import calibrate

    with errors_as_messages():
        done = calibrate(
            model,
            data,
            output,
            test=test,
            tokens=tokens,
            if_enough=if_enough,
            component=component,
            labels=parse_labels(labels),
        )
    if done.without_gold:
        types = ", ".join(done.without_gold)
        say.warn(
            f"{data} has no entities of these types, so all that is found of them counts as wrong: "
            f"{types}. If it is not annotated for them, name those that it is with --labels."
        )
    if done.problem is not None:
        say.warn(f"Not calibrated. {done.problem}")
    for name in done.after:
        _print_agreement(name, done.before[name], done.after[name])
    say.good(
        f"Saved to {output}: temperature {done.calibration.temperature:.3f}, slope "
        f"{done.calibration.slope:.3f}, intercept {done.calibration.intercept:+.3f}"
    )


def _print_agreement(name: str, before: "Agreement", after: "Agreement") -> None:
    msg.divider(f"{name}: {after.n:,} predicted entities")
    if not after.n:
        print("Nothing is found there that the annotation says anything about.\n")
        return
    rows = [
        (
            when,
            f"{100 * agreement.mean_probability:.2f}",
            f"{100 * agreement.precision:.2f}",
            f"{agreement.log_loss:.4f}",
            f"{agreement.ece:.4f}",
        )
        for when, agreement in (("before", before), ("after", after))
    ]
    header = ("", "Mean probability %", "Right %", "Log loss", "ECE")
    msg.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "r"))
