"""The BiLSTM on a GPU gives what it gives on the CPU."""

from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.util import fix_random_seed
from thinc.api import Adam

from tests.gpu.test_component import PRECISIONS, TOLERANCES
from tests.pipeline.samples import TEXTS, assert_same_predictions, make_examples

pytestmark = [pytest.mark.gpu, pytest.mark.slow]


def make_nlp(device: str, **settings: Any) -> Language:
    nlp = spacy.blank("en")
    bilstm = {
        "@architectures": "spacy_ner_plus.BiLSTM.v1",
        "hidden_size": 32,
        "min_freq": 1,
        "locked_dropout": 0.0,
        "device": device,
        "precision": "fp32",
        **settings,
    }
    model = {"@architectures": "spacy_ner_plus.TokenTagger.v1", "dropout": 0.0, "tok2vec": bilstm}
    nlp.add_pipe("ner_plus", config={"model": {**model, "device": device}})
    return nlp


def train(nlp: Language) -> float:
    fix_random_seed(0)
    examples = make_examples(nlp, 10)
    nlp.initialize(lambda: examples)
    optimizer = Adam(0.01, L2=0.0, grad_clip=1.0)
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    return float(nlp.evaluate(make_examples(nlp, 10))["ents_f"])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_learns_and_finds_the_same_on_the_cpu(precision: str, device: str) -> None:
    characters = "bilstm" if precision == "fp32" else "cnn"
    settings = {"precision": precision, "characters": characters, "max_batch_words": 300}
    nlp = make_nlp(device, **settings)
    assert train(nlp) == 1.0
    on_cpu = make_nlp("cpu", characters=characters).from_bytes(nlp.to_bytes())
    expected = list(on_cpu.pipe(TEXTS))
    assert_same_predictions(list(nlp.pipe(TEXTS)), expected, within=TOLERANCES[precision])
