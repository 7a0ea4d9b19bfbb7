"""The component on a GPU gives what it gives on the CPU, and leaves nothing there."""

import gc
import json
import pickle
import signal
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import fix_random_seed

from spacy_ner_plus import train
from spacy_ner_plus.models.runtime.device import resolve_precision
from spacy_ner_plus.pipeline.ner_plus.component import NerPlus
from tests.pipeline.samples import (
    TEXTS,
    assert_same_predictions,
    found_in,
    make_examples,
    make_nlp,
    overfit,
    probabilities,
)
from tests.training.runs import write_config

pytestmark = [pytest.mark.gpu, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
TIMEOUT = 120  # seconds after which a program counts as hanging
# How far probabilities of a precision may be from those of fp32 on the CPU, and emissions from
# those of the same precision in another batch.
TOLERANCES = {"fp32": 1e-3, "fp16": 0.05, "bf16": 0.2}
PRECISIONS = list(TOLERANCES)


def load(folder: Path, device: str, precision: str = "fp32", **others: Any) -> Language:
    settings = {"device": device, "precision": precision, **others}
    prefix = "components.ner_plus.model."
    return spacy.load(folder, config={prefix + name: value for name, value in settings.items()})


def read(nlp: Language) -> list[Doc]:
    docs = list(nlp.pipe(TEXTS))
    assert [len(docs[i].ents) for i in (0, 1, 3, 7)] == [4, 1, 1, 3]
    return docs


@pytest.fixture(scope="module")
def expected(trained_dir: Path) -> list[Doc]:
    """What is found on the CPU."""
    return read(load(trained_dir, "cpu"))


# Learning


@pytest.mark.parametrize("precision", PRECISIONS)
def test_learns(precision: str, device: str, encoder_dir: Path) -> None:
    fix_random_seed(0)
    nlp = make_nlp(encoder_dir, model_device=device, model_precision=precision)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    ner: Any = nlp.get_pipe("ner_plus")
    assert ner.shim.device.type == device
    emissions = ner.model.predict([eg.predicted for eg in examples])
    first, _ = ner.get_loss(examples, emissions)
    assert overfit(nlp, examples) == 1.0
    last, gradient = ner.get_loss(examples, ner.model.predict([eg.predicted for eg in examples]))
    assert last < first / 4
    assert np.isfinite(last) and bool(gradient.isfinite().all())
    scale = ner.shim._optimizer.loss_scale
    assert (scale is not None) == (precision == "fp16")


def test_the_same_seed_learns_the_same(device: str, encoder_dir: Path) -> None:
    """Dropout is drawn on the device."""

    def losses(seed: int) -> list[float]:
        fix_random_seed(seed)
        nlp = make_nlp(encoder_dir, model_device=device, model_dropout=0.5)
        examples = make_examples(nlp, 4)
        nlp.initialize(lambda: examples)
        optimizer = nlp.create_optimizer()
        optimizer.learn_rate = 1e-4
        fix_random_seed(seed)
        ner: Any = nlp.get_pipe("ner_plus")
        return [ner.update(examples, sgd=optimizer)["ner_plus"] for _ in range(4)]

    first = losses(1)
    assert losses(1) == pytest.approx(first, rel=1e-4)
    assert losses(2) != pytest.approx(first, rel=1e-4)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_resumed_training_ends_as_if_it_had_not_stopped(
    precision: str, device: str, encoder_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"dropout = 0.1": f'dropout = 0.1\ndevice = "{device}"\nprecision = "{precision}"'}
    config = write_config(tmp_path, encoder_dir, changes=changes)
    assert train(config, tmp_path / "whole")
    step, calls = NerPlus.finish_update, []

    def stop_in_between(self: NerPlus, optimizer: Any) -> None:
        step(self, optimizer)
        calls.append(1)
        if len(calls) == 9:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(NerPlus, "finish_update", stop_in_between)
        assert not train(config, tmp_path / "parts")
    assert train(config, tmp_path / "parts", resume=True)
    whole, parts = (
        load(tmp_path / name / "model-last", device).get_pipe("ner_plus").shim.module.state_dict()
        for name in ("whole", "parts")
    )
    for name, weight in whole.items():  # sums of a GPU have no fixed order
        torch.testing.assert_close(parts[name], weight, rtol=0, atol=2e-4, msg=name)


# Predicting


@pytest.mark.parametrize("precision", PRECISIONS)
def test_finds_what_the_cpu_finds(
    precision: str, device: str, trained_dir: Path, expected: list[Doc]
) -> None:
    found = read(load(trained_dir, device, precision))
    assert_same_predictions(found, expected, within=TOLERANCES[precision])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_document_does_not_depend_on_the_batch(
    precision: str, device: str, trained_dir: Path
) -> None:
    nlp = load(trained_dir, device, precision)
    docs = [nlp.make_doc(text) for text in (*TEXTS, " ".join(TEXTS) * 4)]
    model = nlp.get_pipe("ner_plus").model
    together = model.predict(docs)
    alone = [model.predict([doc]).scores for doc in docs]
    torch.testing.assert_close(
        torch.cat(alone), together.scores, rtol=0, atol=10 * TOLERANCES[precision]
    )
    one_by_one = [nlp(text) for text in TEXTS]
    assert_same_predictions(one_by_one, read(nlp), within=TOLERANCES[precision])


@pytest.mark.parametrize("runtime", ["auto", "cuda", "cuda:0"])
def test_settings_that_name_the_gpu(runtime: str, trained_dir: Path, expected: list[Doc]) -> None:
    nlp = load(trained_dir, runtime, "auto")
    shim = nlp.get_pipe("ner_plus").shim
    assert shim.device == torch.device("cuda", 0)
    assert shim._precision() == resolve_precision("auto", shim.device) != torch.float32
    assert [found_in(doc) for doc in read(nlp)] == [found_in(doc) for doc in expected]


# Files and copies


def test_files_go_from_device_to_device(
    device: str, trained_dir: Path, tmp_path: Path, expected: list[Doc]
) -> None:
    there = load(trained_dir, device)
    there.to_disk(tmp_path / "there")
    loaded = load(trained_dir, device)
    for nlp in (
        load(tmp_path / "there", device),
        loaded.from_bytes(there.to_bytes()),
        pickle.loads(pickle.dumps(there)),
        deepcopy(there),
    ):
        assert nlp.get_pipe("ner_plus").shim.device.type == device
        assert_same_predictions(read(nlp), read(there), within=1e-5)
    back = load(tmp_path / "there", "cpu")
    assert_same_predictions(read(back), expected)  # the same weights to the last bit


def test_the_optimizer_is_saved(device: str, encoder_dir: Path) -> None:
    fix_random_seed(0)
    nlp = make_nlp(encoder_dir, model_device=device, model_precision="fp16")
    examples = make_examples(nlp, 4)
    nlp.initialize(lambda: examples)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 1e-4
    ner: Any = nlp.get_pipe("ner_plus")
    ner.update(examples, sgd=optimizer)
    saved = ner.shim.optimizer_to_bytes()
    ner.shim.optimizer_from_bytes(saved)
    assert ner.shim.optimizer_to_bytes() == saved
    assert np.isfinite(ner.update(examples, sgd=optimizer)["ner_plus"])


# What is left behind


def test_nothing_of_the_device_stays_on_a_doc(device: str, trained_dir: Path) -> None:
    nlp = load(trained_dir, device)
    docs = read(nlp)
    attributes = [dict(group.attrs) for doc in docs for group in doc.spans.values()]
    kept = pickle.dumps([doc.to_bytes() for doc in docs] + attributes)
    assert b"torch" not in kept
    assert all(isinstance(p, float) for doc in docs for p in probabilities(doc))
    assert all(type(doc.tensor) is np.ndarray for doc in docs)


def test_memory_does_not_grow(trained_dir: Path) -> None:
    nlp = load(trained_dir, "cuda")
    kept = [read(nlp)]
    gc.collect()
    before = torch.cuda.memory_allocated()
    kept += [read(nlp) for _ in range(3)]
    gc.collect()
    assert torch.cuda.memory_allocated() == before


# Processes and CuPy


def test_worker_processes(device: str, trained_dir: Path, expected: list[Doc]) -> None:
    """A forked worker says what to do; a started one works."""
    found = result_of("-m", "tests.gpu.workers", trained_dir, device)
    entities = [[list(entity) for entity in found_in(doc)] for doc in expected] * 2
    assert found["none"] == found["spawn"] == entities
    if device == "cpu":
        assert found["fork"] == entities
    else:
        assert "this process was forked" in found["fork"]


# With and without CuPy, spaCy's own way to a GPU. Programs of their own: it changes thinc's ops.
PREFERS_GPU = """
import json, sys
folder, device, cupy = sys.argv[1:]
if cupy == "without":
    sys.modules["cupy"] = None
import spacy
prefers = spacy.prefer_gpu()
from tests.pipeline.samples import TEXTS, found_in, make_examples
"""
READS = """
nlp = spacy.load(folder, config={"components.ner_plus.model.device": device})
found = [found_in(doc) for doc in nlp.pipe(TEXTS)]
where = nlp.get_pipe("ner_plus").shim.device.type
print(json.dumps({"prefers": prefers, "where": where, "found": found}))
"""
LEARNS = """
from tests.gpu.test_pretended import TOK2VEC, learn
nlp = spacy.blank("en")
config = spacy.util.load_config_from_str(TOK2VEC.format(device=device))
nlp.add_pipe("ner_plus", config=config)
spacy.util.fix_random_seed(0)
nlp.initialize(lambda: make_examples(nlp))
losses = learn(nlp, n_steps=10)
again = nlp.from_bytes(nlp.to_bytes())
print(json.dumps({"prefers": prefers, "losses": losses, "docs": len(list(again.pipe(TEXTS)))}))
"""


def result_of(*arguments: object) -> Any:
    """What Python prints as JSON when it is given these arguments."""
    outcome = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=TIMEOUT,
    )
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


@pytest.mark.parametrize("cupy", ["with", "without"])
def test_prefer_gpu_changes_nothing(
    cupy: str, device: str, trained_dir: Path, expected: list[Doc]
) -> None:
    result = result_of("-c", PREFERS_GPU + READS, trained_dir, device, cupy)
    assert result["where"] == device
    assert cupy == "with" or not result["prefers"]
    assert result["found"] == [[list(entity) for entity in found_in(doc)] for doc in expected]


@pytest.mark.parametrize("cupy", ["with", "without"])
def test_vectors_of_a_layer_of_thinc(cupy: str, device: str, trained_dir: Path) -> None:
    """On the GPU with CuPy, else on the CPU; the head is on the GPU either way."""
    result = result_of("-c", PREFERS_GPU + LEARNS, trained_dir, device, cupy)
    assert result["losses"][-1] < result["losses"][0]
    assert result["docs"] == len(TEXTS)
