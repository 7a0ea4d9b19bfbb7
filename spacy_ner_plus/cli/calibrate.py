"""`ner-plus calibrate`: make a pipeline's probabilities come true as often as they say."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ._errors import errors_as_messages
from ._options import Tokens

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.training import Example

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
) -> None:
    """Calibrate a pipeline's probabilities on development data.

    Fits a temperature, and a line through the entities' log odds, and saves them with the model.
    The entities that it finds stay the same.
    """
    with errors_as_messages():
        from spacy import util

        from ..pipeline.capabilities import HasCalibration, find_component
        from ..pipeline.judged_entities import TooFewEntitiesError, fit

        nlp = util.load_model(model)
        ner: HasCalibration = find_component(
            nlp, component, HasCalibration, "can be calibrated"
        )
        sets = {"development": read_examples(nlp, component, data, tokens)}
        if test is not None:
            sets["test"] = read_examples(nlp, component, test, tokens)
        judged = {name: ner.judge(examples) for name, examples in sets.items()}
        before = ner.calibration
        try:
            ner.calibration = fit(judged["development"])
        except TooFewEntitiesError as error:
            if not if_enough:
                raise
            msg.warn(f"Not calibrated. {error}")
        nlp.to_disk(output)
    calibration = ner.calibration
    for name, entities in judged.items():
        _print_agreement(name, entities.agreement(before), entities.agreement(calibration))
    msg.good(
        f"Saved to {output}: temperature {calibration.temperature:.3f}, slope "
        f"{calibration.slope:.3f}, intercept {calibration.intercept:+.3f}"
    )


def read_examples(nlp: "Language", component: str, data: Path, tokens: str) -> list["Example"]:
    """The annotated documents, processed by the components before this one, to which it may
    listen.
    """
    from ..data.corpus import make_corpus_v1

    examples = list(make_corpus_v1(data, tokens)(nlp))
    later = nlp.pipe_names[nlp.pipe_names.index(component) :]
    docs = nlp.pipe((example.predicted for example in examples), disable=later)
    for example, doc in zip(examples, docs, strict=True):
        example.predicted = doc
    return examples


def _print_agreement(name: str, before: "Agreement", after: "Agreement") -> None:
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
    msg.divider(f"{name}: {after.n:,} predicted entities")
    msg.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "r"))
