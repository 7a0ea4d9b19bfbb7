"""Everything that a model does, on a GPU that is pretended: no data of two devices meet.

The tests of this folder that need a real one come from the same cases.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Span
from thinc.api import Adam
from torch import Tensor

from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import Tagger, make_decoder
from spacy_ner_plus.models.decoding.losses import loss_and_gradient
from spacy_ner_plus.nn.crf import SpanFactors
from spacy_ner_plus.nn.crf.transfer import to_device_together
from spacy_ner_plus.tags import TagScheme
from tests.gpu.pretended import CUDA, PretendedTensor, pretended_gpu
from tests.pipeline.samples import (
    TEXTS,
    found_in,
    initialized_nlp,
    make_examples,
    probabilities,
    shake_head,
)

CPU = torch.device("cpu")
# Tokens of documents: few, many, and some that are cut into chunks.
LENGTHS = ([5], [150] * 20, [900, 300, 3])


@pytest.fixture
def waits() -> Iterator[Counter[str]]:
    with pretended_gpu() as counts:
        yield counts


def learn(nlp: Language, n_steps: int = 2, n: int = 20) -> list[float]:
    """Losses of some steps on a batch."""
    ner: Any = nlp.get_pipe("ner_plus")
    examples = make_examples(nlp, n)
    optimizer = Adam(5e-4, L2=0.01, grad_clip=1.0)
    return [ner.update(examples, sgd=optimizer)["ner_plus"] for _ in range(n_steps)]


def make(encoder: Path, device: str, **settings: Any) -> Language:
    """A pipeline that finds something."""
    nlp = initialized_nlp(encoder, n=20, model_device=device, **settings)
    shake_head(nlp.get_pipe("ner_plus"))
    return nlp


def read(nlp: Language) -> list[Any]:
    """All that is found in some texts, with probabilities."""
    docs = list(nlp.pipe(TEXTS))
    assert any(doc.ents for doc in docs)
    return [*map(found_in, docs), *(p for doc in docs for p in probabilities(doc))]


def same(found: list[Any], expected: list[Any], *, within: float = 1e-4) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        if isinstance(one, float):
            assert one == pytest.approx(other, abs=within)
        else:
            assert one == other


# The pretended GPU


def test_pretended_gpu_refuses_what_a_gpu_refuses(waits: Counter[str]) -> None:
    there = torch.ones(3).to("cuda")
    assert there.device == CUDA
    with pytest.raises(RuntimeError, match="two devices"):
        there + torch.ones(3)
    with pytest.raises(TypeError, match="numpy"):
        there.numpy()
    assert (there + 1.0).sum().item() == 6.0
    assert waits == {"to the GPU": 1, "_local_scalar_dense": 1}


def test_pretended_gpu_has_gradients(waits: Counter[str]) -> None:
    weight = torch.nn.Parameter(torch.ones(2).to("cuda"))
    (weight * torch.arange(2.0).to("cuda")).sum().backward()
    assert isinstance(weight.grad, PretendedTensor)
    assert weight.grad.cpu().tolist() == [0.0, 1.0]


# Learning and predicting


SETTINGS: dict[str, dict[str, Any]] = {
    "crf": {},
    "softmax": {"model_use_crf": False},
    "weights and smoothing": {"label_weights": {"Disease": 2.0}, "label_smoothing": 0.1},
    "mean": {"model_pooling": "mean"},
    "max": {"model_pooling": "max"},
    "frozen": {"model_freeze": "encoder"},
    "recomputed layers": {"model_gradient_checkpointing": True},
    "little memory": {"model_max_batch_pieces": 150},
    "word forms": {"model_word_forms": "casing"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_learns_and_finds_the_same(name: str, tiny_encoder_dir: Path) -> None:
    settings = SETTINGS[name]

    def run(device: str) -> list[Any]:
        nlp = make(tiny_encoder_dir, device, **settings)
        return [*learn(nlp), *read(nlp)]

    expected = run("cpu")
    with pretended_gpu():
        same(run("cuda"), expected)


@pytest.mark.slow
def test_memory_that_runs_out_is_survived(tiny_encoder_dir: Path) -> None:
    """Buckets are split on the device."""

    def run(device: str) -> list[Any]:
        nlp = make(tiny_encoder_dir, device)
        shim = nlp.get_pipe("ner_plus").shim
        encode, failures = shim.module.encoder.forward, [1, 1]

        def fails_twice(*args: Any) -> Tensor:
            if failures:
                failures.pop()
                raise torch.OutOfMemoryError("CUDA out of memory")
            return encode(*args)

        shim.module.encoder.forward = fails_twice
        losses = learn(nlp)
        assert shim.budget.pieces < 8192
        return [*losses, *read(nlp)]

    expected = run("cpu")
    with pretended_gpu():
        same(run("cuda"), expected)


@pytest.mark.slow
def test_labels_are_added_on_the_gpu(tiny_encoder_dir: Path) -> None:
    def run(device: str) -> list[Any]:
        nlp = make(tiny_encoder_dir, device)
        ner: Any = nlp.get_pipe("ner_plus")
        learn(nlp)
        torch.manual_seed(1)
        ner.add_label("Gene")
        assert ner.shim.device.type == device
        return [*learn(nlp), *read(nlp)]

    expected = run("cpu")
    with pretended_gpu():
        same(run("cuda"), expected)


@pytest.mark.slow
def test_old_labels_are_rehearsed_on_the_gpu(tiny_encoder_dir: Path) -> None:
    def run(device: str) -> list[Any]:
        nlp = make(tiny_encoder_dir, device)
        optimizer = nlp.resume_training()
        optimizer.learn_rate = 5e-4
        nlp.get_pipe("ner_plus").add_label("Gene")
        learn(nlp)
        losses = nlp.rehearse(make_examples(nlp, 4), sgd=optimizer)
        return [losses["ner_plus"], *read(nlp)]

    expected = run("cpu")
    with pretended_gpu():
        same(run("cuda"), expected)


def test_given_entities_are_kept_on_the_gpu(tiny_encoder_dir: Path) -> None:
    def run(device: str) -> list[Any]:
        nlp = make(tiny_encoder_dir, device, existing_ents="constrain", within_lines="always")
        doc = nlp.make_doc("Severe heart\nfailure followed selegiline.")
        doc.ents = [Span(doc, 1, 2, "Disease")]
        return [*found_in(nlp(doc)), *probabilities(doc)[1:]]

    expected = run("cpu")
    with pretended_gpu():
        same(run("cuda"), expected)


@pytest.mark.slow
def test_readings_and_calibration_on_the_gpu(tiny_encoder_dir: Path) -> None:
    def run(device: str) -> list[Any]:
        nlp = make(tiny_encoder_dir, device)
        ner: Any = nlp.get_pipe("ner_plus")
        doc = nlp(TEXTS[0])
        readings = [reading.probability for reading in ner.alternatives(doc[2:9], k=3)]
        marginals = ner.tag_probabilities(doc[2:9]).probabilities.sum(0).tolist()
        entropy = float(ner.sequence_entropy(doc))
        ner.calibrate(make_examples(nlp))
        return [*readings, *marginals, entropy, *read(nlp)]

    expected = run("cpu")
    with pretended_gpu():
        same(run("cuda"), expected)


# Files and copies


@pytest.mark.slow
def test_weights_go_from_the_cpu_to_the_gpu_and_back(
    tiny_encoder_dir: Path, tmp_path: Path
) -> None:
    nlp = make(tiny_encoder_dir, "cpu")
    learn(nlp)
    expected = read(nlp)
    nlp.to_disk(tmp_path / "cpu")
    on_gpu = {"components.ner_plus.model.device": "cuda"}
    with pretended_gpu():
        there = spacy.load(tmp_path / "cpu", config=on_gpu)
        assert there.get_pipe("ner_plus").shim.device == CUDA
        same(read(there), expected)
        there.to_disk(tmp_path / "gpu")
        again = spacy.load(tmp_path / "cpu", config=on_gpu)
        again.from_bytes(there.to_bytes())
        same(read(again), expected)
    back = spacy.load(tmp_path / "gpu", config={"components.ner_plus.model.device": "cpu"})
    assert read(back) == expected  # to the last bit: these are the same weights


@pytest.mark.slow
def test_training_goes_on_from_a_saved_optimizer(tiny_encoder_dir: Path) -> None:
    with pretended_gpu():
        first, second = (make(tiny_encoder_dir, "cuda") for _ in range(2))
        learn(first)
        shims = [nlp.get_pipe("ner_plus").shim for nlp in (first, second)]
        second.from_bytes(first.to_bytes())
        shims[1].optimizer_from_bytes(shims[0].optimizer_to_bytes())
        assert learn(second) == learn(first)


# Encoders of others


TOK2VEC = """
[model]
@architectures = "spacy_ner_plus.TokenTagger.v1"
device = "{device}"

[model.tok2vec]
@architectures = "spacy.HashEmbedCNN.v2"
pretrained_vectors = null
width = 16
depth = 1
embed_size = 100
window_size = 1
maxout_pieces = 2
subword_features = true
"""
SHARED = """
[model]
@architectures = "spacy_ner_plus.TokenTagger.v1"
device = "{device}"

[model.tok2vec]
@architectures = "spacy_ner_plus.Transformer.v1"
name = "{encoder}"
width = 32
window = 64
overlap = 8
device = "{device}"
precision = "fp32"
"""


@pytest.mark.slow
@pytest.mark.parametrize("config", [TOK2VEC, SHARED], ids=["tok2vec", "transformer"])
def test_vectors_of_another_layer(config: str, tiny_encoder_dir: Path) -> None:
    def run(device: str) -> list[Any]:
        spacy.util.fix_random_seed(0)
        nlp = spacy.blank("en")
        text = config.format(device=device, encoder=tiny_encoder_dir)
        nlp.add_pipe("ner_plus", config=spacy.util.load_config_from_str(text))
        nlp.initialize(lambda: make_examples(nlp))
        shake_head(nlp.get_pipe("ner_plus"))
        return [*learn(nlp), *read(nlp)]

    expected = run("cpu")
    with pretended_gpu():
        same(run("cuda"), expected)


# Waits and copies


def test_a_bucket_is_one_copy(waits: Counter[str], tiny_encoder_dir: Path) -> None:
    nlp = make(tiny_encoder_dir, "cuda")
    shim = nlp.get_pipe("ner_plus").shim
    waits.clear()
    _, buckets = shim.read_docs([nlp.make_doc(text) for text in TEXTS])
    assert waits == {"to the GPU": len(buckets)}
    assert all(isinstance(value, PretendedTensor) for value in vars(buckets[0]).values())


def test_arrays_that_are_copied_together_stay_what_they_are(waits: Counter[str]) -> None:
    arrays = [
        np.arange(6).reshape(2, 3),
        np.array([True, False, True]),
        np.zeros((0, 4), dtype=np.float32),
        np.array([[0.5]], dtype=np.float32),
        np.arange(8).reshape(2, 4)[:, ::2],
    ]
    for device in (CPU, CUDA):
        tensors = to_device_together(arrays, device)
        for tensor, array in zip(tensors, arrays, strict=True):
            assert tensor.device == device
            assert tensor.dtype == torch.from_numpy(array).dtype
            np.testing.assert_array_equal(tensor.cpu().numpy(), array)
    assert waits["to the GPU"] == 1
    assert to_device_together([], CUDA) == []


def decoded(lengths: list[int], *, chaotic: bool = False) -> tuple[Tagger, Emissions]:
    """A tagger and emissions, both on the pretended GPU."""
    scheme = TagScheme("BILOU", ["Disease", "Chemical"])
    torch.manual_seed(0)
    decoder = make_decoder(scheme, use_crf=True)
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter)
    scores = torch.randn(sum(lengths), scheme.n_tags) * (1000 if chaotic else 1)
    rows = [np.arange(n) for n in lengths]
    return Tagger(decoder.to(CUDA), scheme), Emissions(scores.to(CUDA), rows)


def count_waits(counts: Counter[str], work: Callable[[], object]) -> int:
    """How often the GPU is waited for; copies to it do not wait."""
    counts.clear()
    work()
    return counts.total() - counts["to the GPU"]


def decoding_waits(counts: Counter[str], lengths: list[int], *, chaotic: bool) -> int:
    tagger, emissions = decoded(lengths, chaotic=chaotic)
    found: list[Any] = []
    n_waits = count_waits(counts, lambda: found.extend(tagger.decode(emissions)))
    assert sum(map(len, found)) > 0
    return n_waits


@pytest.mark.slow
@pytest.mark.parametrize("chaotic", [False, True])
def test_decoding_waits_no_more_often_for_more_tokens(waits: Counter[str], chaotic: bool) -> None:
    """Whole, cut into chunks, and (chaotic) in log space."""
    counts = {decoding_waits(waits, lengths, chaotic=chaotic) for lengths in LENGTHS}
    assert len(counts) == 1
    assert max(counts) <= 9


@pytest.mark.slow
@pytest.mark.parametrize("lengths", [[5, 1, 9], [600]])
def test_scores_of_spans_are_on_the_device_too(waits: Counter[str], lengths: list[int]) -> None:
    """All that a lattice tells with them is the same there."""
    tagger, emissions = decoded(lengths)
    rows = [(doc, 0, min(n, 3), 1) for doc, n in enumerate(lengths)] + [(0, 1, 5, 1)]
    sequences, starts, ends, labels = (np.array(column) for column in zip(*rows, strict=True))
    scores = torch.linspace(-1, 2, len(rows)).double()
    found = []
    for device in (CPU, CUDA):
        spans = SpanFactors(tagger.scheme, sequences, starts, ends, labels, scores.to(device))
        moved = Emissions(emissions.scores.to(device), emissions.row_tokens, spans)
        there = replace(tagger, decoder=tagger.decoder.to(device))
        [group] = [g for g in moved.groups() if 0 in g.docs]
        row = int(np.flatnonzero(group.docs == 0)[0])
        segment = there.lattice(moved, group).segment(row, 2, 5)
        numbers = [x for one in there.decode(moved) for x in one.probabilities.tolist()]
        numbers += [*segment.marginals().flatten().tolist(), *segment.entropy().tolist()]
        found.append([*numbers, *segment.k_best(3)[0][1].tolist()])
    assert found[1] == pytest.approx(found[0], abs=1e-12)


def loss_waits(counts: Counter[str], lengths: list[int], *, use_crf: bool) -> int:
    decoder = make_decoder(TagScheme("BILOU", ["Disease", "Chemical"]), use_crf=use_crf).to(CUDA)
    scores = torch.randn(sum(lengths), decoder.n_tags).to(CUDA)
    emissions = Emissions(scores, [np.arange(n) for n in lengths])
    allowed = [np.ones((n, decoder.n_tags), dtype=bool) for n in lengths]
    return count_waits(counts, lambda: loss_and_gradient(decoder, emissions, allowed))


@pytest.mark.slow
@pytest.mark.parametrize("use_crf", [True, False])
def test_the_loss_waits_no_more_often_for_more_tokens(waits: Counter[str], use_crf: bool) -> None:
    assert len({loss_waits(waits, lengths, use_crf=use_crf) for lengths in LENGTHS}) == 1
