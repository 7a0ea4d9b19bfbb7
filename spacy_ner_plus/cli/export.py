"""`ner-plus export`: a trained pipeline to one that runs on ONNX Runtime."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from wasabi import msg

from ._errors import errors_as_messages
from .calibrate import find_component, read_examples

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from ..models.onnx.parity import Parity
    from ..pipeline.ner_plus.factory import NerPlus

FORMATS = ("onnx",)
# Larger differences between scores than rounding makes.
TOLERANCE = 1e-3
# Read if no data is given: all that matters is that there are windows of several lengths.
SAMPLE = (
    "Naloxone reversed the antihypertensive effect of clonidine in rats.",
    "In Paris, Ms. O'Neill of the World Bank met Señor García (38) at 5:30 p.m. on Tuesday; she "
    "said e-mail was 'not-so-fast', cf. https://example.com/a?b=1 and IL-2.",
    "北京是中华人民共和国的首都。 Der Müller aß 3,5 kg Äpfel. Москва не сразу строилась.",
    "Yes.",
)
REQUIREMENT = "onnxruntime>=1.20"


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
    component: Annotated[str, typer.Option(help="Name of the component")] = "ner_plus",
) -> None:
    """Export a trained pipeline, to run it on ONNX Runtime.

    Writes a complete pipeline, in which the component holds a graph of its encoder instead of
    torch weights. It is loaded, packaged and used as any other, but can't be trained further.
    Before it is written, its scores are compared with those of the original, on documents given
    with --check or on a few sentences.
    """
    with errors_as_messages():
        _check_arguments(output, format_, quantize, check)

        from spacy import util

        nlp = util.load_model(model)
        ner = find_component(nlp, component)
        docs = read_docs(nlp, ner, check)
        parity = export(nlp, ner, docs, quantize=quantize)
        output.parent.mkdir(parents=True, exist_ok=True)
        nlp.to_disk(output)
    _print_parity(parity, len(docs), is_sample=check is None, quantize=quantize)
    size = (output / component / "model" / "model.onnx").stat().st_size
    msg.good(f"Exported to {output}: model.onnx has {size / 1e6:.1f} MB")


def export(
    nlp: "Language", ner: "NerPlus", docs: list["Doc"], *, quantize: str | None = None
) -> "Parity":
    """Put an exported model into a component of a pipeline, in place.

    docs (List[Doc]): To compare the two models on.
    RETURNS (Parity): Of the emissions and entities before and after.
    RAISES (ValueError): If the component can't be exported, or the graph gives other scores.
    """
    from spacy import registry

    from ..models.onnx.export import check_exportable, export_graph
    from ..models.onnx.parity import compare
    from ..models.onnx.shim import OnnxShim
    from ..models.runtime.tagger_shim import shim_of

    check_exportable(ner.model, ner.name)
    graph = export_graph(ner.tagger, quantize=quantize)
    config = nlp.config.interpolate()["components"][ner.name]["model"]
    exported = registry.resolve({"model": {**config, "runtime": "onnx"}})["model"]
    shim = shim_of(exported)
    assert isinstance(shim, OnnxShim)
    shim.take_over(ner.tagger, graph)
    # the rounding of bf16 would hide differences
    ner.tagger.config = replace(ner.tagger.config, precision="fp32")
    parity = compare(ner.model, exported, docs)
    if quantize is None and not parity.largest <= TOLERANCE:
        raise ValueError(
            f"The exported graph gives other scores than the model: they differ by up to "
            f"{parity.largest:.2g}. Nothing was written. Please report it, with the name of the "
            "encoder and the versions of torch, transformers and onnxscript."
        )
    ner.model = exported
    nlp.get_pipe_config(ner.name)["model"]["runtime"] = "onnx"
    requirements: list[Any] = nlp.meta.setdefault("requirements", [])
    if not any(str(line).startswith("onnxruntime") for line in requirements):
        requirements.append(REQUIREMENT)
    return parity


def read_docs(nlp: "Language", ner: "NerPlus", data: Path | None) -> list["Doc"]:
    """Documents to compare two models on. data (Path): None for a few sentences of ours."""
    if data is None:
        return [nlp.make_doc(text) for text in (*SAMPLE, " ".join(SAMPLE))]
    docs = [example.predicted for example in read_examples(nlp, ner, data, "reference")]
    if not any(map(len, docs)):
        raise ValueError(f"{data} holds no documents with words, so there is nothing to compare.")
    return docs


def _check_arguments(
    output: Path, format_: str, quantize: str | None, check: Path | None
) -> None:
    if format_ not in FORMATS:
        raise ValueError(f"--format {format_} is unknown: use one of {', '.join(FORMATS)}.")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ValueError(f"{output} exists and is not an empty folder: name a new one.")
    if check is not None and not check.exists():
        raise ValueError(f"There is no data at {check}: write it with ner-plus convert.")


def _print_parity(
    parity: "Parity", n_docs: int, *, is_sample: bool, quantize: str | None
) -> None:
    where = f"{n_docs:,} {'sentences of our own' if is_sample else 'documents'}"
    msg.divider(f"torch and onnx on {where}")
    msg.table(
        [
            ("scores compared", f"{parity.n_scores:,}"),
            ("largest difference", f"{parity.largest:.2g}"),
            ("mean difference", f"{parity.mean:.2g}"),
            ("tokens", f"{parity.n_tokens:,}"),
            ("with another tag", f"{parity.n_other_tags:,}"),
            ("entities of torch", f"{parity.n_entities:,}"),
            ("not found by onnx", f"{parity.n_lost:,}"),
            ("found by onnx alone", f"{parity.n_new:,}"),
        ],
        aligns=("l", "r"),
    )
    if is_sample and quantize is not None:
        msg.info(
            "How much int8 changes shows on documents like yours: give some with --check, or "
            "run ner-plus evaluate on both pipelines"
        )
