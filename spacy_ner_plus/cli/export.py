"""`ner-plus export`: a trained pipeline to one that runs on ONNX Runtime."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ..pages.telling import say
from ._errors import errors_as_messages

if TYPE_CHECKING:
    from ..models.onnx.parity import Parity

FORMATS = ("onnx",)


def export_cli(
    model: Annotated[str, typer.Argument(help="Name or folder of a trained pipeline")],
    output: Annotated[Path, typer.Argument(help="Folder for the exported pipeline: new or empty")],
    format_: Annotated[str, typer.Option("--format", help="'onnx'")] = "onnx",
    quantize: Annotated[
        str | None,
        typer.Option(help="'int8' for smaller and faster weights; left out, they stay fp32"),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(help=".spacy file of documents on which to compare it with the original"),
    ] = None,
    component: Annotated[
        str | None,
        typer.Option(
            help="Name of the component, where several have a model and none is 'ner_plus'"
        ),
    ] = None,
) -> None:
    """Export a trained pipeline, to run it on ONNX Runtime.

    Writes a complete pipeline, in which the component holds a graph of its encoder instead of
    torch weights. It is loaded, packaged and used as any other, but can't be trained further.
    Before it is written, its scores are compared with those of the original, on documents given
    with --check or on a few sentences.
    """
    from .. import export_onnx

    with errors_as_messages():
        if format_ not in FORMATS:
            raise ValueError(f"--format {format_} is unknown: use one of {', '.join(FORMATS)}.")
        parity = export_onnx(model, output, quantize=quantize, data=check, component=component)
    _print_parity(parity, is_sample=check is None, quantize=quantize)
    size = (output / parity.component / "model" / "model.onnx").stat().st_size
    say.good(f"Exported {parity.component} to {output}: model.onnx has {size / 1e6:.1f} MB")


def _print_parity(parity: "Parity", *, is_sample: bool, quantize: str | None) -> None:
    where = f"{parity.n_docs:,} {'sentences of our own' if is_sample else 'documents'}"
    msg.divider(f"torch and onnx on {where}")
    rows = [
        ("scores compared", f"{parity.n_scores:,}"),
        ("largest difference", f"{parity.largest:.2g}"),
        ("mean difference", f"{parity.mean:.2g}"),
        ("tokens", f"{parity.n_tokens:,}"),
    ]
    if parity.n_other_tags is not None:
        rows.append(("with another tag", f"{parity.n_other_tags:,}"))
    rows += [
        ("entities of torch", f"{parity.n_entities:,}"),
        ("not found by onnx", f"{parity.n_lost:,}"),
        ("found by onnx alone", f"{parity.n_new:,}"),
        ("largest difference of probabilities", f"{parity.largest_probability:.2g}"),
    ]
    msg.table(rows, aligns=("l", "r"))
    if is_sample and quantize is not None:
        say.info(
            "How much int8 changes shows on documents like yours: give some with --check, or "
            "run ner-plus evaluate on both pipelines"
        )
