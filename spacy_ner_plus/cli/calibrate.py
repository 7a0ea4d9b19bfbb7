"""`ner-plus calibrate`: make a pipeline's probabilities come true as often as they say."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ..pages.telling import say
from ._errors import errors_as_messages
from ._options import Tokens, parse_labels

if TYPE_CHECKING:
    from ..metrics.candidate_agreement import CandidateAgreement
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
    component: Annotated[
        str | None,
        typer.Option(
            help="Name of the component, where several can be calibrated and none is 'ner_plus'"
        ),
    ] = None,
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
    The entities that it finds stay the same. For ner_plus_spans it is a line for each label of
    which there are enough spans, and what it finds may change.
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
    for note in done.notes:
        say.info(note)
    for name in done.after:
        if name in done.candidates_after:
            _print_candidates(name, done.candidates_before[name], done.candidates_after[name])
        else:
            _print_agreement(name, done.before[name], done.after[name])
    say.good(f"Saved to {output}: {done.described}")


def _print_agreement(name: str, before: "Agreement", after: "Agreement") -> None:
    msg.divider(f"{name}: {after.n:,} predicted entities")
    if not after.n:
        print("Nothing is found there that the annotation says anything about.\n")
        return
    rows = [(when, *_figures(its)) for when, its in (("before", before), ("after", after))]
    _print_rows(("",), rows)


def _print_candidates(name: str, before: "CandidateAgreement", after: "CandidateAgreement") -> None:
    msg.divider(f"{name}: {after.returned.total.n:,} returned spans")
    if not after.candidates.total.n:
        print("Nothing is scored there that the annotation says anything about.\n")
        return
    rows = [
        (f"{group}, {when}", f"{its.n:,}", *_figures(its))
        for group, pair in _groups(before, after)
        for when, its in zip(("before", "after"), pair, strict=True)
        if pair[0].n or pair[1].n
    ]
    _print_rows(("", "Spans"), rows)


def _groups(
    before: "CandidateAgreement", after: "CandidateAgreement"
) -> Iterator[tuple[str, tuple["Agreement", "Agreement"]]]:
    """What is shown of them, with its name."""
    for name, one, other in (
        ("returned", before.returned, after.returned),
        ("candidates", before.candidates, after.candidates),
    ):
        yield name, (one.total, other.total)
        yield f"{name}, outermost", (one.outer, other.outer)
        yield f"{name}, inner", (one.inner, other.inner)


def _figures(its: "Agreement") -> tuple[str, ...]:
    return (
        f"{100 * its.mean_probability:.2f}",
        f"{100 * its.precision:.2f}",
        f"{its.log_loss:.4f}",
        f"{its.ece:.4f}",
    )


def _print_rows(first: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    header = (*first, "Mean probability %", "Right %", "Log loss", "ECE")
    msg.table(rows, header=header, divider=True, aligns=("l", *"r" * (len(header) - 1)))
