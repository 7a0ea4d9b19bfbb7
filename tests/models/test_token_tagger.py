"""The head over any tok2vec, against naive computations."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.ml.models import build_hash_embed_cnn_tok2vec
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc
from spacy.util import fix_random_seed
from thinc.api import Model

from spacy_ner_plus.models.architectures.token_tagger import build_token_tagger_v1
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.runtime.tagger_shim import shim_of
from spacy_ner_plus.tags import TagScheme

BLANK = spacy.blank("en")
WIDTH = 8
TEXTS = ["Anna lives in  New York .", "", " \n ", "Yes", "She does.\tAnd he?"]


@pytest.fixture
def docs(nlp: Language) -> list[Doc]:
    return [nlp.make_doc(text) for text in TEXTS]


def table_tok2vec(width: int | None = WIDTH) -> Model:
    """A vector for each token out of its text's length; keeps the gradients that it gets."""

    def forward(model: Model, docs: list[Doc], is_train: bool) -> tuple[list, Callable]:
        table = np.random.default_rng(0).normal(size=(100, WIDTH)).astype("float32")
        vectors = [table[[len(token) + 20 * (token.i % 4) for token in doc]] for doc in docs]

        def backprop(gradients: list[np.ndarray]) -> list:
            model.attrs["gradients"] = gradients
            return []

        return [v.reshape(-1, WIDTH) for v in vectors], backprop

    return Model("table", forward, dims={"nO": width}, attrs={"gradients": None})


def cnn_tok2vec() -> Model:
    return build_hash_embed_cnn_tok2vec(
        width=WIDTH,
        depth=1,
        embed_size=50,
        window_size=1,
        maxout_pieces=2,
        subword_features=True,
        pretrained_vectors=None,
    )


def make_tagger(
    tok2vec: Model, docs: list[Doc], *, seed: int = 0, **settings: Any
) -> Model[list[Doc], Emissions]:
    model = build_token_tagger_v1(tok2vec, device="cpu", **{"dropout": 0.0, **settings})
    shim_of(model).scheme = TagScheme("BILOU", ["PER", "LOC"])
    model.initialize(X=docs)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in shim_of(model).module.parameters():
            parameter.normal_()
    return model


def head_of(model: Model) -> tuple[np.ndarray, np.ndarray]:
    linear = shim_of(model).module.head.linear
    return linear.weight.detach().numpy(), linear.bias.detach().numpy()


# Forward


@pytest.mark.parametrize("make_tok2vec", [table_tok2vec, cnn_tok2vec])
@pytest.mark.parametrize("is_train", [False, True])
def test_emissions_equal_a_loop_over_tokens(
    docs: list[Doc], make_tok2vec: Callable[[], Model], is_train: bool
) -> None:
    model = make_tagger(make_tok2vec(), [docs[0], docs[3]])
    emissions, _ = model(docs, is_train)
    matrix, bias = head_of(model)
    expected, tokens = [], []
    for doc in docs:
        vectors = model.layers[0].predict([doc])[0] if len(doc) else None
        words = [token.i for token in doc if not token.is_space]
        tokens.append(words)
        expected += [matrix @ vectors[i] + bias for i in words]
    np.testing.assert_allclose(emissions.scores.detach().numpy(), expected, atol=1e-5)
    assert [rows.tolist() for rows in emissions.row_tokens] == tokens
    assert [len(words) for words in tokens] == [6, 0, 0, 1, 6]


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text("ab. \n\t", max_size=12), max_size=5))
def test_rows_and_gradients_belong_to_the_tokens_that_are_no_whitespace(texts: list[str]) -> None:
    docs = [BLANK.make_doc(text) for text in texts]
    tok2vec = table_tok2vec()
    model = make_tagger(tok2vec, [])
    emissions, backprop = model.begin_update(docs)
    assert [rows.tolist() for rows in emissions.row_tokens] == [
        [token.i for token in doc if not token.is_space] for doc in docs
    ]
    backprop(torch.ones(emissions.scores.shape))
    if not any(map(len, docs)):
        assert tok2vec.attrs["gradients"] is None  # it is not asked about no tokens at all
        return
    for doc, gradient in zip(docs, tok2vec.attrs["gradients"], strict=True):
        assert gradient.any(axis=1).tolist() == [not token.is_space for token in doc]


def test_listener_vectors_are_those_of_the_doc(docs: list[Doc]) -> None:
    listener = Tok2VecListener("*", WIDTH)
    model = make_tagger(listener, docs)
    source = table_tok2vec()
    for doc, vectors in zip(docs, source.predict(docs), strict=True):
        doc.tensor = vectors
    expected = make_tagger(source, docs).predict(docs)
    assert torch.equal(model.predict(docs).scores, expected.scores)


@pytest.mark.parametrize("is_train", [False, True])
@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["  \n "]])
def test_nothing_to_tag_gives_no_rows(nlp: Language, texts: list[str], is_train: bool) -> None:
    model = make_tagger(cnn_tok2vec(), [nlp.make_doc("Some words")])
    emissions, backprop = model([nlp.make_doc(text) for text in texts], is_train)
    assert emissions.scores.shape == (0, 9)
    assert [len(tokens) for tokens in emissions.row_tokens] == [0] * len(texts)
    if is_train:
        backprop(torch.zeros(0, 9))
        assert not any(p.grad.any() for p in shim_of(model).module.head.linear.parameters())


def test_scores_do_not_depend_on_the_batch(docs: list[Doc]) -> None:
    model = make_tagger(cnn_tok2vec(), docs)
    together = model.predict(docs)
    alone = [model.predict([doc]).scores for doc in docs]
    torch.testing.assert_close(together.scores, torch.cat(alone), rtol=0, atol=1e-5)
    backwards = model.predict(docs[::-1])
    parts = together.scores.split(together.lengths.tolist())
    torch.testing.assert_close(backwards.scores, torch.cat(parts[::-1]), rtol=0, atol=1e-5)


def test_dropout_acts_in_training_only(docs: list[Doc]) -> None:
    model = make_tagger(table_tok2vec(), docs, dropout=0.5)
    assert torch.equal(model.predict(docs).scores, model.predict(docs).scores)
    trained, _ = model.begin_update(docs)
    assert not torch.equal(trained.scores, model.predict(docs).scores)


# Backward


@pytest.mark.parametrize("grad_factor", [1.0, 0.5, 0.0])
def test_gradient_of_the_vectors_is_summed_over_tokens(docs: list[Doc], grad_factor: float) -> None:
    """Ours is of a mean: the number of tokens brings it to the size of spaCy's components."""
    tok2vec = table_tok2vec()
    model = make_tagger(tok2vec, docs, grad_factor=grad_factor)
    emissions, backprop = model.begin_update(docs)
    d_scores = torch.randn(emissions.scores.shape)
    assert backprop(d_scores) == []
    matrix, _ = head_of(model)
    n_tokens = sum(map(len, docs))
    of_rows = iter(grad_factor * n_tokens * d_scores.numpy() @ matrix)
    for doc, gradient in zip(docs, tok2vec.attrs["gradients"], strict=True):
        expected = [np.zeros(WIDTH) if token.is_space else next(of_rows) for token in doc]
        np.testing.assert_allclose(gradient, np.reshape(expected, (-1, WIDTH)), rtol=1e-5)


def test_gradient_of_the_head_is_that_of_the_mean_whatever_the_factor(docs: list[Doc]) -> None:
    gradients = []
    for grad_factor in (1.0, 0.0):
        model = make_tagger(table_tok2vec(), docs, grad_factor=grad_factor)
        emissions, backprop = model.begin_update(docs)
        backprop(torch.ones(emissions.scores.shape))
        gradients.append(shim_of(model).module.head.linear.bias.grad)
    assert torch.equal(gradients[0], torch.full((9,), float(len(emissions.scores))))
    assert torch.equal(*gradients)


def test_gradients_of_a_network_equal_finite_differences(docs: list[Doc]) -> None:
    fix_random_seed(0)
    model = make_tagger(cnn_tok2vec(), docs)
    emissions, backprop = model.begin_update(docs)
    weight = torch.randn(emissions.scores.shape)
    backprop(weight)
    n_tokens = sum(map(len, docs))
    checked = 0
    for node in model.layers[0].walk():
        if node.name != "maxout" or not node.has_grad("W"):
            continue
        values = node.get_param("W").copy()
        direction = np.random.default_rng(0).normal(size=values.shape).astype("float32")
        direction /= np.linalg.norm(direction)
        scores = []
        for sign in (1, -1):
            node.set_param("W", values + sign * 2e-3 * direction)
            scores.append(model.predict(docs).scores.double())
        node.set_param("W", values)
        slope = n_tokens * float(((scores[0] - scores[1]) * weight).sum()) / 4e-3
        # a step may cross a kink of the maxout
        assert slope == pytest.approx(float((node.get_grad("W") * direction).sum()), rel=0.03)
        checked += 1
    assert checked == 2  # the embedding's mixer and the convolution


# Dimensions and settings


def test_width_comes_from_the_tok2vec_or_from_a_sample(docs: list[Doc]) -> None:
    known = make_tagger(table_tok2vec(WIDTH), [])
    seen = make_tagger(table_tok2vec(None), docs)
    for model in (known, seen):
        assert shim_of(model).module.head.linear.in_features == WIDTH
    with pytest.raises(
        ValueError, match=r"length .* is unknown: give nlp\.initialize\(\) examples"
    ):
        make_tagger(table_tok2vec(None), [])


def test_vectors_of_another_width_are_refused(docs: list[Doc]) -> None:
    model = make_tagger(Tok2VecListener("*", 5), docs)
    for doc in docs:
        doc.tensor = np.ones((len(doc), 6), dtype="float32")
    with pytest.raises(ValueError, match=r"vectors of length 6, but the head .* for length 5"):
        model.predict(docs)


def test_listener_without_vectors_warns(docs: list[Doc]) -> None:
    model = make_tagger(Tok2VecListener("*", 5), docs)
    with pytest.warns(UserWarning, match="All token vectors are 0"):
        model.predict(docs)


def test_model_without_weights_says_so(docs: list[Doc]) -> None:
    model = build_token_tagger_v1(table_tok2vec())
    with pytest.raises(ValueError, match="has no weights yet"):
        model.predict(docs)


@pytest.mark.parametrize(
    ("setting", "value"), [("dropout", 1.0), ("head_lr_scale", 0.0), ("grad_factor", -1.0)]
)
def test_settings_out_of_range_are_refused(setting: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{setting} = "):
        build_token_tagger_v1(table_tok2vec(), **{setting: value})


def test_architecture_is_registered() -> None:
    found = spacy.registry.architectures.get("spacy_ner_plus.TokenTagger.v1")
    assert found is build_token_tagger_v1
