import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.cli._util import app as spacy_app
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from spacy_ner_plus.models.onnx import export as onnx_export
from spacy_ner_plus.support import extras
from tests.pipeline.samples import TEXTS, found_in, initialized_nlp, make_examples, make_nlp
from tests.pipeline.samples import shake_head as shake
from tests.pipeline.tampering import token_tagger_nlp
from tests.small_files import no_file_over

pytestmark = pytest.mark.slow

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def model(tiny_encoder_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline with entities all over the place."""
    nlp = initialized_nlp(tiny_encoder_dir, n=20)
    shake(nlp.get_pipe("ner_plus"))
    folder = tmp_path_factory.mktemp("model")
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="module")
def exported(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The same pipeline exported to a new folder, and what the command has shown."""
    output = tmp_path_factory.mktemp("exported") / "new"
    code, shown, error = run(model, output, "--check", data)
    assert code == 0, error
    return output, shown


@pytest.fixture
def graph(exported: tuple[Path, str]) -> Any:
    """Its graph as it is before it is written, to change: to make one takes seconds."""
    return onnx.load(exported[0] / "ner_plus" / "model" / "model.onnx")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "dev.spacy"
    examples = make_examples(spacy.blank("en"), 10)
    DocBin(docs=[example.reference for example in examples]).to_disk(path)
    return path


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output with single spaces, and error output."""
    result = CliRunner().invoke(app, ["export", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split()), result.stderr


def refused(*arguments: object) -> str:
    code, _, error = run(*arguments)
    assert code == 1 and error.startswith("Error: ")
    return error


def test_full_disk_leaves_nothing_half(
    model: Path, data: Path, graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "_trace", lambda module: graph)
    with no_file_over(50_000):
        shown = refused(model, tmp_path / "exported", "--check", data)
    assert "can't be written: the disk is full" in shown
    assert [*tmp_path.iterdir()] == []


def test_export_writes_a_pipeline_that_can_be_packaged(
    model: Path, exported: tuple[Path, str], tmp_path: Path
) -> None:
    output, shown = exported
    assert "torch and onnx on 10 documents" in shown
    assert "with another tag 0" in shown and "not found by onnx 0" in shown
    nlp = spacy.load(output)
    expected = list(spacy.load(model).pipe(TEXTS))
    assert [found_in(doc) for doc in nlp.pipe(TEXTS)] == [found_in(doc) for doc in expected]
    assert sum(len(doc.ents) for doc in expected) > 9
    assert nlp.config["components"]["ner_plus"]["model"]["runtime"] == "onnx"
    assert nlp.meta["requirements"] == ["onnxruntime>=1.20"]

    packages = tmp_path / "packages"
    packages.mkdir()
    arguments = ["package", str(output), str(packages), "--build", "none"]
    result = CliRunner().invoke(spacy_app, arguments)
    assert result.exit_code == 0, result.output
    [packaged] = packages.glob("*/*/*/ner_plus/model")
    files = {path.name: path.stat().st_size for path in packaged.iterdir()}
    assert set(files) == {"model.onnx", "tagger.json", "tokenizer.json", "weights.safetensors"}
    assert files["weights.safetensors"] < 2000 < files["model.onnx"]
    assert spacy.load(packaged.parents[1])(TEXTS[0]).ents


def test_export_to_int8_says_how_to_see_what_it_changes(model: Path, tmp_path: Path) -> None:
    code, shown, error = run(model, tmp_path / "new" / "int8", "--quantize", "int8")
    assert code == 0, error
    assert "5 sentences of our own" in shown and "give some with --check" in shown
    assert spacy.load(tmp_path / "new" / "int8")(TEXTS[0]).ents


def test_export_refuses_arguments_that_make_no_sense(
    model: Path, data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "new"
    assert "--format tflite is unknown" in refused(model, output, "--format", "tflite")
    assert "quantize = 'int3'" in refused(model, output, "--quantize", "int3")
    assert "is not an empty folder" in refused(model, data.parent)
    assert "is not an empty folder" in refused(model, data)
    assert "no corpus at" in refused(model, output, "--check", tmp_path / "none.spacy")
    message = "no component 'ner' that can be exported. It has: ner_plus"
    assert message in refused(model, output, "--component", "ner")
    assert not output.exists()


def test_export_refuses_models_that_it_can_not_export(
    exported: tuple[Path, str], tiny_encoder_dir: Path, tmp_path: Path
) -> None:
    make_nlp(tiny_encoder_dir).to_disk(tmp_path / "untrained")
    token_tagger_nlp(tiny_encoder_dir, "cnn").to_disk(tmp_path / "shared")
    output = tmp_path / "new"
    assert "has no weights to export" in refused(tmp_path / "untrained", output)
    assert "no encoder of its own" in refused(tmp_path / "shared", output)
    assert "was exported already" in refused(exported[0], output)
    assert not output.exists()


def test_export_writes_nothing_if_the_graph_gives_other_scores(
    model: Path, graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [linear] = [node for node in graph.graph.node if node.op_type == "Gemm"]
    [bias] = [tensor for tensor in graph.graph.initializer if tensor.name == linear.input[2]]
    values = onnx.numpy_helper.to_array(bias) + np.float32(0.1)
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
    monkeypatch.setattr(onnx_export, "_trace", lambda module: graph)
    assert "gives other scores than the model: they differ by up to 0.1" in refused(
        model, tmp_path / "new"
    )
    assert not (tmp_path / "new").exists()


def test_export_names_the_extra_that_is_missing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(name: str) -> object:
        return None if name == "onnxscript" else importlib.util.find_spec(name)

    monkeypatch.setattr(extras, "find_spec", find_spec)
    assert 'pip install "spacy_ner_plus[export]"' in refused(model, tmp_path / "new")
