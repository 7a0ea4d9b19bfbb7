"""Taggers that read tokens' characters beside their wordpieces."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Adam, Model

from spacy_ner_plus.models.architectures.transformer_tagger import build_transformer_tagger_v1
from spacy_ner_plus.models.onnx.export import check_exportable
from spacy_ner_plus.models.storage.files import as_bytes
from spacy_ner_plus.nn.encoders.character_input import CharacterInput
from spacy_ner_plus.nn.encoders.transformer import REFUSES_EMBEDDINGS

MakeTagger = Callable[..., Model]
TEXTS = ["Bob Smith flew to Paris.", "", " \n ", "Nothing of " + "interest " * 40, "IL-2 and Bob"]
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


def input_of(model: Model) -> CharacterInput:
    found = model.shims[0].module.encoder.characters
    assert isinstance(found, CharacterInput)
    return found


@pytest.mark.parametrize("word_forms", ["casing", None])
def test_training_starts_from_the_plain_encoder_and_learns(
    make_tagger: MakeTagger, docs: list[Doc], word_forms: str | None
) -> None:
    plain = make_tagger(word_forms=word_forms)
    model = make_tagger(word_forms=word_forms, characters="cnn")
    assert input_of(model).projection.weight.eq(0).all()
    weights = plain.shims[0].module.state_dict()
    model.shims[0].module.load_state_dict(weights, strict=False)
    torch.testing.assert_close(model.predict(docs).scores, plain.predict(docs).scores)
    before = [p.detach().clone() for p in input_of(model).parameters()]
    learn(model, docs)
    after = list(input_of(model).parameters())
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    group = next(
        group
        for group in model.shims[0]._optimizer.adamw.param_groups
        if any(p is after[-1] for p in group["params"])
    )
    assert group["rate_scale"] == 10.0


def trained(make_tagger: MakeTagger, **settings: Any) -> Model:
    model = make_tagger(characters="cnn", **settings)
    with torch.no_grad():
        input_of(model).projection.weight.normal_(std=0.3)
    return model


def test_emissions_do_not_depend_on_the_batch(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    model = trained(make_tagger)
    together = model.predict(docs)
    for doc, rows in zip(docs, together.scores.split(together.lengths.tolist()), strict=True):
        torch.testing.assert_close(model.predict([doc]).scores, rows, rtol=0, atol=1e-4)
    model.shims[0].budget.pieces = 40  # buckets are split
    torch.testing.assert_close(model.predict(docs).scores, together.scores, rtol=0, atol=1e-4)


def test_case_is_seen_by_an_uncased_encoder(make_tagger: MakeTagger, nlp: Language) -> None:
    lower, upper = (nlp.make_doc(text) for text in ("the bob of it", "the BoB of it"))
    plain = make_tagger(word_forms=None)
    assert torch.equal(plain.predict([lower]).scores, plain.predict([upper]).scores)
    model = trained(make_tagger, word_forms=None)
    assert (model.predict([lower]).scores - model.predict([upper]).scores).abs().max() > 1e-2


def test_round_trip_keeps_predictions(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    model = trained(make_tagger)
    settings = {**SETTINGS, "characters": "cnn"}
    again = build_transformer_tagger_v1(model.attrs["name"], **settings)
    again.shims[0].from_bytes(model.shims[0].to_bytes())
    assert torch.equal(again.predict(docs).scores, model.predict(docs).scores)
    with pytest.raises(ValueError, match=r"trained with characters = 'cnn', but the config says N"):
        build_transformer_tagger_v1("x", **SETTINGS).shims[0].from_bytes(model.shims[0].to_bytes())


def test_models_of_before_load_as_those_without(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    model = make_tagger()
    files = as_bytes(model.shims[0].to_files())
    saved = json.loads(files["tagger.json"])
    del saved["structure"]["characters"]
    files["tagger.json"] = json.dumps(saved).encode()
    old = build_transformer_tagger_v1("x", **SETTINGS)
    old.shims[0].take(old.shims[0].read_files(files, is_verified=True))
    assert torch.equal(old.predict(docs).scores, model.predict(docs).scores)


def test_pieces_of_no_token_get_nothing() -> None:
    torch.manual_seed(0)
    network = CharacterInput(9, 4)
    torch.nn.init.normal_(network.projection.weight)
    characters = torch.zeros(1, 3, 5, dtype=torch.int32)
    characters[0, 1, :2] = torch.tensor([3, 4])
    added = network(characters)
    assert added.shape == (1, 3, 4)
    assert not added[0, [0, 2]].any() and added[0, 1].any()
    padded = torch.cat([characters, torch.zeros(1, 3, 4, dtype=torch.int32)], dim=2)
    torch.testing.assert_close(network(padded), added)


def test_what_can_not_be_done_is_refused(make_tagger: MakeTagger) -> None:
    model = make_tagger(characters="cnn")
    with pytest.raises(
        ValueError, match=r"'ner_plus' reads the characters of tokens, which the exp"
    ):
        check_exportable(model.shims[0], "ner_plus")
    encoder = make_tagger().shims[0].module.encoder
    encoder.model.config.model_type = REFUSES_EMBEDDINGS[0]
    with pytest.raises(ValueError, match=r"so characters can't be added to them: set characters"):
        encoder.read_characters(9)
    with pytest.raises(ValueError, match="characters = 'bilstm' is unknown"):
        build_transformer_tagger_v1("x", characters="bilstm")
