"""Exported pipelines of spans, with each head. tests/models/test_onnx.py has the mechanism."""

import pickle
from dataclasses import dataclass
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from spacy_ner_plus.models.decoding.log_odds import LogOddsLine
from spacy_ner_plus.models.decoding.span_calibration import SpanCalibration
from spacy_ner_plus.models.onnx import export as onnx_export
from spacy_ner_plus.models.onnx.parity import compare
from spacy_ner_plus.models.onnx.shim import OnnxSpanShim
from tests.pipeline.samples import TEXTS
from tests.pipeline.spans.nested_samples import (
    LABELS,
    NAME,
    assert_same_spans,
    initialized,
    nested_examples,
    spans_nlp,
    spans_pipe,
    transformer_nlp,
)

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.slow

# What of each head is of one token at a time, and so in the graph.
IN_GRAPH = {
    "biaffine": ("head.tokens.",),
    "crf_per_label": ("head.tags.linear.",),
    "both": ("head.band.tokens.", "head.chains.tags.linear."),
}
# In the last one is a token of several windows.
ODD_TEXTS = [*TEXTS, "Monza https://a.com/" + "methylene/" * 60 + " was great fun ."]


@dataclass(frozen=True)
class Exported:
    """A pipeline before and after, the folder of the second, and what the command has shown."""

    head: str
    torch: Language
    onnx: Language
    folder: Path
    shown: str


@pytest.fixture(scope="module", params=IN_GRAPH)
def exported(
    request: pytest.FixtureRequest, encoder_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    """Spans all over the place; for each head. Not to be changed."""
    head = request.param
    convolutions = 1 if head == "both" else 0
    nlp = initialized(
        transformer_nlp(
            encoder_dir, model_head=head, model_convolutions=convolutions, threshold=0.3
        )
    )
    pipe = spans_pipe(nlp)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in pipe.span_shim.module.head.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    pipe.calibration = SpanCalibration(1.0, LogOddsLine(0.5, 1.0))
    folder = tmp_path_factory.mktemp("exported")
    nlp.to_disk(folder / "torch")
    DocBin(docs=[nlp.make_doc(text) for text in ODD_TEXTS]).to_disk(folder / "texts.spacy")
    arguments = [folder / "torch", folder / "onnx", "--check", folder / "texts.spacy"]
    result = CliRunner().invoke(app, ["export", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    shown = " ".join(result.output.split())
    return Exported(head, nlp, spacy.load(folder / "onnx"), folder / "onnx", shown)


def read(nlp: Language) -> list[Doc]:
    return list(nlp.pipe(ODD_TEXTS))


def test_exported_pipeline_finds_what_torch_finds(exported: Exported) -> None:
    assert isinstance(spans_pipe(exported.onnx).span_shim, OnnxSpanShim)
    expected = read(exported.torch)
    scores = [score for doc in expected for score in doc.spans["sc"].attrs["scores"]]
    assert len(scores) >= 40 and min(scores) < 0.5 < max(scores) < 1
    assert_same_spans(read(exported.onnx), expected, within=1e-4)
    assert_same_spans([exported.onnx(text) for text in ODD_TEXTS], expected, within=1e-4)
    again = pickle.loads(pickle.dumps(exported.onnx))
    assert_same_spans(read(again), read(exported.onnx))


def test_export_shows_how_near_it_is(exported: Exported) -> None:
    for shown in ("not found by onnx 0", "found by onnx alone 0", f"Exported {NAME} to "):
        assert shown in exported.shown
    assert "with another tag" not in exported.shown  # spans are not tags
    assert float(exported.shown.partition("difference of probabilities ")[2].split()[0]) < 1e-4


def test_weights_are_those_that_the_graph_leaves(exported: Exported) -> None:
    folder = exported.folder / NAME / "model"
    assert {path.name for path in folder.iterdir()} == {
        "model.onnx", "tagger.json", "tokenizer.json", "weights.safetensors"
    }  # fmt: skip
    before, after = (
        spans_pipe(nlp).span_shim.module.state_dict() for nlp in (exported.torch, exported.onnx)
    )
    in_graph = ("encoder.", *IN_GRAPH[exported.head])
    assert set(after) == {name for name in before if not name.startswith(in_graph)}
    assert all(torch.equal(after[name], before[name]) for name in after)


def test_int8_leaves_the_head_in_float_and_says_what_it_changes(exported: Exported) -> None:
    trained, model = exported.torch, exported.onnx.get_pipe(NAME).model.copy()
    shim, layers = model.shims[0], spans_pipe(trained).span_shim.module.encoder.model
    int8 = onnx_export._to_int8(onnx.load_from_string(shim.module.session.graph))
    kinds = [node.op_type for node in int8.graph.node]
    linear = [one for one in layers.modules() if isinstance(one, torch.nn.Linear)]
    assert kinds.count("MatMulInteger") == len(linear)
    onnx_export._strip(int8)
    shim.run(int8.SerializeToString())
    docs = [trained.make_doc(text) for text in ODD_TEXTS]
    parity = compare(spans_pipe(trained).model, model, docs, component=NAME)
    assert (parity.n_docs, parity.component) == (len(docs), NAME)
    assert 0 < parity.mean < parity.largest < 2 and 0 < parity.largest_probability < 0.3
    assert parity.n_lost < parity.n_entities


def test_exported_pipeline_refuses_to_learn_and_stays_as_it_is(exported: Exported) -> None:
    nlp = spacy.load(exported.folder)
    examples = nested_examples(nlp)
    for learn in (
        lambda: nlp.update(examples),
        lambda: nlp.initialize(lambda: examples[:1]),
        lambda: spans_pipe(nlp).model.initialize(),
        lambda: spans_pipe(nlp).add_label("GENE"),
    ):
        with pytest.raises(ValueError, match=r"was exported .* can't learn: train the pipeline"):
            learn()
    assert spans_pipe(nlp).labels == LABELS
    assert_same_spans(read(nlp), read(exported.onnx))


def test_exported_pipeline_refuses_settings_that_it_can_not_have(exported: Exported) -> None:
    for setting, message in (
        ({"runtime": "torch"}, 'was exported and holds no torch weights: use runtime = "onnx"'),
        ({"hidden_width": 8}, "trained with hidden_width = 16"),
        ({"runtime": "tvm"}, "runtime = 'tvm' is unknown"),
    ):
        with pytest.raises(ValueError, match=message):
            spacy.load(exported.folder, config={"components": {NAME: {"model": setting}}})


def test_head_over_vectors_from_elsewhere_can_not_be_exported(tmp_path: Path) -> None:
    initialized(spans_nlp()).to_disk(tmp_path / "model")
    result = CliRunner().invoke(app, ["export", str(tmp_path / "model"), str(tmp_path / "new")])
    assert result.exit_code == 1 and not (tmp_path / "new").exists()
    assert f"'{NAME}' has no encoder of its own (its model is a TokenSpanReader)" in result.stderr
    assert "TransformerTagger.v1 and TransformerSpans.v1 can be exported" in result.stderr
