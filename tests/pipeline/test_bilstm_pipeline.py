"""ner_plus over a BiLSTM: learning, finding, files, worker processes."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.util import fix_random_seed
from thinc.api import Adam

from tests.pipeline.samples import (
    TEXTS,
    assert_same_predictions,
    found_in,
    make_examples,
    spaced_example,
)

BILSTM = {
    "@architectures": "spacy_ner_plus.BiLSTM.v1",
    "hidden_size": 32,
    "learned_width": 32,
    "min_freq": 1,
    "word_dropout": 0.0,
    "locked_dropout": 0.0,
    "device": "cpu",
    "precision": "fp32",
}


def make_nlp(*, use_crf: bool = True, **settings: Any) -> Language:
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy_ner_plus.TokenTagger.v1",
        "dropout": 0.0,
        "device": "cpu",
        "use_crf": use_crf,
        "tok2vec": {**BILSTM, **settings},
    }
    nlp.add_pipe("ner_plus", config={"model": model})
    return nlp


def train(nlp: Language, n_steps: int = 80) -> float:
    fix_random_seed(0)
    examples = [*make_examples(nlp), spaced_example(nlp)]
    nlp.initialize(lambda: examples)
    optimizer = Adam(0.01, L2=0.0, grad_clip=1.0)
    for _ in range(n_steps):
        nlp.update(examples, sgd=optimizer)
    return float(nlp.evaluate([*make_examples(nlp), spaced_example(nlp)])["ents_f"])


@pytest.mark.filterwarnings("error")
def test_passes_with_other_dropout_are_compared() -> None:
    nlp = make_nlp(word_dropout=0.2, locked_dropout=0.3)
    examples = make_examples(nlp, 5)
    nlp.initialize(lambda: examples)
    ner: Any = nlp.get_pipe("ner_plus")
    losses = {}
    for weight in (1e-30, 1e6):
        ner.consistency = weight
        fix_random_seed(0)
        losses[weight] = ner.update(examples)["ner_plus"]
    assert losses[1e6] > losses[1e-30] + 1.0


@pytest.fixture(scope="module")
def trained() -> Language:
    nlp = make_nlp()
    assert train(nlp) == 1.0
    return nlp


@pytest.mark.parametrize("use_crf", [True, False])
def test_sentences_are_learned_by_heart(trained: Language, use_crf: bool) -> None:
    nlp = trained
    if not use_crf:
        nlp = make_nlp(use_crf=False)
        assert train(nlp) == 1.0
    doc = nlp(TEXTS[3])
    assert [ent.text for ent in doc.ents] == ["heart  failure"]
    assert all(0.5 < ent._.probability <= 1.0 for ent in doc.ents)


def test_vocabulary_is_that_of_all_training_data() -> None:
    nlp = make_nlp()
    examples = make_examples(nlp, 20)
    nlp.initialize(lambda: examples)
    shim = nlp.get_pipe("ner_plus").model.layers[0].shims[0]
    words = {token.lower_ for example in examples for token in example.predicted}
    assert len(shim.module.lexicon["words"]) >= len(words)
    assert shim.word_counts is None


def test_pipeline_on_the_disk_is_whole_without_what_it_was_made_of(
    trained: Language, tmp_path: Path
) -> None:
    trained.to_disk(tmp_path)
    files = {path.name for path in (tmp_path / "ner_plus" / "model").iterdir()}
    assert files == {"tagger.json", "weights.safetensors", "tok2vec.msgpack"}
    expected = list(trained.pipe(TEXTS))
    assert sum(len(doc.ents) for doc in expected) >= 7
    for loaded in (
        spacy.load(tmp_path),
        make_nlp().from_bytes(trained.to_bytes()),
        pickle.loads(pickle.dumps(trained)),
    ):
        assert_same_predictions(list(loaded.pipe(TEXTS)), expected)


def test_batches_change_nothing(trained: Language) -> None:
    expected = [trained(text) for text in TEXTS]
    for batch_size in (1, 3, 100):
        docs = list(trained.pipe(TEXTS, batch_size=batch_size))
        assert_same_predictions(docs, expected, within=1e-4)


@pytest.mark.slow
def test_worker_processes_find_the_same(trained: Language) -> None:
    expected = list(trained.pipe(TEXTS * 3))
    docs = list(trained.pipe(TEXTS * 3, n_process=2, batch_size=4))
    assert_same_predictions(docs, expected, within=1e-4)


def test_memory_zone_keeps_what_was_learned(trained: Language) -> None:
    expected = found_in(trained(TEXTS[0]))
    for _ in range(2):
        with trained.memory_zone():
            assert found_in(trained(f"{TEXTS[0]} zonedword")) == expected
    assert found_in(trained(TEXTS[0])) == expected


def test_shared_by_a_tok2vec_component_it_tells_that_its_vocabulary_is_small() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": BILSTM})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 64}
    model = {"@architectures": "spacy_ner_plus.TokenTagger.v1", "tok2vec": listener}
    nlp.add_pipe("ner_plus", config={"model": model})
    with pytest.warns(UserWarning, match="that of 10 document"):
        nlp.initialize(lambda: make_examples(nlp))
    losses = [nlp.update(make_examples(nlp), sgd=Adam(0.01))["ner_plus"] for _ in range(8)]
    assert losses[-1] < losses[0] / 2
