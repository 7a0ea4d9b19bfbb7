"""A model over hand-written features: the quick way to its emissions against the module's."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from thinc.api import Model

from spacy_ner_plus.models.architectures.feature_tagger import (
    FEATURES,
    build_feature_tagger_v1,
    feature_shim_of,
)
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.runtime import feature_tagger_shim
from spacy_ner_plus.nn.crf import CRF
from spacy_ner_plus.tags import TagScheme
from spacy_ner_plus.text.feature_index import FeatureIndex
from spacy_ner_plus.text.token_features import TokenFeatures
from tests.pipeline.samples import read_sentences

VOCAB = spacy.blank("en").vocab
N_TRAIN = 20
SENTENCES = [words for words, _ in read_sentences(40)]


def make_docs(sentences: list[list[str]]) -> list[Doc]:
    return [Doc(VOCAB, words=words) for words in sentences]


def make_model(seed: int = 0) -> Model[list[Doc], Emissions]:
    """One that knows the features of some sentences, with random weights."""
    model = build_feature_tagger_v1()
    shim = feature_shim_of(model)
    shim.start(TagScheme("BILOU", ["Disease", "Chemical"]))
    reader = TokenFeatures(shim.templates, None, None)
    tokens = reader.read(make_docs(SENTENCES[:N_TRAIN]))
    keys = FeatureIndex.empty(shim.templates).keys
    index = FeatureIndex(shim.templates, reader.values, keys).with_keys(tokens, 1)
    shim.place_features(index, None)
    head, generator = shim.module.head, torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_(generator=generator)
        head.weight[torch.from_numpy(index.none_rows())] = 0.0
    return model


MODEL = make_model()
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(SENTENCES),
        st.lists(st.sampled_from(["Heart", "failure", " ", "\n", "of", "unseen1"]), max_size=6),
    ),
    max_size=5,
)


def module_scores(model: Model, docs: list[Doc]) -> np.ndarray:
    """The way of training."""
    scores: np.ndarray = model.begin_update(docs)[0].scores.detach().numpy()
    return scores


@given(TEXTS)
def test_predicted_emissions_are_the_modules(texts: list[list[str]]) -> None:
    docs = make_docs(texts)
    predicted = MODEL.predict(docs)
    np.testing.assert_allclose(predicted.scores, module_scores(MODEL, docs), atol=1e-4)
    for doc, tokens in zip(docs, predicted.row_tokens, strict=True):
        assert [doc[i].text for i in tokens] == [t.text for t in doc if not t.is_space]


@given(TEXTS)
def test_emissions_do_not_depend_on_the_batch(texts: list[list[str]]) -> None:
    """Nor on the words that were read before: they are the same, to the last bit."""
    together = MODEL.predict(make_docs(texts)).scores
    fresh = make_model()
    alone = [fresh.predict(make_docs([words])).scores for words in reversed(texts)]
    empty = torch.zeros(0, together.shape[1])
    assert torch.equal(together, torch.cat([empty, *reversed(alone)]))


def test_few_words_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_tagger_shim, "MAX_SUMS", 1)
    monkeypatch.setattr(feature_tagger_shim, "LEAST_WORDS", 5)
    forgetful, docs = make_model(), make_docs(SENTENCES)
    expected = MODEL.predict(docs).scores
    found = torch.cat([forgetful.predict([doc]).scores for doc in docs])
    assert torch.equal(found, expected)
    assert feature_shim_of(forgetful)._scorer.reader.generation > 10


def test_threads_predict_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each adds words, and forgets those of all."""
    monkeypatch.setattr(feature_tagger_shim, "MAX_SUMS", 1)
    monkeypatch.setattr(feature_tagger_shim, "LEAST_WORDS", 40)
    model, docs = make_model(), make_docs(SENTENCES)
    expected = [MODEL.predict([doc]).scores for doc in docs]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda doc: model.predict([doc]).scores, docs * 5))
    assert all(map(torch.equal, found, expected * 5))


def test_learned_weights_are_seen_at_once() -> None:
    model, docs = make_model(), make_docs(SENTENCES[:3])
    before = model.predict(docs).scores
    with torch.no_grad():
        feature_shim_of(model).module.head.bias += 1.0
    after = model.predict(docs).scores
    torch.testing.assert_close(after, before + 1.0)


def test_gradient_is_that_of_the_sums() -> None:
    model, docs = make_model(), make_docs(SENTENCES[:4])
    shim = feature_shim_of(model)
    emissions, backprop = model.begin_update(docs)
    gradient = torch.randn(emissions.scores.shape)
    backprop(gradient)
    rows = shim.index.rows(shim.reader().read(docs))
    expected = np.zeros(shim.module.head.weight.shape)
    for own, row in zip(gradient.numpy(), rows, strict=True):
        expected[row] += own
    expected[shim.index.none_rows()] = 0.0
    np.testing.assert_allclose(shim.module.head.weight.grad, expected, atol=1e-4)
    np.testing.assert_allclose(shim.module.head.bias.grad, gradient.sum(0), atol=1e-4)


def test_growing_keeps_what_was_learned() -> None:
    model, docs = make_model(), make_docs(SENTENCES)
    shim = feature_shim_of(model)
    old, transition = model.predict(docs).scores, shim.decoder.transition.detach().clone()
    shim.grow(TagScheme("BILOU", ["Disease", "Chemical", "Gene"]))
    grown = model.predict(docs).scores
    n = old.shape[1]
    assert torch.equal(grown[:, :n], old)
    torch.testing.assert_close(grown[:, n:], (old[:, :1] - 7.0).expand(-1, grown.shape[1] - n))
    assert isinstance(shim.decoder, CRF)
    assert torch.equal(shim.decoder.transition[:n, :n], transition)
    assert shim.fresh_labels == ("Gene",)


def test_bytes_are_read_back() -> None:
    shim, docs = feature_shim_of(make_model()), make_docs(SENTENCES)
    twin_model = build_feature_tagger_v1()
    twin = feature_shim_of(twin_model)
    twin.from_bytes(shim.to_bytes())
    assert twin.to_bytes() == shim.to_bytes()
    assert torch.equal(twin.score(docs)[0], shim.score(docs)[0])
    assert twin.index.values == shim.index.values


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": ["size"]}, "'size' is unknown"),
        ({"features": ["lower", "cluster4"]}, "features has 'cluster4': set clusters"),
        ({"clusters": "brown.tsv"}, "clusters = 'brown.tsv' is read by none"),
    ],
)
def test_wrong_settings_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_feature_tagger_v1(**settings)


def test_default_features_are_known() -> None:
    assert len(feature_shim_of(build_feature_tagger_v1()).templates) > len(FEATURES)
