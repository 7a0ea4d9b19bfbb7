"""The BiLSTM as a tok2vec: from Docs to vectors, learning, files."""

import copy
import pickle
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Adam, Model

from spacy_ner_plus.models.architectures.bilstm_vectors import build_bilstm_v1, count_words
from spacy_ner_plus.models.storage.files import SETTINGS, WEIGHTS, Weights
from spacy_ner_plus.text.vectors_writer import Naming, fill_folder
from spacy_ner_plus.text.word_vectors import WordVectors, word_hashes
from tests.tiny import sample_texts

SIZES: dict[str, Any] = {
    "hidden_size": 6,
    "learned_width": 5,
    "case_width": 3,
    "character_width": 4,
    "character_hidden": 6,
    "max_characters": 12,
    "device": "cpu",
    "precision": "fp32",
}
TEXTS = [
    "Effects of tetrandrine and fangchinoline on experimental thrombosis in mice .",
    "",
    "Severe heart  failure followed.",
    " \n ",
    "hypotension",
    f"See http://{'x' * 500}.org for 1,234 Words NEVER seen in Zürich 北京 .",
]
# Words of the training data, as they are and in lower case.
SEEN = {form for text in sample_texts(60) for word in text.split() for form in (word, word.lower())}
VECTOR_WORDS = ["heart", "failure", "quokka", "Severe", "mice"]


@pytest.fixture(scope="module")
def blank() -> Language:
    return spacy.blank("en")


@pytest.fixture
def docs(blank: Language) -> list[Doc]:
    return [blank.make_doc(text) for text in TEXTS]


@pytest.fixture(scope="module")
def vectors_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors of VECTOR_WORDS: the first word has ones, the second twos, and so on."""
    folder = tmp_path_factory.mktemp("vectors")
    keys = word_hashes(VECTOR_WORDS)
    order = np.argsort(keys)
    table = np.repeat(np.arange(1, len(keys) + 1, dtype=np.float32)[:, None], 4, axis=1)
    vectors = WordVectors(keys[order], order.astype(np.int64), table)
    fill_folder(folder, vectors, Naming("tiny", "test"))
    return folder


def build(**given: Any) -> Model:
    return build_bilstm_v1(**{**SIZES, **given})


@cache
def training_docs() -> list[Doc]:
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text in sample_texts(60)]


def make(*, seed: int = 0, **given: Any) -> Model:
    """An initialized model, whose vocabulary is that of 60 sentences."""
    model = build(**given)
    counts = count_words(model)
    assert counts is not None
    texts = training_docs()
    for doc in texts:
        counts.add(doc)
    torch.manual_seed(seed)
    model.initialize(X=texts[:2])
    return model


def module_of(model: Model) -> Any:
    return model.shims[0].module


def parameters(model: Model) -> dict[str, torch.Tensor]:
    return {name: t.clone() for name, t in module_of(model).state_dict().items()}


def is_changed(model: Model, before: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(t, before[name]) for name, t in parameters(model).items())


def assert_same(found: list[Any], expected: list[Any], *, atol: float = 0.0) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)


# Forward


@pytest.mark.parametrize("characters", ["cnn", "bilstm", None])
def test_each_token_has_a_vector_and_white_space_zeros(
    docs: list[Doc], characters: str | None
) -> None:
    model = make(characters=characters)
    for doc, vectors in zip(docs, model.predict(docs), strict=True):
        assert vectors.shape == (len(doc), 12) and vectors.dtype == np.float32
        for token in doc:
            assert vectors[token.i].any() == (not token.is_space)


@pytest.mark.parametrize("is_train", [False, True])
@pytest.mark.parametrize("texts", [[], [""], ["", " \n "]])
def test_nothing_to_read_gives_empty_or_zero_vectors(
    blank: Language, texts: list[str], is_train: bool
) -> None:
    model = make()
    docs = [blank.make_doc(text) for text in texts]
    vectors, backprop = model(docs, is_train)
    assert [v.shape for v in vectors] == [(len(doc), 12) for doc in docs]
    assert not any(v.any() for v in vectors)
    if is_train:
        assert backprop(vectors) == []


@pytest.fixture(scope="module", params=[("cnn", 1), ("bilstm", 2)], ids=["cnn", "bilstm"])
def invariant_model(request: pytest.FixtureRequest) -> Iterator[Model]:
    characters, rnn_layers = request.param
    yield make(characters=characters, rnn_layers=rnn_layers)


@settings(deadline=None, max_examples=25)
@given(data=st.data(), max_rows=st.integers(1, 200))
def test_vectors_do_not_depend_on_the_batch(
    invariant_model: Model, blank: Language, data: st.DataObject, max_rows: int
) -> None:
    texts = data.draw(st.lists(st.sampled_from([*TEXTS, *sample_texts(8)]), max_size=8))
    docs = [blank.make_doc(text) for text in texts]
    module_of(invariant_model).max_rows = max_rows
    together = invariant_model.predict(docs)
    module_of(invariant_model).max_rows = 10_000
    assert_same(together, [invariant_model.predict([doc])[0] for doc in docs], atol=1e-4)


def test_long_document_in_windows_is_that_of_one_pass(blank: Language) -> None:
    doc = blank.make_doc(" ".join(sample_texts(60)))
    assert len(doc) > 1000
    whole, windows = make(rnn_layers=2), make(rnn_layers=2, max_batch_words=50)
    assert_same(windows.predict([doc]), whole.predict([doc]), atol=1e-5)


def test_sentences_are_read_alone_unless_documents_are_wanted(blank: Language) -> None:
    words = ["Severe", "heart", "failure", "followed", "."]
    twice = Doc(blank.vocab, words=words * 2, sent_starts=[True, *[False] * 4] * 2)
    alone = Doc(blank.vocab, words=words)
    by_sentence = make()
    (expected,) = by_sentence.predict([alone])
    assert_same(by_sentence.predict([twice]), [np.concatenate([expected] * 2)], atol=1e-5)
    (found,) = make(context="document").predict([twice])
    assert abs(found[:5] - found[5:]).max() > 1e-3


def test_vectors_in_bf16_are_near(docs: list[Doc]) -> None:
    assert_same(make(precision="bf16").predict(docs), make().predict(docs), atol=0.05)


# Word vectors


def looked_up(model: Model, word: str) -> torch.Tensor:
    """What the pretrained half of a word's embedding is."""
    _, batch = model.shims[0].read_docs([Doc(Vocab(), words=[word])])
    words = module_of(model).words
    unknown = words.unknown(batch.forms, batch.suffixes)
    return words(batch.word_rows, batch.vector_rows, unknown)[0, :4]


@pytest.mark.parametrize("train_vectors", [True, False])
def test_words_have_the_vectors_of_the_folder(vectors_dir: Path, train_vectors: bool) -> None:
    model = make(vectors=str(vectors_dir), train_vectors=train_vectors)
    sizes = module_of(model).sizes
    assert sizes.n_tuned + sizes.n_fixed == len(VECTOR_WORDS) and sizes.vector_width == 4
    assert (sizes.n_tuned > 0) == train_vectors
    for i, word in enumerate(VECTOR_WORDS, start=1):
        assert looked_up(model, word).tolist() == [i] * 4
    assert looked_up(model, "HEART").tolist() == [1] * 4
    assert looked_up(model, "severe").tolist() != [4] * 4  # only "Severe" has one


def test_seen_vectors_are_those_of_the_training_data(vectors_dir: Path) -> None:
    model = make(vectors=str(vectors_dir), saved_vectors="seen")
    n_seen = sum(word in SEEN for word in VECTOR_WORDS)
    assert 0 < n_seen < len(VECTOR_WORDS)
    assert module_of(model).sizes.n_keys == n_seen
    assert looked_up(model, "quokka").tolist() != [3] * 4


@pytest.mark.parametrize("train_vectors", [True, False])
def test_only_vectors_of_seen_words_learn(
    vectors_dir: Path, docs: list[Doc], train_vectors: bool
) -> None:
    model = make(vectors=str(vectors_dir), train_vectors=train_vectors)
    before = {word: looked_up(model, word).clone() for word in VECTOR_WORDS}
    step(model, [*docs, Doc(docs[0].vocab, words=VECTOR_WORDS)])
    for word in VECTOR_WORDS:
        is_learning = train_vectors and word in SEEN
        assert torch.equal(looked_up(model, word), before[word]) != is_learning, word


def test_vectors_of_the_vocabulary(blank: Language) -> None:
    vocab = Vocab()
    vocab.set_vector("heart", np.full(4, 7.0, dtype="float32"))
    model = build(vectors="vocab", saved_vectors="all")
    with pytest.warns(UserWarning, match="that of 1 document"):
        model.initialize(X=[Doc(vocab, words=["heart", "failure"])])
    assert looked_up(model, "heart").tolist() == [7.0] * 4
    counts = count_words(model)
    assert counts is not None
    counts.add(Doc(vocab, words=["heart"]))
    with pytest.raises(ValueError, match='vectors = "vocab" takes'):
        model.initialize()


def test_vectors_that_can_not_be_kept_are_refused(tmp_path: Path) -> None:
    table = np.full((1, 4), 1e6, dtype=np.float32)
    vectors = WordVectors(word_hashes(["word"]), np.zeros(1, dtype=np.int64), table)
    fill_folder(tmp_path, vectors, Naming("large", "test"))
    with pytest.raises(ValueError, match=r"values up to 1e\+06"):
        make(vectors=str(tmp_path))


# Learning


def step(model: Model, docs: list[Doc]) -> None:
    vectors, backprop = model.begin_update(docs)
    backprop([np.ones_like(v) for v in vectors])
    model.finish_update(Adam(0.01))


def test_gradients_equal_those_of_a_torch_graph(docs: list[Doc]) -> None:
    model = make(word_dropout=0.0, locked_dropout=0.0)
    vectors, backprop = model.begin_update(docs)
    weights = [np.random.default_rng(i).normal(size=v.shape) for i, v in enumerate(vectors)]
    backprop([w.astype("float32") for w in weights])
    module = module_of(model)
    found = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
    assert {"words.learned.weight", "characters.filters.weight"} < found.keys()

    module.zero_grad()  # mean over the batch of a function with the gradient `weights`
    n_tokens = sum(map(len, docs))
    for doc, weight in zip(docs, weights, strict=True):
        words = [token.i for token in doc if not token.is_space]
        _, batch = model.shims[0].read_docs([doc])
        if words:
            rows = module(batch)  # (words, width)
            (rows * torch.from_numpy(weight[words])).sum().div(n_tokens).backward()
    for name, gradient in found.items():
        expected = module.get_parameter(name).grad
        torch.testing.assert_close(gradient.to_dense(), expected, rtol=1e-3, atol=1e-5)


def test_step_between_forward_and_backward_is_taken_after_it(docs: list[Doc]) -> None:
    model = make()
    optimizer = Adam(1e-2)
    for _ in range(2):
        before = parameters(model)
        vectors, backprop = model.begin_update(docs)
        model.finish_update(optimizer)
        assert not is_changed(model, before)
        backprop([np.ones_like(v) for v in vectors])
        assert is_changed(model, before)


def test_step_goes_on_from_the_optimizers_state(docs: list[Doc]) -> None:
    ends = []
    for is_broken in (False, True):
        model = make(word_dropout=0.0, locked_dropout=0.0)
        step(model, docs)
        if is_broken:
            twin = build(word_dropout=0.0, locked_dropout=0.0)
            twin.from_bytes(model.to_bytes())
            twin.shims[0].optimizer_from_bytes(model.shims[0].optimizer_to_bytes())
            model = twin
        step(model, docs[::-1])
        ends.append(parameters(model))
    for name, values in ends[0].items():
        torch.testing.assert_close(ends[1][name], values, rtol=0, atol=0)


def test_vectors_of_words_are_not_drawn_to_zero() -> None:
    model = make()
    for group in model.shims[0]._adamw().adamw.param_groups:
        names = {
            name
            for name, parameter in module_of(model).named_parameters()
            if any(parameter is one for one in group["params"])
        }
        assert group["rate_scale"] == 1.0
        is_words = {name.startswith("words.") for name in names if not name.endswith("bias")}
        assert group["decays"] == (is_words == {False})


# Building, saving, loading


def test_building_reads_nothing_and_says_so(blank: Language) -> None:
    model = build(vectors="no/such/folder")
    assert model.get_dim("nO") == 12
    with pytest.raises(ValueError, match="has no weights yet"):
        model.predict([blank.make_doc("Text")])
    with pytest.raises(ValueError, match="no/such/folder is no folder of word vectors"):
        model.initialize(X=[blank.make_doc("Text")] * 20)


def test_vocabulary_needs_words(blank: Language) -> None:
    for sample in (None, [blank.make_doc(" \n ")] * 20):
        with pytest.raises(ValueError, match=r"give nlp\.initialize"):
            build().initialize(X=sample)


def test_vocabulary_of_a_sample_is_told_and_one_that_was_counted_is_not(blank: Language) -> None:
    sample = [blank.make_doc("Some text")] * 10
    with pytest.warns(UserWarning, match="spaCy's tok2vec component shows no more"):
        build().initialize(X=sample)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("hidden_size", 0),
        ("hidden_size", 2.5),
        ("rnn_layers", 0),
        ("word_dropout", 1.0),
        ("locked_dropout", -0.1),
        ("characters", "rnn"),
        ("context", "line"),
        ("saved_vectors", "none"),
        ("min_freq", 0),
        ("max_characters", 1),
        ("learned_width", -1),
        ("learned_width", 0),
        ("max_batch_words", 0),
        ("precision", "fp8"),
        ("reproject_embeddings", "yes"),
        ("train_vectors", 1),
    ],
)
def test_settings_out_of_range_are_refused(setting: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{setting} = "):
        build(**{setting: value})
    with pytest.raises(ValueError, match="character_hidden = 7 must be even"):
        build(characters="bilstm", character_hidden=7)


def copies(model: Model, **settings: Any) -> dict[str, Model]:
    return {
        "bytes": build(**settings).from_bytes(model.to_bytes()),
        "copy": model.copy(),
        "deepcopy": copy.deepcopy(model),
        "shim": with_shim(model, pickle.loads(pickle.dumps(model.shims[0]))),
    }


def with_shim(model: Model, shim: Any) -> Model:
    other = build()
    other.shims[0] = shim
    return other


def test_round_trips_keep_vectors(vectors_dir: Path, docs: list[Doc]) -> None:
    model = make(vectors=str(vectors_dir))
    expected = model.predict(docs)
    for how, loaded in copies(model, vectors="no/such/folder").items():
        assert_same(loaded.predict(docs), expected), how
        before = parameters(model)
        step(loaded, docs)
        assert not is_changed(model, before), how


def test_run_time_settings_are_those_of_the_config_and_structure_that_of_the_weights(
    docs: list[Doc],
) -> None:
    model = make()
    data = model.to_bytes()
    loaded = build(word_dropout=0.2, locked_dropout=0.3, max_batch_words=7, min_freq=9)
    loaded.from_bytes(data)
    module = module_of(loaded)
    assert (module.word_dropout, module.locked_dropout, module.max_rows) == (0.2, 0.3, 7)
    assert_same(loaded.predict(docs), model.predict(docs), atol=1e-5)
    for name, value in (("rnn_layers", 2), ("context", "document"), ("characters", "bilstm")):
        with pytest.raises(ValueError, match=f"trained with {name} = "):
            build(**{name: value}).from_bytes(data)


def test_model_without_weights_is_copied() -> None:
    model = build()
    assert not model.copy().shims[0].is_built
    assert not build().from_bytes(model.to_bytes()).shims[0].is_built


def test_damaged_lexicon_is_refused(vectors_dir: Path) -> None:
    shim = make(vectors=str(vectors_dir)).shims[0]
    files = shim.to_files()
    tensors = dict(files[WEIGHTS].tensors)
    for name, problem in (
        ("lexicon.vector_rows", "rows of vectors beyond"),
        ("lexicon.words", "not in order"),
    ):
        damaged = Weights({**tensors, name: torch.full_like(tensors[name], 99)})
        content = {SETTINGS: files[SETTINGS], WEIGHTS: damaged.to_bytes()}
        with pytest.raises(ValueError, match=problem):
            shim.read_files(content, is_verified=True)
    missing = Weights({n: t for n, t in tensors.items() if n != "lexicon.suffixes"})
    with pytest.raises(ValueError, match=r"missing.*lexicon\.suffixes"):
        shim.read_files({SETTINGS: files[SETTINGS], WEIGHTS: missing.to_bytes()}, is_verified=True)


def test_long_word_takes_no_more_memory(blank: Language) -> None:
    model = make()
    short, long = (Doc(blank.vocab, words=["a", word]) for word in ("b" * 12, "b" * 1_000_000))
    for doc in (short, long):
        _, batch = model.shims[0].read_docs([doc])
        assert sum(bucket.characters.numel() for bucket in batch.characters) <= 24
    assert_same(model.predict([short]), model.predict([long]), atol=10)  # it is read
