"""A pretrained encoder as a tok2vec, against transformers itself and torch's gradients."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Adam, Model
from transformers import AutoModel, AutoTokenizer

from spacy_ner_plus.models.architectures.transformer_vectors import build_transformer_v1
from spacy_ner_plus.models.runtime.tagger_shim import shim_of
from tests.models.conftest import MakeTagger

TEXTS = [
    "Effects of tetrandrine and fangchinoline on experimental thrombosis in mice .",
    "",
    "Severe heart  failure followed.",
    " \n ",
    "hypotension",
]
WIDTH = 32


@pytest.fixture
def docs(nlp: Language) -> list[Doc]:
    return [nlp.make_doc(text) for text in TEXTS]


def make_encoder(folder: Path, *, seed: int = 0, **settings: Any) -> Model:
    settings = {"window": 32, "overlap": 8, "device": "cpu", "precision": "fp32", **settings}
    model = build_transformer_v1(str(folder), WIDTH, **settings)
    model.initialize()
    torch.manual_seed(seed)
    forms = model.shims[0].module.encoder.word_forms
    if forms is not None:
        with torch.no_grad():
            forms.weight[1:] = 0.1 * torch.randn_like(forms.weight[1:])
    return model


def parameters(model: Model) -> dict[str, torch.Tensor]:
    return {name: t.clone() for name, t in model.shims[0].module.state_dict().items()}


def is_changed(model: Model, before: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(t, before[name]) for name, t in parameters(model).items())


# Forward


def test_vectors_equal_those_of_transformers(tiny_encoder_dir: Path, docs: list[Doc]) -> None:
    model = make_encoder(tiny_encoder_dir, word_forms=None, window=128)
    found = model.predict(docs)
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder_dir)
    encoder = AutoModel.from_pretrained(tiny_encoder_dir).eval()
    for doc, vectors in zip(docs, found, strict=True):
        assert vectors.shape == (len(doc), WIDTH) and vectors.dtype == np.float32
        pieces = tokenizer(doc.text, return_offsets_mapping=True, return_tensors="pt")
        offsets = pieces.pop("offset_mapping")[0].tolist()
        with torch.inference_mode():
            hidden = encoder(**pieces).last_hidden_state[0].numpy()
        for token in doc:
            starts = [i for i, (start, end) in enumerate(offsets) if start == token.idx < end]
            expected = np.zeros(WIDTH) if token.is_space else hidden[starts[0]]
            np.testing.assert_allclose(vectors[token.i], expected, atol=1e-5)


@pytest.mark.parametrize("pooling", ["first", "last", "mean", "max"])
@pytest.mark.parametrize("word_forms", ["casing", None])
def test_vectors_are_what_the_private_tagger_scores(
    tiny_encoder_dir: Path,
    make_tagger: MakeTagger,
    docs: list[Doc],
    pooling: str,
    word_forms: str | None,
) -> None:
    tagger = make_tagger(pooling=pooling, word_forms=word_forms)
    module = shim_of(tagger).module
    model = make_encoder(tiny_encoder_dir, pooling=pooling, word_forms=word_forms)
    model.shims[0].module.load_state_dict(module.state_dict(), strict=False)
    emissions = tagger.predict(docs)
    vectors = [v[rows] for v, rows in zip(model.predict(docs), emissions.row_tokens, strict=True)]
    scores = module.head(torch.from_numpy(np.concatenate(vectors)))
    torch.testing.assert_close(scores, emissions.scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("is_train", [False, True])
@pytest.mark.parametrize("texts", [[], [""], ["", " \n "]])
def test_nothing_to_read_gives_empty_or_zero_vectors(
    tiny_encoder_dir: Path, nlp: Language, texts: list[str], is_train: bool
) -> None:
    model = make_encoder(tiny_encoder_dir)
    docs = [nlp.make_doc(text) for text in texts]
    vectors, backprop = model(docs, is_train)
    assert [v.shape for v in vectors] == [(len(doc), WIDTH) for doc in docs]
    assert not any(v.any() for v in vectors)
    if is_train:
        assert backprop(vectors) == []


def test_vectors_do_not_depend_on_the_batch(tiny_encoder_dir: Path, docs: list[Doc]) -> None:
    model = make_encoder(tiny_encoder_dir)
    together = model.predict(docs)
    for doc, vectors in zip(docs, together, strict=True):
        np.testing.assert_allclose(model.predict([doc])[0], vectors, atol=1e-5)


# Learning


def test_gradients_equal_those_of_a_torch_graph(tiny_encoder_dir: Path, docs: list[Doc]) -> None:
    model = make_encoder(tiny_encoder_dir)
    vectors, backprop = model.begin_update(docs)
    weights = [np.random.default_rng(i).normal(size=v.shape) for i, v in enumerate(vectors)]
    backprop([w.astype("float32") for w in weights])
    module = model.shims[0].module
    found = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
    assert {"encoder.word_forms.weight"} < found.keys()

    # mean over the batch of a function with the gradient `weights`, one document at a time
    module.zero_grad()
    n_tokens = sum(map(len, docs))
    for doc, weight in zip(docs, weights, strict=True):
        words = [token.i for token in doc if not token.is_space]
        if words:
            inputs = _inputs_of(model, doc)
            rows = module(*inputs)  # (words, width)
            (rows * torch.from_numpy(weight[words])).sum().div(n_tokens).backward()
    for name, gradient in found.items():
        expected = module.get_parameter(name).grad
        torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-5)


def _inputs_of(model: Model, doc: Doc) -> tuple[Any, int]:
    batch, buckets = model.shims[0].read_docs([doc])
    return buckets, batch.n_rows


def test_step_between_forward_and_backward_is_taken_after_it(
    tiny_encoder_dir: Path, docs: list[Doc]
) -> None:
    """As nlp.update asks for it. The gradient must be that of the weights of the forward pass."""
    results = []
    for is_early in (True, False):
        model = make_encoder(tiny_encoder_dir)
        optimizer = Adam(1e-4)
        for _ in range(2):
            before = parameters(model)
            vectors, backprop = model.begin_update(docs)
            if is_early:
                model.finish_update(optimizer)
                assert not is_changed(model, before)
            backprop([np.ones_like(v) for v in vectors])
            if not is_early:
                model.finish_update(optimizer)
            assert is_changed(model, before)
        results.append(parameters(model))
    for name, values in results[0].items():
        assert torch.equal(values, results[1][name]), name


def test_step_without_a_gradient_of_its_batch_is_taken_before_the_next(
    tiny_encoder_dir: Path, docs: list[Doc]
) -> None:
    model = make_encoder(tiny_encoder_dir)
    vectors, backprop = model.begin_update(docs)
    backprop([np.ones_like(v) for v in vectors])
    before = parameters(model)
    model.begin_update(docs)  # nobody learns from this one
    model.finish_update(Adam(1e-4))
    assert not is_changed(model, before)
    pickle.loads(pickle.dumps(model.shims[0]))
    model.begin_update(docs)
    assert is_changed(model, before)


def test_step_after_a_batch_without_words_is_taken_at_once(
    tiny_encoder_dir: Path, nlp: Language, docs: list[Doc]
) -> None:
    model = make_encoder(tiny_encoder_dir)
    vectors, backprop = model.begin_update(docs)
    backprop([np.ones_like(v) for v in vectors])
    before = parameters(model)
    model.begin_update([nlp.make_doc("")])
    model.finish_update(Adam(1e-4))
    assert is_changed(model, before)


def test_frozen_encoder_stays_as_it_is(tiny_encoder_dir: Path, docs: list[Doc]) -> None:
    model = make_encoder(tiny_encoder_dir, freeze="encoder")
    before = parameters(model)
    vectors, backprop = model.begin_update(docs)
    backprop([np.ones_like(v) for v in vectors])
    model.finish_update(Adam(1e-4))
    assert not is_changed(model, before)


# Building, saving, loading


def test_building_loads_nothing_and_says_so(nlp: Language) -> None:
    model = build_transformer_v1("no/such/encoder", 5)
    assert model.get_dim("nO") == 5
    with pytest.raises(ValueError, match="has no weights yet"):
        model.predict([nlp.make_doc("Text")])


def test_another_width_than_the_encoders_is_refused(tiny_encoder_dir: Path) -> None:
    model = build_transformer_v1(str(tiny_encoder_dir), 31, window=32, overlap=8)
    with pytest.raises(ValueError, match="have length 32, but the config says width = 31"):
        model.initialize()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("width", 0),
        ("lr_scale", 0.0),
        ("pooling", "sum"),
        ("overlap", 32),
        ("lr_decay", 2.0),
        ("freeze", "all"),
        ("freeze", True),
    ],
)
def test_settings_out_of_range_are_refused(setting: str, value: Any) -> None:
    settings = {"name": "x", "width": 5, "window": 32, "overlap": 8, setting: value}
    with pytest.raises(ValueError, match=f"{setting} = "):
        build_transformer_v1(**settings)


def test_round_trip_keeps_vectors_and_takes_run_time_settings_of_the_config(
    tiny_encoder_dir: Path, docs: list[Doc]
) -> None:
    model = make_encoder(tiny_encoder_dir)
    data = model.to_bytes()
    settings = {"window": 30, "overlap": 4, "max_batch_pieces": 7, "precision": "fp32"}
    loaded = build_transformer_v1("no/such/encoder", WIDTH, device="cpu", **settings)
    loaded.from_bytes(data)
    short = docs[1:]  # in one window
    for ours, theirs in zip(model.predict(short), loaded.predict(short), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    config = loaded.shims[0].config
    assert (config.window, config.overlap, config.max_batch_pieces) == (30, 4, 7)
    assert loaded.shims[0].budget.pieces == 7
    with pytest.raises(ValueError, match="trained with pooling = 'first', but the config says"):
        build_transformer_v1("x", WIDTH, pooling="mean").from_bytes(data)


def test_copy_learns_alone(tiny_encoder_dir: Path, docs: list[Doc]) -> None:
    model = make_encoder(tiny_encoder_dir)
    before = parameters(model)
    twin = model.copy()
    vectors, backprop = twin.begin_update(docs)
    backprop([np.ones_like(v) for v in vectors])
    twin.finish_update(Adam(1e-4))
    assert is_changed(twin, before) and not is_changed(model, before)
