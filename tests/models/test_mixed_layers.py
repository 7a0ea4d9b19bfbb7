"""Taggers that read a mix of their encoder's layers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Adam, Model

from spacy_ner_plus.models.architectures.transformer_tagger import (
    build_transformer_tagger_v1,
    find_origin,
)
from spacy_ner_plus.models.onnx.export import export_graph
from spacy_ner_plus.models.pretrained.tag_names import CheckpointTags
from spacy_ner_plus.models.runtime.shim_settings import WordpieceSettings
from spacy_ner_plus.models.storage.files import as_bytes
from tests import tiny

MakeTagger = Callable[..., Model]
TEXTS = ["Bob Smith flew to Paris.", "", "Nothing of " + "interest " * 40, "IL-2"]
SETTINGS: dict[str, Any] = {"window": 32, "overlap": 8, "device": "cpu", "precision": "fp32"}


@pytest.fixture(scope="module")
def docs(nlp: Language) -> list[Doc]:
    return [nlp.make_doc(text) for text in TEXTS]


def learn(model: Model, docs: list[Doc], n_steps: int = 3) -> None:
    for _ in range(n_steps):
        emissions, backprop = model.begin_update(docs)
        generator = torch.Generator().manual_seed(0)
        backprop(torch.randn(emissions.scores.shape, generator=generator))
        model.finish_update(Adam(4e-4))


def rebuilt(model: Model, **settings: Any) -> Model:
    return build_transformer_tagger_v1(model.attrs["name"], **{**SETTINGS, **settings})


@pytest.mark.parametrize("mix_layers", [1, 2, "all"])
def test_mix_learns_and_is_saved(
    make_tagger: MakeTagger, docs: list[Doc], mix_layers: int | str
) -> None:
    model = make_tagger(mix_layers=mix_layers)
    mix = model.shims[0].module.encoder.mix
    before = [p.detach().clone() for p in mix.parameters()]
    learn(model, docs)
    moved = [not torch.equal(old, new) for old, new in zip(before, mix.parameters(), strict=True)]
    assert moved == [mix_layers != 1, True]  # the share of one layer is 1
    again = rebuilt(model, mix_layers=mix_layers)
    again.shims[0].from_bytes(model.shims[0].to_bytes())
    expected = model.predict(docs)
    assert torch.equal(again.predict(docs).scores, expected.scores)
    for doc, row in zip(docs, expected.scores.split(expected.lengths.tolist()), strict=True):
        torch.testing.assert_close(model.predict([doc]).scores, row, rtol=0, atol=1e-4)


def test_mix_learns_at_the_heads_rate_and_does_not_decay(
    make_tagger: MakeTagger, docs: list[Doc]
) -> None:
    model = make_tagger(mix_layers=2, head_lr_scale=7.0)
    learn(model, docs, 1)
    mix = {id(p) for p in model.shims[0].module.encoder.mix.parameters()}
    groups = model.shims[0]._optimizer.adamw.param_groups
    found = [g for g in groups for p in g["params"] if id(p) in mix]
    assert len(found) == 2
    assert {(group["rate_scale"], group["decays"]) for group in found} == {(7.0, False)}


def test_mix_of_a_frozen_encoder_learns_alone(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    model = make_tagger(mix_layers=2, freeze="encoder")
    encoder = model.shims[0].module.encoder
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    learn(model, docs)
    changed = {n for n, value in encoder.state_dict().items() if not torch.equal(value, before[n])}
    assert changed == {"mix.weights", "mix.scale"}


def test_models_of_before_load_as_those_without(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    model = make_tagger()
    files = as_bytes(model.shims[0].to_files())
    saved = json.loads(files["tagger.json"])
    assert saved["structure"].pop("mix_layers") == 0
    files["tagger.json"] = json.dumps(saved).encode()
    old = rebuilt(model)
    old.shims[0].take(old.shims[0].read_files(files, is_verified=True))
    assert torch.equal(old.predict(docs).scores, model.predict(docs).scores)
    with pytest.raises(
        ValueError, match=r"trained with mix_layers = 0, but the config says 2\. Th"
    ):
        rebuilt(model, mix_layers=2).shims[0].read_files(files, is_verified=True)


def test_mix_can_not_be_left_out_on_load(make_tagger: MakeTagger) -> None:
    model = make_tagger(mix_layers=2)
    with pytest.raises(ValueError, match=r"trained with mix_layers = 2, but the config says 0"):
        rebuilt(model).shims[0].from_bytes(model.shims[0].to_bytes())


@pytest.mark.parametrize("mix_layers", [-1, 2.5, "most", True, None])
def test_other_values_are_refused(mix_layers: Any) -> None:
    with pytest.raises(ValueError, match="mix_layers = "):
        build_transformer_tagger_v1("x", mix_layers=mix_layers)


def test_text_is_read_as_a_number() -> None:
    settings: Any = {"word_forms": None, "pooling": "first", "head_lr_scale": 1.0}
    read = WordpieceSettings(**{**SETTINGS, **settings}, mix_layers="2")
    assert read.mix_layers == 2


def test_more_layers_than_there_are_is_an_error(make_tagger: MakeTagger) -> None:
    with pytest.raises(ValueError, match=r"mix_layers = 9 must be at most 2"):
        make_tagger(mix_layers=9)


def test_head_of_a_checkpoint_wants_the_last_layer(tmp_path: Path) -> None:
    folder = tiny.save_token_classifier(tmp_path, ["O", "B-PER", "I-PER"])
    model = build_transformer_tagger_v1(str(folder), **SETTINGS, mix_layers=2)
    shim = model.shims[0]
    origin = find_origin(model, None)
    assert isinstance(origin, CheckpointTags)
    shim.start(shim.scheme, origin)
    with pytest.raises(ValueError, match=r"reads the encoder's last layer: set mix_layers = 0"):
        model.initialize()


@pytest.mark.slow
def test_mix_is_exported(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    model = make_tagger(mix_layers=2)
    learn(model, docs)
    other = rebuilt(model, mix_layers=2, runtime="onnx")
    other.shims[0].take_over(model.shims[0], export_graph(model.shims[0]))
    torch.testing.assert_close(
        other.predict(docs).scores, model.predict(docs).scores, rtol=0, atol=1e-4
    )
