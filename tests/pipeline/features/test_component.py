"""The component ner_plus_features: learning in initialize, and what NerPlus does on top of it."""

import copy
import json
import logging
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.annotation.gold import ANNOTATED_LABELS
from spacy_ner_plus.annotation.rule_hits import RuleHit, set_rule_hits
from spacy_ner_plus.pipeline.features import NerFeatures
from spacy_ner_plus.pipeline.ner_plus import NerPlus
from tests.pipeline.samples import (
    assert_same_predictions,
    assert_same_weights,
    found_in,
    make_examples,
    probabilities,
    read_sentences,
    weights,
)

NAME = "ner_plus_features"
N = 30
FEW_FEATURES = {"features": ["lower[-1..1]", "suffix3", "short_shape"]}


def make_pipeline(model: dict[str, Any] | None = None, **settings: Any) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe(NAME, config={**settings, "model": {**FEW_FEATURES, **(model or {})}})
    return nlp


def train(nlp: Language, examples: list[Example] | None = None) -> NerFeatures:
    """Initialize on some sentences. The component's labels are Chemical and Disease."""
    examples = make_examples(nlp, N) if examples is None else examples
    nlp.initialize(lambda: examples)
    component = nlp.get_pipe(NAME)
    assert isinstance(component, NerFeatures)
    return component


def fresh_docs(nlp: Language, n: int = N) -> list[Doc]:
    return [Doc(nlp.vocab, words=words) for words, _ in read_sentences(n)]


@pytest.fixture(scope="module")
def nlp() -> Language:
    """A trained pipeline that tests leave as it is."""
    nlp = make_pipeline()
    train(nlp)
    return nlp


@pytest.fixture(scope="module")
def docs(nlp: Language) -> list[Doc]:
    return list(nlp.pipe(fresh_docs(nlp)))


# Learning


def test_it_finds_what_it_learned(nlp: Language) -> None:
    scores = nlp.evaluate(make_examples(nlp, N))
    assert scores["ents_f"] > 0.95


def test_weights_are_learned_in_initialize_and_update_only_measures(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nlp = make_pipeline()
    with caplog.at_level(logging.INFO, logger="spacy_ner_plus"):
        ner = train(nlp)
    said = " ".join(caplog.messages)
    assert "from 30 documents (0 without annotation left out) with crfsuite: all tokens are" in said
    assert "iterations and" in said
    caplog.clear()
    before, examples = weights(ner), make_examples(nlp, 5)
    losses = [nlp.update(examples, sgd=Adam(0.1))[NAME] for _ in range(2)]
    assert_same_weights(before, weights(ner))
    assert all(p.grad is None for p in ner.shim.module.parameters())
    assert [m for m in caplog.messages if "changes nothing" in m] == caplog.messages
    assert len(caplog.messages) == 1
    expected, _ = ner.get_loss(examples, ner.model.predict([eg.predicted for eg in examples]))
    assert losses == [pytest.approx(expected)] * 2
    assert ner.progress.words == 2 * sum(len(eg.predicted) for eg in examples)


def test_fine_tuning_learns_on() -> None:
    nlp = make_pipeline(fine_tune=True)
    examples = make_examples(nlp, N)
    ner = train(nlp, examples[:10])
    n_known = ner.shim.index.n_rows
    assert ner.create_optimizer().learn_rate > 0
    optimizer = Adam(0.05, L2=0.0)
    losses = [nlp.update(examples, sgd=optimizer)[NAME] for _ in range(10)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.8 * losses[0]
    assert ner.shim.index.n_rows == n_known
    none = torch.from_numpy(ner.shim.index.none_rows())
    assert not ner.shim.module.head.weight[none].any()


def partial_examples(nlp: Language) -> list[Example]:
    """Half of the documents have nothing on their second half, the others are for one type."""
    examples = make_examples(nlp, N)
    for i, example in enumerate(examples):
        reference = example.reference
        if i % 2:
            reference.set_ents(
                [ent for ent in reference.ents if ent.label_ == "Disease"], default="outside"
            )
            reference._.set(ANNOTATED_LABELS, ["Disease"])
        else:
            half = len(reference) // 2
            kept = [ent for ent in reference.ents if ent.end <= half]
            reference.set_ents(kept, missing=[reference[half:]], default="outside")
    return examples


def test_missing_annotation_is_learned_by_the_other_trainer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nlp = make_pipeline()
    with caplog.at_level(logging.INFO, logger="spacy_ner_plus"):
        ner = train(nlp, partial_examples(nlp))
    assert "with torch" in caplog.text
    assert "tokens may have more than one tag" in caplog.text
    found = nlp.evaluate(make_examples(nlp, N))["ents_per_type"]
    assert found["Disease"]["f"] > 0.7
    assert found["Chemical"]["r"] > 0.3
    assert ner.labels == ("Chemical", "Disease")


def test_documents_without_annotation_teach_nothing(caplog: pytest.LogCaptureFixture) -> None:
    nlp, other = make_pipeline(), make_pipeline()
    bare = [Example(doc, doc.copy()) for doc in fresh_docs(nlp, 4)]
    with caplog.at_level(logging.INFO, logger="spacy_ner_plus"):
        ner = train(nlp, [*bare, *make_examples(nlp, 10)])
    assert "10 documents (4 without annotation left out) with crfsuite" in caplog.text
    assert_same_weights(weights(ner), weights(train(other, make_examples(other, 10))))


def test_nothing_to_learn_is_told() -> None:
    nlp = make_pipeline()
    nlp.get_pipe(NAME).add_label("Disease")
    bare = [Example(doc, doc.copy()) for doc in fresh_docs(nlp, 3)]
    with pytest.warns(UserWarning, match="None of 3 documents is annotated"):
        train(nlp, bare)
    assert not any(doc.ents for doc in nlp.pipe(fresh_docs(nlp)))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"label_weights": {"Disease": 5.0}}, "label_weights are set"),
        ({"label_smoothing": 0.1}, "label_smoothing is set"),
        ({"focal_gamma": 1.0}, "focal_gamma is set"),
        ({"trainer": "torch"}, "it is set"),
    ],
)
def test_trainer_is_one_that_can(
    settings: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    nlp = make_pipeline(max_iterations=5, **settings)
    with caplog.at_level(logging.INFO, logger="spacy_ner_plus"):
        train(nlp)
    assert f"with torch: {reason}" in caplog.text
    assert "took 5 iterations" in caplog.text


def test_label_weights_act() -> None:
    found = {}
    for weight in (0.05, 20.0):
        nlp = make_pipeline(max_iterations=15, label_weights={"Disease": weight})
        train(nlp, make_examples(nlp, 15))
        docs = list(nlp.pipe(fresh_docs(nlp, 60)[15:]))
        found[weight] = sum(ent.label_ == "Disease" for doc in docs for ent in doc.ents)
    assert found[0.05] < found[20.0]


def test_crfsuite_refuses_what_it_cannot_learn() -> None:
    nlp = make_pipeline(trainer="crfsuite")
    with pytest.raises(ValueError, match=r"tokens may have more than one tag: set trainer"):
        train(nlp, partial_examples(nlp))


@pytest.mark.parametrize("trainer", ["auto", "crfsuite"])
def test_missing_package_is_told(trainer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycrfsuite", None)
    nlp = make_pipeline(trainer=trainer)
    with pytest.raises(ValueError, match=r'pip install "spacy_ner_plus\[features\]"'):
        train(nlp)
    train(make_pipeline(trainer="torch", max_iterations=2))  # does without


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trainer": "sgd"}, "trainer = 'sgd' is unknown"),
        ({"c1": -0.1}, "c1 = -0.1 must be at least 0"),
        ({"min_freq": 0}, "min_freq = 0 must be at least 1"),
        ({"max_iterations": 0}, "max_iterations = 0 must be at least 1"),
    ],
)
def test_wrong_settings_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_pipeline(**settings)


def test_entities_are_validated(docs: list[Doc]) -> None:
    nlp = make_pipeline(validators={"Disease": {"regex": "never"}})
    component = train(nlp)
    found = [ent.label_ for doc in nlp.pipe(fresh_docs(nlp)) for ent in doc.ents]
    assert set(found) == {"Chemical"}
    n_diseases = sum(ent.label_ == "Disease" for doc in docs for ent in doc.ents)
    assert component.refused == {"Disease": n_diseases} and n_diseases


def test_another_model_is_refused() -> None:
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_ner_plus.TransformerTagger.v1", "name": "x"}
    with pytest.raises(ValueError, match=r"spacy_ner_plus\.FeatureTagger\.v1"):
        nlp.add_pipe(NAME, config={"model": model})


def test_default_features_learn() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe(NAME)
    train(nlp, make_examples(nlp, 10))
    assert nlp.evaluate(make_examples(nlp, 10))["ents_f"] > 0.95


# What other components leave


@Language.component("test_features_rules")
def annotate_rules(doc: Doc) -> Doc:
    """Says of all words with a capital that they are chemicals, and sets tags."""
    words = [token for token in doc if token.is_title]
    set_rule_hits(
        doc,
        "rules",
        [RuleHit(t.idx, t.idx + len(t), "Chemical", "soft", 0.0, "r", "") for t in words],
    )
    for token in doc:
        token.tag_ = "LONG" if len(token) > 6 else "SHORT"
    return doc


def with_annotations(features: list[str], *, annotates: bool) -> Language:
    nlp = make_pipeline({"features": features})
    nlp.add_pipe("test_features_rules", first=True)
    nlp.config["training"]["annotating_components"] = ["test_features_rules"] if annotates else []
    return nlp


def test_annotations_are_made_before_learning() -> None:
    nlp = with_annotations(["lower", "rules", "tag[-1]"], annotates=True)
    ner = train(nlp)
    assert set(ner.shim.index.values["tag"]) == {"LONG", "SHORT"}
    assert ner.shim.index.values["rules"] == ("U-Chemical",)
    names = ner.shim.index.names(np.arange(ner.shim.index.n_rows))
    assert {"rules=U-Chemical", "tag[-1]=LONG", "tag[-1]=(edge)", "tag[-1]=(none)"} <= set(names)


def test_annotation_that_lacks_is_told() -> None:
    nlp = with_annotations(["lower", "tag"], annotates=False)
    with pytest.raises(ValueError, match=r"no TAG: put .* annotating_components"):
        train(nlp)
    nlp = with_annotations(["lower", "tag"], annotates=True)
    train(nlp)
    with pytest.warns(UserWarning, match="have 'tag', but a document has no TAG"):
        nlp.get_pipe(NAME).predict(fresh_docs(nlp, 1))


def test_rules_without_a_hit_are_told() -> None:
    nlp = with_annotations(["lower", "rules"], annotates=False)
    with pytest.warns(UserWarning, match="no document of the training data has hits of rules"):
        train(nlp)


def test_clusters_are_learned_and_saved(tmp_path: Path) -> None:
    path = tmp_path / "clusters.tsv"
    words = {word for words, _ in read_sentences(N) for word in words}
    path.write_text("".join(f"{w}\t{len(w):04b}\n" for w in sorted(words)), encoding="utf8")
    nlp = make_pipeline({"features": ["cluster2", "cluster4[-1]"], "clusters": str(path)})
    train(nlp)
    nlp.to_disk(tmp_path / "model")
    path.unlink()
    loaded = spacy.load(tmp_path / "model")
    assert_same_predictions(list(loaded.pipe(fresh_docs(loaded))), list(nlp.pipe(fresh_docs(nlp))))
    assert any(doc.ents for doc in loaded.pipe(fresh_docs(loaded)))


# What it shares with NerPlus


def test_probabilities_are_those_of_the_readings(nlp: Language, docs: list[Doc]) -> None:
    ner = nlp.get_pipe(NAME)
    doc = next(doc for doc in docs if len(doc) < 20 and doc.ents)
    readings = ner.alternatives(doc, k=3000)
    assert sum(r.probability for r in readings) == pytest.approx(1.0, abs=0.02)
    for ent in doc.ents:
        share = sum(
            r.probability
            for r in readings
            if (ent.start, ent.end, ent.label_) in {(e.start, e.end, e.label_) for e in r.entities}
        )
        assert ent._.probability == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("batch_size", [1, 3, 128])
def test_batches_change_nothing(nlp: Language, docs: list[Doc], batch_size: int) -> None:
    found = list(nlp.pipe(fresh_docs(nlp), batch_size=batch_size))
    assert_same_predictions(found, docs, within=1e-9)


def test_entities_that_are_there_are_kept() -> None:
    nlp = make_pipeline(existing_ents="constrain")
    train(nlp)
    doc = fresh_docs(nlp, 1)[0]
    doc.ents = [Span(doc, 1, 3, "Disease")]
    assert ("Disease", 1, 3) in {(e.label_, e.start, e.end) for e in nlp(doc).ents}


def test_validators_refuse_and_count() -> None:
    nlp = make_pipeline(validators={"Disease": {"regex": "[a-z]+"}})
    ner = train(nlp)
    docs = list(nlp.pipe(fresh_docs(nlp)))
    assert all(ent.text.islower() for doc in docs for ent in doc.ents if ent.label_ == "Disease")
    assert set(ner.refused) == {"Disease"}


def test_it_is_calibrated() -> None:
    nlp = make_pipeline(max_iterations=10)
    ner = train(nlp)
    held_out = make_examples(nlp, 330)[N:]
    before = ner.agreement(held_out).log_loss
    assert ner.calibrate(held_out).log_loss < before
    assert isinstance(ner, NerPlus)


def test_label_is_added(nlp: Language, docs: list[Doc]) -> None:
    own = copy.deepcopy(nlp)
    own.get_pipe(NAME).add_label("Gene")
    assert own.get_pipe(NAME).labels == ("Chemical", "Disease", "Gene")
    assert_same_predictions(list(own.pipe(fresh_docs(own))), docs, within=0.05)


def test_empty_documents(nlp: Language) -> None:
    for words in ([], [" "], ["\n", " "]):
        assert not nlp(Doc(nlp.vocab, words=words)).ents
    assert list(nlp.pipe([])) == []


# Saving


def test_round_trips(nlp: Language, docs: list[Doc], tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    from_bytes = make_pipeline().from_bytes(nlp.to_bytes())
    copies = [spacy.load(tmp_path), from_bytes, copy.deepcopy(nlp), pickle.loads(pickle.dumps(nlp))]
    for other in copies:
        assert_same_predictions(list(other.pipe(fresh_docs(other))), docs)
        assert_same_weights(weights(other.get_pipe(NAME)), weights(nlp.get_pipe(NAME)))


def test_loading_and_predicting_need_no_crfsuite(
    nlp: Language, docs: list[Doc], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp.to_disk(tmp_path)
    monkeypatch.setitem(sys.modules, "pycrfsuite", None)
    loaded = spacy.load(tmp_path)
    assert_same_predictions(list(loaded.pipe(fresh_docs(loaded))), docs)
    loaded.update(make_examples(loaded, 2))


def test_untrained_component_is_saved(tmp_path: Path) -> None:
    nlp = make_pipeline()
    nlp.get_pipe(NAME).add_label("Disease")
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.get_pipe(NAME).labels == ("Disease",)
    with pytest.raises(ValueError, match="no weights yet"):
        loaded("Some text.")


def test_other_features_are_refused(nlp: Language) -> None:
    for features in (["lower"], ["suffix3", "lower[-1..1]", "short_shape"]):
        other = make_pipeline({"features": features})
        with pytest.raises(ValueError, match="features"):
            other.from_bytes(nlp.to_bytes())
    with pytest.raises(ValueError, match="tag_scheme"):
        make_pipeline(tag_scheme="BIO").from_bytes(nlp.to_bytes())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda saved: saved["values"].pop("lower"), "no values of the config's features"),
        (lambda saved: saved["values"]["lower"].append(3), "no values of the config's features"),
        (lambda saved: saved["values"]["lower"].append("zzz"), "weight has shape"),
        (lambda saved: saved["combinations"].append([1]), "no combinations"),
        (lambda saved: saved.update(clusters={"a": 1}), "no clusters"),
        (lambda saved: saved.update(clusters=["a"]), "no clusters"),
        (lambda saved: saved.update(values=3), "no values of the config's features"),
    ],
)
def test_damaged_files_are_told(nlp: Language, change: Any, message: str) -> None:
    ner = nlp.get_pipe(NAME)
    files = dict(ner.to_files())
    saved = json.loads(files["features.json"])
    change(saved)
    files["features.json"] = json.dumps(saved).encode()
    as_bytes = {k: v if isinstance(v, bytes) else v.to_bytes() for k, v in files.items()}
    before = weights(ner)
    with pytest.raises(ValueError, match=message):
        ner.read_files(as_bytes, is_verified=True)
    assert_same_weights(before, weights(ner))


def test_files_must_be_those_of_features(nlp: Language) -> None:
    ner = nlp.get_pipe(NAME)
    files = {k: v if isinstance(v, bytes) else v.to_bytes() for k, v in ner.to_files().items()}
    del files["features.json"]
    with pytest.raises(ValueError, match=r"lacks features\.json"):
        ner.read_files(files, is_verified=True)


@pytest.mark.slow
def test_processes_find_the_same(nlp: Language, docs: list[Doc]) -> None:
    found = list(nlp.pipe(fresh_docs(nlp), n_process=2, batch_size=5))
    assert [found_in(doc) for doc in found] == [found_in(doc) for doc in docs]
    for doc, other in zip(found, docs, strict=True):
        np.testing.assert_allclose(probabilities(doc), probabilities(other), atol=1e-9)
