"""Pipelines in which ner_plus sits on a spaCy network, or on an encoder that others share."""

import copy
import io
import pickle
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import fix_random_seed, load_config
from thinc.api import Adam

from spacy_ner_plus.models.architectures.tok2vec_rows import listeners
from spacy_ner_plus.models.runtime.averaged_optimizer import AveragedAdam
from tests.pipeline.samples import (
    TEXTS,
    add_ner_plus,
    assert_same_predictions,
    assert_same_weights,
    found_in,
    make_examples,
    shake_head,
    weights,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
WIDTH = 32
ENCODER = {"window": 128, "overlap": 32, "precision": "fp32", "device": "cpu", "lr_scale": 1.0}
CNN = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "width": WIDTH,
    "depth": 1,
    "embed_size": 500,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
    "pretrained_vectors": None,
}
LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": WIDTH, "upstream": "*"}
POOLING = {"@layers": "reduce_mean.v1"}
SPANS = {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 32, "stride": 24}
TRF_LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "pooling": POOLING,
}
needs_spacy_transformers = pytest.mark.skipif(
    find_spec("spacy_transformers") is None, reason="needs spacy-transformers"
)
PRIVATE = ["cnn", pytest.param("private_trf", marks=needs_spacy_transformers)]
SHARED = ["shared_cnn", "shared", pytest.param("shared_trf", marks=needs_spacy_transformers)]
# What nlp.replace_listeners, nlp.get_pipe and the like want.
UPSTREAM = {"shared_cnn": "tok2vec", "shared": "tok2vec", "shared_trf": "transformer"}


def make_nlp(kind: str, folder: Path, *, others: bool = False, **model: Any) -> Language:
    """A pipeline without weights. others: a tagger and a second ner_plus share the encoder."""
    nlp = spacy.blank("en")
    own = {"@architectures": "spacy_ner_plus.Transformer.v1", "name": str(folder), "width": WIDTH}
    own |= ENCODER
    trf = {"name": str(folder), "tokenizer_config": {"use_fast": True}, "get_spans": SPANS}
    if kind == "shared":
        nlp.add_pipe("tok2vec", config={"model": own})
    elif kind == "shared_cnn":
        nlp.add_pipe("tok2vec", config={"model": CNN})
    elif kind == "shared_trf":
        trf["@architectures"] = "spacy-transformers.TransformerModel.v3"
        nlp.add_pipe("transformer", config={"model": trf})
    trf_private = trf | {
        "@architectures": "spacy-transformers.Tok2VecTransformer.v3",
        "pooling": POOLING,
    }
    tok2vec = {
        "cnn": CNN,
        "private_trf": trf_private,
        "shared": LISTENER,
        "shared_cnn": LISTENER,
        "shared_trf": TRF_LISTENER,
    }[kind]
    settings = {"dropout": 0.0, "device": "cpu", "head_lr_scale": 10.0, **model}
    architecture = {"@architectures": "spacy_ner_plus.TokenTagger.v1", "tok2vec": tok2vec}
    config = {"model": {**architecture, **settings}, "existing_ents": "overwrite"}
    if others:
        tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": tok2vec}
        nlp.add_pipe("tagger", config={"model": tagger})
        nlp.add_pipe("ner_plus", name="second", config={**config, "spans_key": "second"})
    nlp.add_pipe("ner_plus", config=config)
    return nlp


def tagged_examples(nlp: Language, n: int = 4) -> list[Example]:
    """Examples with entities, and the shapes of words as tags."""
    examples = make_examples(nlp, n)
    for example in examples:
        for token in example.reference:
            token.tag_ = "CAP" if token.is_title else "WORD" if token.is_alpha else "OTHER"
    return examples


def initialized(
    kind: str, folder: Path, *, others: bool = False, **model: Any
) -> tuple[Language, list[Example]]:
    fix_random_seed(0)
    nlp = make_nlp(kind, folder, others=others, **model)
    examples = tagged_examples(nlp)
    nlp.initialize(lambda: examples)
    return nlp, examples


def learn(nlp: Language, examples: list[Example], n_steps: int, **settings: Any) -> list[dict]:
    optimizer = Adam(5e-4, L2=0.0, grad_clip=1.0)
    return [nlp.update(examples, sgd=optimizer, **settings) for _ in range(n_steps)]


def scale_rate(nlp: Language, lr_scale: float) -> None:
    shim = nlp.get_pipe("tok2vec").model.shims[0]
    shim.config = replace(shim.config, lr_scale=lr_scale)


def encoder_weights(nlp: Language, name: str) -> list[np.ndarray]:
    """All weights of a component's model, of thinc and of torch."""
    found = []
    for node in nlp.get_pipe(name).model.walk():
        found += [node.get_param(p).copy() for p in node.param_names if node.has_param(p)]
        for shim in node.shims:
            found += [t.detach().numpy().copy() for t in shim._model.state_dict().values()]
    return found


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def run(nlp: Language, texts: list[str] = TEXTS) -> list[Doc]:
    return list(nlp.pipe(texts))


@pytest.fixture(scope="module")
def trained(
    tiny_encoder_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The folder of a pipeline of each kind that has learned a little."""
    folders: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in folders:
            nlp, examples = initialized(kind, tiny_encoder_dir)
            learn(nlp, examples, 25)
            folders[kind] = tmp_path_factory.mktemp(kind)
            nlp.to_disk(folders[kind])
        return folders[kind]

    return make


# Learning


@pytest.mark.parametrize("kind", PRIVATE)
def test_tagger_and_network_of_its_own_learn(tiny_encoder_dir: Path, kind: str) -> None:
    nlp, examples = initialized(kind, tiny_encoder_dir)
    before = encoder_weights(nlp, "ner_plus")
    losses = learn(nlp, examples, 10)
    assert losses[-1]["ner_plus"] < 0.5 * losses[0]["ner_plus"]
    after = encoder_weights(nlp, "ner_plus")
    n_changed = sum(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert n_changed > 0.8 * len(before)


@pytest.mark.parametrize("kind", SHARED)
def test_all_components_on_an_encoder_learn(tiny_encoder_dir: Path, kind: str) -> None:
    nlp, examples = initialized(kind, tiny_encoder_dir, others=True)
    before = encoder_weights(nlp, UPSTREAM[kind])
    losses = learn(nlp, examples, 20)
    for name, share in (("ner_plus", 0.3), ("second", 0.3), ("tagger", 0.85)):
        assert losses[-1][name] < share * losses[0][name], name
    assert not same(before, encoder_weights(nlp, UPSTREAM[kind]))


@pytest.mark.parametrize("kind", SHARED)
@pytest.mark.parametrize("learner", ["tagger", "ner_plus"])
def test_each_component_alone_moves_the_encoder(
    tiny_encoder_dir: Path, kind: str, learner: str
) -> None:
    """With the factor 0 ner_plus leaves the encoder alone, and then only a tagger moves it."""
    nlp, examples = initialized(
        kind,
        tiny_encoder_dir,
        others=learner == "tagger",
        grad_factor=float(learner == "ner_plus"),
    )
    before = encoder_weights(nlp, UPSTREAM[kind])
    learn(nlp, examples, 3)  # the tagger's layer is 0 at first, and spaCy's step comes one late
    assert not same(before, encoder_weights(nlp, UPSTREAM[kind]))


@pytest.mark.parametrize("kind", ["shared_cnn", "shared"])
def test_encoder_stays_if_no_component_gives_it_a_gradient(
    tiny_encoder_dir: Path, kind: str
) -> None:
    nlp, examples = initialized(kind, tiny_encoder_dir, grad_factor=0.0)
    before = encoder_weights(nlp, "tok2vec")
    losses = learn(nlp, examples, 3)
    assert same(before, encoder_weights(nlp, "tok2vec"))
    assert losses[-1]["ner_plus"] < losses[0]["ner_plus"]


def test_gradients_of_the_components_add_up_in_the_encoder(tiny_encoder_dir: Path) -> None:
    nlp, examples = initialized("shared", tiny_encoder_dir, others=True)
    learn(nlp, examples, 1)  # the tagger's layer starts at 0 and has no gradient then
    module = nlp.get_pipe("tok2vec").model.shims[0].module
    gradients = {}
    for learners in (("tagger",), ("second", "ner_plus"), ("tagger", "second", "ner_plus")):
        module.zero_grad()
        tok2vec = nlp.get_pipe("tok2vec")
        listening = {name: tok2vec.listener_map[name] for name in learners}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tok2vec, "listener_map", listening)
            for name in ("tok2vec", *learners):
                nlp.get_pipe(name).update(examples)
        gradients[learners] = torch.cat(
            [p.grad.flatten() for p in module.parameters() if p.grad is not None]
        )
    one, two, all_three = gradients.values()
    assert one.norm() > 0.01 and two.norm() > 0.01
    torch.testing.assert_close(one + two, all_three, rtol=1e-3, atol=1e-6)


def test_shared_encoder_learns_as_a_private_one_does(tiny_encoder_dir: Path) -> None:
    """The same losses, step by step, if nobody else listens and nothing is clipped. The rate of a
    private encoder is the optimizer's, that of a shared one the heads'.
    """
    losses = []
    for is_shared in (True, False):
        fix_random_seed(0)
        nlp = spacy.blank("en")
        if is_shared:
            nlp = make_nlp("shared", tiny_encoder_dir, head_lr_scale=1.0)
            scale_rate(nlp, 0.1)
        else:
            add_ner_plus(nlp, tiny_encoder_dir, model_head_lr_scale=10.0)
        examples = make_examples(nlp, 4)
        nlp.initialize(lambda examples=examples: examples)
        optimizer = Adam(5e-3 if is_shared else 5e-4, L2=0.0, grad_clip=0.0)
        losses.append([nlp.update(examples, sgd=optimizer)["ner_plus"] for _ in range(8)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0][-1] < 0.5 * losses[0][0]


def test_rate_of_spacys_default_optimizer_is_safe_for_a_shared_encoder(
    tiny_encoder_dir: Path,
) -> None:
    nlp, examples = initialized("shared", tiny_encoder_dir)
    scale_rate(nlp, 0.1)
    before = encoder_weights(nlp, "tok2vec")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.update(examples)
    after = encoder_weights(nlp, "tok2vec")
    moved = max(np.abs(a - b).max() for a, b in zip(before, after, strict=True))
    assert moved == pytest.approx(1e-3, rel=0.05)  # Adam's first step, of the casing embeddings


@pytest.mark.parametrize("kind", SHARED)
def test_frozen_encoder_that_annotates_stays_and_the_head_learns(
    tiny_encoder_dir: Path, kind: str
) -> None:
    nlp, examples = initialized(kind, tiny_encoder_dir)
    name = UPSTREAM[kind]
    before = encoder_weights(nlp, name)
    losses = learn(nlp, examples, 15, exclude=[name], annotates=[name])
    assert same(before, encoder_weights(nlp, name))
    assert losses[-1]["ner_plus"] < 0.7 * losses[0]["ner_plus"]


@pytest.mark.parametrize("kind", ["shared_cnn", "shared"])
def test_consistency_needs_an_encoder_that_can_run_twice(tiny_encoder_dir: Path, kind: str) -> None:
    nlp, examples = initialized(kind, tiny_encoder_dir)
    nlp.get_pipe("ner_plus").consistency = 1.0
    with pytest.raises(ValueError, match=r"encoder, which runs once a batch: consistency needs"):
        learn(nlp, examples, 1)


@pytest.mark.parametrize("kind", PRIVATE)
def test_consistency_with_a_network_of_its_own(tiny_encoder_dir: Path, kind: str) -> None:
    nlp, examples = initialized(kind, tiny_encoder_dir)
    plain = learn(nlp, examples, 1, drop=0.3)[0]["ner_plus"]
    nlp.get_pipe("ner_plus").consistency = 1.0
    losses = learn(nlp, examples, 10, drop=0.3)
    assert losses[-1]["ner_plus"] < 0.8 * plain


@pytest.mark.parametrize("kind", ["cnn", "shared_cnn"])
def test_averages_of_thinc_weights_can_be_used(tiny_encoder_dir: Path, kind: str) -> None:
    """thinc's layers are averaged; the head, which has an optimizer of its own, is not."""
    nlp, examples = initialized(kind, tiny_encoder_dir)
    optimizer = Adam(1e-3, use_averages=True)
    for _ in range(3):
        nlp.update(examples, sgd=optimizer)
    before = encoder_weights(nlp, nlp.pipe_names[0])
    head = weights(nlp.get_pipe("ner_plus"))
    with nlp.use_params(optimizer.averages):
        assert not same(before, encoder_weights(nlp, nlp.pipe_names[0]))
        assert_same_weights(head, weights(nlp.get_pipe("ner_plus")))
        assert nlp.evaluate(examples)["ents_f"] is not None
    assert same(before, encoder_weights(nlp, nlp.pipe_names[0]))


@pytest.mark.parametrize("kind", ["cnn", "shared_cnn", "shared"])
def test_our_averages_are_of_encoder_and_head(tiny_encoder_dir: Path, kind: str) -> None:
    """Of thinc's layers and of torch modules, those that others listen to among them."""
    nlp, examples = initialized(kind, tiny_encoder_dir)
    optimizer = AveragedAdam(4e-4, average_over=0.5)
    for _ in range(3):
        nlp.update(examples, sgd=optimizer)
    names = list(dict.fromkeys([nlp.pipe_names[0], "ner_plus"]))
    before = {name: encoder_weights(nlp, name) for name in names}
    with nlp.use_params(optimizer.averages):
        for name, weights_of in before.items():
            pairs = zip(weights_of, encoder_weights(nlp, name), strict=True)
            n_moved = sum(not np.array_equal(old, new) for old, new in pairs)
            assert n_moved > 0.8 * len(weights_of)
    for name, weights_of in before.items():
        assert same(weights_of, encoder_weights(nlp, name))


# Predicting


@pytest.mark.parametrize("kind", [*PRIVATE, *SHARED])
def test_predictions_do_not_depend_on_the_batch(trained: Callable[[str], Path], kind: str) -> None:
    nlp = spacy.load(trained(kind))
    docs = run(nlp)
    assert any(doc.ents for doc in docs)
    assert_same_predictions(docs, [nlp(text) for text in TEXTS], within=1e-5)
    assert_same_predictions(docs, run(nlp, TEXTS[::-1])[::-1], within=1e-5)


@pytest.mark.parametrize("kind", ["shared_cnn", "shared"])
def test_two_processes_give_the_same_predictions(trained: Callable[[str], Path], kind: str) -> None:
    nlp = spacy.load(trained(kind))
    assert_same_predictions(run(nlp), list(nlp.pipe(TEXTS, n_process=2, batch_size=3)), within=1e-5)


def test_disabled_encoder_warns(trained: Callable[[str], Path]) -> None:
    nlp = spacy.load(trained("shared"))
    with nlp.select_pipes(disable="tok2vec"), pytest.warns(UserWarning, match="vectors are 0"):
        nlp(TEXTS[0])


# Saving and loading


def through_bytes(nlp: Language, folder: Path) -> Language:
    new = spacy.util.load_model_from_config(nlp.config, auto_fill=True)
    return new.from_bytes(nlp.to_bytes())


def through_disk(nlp: Language, folder: Path) -> Language:
    nlp.to_disk(folder / "copy")
    return spacy.load(folder / "copy")


def through_pickle(nlp: Language, folder: Path) -> Language:
    loaded: Language = pickle.loads(pickle.dumps(nlp))
    return loaded


def through_deepcopy(nlp: Language, folder: Path) -> Language:
    return copy.deepcopy(nlp)


@pytest.mark.parametrize("kind", [*PRIVATE, *SHARED])
@pytest.mark.parametrize("route", [through_bytes, through_disk, through_pickle, through_deepcopy])
def test_round_trip_keeps_weights_and_predictions(
    trained: Callable[[str], Path],
    tmp_path: Path,
    kind: str,
    route: Callable[[Language, Path], Language],
) -> None:
    nlp = spacy.load(trained(kind))
    new = route(nlp, tmp_path)
    for name in nlp.pipe_names:
        assert same(encoder_weights(nlp, name), encoder_weights(new, name))
    assert_same_predictions(run(nlp), run(new))


@pytest.mark.parametrize("kind", SHARED)
def test_component_that_is_loaded_anew_listens_on(
    trained: Callable[[str], Path], kind: str
) -> None:
    nlp = spacy.load(trained(kind))
    ner, upstream = nlp.get_pipe("ner_plus"), nlp.get_pipe(UPSTREAM[kind])
    expected, saved = run(nlp), ner.to_bytes(exclude=["vocab"])
    [listener] = listeners(ner.model)
    shake_head(ner)
    ner.from_bytes(saved, exclude=["vocab"])
    assert listeners(ner.model) == upstream.listeners == [listener]
    assert_same_predictions(expected, run(nlp))
    shared = encoder_weights(nlp, UPSTREAM[kind])
    learn(nlp, tagged_examples(nlp), 2)  # the encoder learns at the next step
    assert not same(shared, encoder_weights(nlp, UPSTREAM[kind]))


@pytest.mark.parametrize("kind", SHARED)
def test_replaced_listener_stands_alone(tiny_encoder_dir: Path, tmp_path: Path, kind: str) -> None:
    nlp, examples = initialized(kind, tiny_encoder_dir, others=True)
    learn(nlp, examples, 6)
    expected = run(nlp)
    name = UPSTREAM[kind]
    nlp.replace_listeners(name, "ner_plus", ["model.tok2vec"])
    shared = encoder_weights(nlp, name)
    with nlp.select_pipes(enable="ner_plus"):
        assert_same_predictions(expected, run(nlp), within=1e-6)
        losses = learn(nlp, examples, 3)
        learned = run(nlp)
    assert same(shared, encoder_weights(nlp, name))
    assert losses[-1]["ner_plus"] < losses[0]["ner_plus"]
    nlp.to_disk(tmp_path)
    with_others = spacy.load(tmp_path)
    assert_same_predictions(learned, run(with_others), within=1e-6)
    alone = spacy.load(tmp_path, exclude=[name, "tagger", "second"])
    assert alone.pipe_names == ["ner_plus"]
    assert_same_predictions(learned, run(alone), within=1e-6)


def test_weights_of_another_architecture_are_refused(
    trained: Callable[[str], Path], tiny_encoder_dir: Path
) -> None:
    saved = trained("cnn") / "ner_plus"
    nlp = spacy.blank("en")
    with pytest.raises(ValueError, match=r"has tok2vec\.msgpack, so it was saved with another"):
        add_ner_plus(nlp, tiny_encoder_dir).from_disk(saved, exclude=["vocab"])


# In a pipeline


def test_adding_and_filling_load_nothing() -> None:
    nlp = make_nlp("shared", Path("/no/such/encoder"), others=True)
    tok2vec = nlp.get_pipe("tok2vec")
    assert len(tok2vec.listeners) == 3
    assert all(isinstance(listener, Tok2VecListener) for listener in tok2vec.listeners)
    with pytest.raises(ValueError, match="has no weights yet"):
        nlp(TEXTS[0])


def test_encoder_after_the_tagger_is_refused_in_training(tiny_encoder_dir: Path) -> None:
    nlp = make_nlp("shared", tiny_encoder_dir)
    config = nlp.config.copy()
    config["nlp"]["pipeline"] = ["ner_plus", "tok2vec"]
    nlp = spacy.util.load_model_from_config(config)
    examples = tagged_examples(nlp)
    nlp.initialize(lambda: examples)
    with pytest.raises(ValueError, match=r"\[E203\]"):
        nlp.update(examples, sgd=Adam(1e-4))


@pytest.mark.parametrize("kind", ["cnn", "shared"])
def test_labels_that_are_added_later_can_be_learned(
    trained: Callable[[str], Path], kind: str
) -> None:
    nlp = spacy.load(trained(kind))
    before = run(nlp)
    ner = nlp.get_pipe("ner_plus")
    assert ner.add_label("Gene") == 1
    # there are more rivals now, of next to no probability
    assert_same_predictions(before, run(nlp), within=0.02)
    examples = tagged_examples(nlp)
    losses = learn(nlp, examples, 2)
    assert losses[1]["ner_plus"] < losses[0]["ner_plus"]


# Rehearsal


@pytest.mark.parametrize("kind", SHARED)
def test_rehearsal_on_an_encoder_that_learns_is_refused(tiny_encoder_dir: Path, kind: str) -> None:
    nlp, examples = initialized(kind, tiny_encoder_dir)
    optimizer = nlp.resume_training(sgd=Adam(1e-4))
    nlp.update(examples, sgd=optimizer)
    with pytest.raises(ValueError, match=r"which nlp\.rehearse does not run.*replace_listeners"):
        nlp.rehearse(examples, sgd=optimizer)


@pytest.mark.parametrize("kind", SHARED)
def test_rehearsal_on_a_frozen_encoder_brings_the_head_back(
    trained: Callable[[str], Path], kind: str
) -> None:
    nlp = spacy.load(trained(kind))
    name = UPSTREAM[kind]
    before = encoder_weights(nlp, name)
    examples = tagged_examples(nlp)
    list(nlp.get_pipe(name).pipe(eg.predicted for eg in examples))
    ner = nlp.get_pipe("ner_plus")
    optimizer = nlp.resume_training(sgd=Adam(1e-4))
    assert ner.rehearse(examples)["ner_plus"] == pytest.approx(0.0, abs=1e-6)
    with torch.no_grad():
        ner.shim.module.head.linear.bias[1:3] += 1.0
    losses = [ner.rehearse(examples, sgd=optimizer)["ner_plus"] for _ in range(10)]
    assert losses[-1] < losses[0]
    assert same(before, encoder_weights(nlp, name))


@pytest.mark.parametrize("kind", PRIVATE)
def test_rehearsal_on_a_network_of_its_own_works(trained: Callable[[str], Path], kind: str) -> None:
    nlp = spacy.load(trained(kind))
    ner, examples = nlp.get_pipe("ner_plus"), tagged_examples(nlp)
    optimizer = nlp.resume_training(sgd=Adam(1e-4))
    assert ner.rehearse(examples)["ner_plus"] == pytest.approx(0.0, abs=1e-6)
    with torch.no_grad():
        ner.shim.module.head.linear.bias[1:3] += 1.0
    losses = [ner.rehearse(examples, sgd=optimizer)["ner_plus"] for _ in range(10)]
    assert losses[-1] < losses[0]


# The shipped configs


@pytest.mark.parametrize("name", ["bilstm_crf", "cnn", "private_trf", "shared", "shared_trf"])
def test_config_trains_with_spacy_train(tiny_encoder_dir: Path, tmp_path: Path, name: str) -> None:
    if name.endswith("_trf"):
        pytest.importorskip("spacy_transformers")
    corpus = tmp_path / "corpus.spacy"
    docs = [eg.reference for eg in make_examples(spacy.blank("en"), 6)]
    DocBin(docs=docs).to_disk(corpus)
    overrides = {
        "paths.train": str(corpus),
        "paths.dev": str(corpus),
        "paths.encoder": str(tiny_encoder_dir),
        "training.max_steps": 4,
        "training.eval_frequency": 2,
        "training.batcher.size": 100,
    }
    if name == "shared":
        sizes = {"width": WIDTH, "window": 128, "overlap": 32}
        overrides |= {f"components.tok2vec.model.{key}": value for key, value in sizes.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # too little data for a good model
        nlp = init_nlp(load_config(ROOT / "configs" / f"{name}.cfg", overrides=overrides))
        (tmp_path / "out").mkdir()
        _, output = train(nlp, tmp_path / "out", stdout=io.StringIO(), stderr=io.StringIO())
    loaded = spacy.load(output)
    assert loaded.get_pipe("ner_plus").labels == ("Chemical", "Disease")
    assert [found_in(doc) for doc in run(nlp)] == [found_in(doc) for doc in run(loaded)]
