"""More labels for a trained pipeline: what is kept, and what is learned."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam

from spacy_ner_plus.tags import TagScheme
from tests.pipeline.samples import (
    TEXTS,
    assert_same_predictions,
    assert_same_weights,
    found_in,
    gradients,
    initialized_nlp,
    make_examples,
    shake_head,
    spans,
    weights,
)

pytestmark = pytest.mark.slow

RECIPE = Path(__file__).parents[2] / "docs" / "learning.md"
PREPOSITIONS = ("of", "in", "on", "with", "by", "for")


def make_small(encoder: Path, kind: str) -> Language:
    """A pipeline with random weights in head and CRF, that finds much."""
    settings: dict[str, Any] = {"tag_scheme": kind.split("-")[0]}
    if "softmax" in kind:
        settings["model_use_crf"] = False
    if "cnn" not in kind:
        nlp = initialized_nlp(encoder, **settings)
    else:
        nlp = spacy.blank("en")
        tok2vec = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 32, "depth": 1}
        tok2vec |= {"embed_size": 200, "window_size": 1, "maxout_pieces": 2}
        tok2vec |= {"subword_features": True, "pretrained_vectors": None}
        model = {"@architectures": "spacy_ner_plus.TokenTagger.v1", "tok2vec": tok2vec}
        settings["model"] = {**model, "dropout": 0.0, "device": "cpu"}
        nlp.add_pipe("ner_plus", config=settings)
        nlp.initialize(lambda: make_examples(nlp, 4))
    shake_head(nlp.get_pipe("ner_plus"))
    return nlp


KINDS = ["BILOU-crf", "BIO-crf", "BILOU-softmax", "BIO-softmax", "BILOU-crf-cnn"]


@pytest.mark.parametrize("kind", KINDS)
def test_add_label_changes_no_prediction(encoder_dir: Path, kind: str) -> None:
    nlp = make_small(encoder_dir, kind)
    before = [nlp(text) for text in TEXTS]
    assert sum(len(doc.ents) for doc in before) > 10
    ner = nlp.get_pipe("ner_plus")
    assert ner.add_label("Other") == 1
    assert ner.add_label("Other") == 0
    assert ner.labels == ("Chemical", "Disease", "Other")
    after = [nlp(text) for text in TEXTS]
    assert_same_predictions(before, after, within=0.02)


def test_add_label_to_a_trained_pipeline_is_kept_by_saving(
    own_trained: Language, trained_docs: list[Doc], tmp_path: Path
) -> None:
    ner = own_trained.get_pipe("ner_plus")
    for label in ("B-odd label", "Ä"):
        ner.add_label(label)
    own_trained.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.get_pipe("ner_plus").labels == ("Chemical", "Disease", "B-odd label", "Ä")
    assert_same_weights(weights(loaded.get_pipe("ner_plus")), weights(ner))
    docs = [loaded(text) for text in TEXTS]
    assert_same_predictions(docs, trained_docs, within=0.02)


def test_add_label_takes_names_only(own_trained: Language) -> None:
    before = weights(ner := own_trained.get_pipe("ner_plus"))
    for label in ("", 5, None):
        with pytest.raises(ValueError, match="labels are non-empty strings"):
            ner.add_label(label)
    assert ner.labels == ("Chemical", "Disease")
    assert_same_weights(weights(ner), before)


def test_added_label_is_learned_like_any_other(own_trained: Language) -> None:
    """With the others annotated in the same documents."""
    ner = own_trained.get_pipe("ner_plus")
    ner.add_label("Preposition")
    examples = [with_prepositions(eg, [*eg.reference.ents]) for eg in make_examples(own_trained)]
    optimizer = Adam(5e-4, L2=0.0, grad_clip=1.0)
    for _ in range(24):
        ner.update(examples, sgd=optimizer)
    scores = own_trained.evaluate(examples)["ents_per_type"]
    assert set(scores) == {"Chemical", "Disease", "Preposition"}
    assert all(score["f"] == 1.0 for score in scores.values())


def with_prepositions(example: Example, others: list[Span]) -> Example:
    """The same words with prepositions as entities, and some of the others."""
    reference = Doc(example.reference.vocab, words=[token.text for token in example.reference])
    taken = {i for ent in others for i in range(ent.start, ent.end)}
    found = [Span(reference, ent.start, ent.end, ent.label_) for ent in others]
    found += [
        Span(reference, token.i, token.i + 1, "Preposition")
        for token in reference
        if token.lower_ in PREPOSITIONS and token.i not in taken
    ]
    reference.set_ents(found)
    return Example(example.predicted.copy(), reference)


# The recipe


def documented_recipe() -> Callable[..., None]:
    """add_type, as it stands in the documentation."""
    code = RECIPE.read_text(encoding="utf8").split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    recipe: Callable[..., None] = names["add_type"]
    return recipe


def old_scores(nlp: Language) -> dict[str, float]:
    found = nlp.evaluate(make_examples(nlp))["ents_per_type"]
    return {label: found[label]["f"] for label in ("Chemical", "Disease")}


def test_documented_recipe_learns_a_label_and_keeps_the_others(own_trained: Language) -> None:
    """From documents that carry the new label only, though the others are in them too."""
    assert old_scores(own_trained) == {"Chemical": 1.0, "Disease": 1.0}
    fix_random_seed(0)
    examples = [with_prepositions(eg, []) for eg in make_examples(own_trained)]
    documented_recipe()(own_trained, examples, "Preposition", passes=16, rate=5e-4)
    both = [with_prepositions(eg, [*eg.reference.ents]) for eg in make_examples(own_trained)]
    found = own_trained.evaluate(both)["ents_per_type"]
    assert found["Preposition"]["f"] > 0.95
    assert found["Chemical"]["f"] > 0.95 and found["Disease"]["f"] > 0.95  # one of 46, perhaps


def test_without_the_recipe_the_others_are_lost(own_trained: Language) -> None:
    """The same documents and steps, but what is not annotated is O, and nothing is rehearsed."""
    ner = own_trained.get_pipe("ner_plus")
    ner.add_label("Preposition")
    examples = [with_prepositions(eg, []) for eg in make_examples(own_trained)]
    optimizer = Adam(5e-4, L2=0.0, grad_clip=1.0)
    for _ in range(16):
        ner.update(examples, sgd=optimizer)
    assert max(old_scores(own_trained).values()) < 0.5


# Rehearsal


def perturb(nlp: Language, scale: float = 0.3) -> None:
    """Move the head and the CRF away from what has been learned."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in nlp.get_pipe("ner_plus").shim.module.head.parameters():
            parameter += scale * torch.randn(parameter.shape, generator=generator)


def test_rehearse_without_a_teacher_does_nothing(own_trained: Language) -> None:
    ner = own_trained.get_pipe("ner_plus")
    before = weights(ner)
    assert ner.rehearse(make_examples(own_trained), sgd=Adam(1e-3)) == {"ner_plus": 0.0}
    assert gradients(ner) == {}
    assert_same_weights(weights(ner), before)


def test_rehearse_has_no_gradient_while_nothing_has_changed(own_trained: Language) -> None:
    ner = own_trained.get_pipe("ner_plus")
    own_trained.resume_training()
    losses = ner.rehearse(make_examples(own_trained))
    assert losses["ner_plus"] == pytest.approx(0.0, abs=1e-6)
    found = gradients(ner)
    assert "head.linear.weight" in found and "head.decoder.transition" in found
    for name, gradient in found.items():
        assert gradient.abs().max() < 1e-5, name


def test_rehearse_leads_back_to_the_teacher_without_any_annotation(own_trained: Language) -> None:
    ner = own_trained.get_pipe("ner_plus")
    texts = [eg.predicted.text for eg in make_examples(own_trained, 6)]
    known = [found_in(own_trained(text)) for text in texts]
    own_trained.resume_training()
    perturb(own_trained)
    assert [found_in(own_trained(text)) for text in texts] != known
    docs = [own_trained.make_doc(text) for text in texts]
    examples = [Example(doc, doc.copy()) for doc in docs]
    optimizer = Adam(5e-4, L2=0.0, grad_clip=1.0)
    divergences = [ner.rehearse(examples, sgd=optimizer)["ner_plus"] for _ in range(20)]
    assert divergences[0] > 0.1
    assert divergences[-1] < 0.1 * divergences[0]
    assert [found_in(own_trained(text)) for text in texts] == known


def test_nlp_rehearse_takes_steps_towards_the_teacher(own_trained: Language) -> None:
    """It hands over a function in place of the optimizer."""
    own_trained.resume_training(sgd=Adam(5e-4, L2=0.0, grad_clip=1.0))
    perturb(own_trained)
    examples = make_examples(own_trained, 6)
    divergences = [own_trained.rehearse(examples)["ner_plus"] for _ in range(8)]
    assert divergences[-1] < 0.5 * divergences[0]


def test_rehearse_adds_its_gradient_to_that_of_an_update(own_trained: Language) -> None:
    ner = own_trained.get_pipe("ner_plus")
    own_trained.resume_training()
    perturb(own_trained)
    examples = make_examples(own_trained, 4)
    parts = []
    for call in (ner.update, ner.rehearse):
        call(examples)
        parts.append(gradients(ner))
        ner.shim.module.zero_grad()
    losses = ner.rehearse(examples, losses=ner.update(examples))
    assert losses["ner_plus"] > 0
    for name, gradient in gradients(ner).items():
        expected = parts[0][name] + parts[1][name]
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6, msg=name)


def test_rehearse_takes_empty_docs_and_none(own_trained: Language) -> None:
    ner = own_trained.get_pipe("ner_plus")
    own_trained.resume_training()
    empty = Example(Doc(own_trained.vocab), Doc(own_trained.vocab))
    space = Example(own_trained.make_doc(" \n "), own_trained.make_doc(" \n "))
    assert ner.rehearse([]) == {"ner_plus": 0.0}
    assert ner.rehearse([empty]) == {"ner_plus": 0.0}
    assert ner.rehearse([empty, space]) == {"ner_plus": 0.0}
    assert ner.rehearse([empty, *make_examples(own_trained, 2), space])["ner_plus"] < 1e-6


def test_resume_training_of_blank_weights_is_no_error(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    nlp.resume_training()
    assert nlp.get_pipe("ner_plus").rehearse(make_examples(nlp, 2))["ner_plus"] < 1e-6


@pytest.mark.parametrize("order", ["before", "after", "saved"])
@pytest.mark.parametrize("kind", ["BILOU-crf", "BIO-softmax"])
def test_added_labels_are_left_out_of_rehearsal(
    encoder_dir: Path, tmp_path: Path, kind: str, order: str
) -> None:
    """Whether they came before the copy was made or after, or were saved in between: the model may
    learn them, and the old tags among themselves stay what rehearsal is about.
    """
    nlp = make_small(encoder_dir, kind)
    examples = make_examples(nlp, 4)
    if order == "after":
        nlp.resume_training()
        nlp.get_pipe("ner_plus").add_label("Other")
    else:
        nlp.get_pipe("ner_plus").add_label("Other")
        if order == "saved":
            nlp.to_disk(tmp_path)
            nlp = spacy.load(tmp_path)
        nlp.resume_training()
    ner = nlp.get_pipe("ner_plus")
    head = ner.shim.module.head
    n_old = ner.shim.scheme.n_tags - (2 if "BIO" in kind else 4)
    with torch.no_grad():
        head.linear.bias[n_old:] += 100.0  # the new label is now everywhere
    assert {ent.label_ for ent in nlp(TEXTS[0]).ents} == {"Other"}
    assert ner.rehearse(examples)["ner_plus"] == pytest.approx(0.0, abs=1e-6)
    assert not gradients(ner)["head.linear.weight"][n_old:].any()
    with torch.no_grad():
        head.linear.bias[1] += 4.0  # an old one
    assert ner.rehearse(examples)["ner_plus"] > 0.01


def test_learned_labels_take_part_in_rehearsal(own_trained: Language) -> None:
    ner = own_trained.get_pipe("ner_plus")
    ner.add_label("Preposition")
    examples = [with_prepositions(eg, [*eg.reference.ents]) for eg in make_examples(own_trained)]
    ner.update(examples, sgd=Adam(5e-4, L2=0.0, grad_clip=1.0))
    own_trained.resume_training()
    with torch.no_grad():
        ner.shim.module.head.linear.bias[-4:] += 12.0
    assert ner.rehearse(examples)["ner_plus"] > 0.1


def test_rehearsal_ends_with_new_labels_from_initialize(own_trained: Language) -> None:
    """A teacher of other tags is none."""
    own_trained.resume_training()
    ner = own_trained.get_pipe("ner_plus")
    ner._set_labels(TagScheme("BILOU", ["Other"]))
    assert ner.rehearse(make_examples(own_trained, 2)) == {"ner_plus": 0.0}


# Freezing, through the config


def test_freeze_lets_only_the_head_learn(trained_dir: Path) -> None:
    nlp = spacy.load(trained_dir, config={"components.ner_plus.model.freeze": "encoder"})
    ner = nlp.get_pipe("ner_plus")
    before = weights(ner)
    ner.add_label("Preposition")
    examples = [with_prepositions(eg, [*eg.reference.ents]) for eg in make_examples(nlp)]
    optimizer = Adam(5e-4, L2=0.0, grad_clip=1.0)
    losses = [ner.update(examples[:6], sgd=optimizer)["ner_plus"] for _ in range(12)]
    assert losses[-1] < 0.5 * losses[0]
    after = weights(ner)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.startswith("head.") for name in changed)


def test_predictions_are_those_of_the_grown_head(own_trained: Language) -> None:
    """Nothing of the old head is left in use."""
    ner = own_trained.get_pipe("ner_plus")
    ner.add_label("Other")
    with torch.no_grad():
        ner.shim.module.head.linear.bias[-1] += 40.0  # a unit of Other for every token
    doc = own_trained.make_doc(TEXTS[5])
    (found,) = ner.predict([doc])
    assert spans(found, ner.labels) == [(i, i + 1, "Other") for i in range(len(doc))]
    np.testing.assert_allclose(found.probabilities, 1.0, atol=1e-3)
