"""label_weights, label_smoothing and focal_gamma in training. The formula: models/test_losses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.pipeline.ner_plus import options
from tests.pipeline.samples import (
    add_ner_plus,
    gradients,
    initialized_nlp,
    make_examples,
    make_nlp,
    shake_head,
)


def loss_of(nlp: Language, examples: list[Example]) -> float:
    ner = nlp.get_pipe("ner_plus")
    emissions = ner.model.predict([eg.predicted for eg in examples])
    return ner.get_loss(examples, emissions)[0]


def same_weights(encoder: Path, **settings: Any) -> Language:
    nlp = initialized_nlp(encoder, **settings)
    shake_head(nlp.get_pipe("ner_plus"), scale=0.1)
    return nlp


def only(nlp: Language, label: str) -> list[Example]:
    examples = make_examples(nlp)
    return [eg for eg in examples if {ent.label_ for ent in eg.reference.ents} == {label}]


@pytest.mark.slow
@pytest.mark.parametrize("use_crf", [True, False])
def test_weighted_loss_is_that_of_a_model_with_lower_odds_of_the_label(
    encoder_dir: Path, use_crf: bool
) -> None:
    weighted = same_weights(encoder_dir, model_use_crf=use_crf, label_weights={"Disease": 3.0})
    plain = same_weights(encoder_dir, model_use_crf=use_crf)
    before = loss_of(plain, make_examples(plain))
    tagger = plain.get_pipe("ner_plus").shim
    disease = tagger.scheme.labels.index("Disease")
    with torch.no_grad():
        for tags in (tagger.scheme.first, tagger.scheme.unit):
            tagger.module.head.linear.bias[int(tags[disease])] -= np.log(3.0)
    lowered = loss_of(plain, make_examples(plain))
    assert loss_of(weighted, make_examples(weighted)) == pytest.approx(lowered, rel=1e-6)
    assert abs(lowered - before) > 0.01


@pytest.mark.slow
def test_balanced_weights_are_the_inverse_of_the_numbers_in_the_training_data(
    encoder_dir: Path, tmp_path: Path
) -> None:
    nlp = make_nlp(encoder_dir, label_weights="balanced")
    examples = [*only(nlp, "Chemical"), *make_examples(nlp)]
    nlp.initialize(lambda: examples)
    labels = [ent.label_ for eg in examples for ent in eg.reference.ents]
    counts = {label: labels.count(label) for label in ("Chemical", "Disease")}
    mean = sum(counts.values()) / 2
    expected = {label: mean / count for label, count in counts.items()}
    assert expected["Chemical"] != expected["Disease"]
    shake_head(nlp.get_pipe("ner_plus"), scale=0.1)
    same = same_weights(encoder_dir, label_weights=expected)
    loaded = spacy.load(saved(nlp, tmp_path))
    for other in (nlp, loaded):
        assert loss_of(other, examples) == pytest.approx(loss_of(same, examples), rel=1e-6)
    plain = same_weights(encoder_dir)
    assert abs(loss_of(plain, examples) - loss_of(nlp, examples)) > 1e-3


def saved(nlp: Language, folder: Path) -> Path:
    nlp.to_disk(folder)
    return folder


def test_balanced_weight_of_labels_without_examples_is_one(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir, label_weights="balanced")
    nlp.get_pipe("ner_plus").add_label("Species")
    nlp.initialize(lambda: only(nlp, "Disease"))
    shake_head(nlp.get_pipe("ner_plus"), scale=0.1)
    with_weights = loss_of(nlp, make_species(nlp))
    nlp.get_pipe("ner_plus").label_weights = None
    assert with_weights == pytest.approx(loss_of(nlp, make_species(nlp)), abs=1e-9)


def make_species(nlp: Language) -> list[Example]:
    doc = nlp.make_doc("Effects in mice .")
    return [Example.from_dict(doc, {"entities": ["O", "O", "U-Species", "O"]})]


def test_balanced_component_learns_a_label_that_was_added_later(own_trained: Language) -> None:
    ner = own_trained.get_pipe("ner_plus")
    ner.label_weights = "balanced"
    ner.add_label("Species")
    optimizer = Adam(5e-4, L2=0.0, grad_clip=1.0)
    losses = [ner.update(make_species(own_trained), sgd=optimizer)["ner_plus"] for _ in range(10)]
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.slow
def test_smoothing_keeps_scores_from_growing(encoder_dir: Path) -> None:
    """With the CRF: the same steps end with less sure predictions."""
    sure = []
    for value in (0.0, 0.2):
        nlp = initialized_nlp(encoder_dir, label_smoothing=value)
        ner = nlp.get_pipe("ner_plus")
        optimizer = Adam(5e-4, L2=0.0, grad_clip=1.0)
        examples = make_examples(nlp, 3)
        for _ in range(24):
            ner.update(examples, sgd=optimizer)
        found = ner.predict([eg.predicted for eg in examples])
        sure.append(float(np.mean(np.concatenate([one.probabilities for one in found]))))
    assert sure[0] > 0.95
    assert sure[1] < sure[0] - 0.02


def test_weights_and_smoothing_teach_nothing_about_missing_annotation(encoder_dir: Path) -> None:
    nlp = same_weights(encoder_dir, label_weights={"Disease": 5.0}, label_smoothing=0.3)
    ner = nlp.get_pipe("ner_plus")
    doc = nlp.make_doc("Severe heart failure followed.")
    assert ner.update([Example(doc, doc.copy())])["ner_plus"] == pytest.approx(0.0, abs=1e-9)
    for name, gradient in gradients(ner).items():
        assert not torch.any(gradient.abs() > 1e-7), name


@pytest.mark.slow
@pytest.mark.parametrize("use_crf", [True, False])
def test_focal_loss_is_less_and_0_is_none(encoder_dir: Path, use_crf: bool) -> None:
    nlp = same_weights(encoder_dir, model_use_crf=use_crf)
    ner, examples = nlp.get_pipe("ner_plus"), make_examples(nlp)
    plain = loss_of(nlp, examples)
    ner.focal_gamma = 2.0
    assert 0 < loss_of(nlp, examples) < plain
    ner.focal_gamma = 0.0
    assert loss_of(nlp, examples) == plain


def test_predictions_do_not_depend_on_weights_and_smoothing(
    trained_dir: Path, trained: Language
) -> None:
    """They are for training only."""
    nlp = spacy.load(trained_dir, config={"components.ner_plus.label_smoothing": 0.5})
    nlp.get_pipe("ner_plus").label_weights = {"Disease": 9.0}
    docs = [eg.predicted for eg in make_examples(nlp, 5)]
    ours, others = (pipeline.get_pipe("ner_plus").predict(docs) for pipeline in (nlp, trained))
    for one, other in zip(ours, others, strict=True):
        assert one.probabilities.tolist() == other.probabilities.tolist()


# Errors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_weights": "inverse"}, r"label_weights = 'inverse' is unknown: use \"balanced\""),
        ({"label_weights": {"Disease": 0.0}}, r"the weight 0.0 of 'Disease' must be over 0"),
        ({"label_weights": {"Disease": -1.0}}, r"the weight -1.0 of 'Disease'"),
        ({"label_smoothing": 1.0}, r"label_smoothing = 1.0 must be at least 0 and less than 1"),
        ({"label_smoothing": -0.1}, r"label_smoothing = -0.1"),
        ({"focal_gamma": -1.0}, r"focal_gamma = -1.0 must be at least 0"),
    ],
)
def test_settings_out_of_range_are_errors(
    encoder_dir: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        add_ner_plus(spacy.blank("en"), encoder_dir, **settings)


def test_weight_without_end_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"the weight inf of 'Disease' must be over 0"):
        options.read_label_weights({"Disease": float("inf")})


def test_weight_of_an_unknown_label_is_an_error(encoder_dir: Path, trained_dir: Path) -> None:
    message = r"label_weights names the types \['Desease'\], but the types are \['Chemical', 'Dis"
    weights = {"Desease": 2.0, "Disease": 2.0}
    nlp = make_nlp(encoder_dir, label_weights=weights)
    with pytest.raises(ValueError, match=message):
        nlp.initialize(lambda: make_examples(nlp, 4))
    loaded = spacy.load(trained_dir)
    loaded.get_pipe("ner_plus").label_weights = weights
    with pytest.raises(ValueError, match=message):
        loaded.update(make_examples(loaded, 4), sgd=Adam(1e-4))
