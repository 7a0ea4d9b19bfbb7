"""From a trained pipeline to one that runs on ONNX Runtime."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc

from ..data.corpus import make_corpus_v1
from ..data.doc_files import check_files
from ..models.onnx.export import check_exportable, export_graph
from ..models.onnx.parity import Parity, compare
from ..models.onnx.shim import OnnxShim
from ..models.runtime.labelled_shim import labelled_shim_of
from ..pipeline.capabilities import HasLabelledShim, find_component, only_component
from ..pipeline.preparing import load_pipeline
from ..pipeline.saving.whole_pipeline import save_whole
from ..support.output_folder import check_output_folder

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


def export_onnx(
    model: str | Path | Language,
    output: str | Path | None = None,
    *,
    quantize: str | None = None,
    data: str | Path | None = None,
    component: str | None = None,
) -> Parity:
    """Make a pipeline run on ONNX Runtime.

    Its component then holds a graph of its encoder instead of torch weights. It is loaded, packaged
    and used as any other, but can't be trained further.

    model (str / Path / Language): Name or folder of a trained pipeline, or the pipeline itself,
        which is changed.
    output (str / Path): The folder for the exported pipeline, new or empty; None to write nothing.
    quantize (str): "int8" for smaller and faster weights; None to leave them fp32.
    data (str / Path): .spacy file of documents on which to compare it with the original; None for
        a few sentences of ours.
    component (str): Name of the component; None for the only one that has a model of ours, or
        'ner_plus' if there are several.
    RETURNS (Parity): How far scores and entities are from those of the original.
    RAISES ValueError: If the component can't be exported, the graph gives other scores, or an
        argument does not fit.
    """
    output = None if output is None else Path(output)
    data = None if data is None else Path(data)
    _check_arguments(output, data)
    nlp = load_pipeline(model)
    can = "can be exported"
    component = component or only_component(nlp, HasLabelledShim, can, preferred="ner_plus")
    pipe: HasLabelledShim = find_component(nlp, component, HasLabelledShim, can)
    parity = _export(nlp, pipe, _read_docs(nlp, data), quantize=quantize)
    if output is not None:
        save_whole(nlp, output)
    return parity


def _check_arguments(output: Path | None, data: Path | None) -> None:
    if output is not None and output.exists() and not (output.is_dir() and _is_empty(output)):
        raise ValueError(f"{output} exists and is not an empty folder: name a new one.")
    if output is not None:
        check_output_folder(output)
    if data is not None:
        check_files(data)


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _read_docs(nlp: Language, data: Path | None) -> list[Doc]:
    """Documents to compare two models on."""
    if data is None:
        return [nlp.make_doc(text) for text in (*SAMPLE, " ".join(SAMPLE))]
    docs = [example.predicted for example in make_corpus_v1(data)(nlp)]
    if not docs:
        raise ValueError(f"{data} holds no documents with words, so there is nothing to compare.")
    return docs


def _export(
    nlp: Language, pipe: HasLabelledShim, docs: Sequence[Doc], *, quantize: str | None = None
) -> Parity:
    """Put an exported model into a component of a pipeline, in place."""
    trained = pipe.labelled_shim
    check_exportable(trained, pipe.name)
    graph = export_graph(trained, quantize=quantize)
    config = nlp.config.interpolate()["components"][pipe.name]["model"]
    exported = registry.resolve({"model": {**config, "runtime": "onnx"}})["model"]
    shim = labelled_shim_of(exported)
    assert isinstance(shim, OnnxShim)
    shim.take_over(trained, graph)
    # the rounding of bf16 would hide differences
    trained.config = replace(trained.config, precision="fp32")
    parity = compare(pipe.model, exported, docs, component=pipe.name)
    if quantize is None and not parity.largest <= TOLERANCE:
        raise ValueError(
            f"The exported graph gives other scores than the model: they differ by up to "
            f"{parity.largest:.2g}. Nothing was written. Please report it, with the name of the "
            "encoder and the versions of torch, transformers and onnxscript."
        )
    pipe.model = exported
    nlp.get_pipe_config(pipe.name)["model"]["runtime"] = "onnx"
    requirements: list[Any] = nlp.meta.setdefault("requirements", [])
    if not any(str(line).startswith("onnxruntime") for line in requirements):
        requirements.append(REQUIREMENT)
    return parity
