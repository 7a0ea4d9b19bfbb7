"""Memory of a GPU that runs out for real, what is recomputed, and what is waited for."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import Tagger, make_decoder
from spacy_ner_plus.models.runtime.device import autocast
from spacy_ner_plus.tags import TagScheme
from tests.models.conftest import MakeTagger, make_tagger
from tests.pipeline.samples import TEXTS

__all__ = ["make_tagger"]

pytestmark = [pytest.mark.gpu, pytest.mark.slow]

MIB = 1 << 20
LONG = " ".join(TEXTS) * 20


@contextmanager
def room_for(mib: int) -> Iterator[None]:
    """Let torch have so much memory of the GPU besides what it has."""
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + mib * MIB) / whole)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()


def load(folder: Path) -> Language:
    settings = {"device": "cuda", "precision": "fp32", "max_batch_pieces": 1 << 16}
    prefix = "components.ner_plus.model."
    return spacy.load(folder, config={prefix + name: value for name, value in settings.items()})


def test_memory_that_runs_out_in_predicting(
    trained_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nlp = load(trained_dir)
    model = nlp.get_pipe("ner_plus").model
    docs = [nlp.make_doc(LONG) for _ in range(16)]
    expected = model.predict(docs).scores
    with room_for(64):
        found = model.predict(docs).scores
    assert model.shims[0].budget.pieces < 1 << 15
    assert "Memory ran out" in caplog.text
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_memory_that_runs_out_in_learning(trained_dir: Path) -> None:
    """The gradients are those that there would have been."""
    nlp = load(trained_dir)
    model = nlp.get_pipe("ner_plus").model
    shim = model.shims[0]

    def learn(docs: list[Doc]) -> dict[str, torch.Tensor]:
        shim.module.zero_grad(set_to_none=True)
        emissions, backprop = model.begin_update(docs)
        generator = torch.Generator().manual_seed(0)
        gradient = torch.randn(emissions.scores.shape, generator=generator)
        backprop(gradient.to(emissions.scores.device))
        named = shim.module.named_parameters()
        return {name: p.grad.cpu() for name, p in named if p.grad is not None}

    docs = [nlp.make_doc(LONG) for _ in range(4)]
    learn([nlp.make_doc(TEXTS[0])])  # the libraries take their own memory
    expected = learn(docs)
    shim.module.zero_grad(set_to_none=True)
    assert shim.budget.pieces == 1 << 16
    with room_for(48):
        found = learn(docs)
    assert shim.budget.pieces < 1 << 15
    for name, gradient in expected.items():
        scale = float(gradient.abs().max())
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-3 * scale, msg=name)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
def test_what_is_recomputed_drops_the_same_again(
    precision: torch.dtype, device: str, make_tagger: MakeTagger
) -> None:
    model = make_tagger(max_batch_pieces=64, dropout=0.5, device=device)
    shim = model.shims[0]
    for part in shim.module.encoder.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.5
    shim.module.train()
    nlp = spacy.blank("en")
    batch, buckets = shim.read_docs([nlp.make_doc(text) for text in TEXTS], is_train=True)
    assert len(buckets) > 2
    found = []
    for n_recomputed in (0, len(buckets)):
        shim.module.zero_grad(set_to_none=True)
        torch.manual_seed(0)
        with autocast(shim.device, precision):
            output = shim.module(buckets, batch.n_rows, n_recomputed)
        output.square().sum().backward()
        found.append({n: p.grad for n, p in shim.module.named_parameters() if p.grad is not None})
    for name, gradient in found[0].items():
        scale = float(gradient.abs().max())
        torch.testing.assert_close(found[1][name], gradient, rtol=1e-2, atol=1e-3 * scale, msg=name)


def test_a_step_that_is_done_again_drops_the_same(
    device: str, make_tagger: MakeTagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory runs out on the way back, once, in a batch that is as small as can be."""
    nlp = spacy.blank("en")
    docs: list[Doc] = [nlp.make_doc(text) for text in ("Severe " * 20, "a")]
    go_back, found = torch.autograd.backward, []

    def learn() -> dict[str, Any]:
        # buckets of one window each, as two would be more
        model = make_tagger(dropout=0.5, device=device, max_batch_pieces=50)
        torch.manual_seed(0)
        emissions, backprop = model.begin_update(docs)
        backprop(torch.ones_like(emissions.scores))
        named = model.shims[0].module.named_parameters()
        return {name: p.grad for name, p in named if p.grad is not None}

    expected = learn()

    def runs_out(*args: Any, **kwargs: Any) -> None:
        if not found:
            found.append(1)
            raise torch.OutOfMemoryError("CUDA out of memory")
        go_back(*args, **kwargs)

    monkeypatch.setattr(torch.autograd, "backward", runs_out)
    gradients = learn()
    assert found
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-5, msg=name)


def test_decoding_waits_no_more_often_for_more_tokens() -> None:
    def waits(lengths: list[int]) -> int:
        torch.manual_seed(0)
        scheme = TagScheme("BILOU", ["Disease", "Chemical"])
        decoder = make_decoder(scheme, use_crf=True).cuda()
        scores = torch.randn(sum(lengths), scheme.n_tags).cuda()
        emissions = Emissions(scores, [np.arange(n) for n in lengths])
        Tagger(decoder, scheme).decode(emissions)
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                assert any(map(len, Tagger(decoder, scheme).decode(emissions)))
        finally:
            torch.cuda.set_sync_debug_mode("default")
        return sum("synchroniz" in str(warning.message) for warning in caught)

    counts = [waits(lengths) for lengths in ([5], [150] * 20, [900, 300, 3])]
    assert max(counts) <= counts[0] + 4  # those of several lengths are a few, those of tokens 1,350
    assert 0 < counts[0] < 40
