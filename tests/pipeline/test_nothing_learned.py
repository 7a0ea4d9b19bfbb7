"""Trainings that would run and learn nothing: they learn, or say why they can't."""

import copy
import warnings
from pathlib import Path

import pytest
import spacy
from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam
from torch import nn

from spacy_ner_plus.models.runtime.optimizer import ModuleOptimizer
from tests.pipeline.samples import make_examples, make_nlp, weights

WARM_UP = {
    "@optimizers": "Adam.v1",
    "learn_rate": {
        "@schedules": "warmup_linear.v1",
        "initial_rate": 5e-4,
        "warmup_steps": 8,
        "total_steps": 100,
    },
}


def fresh(examples: list[Example]) -> list[Example]:
    return [Example(example.predicted.copy(), example.reference) for example in examples]


def test_update_after_resuming_learns_without_stepping_schedules(own_trained: Language) -> None:
    own_trained.config["training"]["optimizer"] = copy.deepcopy(WARM_UP)
    before = weights(own_trained.get_pipe("ner_plus"))
    optimizer = own_trained.resume_training()
    assert optimizer.learn_rate == 0
    examples = make_examples(own_trained, 4)
    own_trained.update(examples, sgd=optimizer)
    with pytest.warns(UserWarning, match="its schedule is not stepped"):
        own_trained.update(examples, sgd=optimizer)
    after = weights(own_trained.get_pipe("ner_plus"))
    assert any((after[name] != before[name]).any() for name in before)
    assert optimizer.learn_rate == 5e-4


@pytest.mark.slow
def test_new_words_are_learned_in_a_loop_of_updates(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    nlp.config["training"]["optimizer"] = copy.deepcopy(WARM_UP)
    examples = make_examples(nlp, 4)
    optimizer = nlp.initialize(lambda: examples)
    assert optimizer.learn_rate == 0
    with pytest.warns(UserWarning, match="its schedule is not stepped"):
        for _ in range(40):
            nlp.update(fresh(examples), sgd=optimizer)
    assert nlp.evaluate(fresh(examples))["ents_f"] > 0.9


def test_batch_without_annotation_is_told(own_trained: Language) -> None:
    docs = [own_trained.make_doc("No one has read this .") for _ in range(3)]
    bare = [Example(doc, doc.copy()) for doc in docs]
    optimizer = Adam(1e-4)
    with pytest.warns(UserWarning, match="No token of a whole batch is annotated, so 'ner_plus'"):
        own_trained.update(bare, sgd=optimizer)
    known = own_trained.make_doc("No one has read this .")
    known.ents = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        own_trained.update([*bare, Example(known.copy(), known)], sgd=optimizer)


def test_labels_that_nobody_looked_for_are_told(own_trained: Language) -> None:
    doc = Doc(own_trained.vocab, words=["Aspirin", "helps"], ents=["B-Chemical", "O"])
    doc.ents = []
    doc._.annotated_labels = []
    with pytest.warns(UserWarning, match=r"No token of a whole batch .* doc\._\.annotated_labels"):
        own_trained.update([Example(doc.copy(), doc)], sgd=Adam(1e-4))


def test_empty_documents_are_told(own_trained: Language) -> None:
    empty = Doc(own_trained.vocab)
    with pytest.warns(UserWarning, match="All documents of a whole batch are empty, so 'ner_plus'"):
        own_trained.update([Example(empty, empty.copy())], sgd=Adam(1e-4))


def test_frozen_weights_are_told(own_trained: Language) -> None:
    shim = own_trained.get_pipe("ner_plus").shim  # type: ignore[attr-defined]
    shim.module.requires_grad_(False)
    before = weights(own_trained.get_pipe("ner_plus"))
    examples = make_examples(own_trained, 4)
    with pytest.warns(UserWarning, match=r"No weight of the model learns, .* freeze = \"encoder\""):
        own_trained.update(examples, sgd=Adam(1e-4))
    after = weights(own_trained.get_pipe("ner_plus"))
    assert all((after[name] == before[name]).all() for name in before)


def test_optimizer_without_parameters_says_why() -> None:
    module = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(ValueError, match="No weight of the model learns"):
        ModuleOptimizer(module, head_lr_scale=1.0, lr_decay=1.0)


def test_frozen_encoder_leaves_the_head_learning(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir, model_freeze="encoder")
    examples = make_examples(nlp, 4)
    nlp.initialize(lambda: examples)
    before = weights(nlp.get_pipe("ner_plus"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        nlp.update(fresh(examples), sgd=Adam(1e-4))
    after = weights(nlp.get_pipe("ner_plus"))
    changed = {name for name in before if (after[name] != before[name]).any()}
    assert changed
    assert all(name.startswith("head.") for name in changed)


def test_rehearsing_before_resuming_is_told(own_trained: Language) -> None:
    own_trained.get_pipe("ner_plus")._rehearsal_model = None  # type: ignore[attr-defined]
    with pytest.warns(UserWarning, match=r"rehearses nothing.*nlp\.resume_training\(\) before"):
        own_trained.rehearse(make_examples(own_trained, 2), sgd=Adam(1e-4))


def test_examples_that_are_used_up_are_told(encoder_dir: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_plus", config={"model": {"name": str(encoder_dir)}})
    used_up = iter(make_examples(nlp, 4))
    with pytest.raises(ValueError, match="get_examples gave no example"):
        nlp.get_pipe("ner_plus").initialize(lambda: used_up)


def test_documents_without_entities_are_counted(encoder_dir: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_plus", config={"model": {"name": str(encoder_dir)}})
    known, bare = nlp.make_doc("Nothing here"), nlp.make_doc("Nothing here")
    known.ents = []
    examples = [Example(doc.copy(), doc) for doc in (known, bare, bare)]
    with pytest.raises(ValueError, match=r"in the 3 training documents \(1 are annotated\)"):
        nlp.initialize(lambda: examples)


def test_unknown_type_names_document_and_remedy(own_trained: Language) -> None:
    doc = Doc(own_trained.vocab, words=["BRCA1", "is", "new"], ents=["B-Gene", "O", "O"])
    with pytest.raises(ValueError, match=r"'BRCA1 is new.*type 'Gene'.*add_labels.v1"):
        own_trained.update([Example(doc.copy(), doc)], sgd=Adam(1e-4))


def test_types_are_added_in_a_config(own_trained: Language) -> None:
    name = "spacy_ner_plus.add_labels.v1"
    block = {"@callbacks": name, "component": "ner_plus", "labels": ["Chemical", "Gene"]}
    add_labels = registry.resolve({"after_init": block})["after_init"]
    assert add_labels(own_trained) is own_trained
    assert own_trained.get_pipe("ner_plus").labels == ("Chemical", "Disease", "Gene")
    doc = Doc(own_trained.vocab, words=["BRCA1", "is", "new"], ents=["B-Gene", "O", "O"])
    own_trained.update([Example(doc.copy(), doc)], sgd=Adam(1e-4))
    block["component"] = "nobody"
    with pytest.raises(ValueError, match="no component 'nobody' that takes labels"):
        registry.resolve({"after_init": block})["after_init"](own_trained)
