"""An exported pipeline is one like any other, but for learning."""

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from spacy_ner_plus import export_onnx
from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.models.runtime.processes import TOKENIZER_THREADS, TORCH_THREADS
from tests.pipeline.samples import TEXTS, assert_same_predictions, make_examples, make_nlp
from tests.pipeline.tampering import copy_of, reseal

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# One that spawns workers pickles what a pipeline is, which is tested without them; test_processes
# has them for torch.
METHODS = ["fork"] if "fork" in multiprocessing.get_all_start_methods() else ["spawn"]
RUNTIME = "components.ner_plus.model.runtime"


@pytest.fixture(scope="module")
def exported_dir(trained_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = spacy.load(trained_dir)
    ner = nlp.get_pipe("ner_plus")
    ner.shim.calibration = Calibration(temperature=1.5)
    folder = tmp_path_factory.mktemp("exported")
    DocBin(docs=[nlp.make_doc(text) for text in TEXTS]).to_disk(folder / "texts.spacy")
    parity = export_onnx(nlp, folder / "pipeline", data=folder / "texts.spacy")
    assert parity.largest < 1e-4 and parity.n_entities >= 9
    assert parity.n_other_tags == parity.n_lost == parity.n_new == 0
    return folder / "pipeline"


@pytest.fixture(scope="module")
def exported(exported_dir: Path) -> Language:
    """The exported pipeline, for tests that leave it as it is."""
    return spacy.load(exported_dir)


@pytest.fixture(scope="module")
def torch_docs(trained_dir: Path) -> list[Doc]:
    nlp = spacy.load(trained_dir)
    nlp.get_pipe("ner_plus").shim.calibration = Calibration(temperature=1.5)
    return list(nlp.pipe(TEXTS))


def test_exported_pipeline_finds_what_torch_finds(
    exported: Language, torch_docs: list[Doc]
) -> None:
    assert sum(len(doc.ents) for doc in torch_docs) >= 9
    assert_same_predictions(list(exported.pipe(TEXTS)), torch_docs, within=1e-4)
    assert_same_predictions([exported(text) for text in TEXTS], torch_docs, within=1e-4)


def test_exported_pipeline_says_how_sure_it_is(exported: Language, trained_dir: Path) -> None:
    nlp = spacy.load(trained_dir)
    nlp.get_pipe("ner_plus").shim.calibration = Calibration(temperature=1.5)
    answers = []
    for pipeline in (nlp, exported):
        ner, doc = pipeline.get_pipe("ner_plus"), pipeline(TEXTS[0])
        readings = ner.alternatives(doc, k=3)
        answers.append([ner.sequence_entropy(doc), *(reading.probability for reading in readings)])
    np.testing.assert_allclose(answers[0], answers[1], rtol=0, atol=1e-4)


def test_exported_pipeline_survives_disk_bytes_and_pickle(
    exported: Language, exported_dir: Path, encoder_dir: Path, tmp_path: Path
) -> None:
    expected = list(exported.pipe(TEXTS))
    exported.to_disk(tmp_path)
    from_bytes = make_nlp(encoder_dir, model_runtime="onnx").from_bytes(exported.to_bytes())
    for nlp in (spacy.load(tmp_path), from_bytes, pickle.loads(pickle.dumps(exported))):
        assert_same_predictions(list(nlp.pipe(TEXTS)), expected)
    for path in exported_dir.rglob("*"):
        if path.is_file() and path.suffix in (".onnx", ".safetensors"):
            assert (tmp_path / path.relative_to(exported_dir)).read_bytes() == path.read_bytes()


def test_exported_pipeline_takes_settings_of_the_run(
    exported_dir: Path, torch_docs: list[Doc]
) -> None:
    model = {"window": 40, "overlap": 16, "max_batch_pieces": 64}
    nlp = spacy.load(exported_dir, config={"components": {"ner_plus": {"model": model}}})
    assert [len(doc.ents) for doc in nlp.pipe(TEXTS)] == [len(doc.ents) for doc in torch_docs]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"window": 131}, "window of 131 wordpieces is larger than the 130"),
        ({"word_forms": None}, "trained with word forms"),
        ({"use_crf": False}, "trained with use_crf = True"),
        ({"pooling": "mean"}, "trained with pooling = 'first'"),
        ({"runtime": "torch"}, 'was exported and holds no torch weights: use runtime = "onnx"'),
        ({"device": "cuda"}, "install onnxruntime-gpu"),
        ({"runtime": "tvm"}, "runtime = 'tvm' is unknown"),
    ],
)
def test_exported_pipeline_refuses_settings_that_it_can_not_have(
    exported_dir: Path, setting: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        spacy.load(exported_dir, config={"components": {"ner_plus": {"model": setting}}})


def test_torch_weights_are_not_taken_for_exported_ones(trained_dir: Path) -> None:
    with pytest.raises(ValueError, match=r"holds torch weights.*ner-plus export"):
        spacy.load(trained_dir, config={RUNTIME: "onnx"})


# Learning


def update(nlp: Language, examples: list[Example]) -> None:
    nlp.update(examples)


def rehearse(nlp: Language, examples: list[Example]) -> None:
    nlp.resume_training()
    nlp.rehearse(examples)


def initialize(nlp: Language, examples: list[Example]) -> None:
    nlp.initialize(lambda: examples)


def initialize_model(nlp: Language, examples: list[Example]) -> None:
    nlp.get_pipe("ner_plus").model.initialize()


def add_label(nlp: Language, examples: list[Example]) -> None:
    nlp.get_pipe("ner_plus").add_label("GENE")


@pytest.mark.parametrize("learn", [update, rehearse, initialize, initialize_model, add_label])
def test_exported_pipeline_refuses_to_learn_and_stays_as_it_is(
    exported_dir: Path, torch_docs: list[Doc], learn: Callable[..., None]
) -> None:
    nlp = spacy.load(exported_dir)
    with pytest.raises(ValueError, match=r"was exported .* can't learn: train the pipeline that"):
        learn(nlp, make_examples(nlp, 2))
    assert nlp.get_pipe("ner_plus").labels == ("Chemical", "Disease")
    assert_same_predictions(list(nlp.pipe(TEXTS)), torch_docs, within=1e-4)


def test_initialize_refuses_to_make_an_exported_pipeline(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir, model_runtime="onnx")
    with pytest.raises(ValueError, match="can't learn"):
        nlp.initialize(lambda: make_examples(nlp, 2))


# Files


def test_data_without_words_are_refused(trained_dir: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    DocBin(docs=[nlp.make_doc(""), nlp.make_doc("")]).to_disk(tmp_path / "dev.spacy")
    with pytest.raises(ValueError, match=r"dev\.spacy holds no documents with words, so there"):
        export_onnx(trained_dir, tmp_path / "new", data=tmp_path / "dev.spacy")
    assert not (tmp_path / "new").exists()


def test_changed_graph_is_named(exported_dir: Path, tmp_path: Path) -> None:
    path = copy_of(exported_dir, tmp_path / "copy") / "model" / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"model\.onnx has the SHA-256"):
        spacy.load(tmp_path / "copy")


def test_missing_graph_is_named(exported_dir: Path, tmp_path: Path) -> None:
    component = copy_of(exported_dir, tmp_path / "copy")
    (component / "model" / "model.onnx").unlink()
    with pytest.raises(ValueError, match=r"model\.onnx is missing"):
        spacy.load(tmp_path / "copy")


def test_graph_with_weights_in_another_file_is_refused(exported_dir: Path, tmp_path: Path) -> None:
    component = copy_of(exported_dir, tmp_path / "copy")
    path = component / "model" / "model.onnx"
    graph = onnx.load(path)
    onnx.save_model(graph, path, save_as_external_data=True, location="secret", size_threshold=0)
    reseal(component)
    with pytest.raises(ValueError, match=r"model\.onnx has field 1[34] in a tensor"):
        spacy.load(tmp_path / "copy")


# Processes


def test_workers_find_what_one_process_finds(exported_dir: Path) -> None:
    told = (TOKENIZER_THREADS, *TORCH_THREADS)
    outcome = subprocess.run(
        [sys.executable, "-m", "tests.pipeline.workers", str(exported_dir), *METHODS],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=300,  # each worker imports torch
        env={name: value for name, value in os.environ.items() if name not in told},
    )
    assert outcome.returncode == 0, outcome.stderr
    reports = json.loads(outcome.stdout)
    assert sum(map(len, reports["none"]["entities"])) >= 4 * 9
    for method in (*METHODS, "after"):
        assert reports[method]["entities"] == reports["none"]["entities"]
        for found, expected in zip(
            reports[method]["probabilities"], reports["none"]["probabilities"], strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
