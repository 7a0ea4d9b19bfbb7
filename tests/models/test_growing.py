"""What a tagger's shim does to trained weights: more labels, and parts that do not learn."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from spacy.language import Language
from thinc.api import Adam, Model

from spacy_ner_plus.tags import TagScheme
from tests.models.test_tagger_shim import (
    TEXTS,
    rebuilt,
    set_gradients,
    settings_of,
    shim_of,
    weights_of,
)

MakeTagger = Callable[..., Model]


# Labels for trained weights


GROWN = [
    (TagScheme("BIO", ["PER", "LOC"]), ["PER", "LOC", "ORG"]),
    (TagScheme("BILOU", ["PER"]), ["PER", "X", "Y"]),
    (TagScheme("BILOU", []), ["PER"]),
]


@pytest.mark.parametrize("use_crf", [True, False])
@pytest.mark.parametrize(("scheme", "labels"), GROWN, ids=["BIO", "BILOU", "none"])
def test_grow_keeps_every_old_weight(
    scheme: TagScheme, labels: list[str], use_crf: bool, make_tagger: MakeTagger, nlp: Language
) -> None:
    model = make_tagger(scheme=scheme, use_crf=use_crf)
    shim, docs = shim_of(model), [nlp(text) for text in TEXTS]
    before, scores = weights_of(model), model.predict(docs).scores
    shim.grow(TagScheme(scheme.name, labels))
    assert shim.scheme.labels == tuple(labels)
    assert shim.fresh_labels == tuple(labels[len(scheme.labels) :])
    n = scheme.n_tags
    for name, weight in weights_of(model).items():
        old = before[name]
        shared = weight[tuple(slice(size) for size in old.shape)]
        assert torch.equal(shared, old), name
        assert weight.shape == old.shape or name.startswith("head.")
    grown = model.predict(docs).scores
    torch.testing.assert_close(grown[:, :n], scores, rtol=0, atol=1e-5)
    # a new tag scores like O, but for a little noise and a large minus
    torch.testing.assert_close(
        grown[:, n:] - scores[:, :1], torch.full_like(grown[:, n:], -7.0), rtol=0, atol=1.0
    )
    if use_crf:
        crf = shim.decoder
        assert (crf.transition[:n, n:] == crf.transition[:n, :1]).all()
        assert (crf.transition[n:, :n] == crf.transition[:1, :n]).all()
        assert (crf.transition[n:, n:] == crf.transition[0, 0]).all()
        assert (crf.start[n:] == crf.start[0]).all() and (crf.end[n:] == crf.end[0]).all()


def test_grown_weights_learn_with_an_optimizer_of_their_own(make_tagger: MakeTagger) -> None:
    shim = shim_of(model := make_tagger())
    set_gradients(shim)
    shim.finish_update(Adam(1e-4))
    shim.grow(TagScheme("BIO", ["PER", "LOC", "ORG"]))
    before = weights_of(model)
    set_gradients(shim)
    shim.finish_update(Adam(1e-4))
    after = weights_of(model)
    assert set(settings_of(shim)) == {name for name, _ in shim.module.named_parameters()}
    for name in ("head.linear.weight", "head.decoder.transition"):
        assert (after[name] != before[name]).all(), name


def test_labels_are_fresh_until_a_step_and_across_files(make_tagger: MakeTagger) -> None:
    shim = shim_of(model := make_tagger())
    shim.grow(TagScheme("BIO", ["PER", "LOC", "A"]))
    shim.grow(TagScheme("BIO", ["PER", "LOC", "A", "B"]))
    assert shim.fresh_labels == ("A", "B")
    loaded = rebuilt(model).from_bytes(model.to_bytes())
    assert shim_of(loaded).fresh_labels == ("A", "B")
    assert shim_of(copy.deepcopy(model)).fresh_labels == ("A", "B")
    set_gradients(shim)
    shim.finish_update(Adam(1e-4))
    assert shim.fresh_labels == ()


# Freezing


def names_that_learn(model: Model) -> set[str]:
    return {name for name, p in shim_of(model).module.named_parameters() if p.requires_grad}


def test_freeze_leaves_the_head_or_the_layers_above(make_tagger: MakeTagger) -> None:
    everything = names_that_learn(make_tagger())
    head = {name for name in everything if name.startswith("head.")}
    assert names_that_learn(make_tagger(freeze="encoder")) == head
    forms = {"encoder.word_forms.weight"}
    layers = [{name for name in everything if f".layer.{i}." in name} for i in range(2)]
    assert all(layers)
    assert names_that_learn(make_tagger(freeze=0)) == head | forms | layers[0] | layers[1]
    assert names_that_learn(make_tagger(freeze=1)) == head | forms | layers[1]
    assert names_that_learn(make_tagger(freeze=2)) == head | forms


def test_freeze_of_more_layers_than_there_are_is_an_error(make_tagger: MakeTagger) -> None:
    with pytest.raises(ValueError, match=r"freeze = 3 is unknown.*from 0 .* to 2"):
        make_tagger(freeze=3)


@pytest.mark.parametrize("freeze", ["encoder", 0, 1, 2])
def test_frozen_weights_stay_as_they_are(
    freeze: str | int, make_tagger: MakeTagger, nlp: Language
) -> None:
    model = make_tagger(freeze=freeze)
    before = weights_of(model)
    for _ in range(2):
        emissions, backprop = model.begin_update([nlp(text) for text in TEXTS])
        backprop(torch.randn_like(emissions.scores))
        for parameter in shim_of(model).module.head.decoder.parameters():
            parameter.grad = torch.ones_like(parameter)
        shim_of(model).finish_update(Adam(1e-4, L2=0.5))
    learned = names_that_learn(model)
    changed = {n for n, weight in weights_of(model).items() if not torch.equal(weight, before[n])}
    assert changed == learned
    assert len(learned) < len(before)


def test_frozen_encoder_gives_the_same_vectors_every_time(
    make_tagger: MakeTagger, nlp: Language
) -> None:
    """Its dropout is off; the head's is on."""
    docs = [nlp(text) for text in TEXTS]
    for freeze, is_still in (("encoder", True), (2, False), (None, False)):
        model = make_tagger(freeze=freeze, dropout=0.0)
        for module in shim_of(model).module.encoder.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.5
        trained = model.begin_update(docs)[0].scores
        again = model.predict(docs).scores  # padded otherwise than in training
        assert torch.allclose(trained, again, rtol=0, atol=1e-4) == is_still


def test_freeze_may_be_set_for_trained_weights(make_tagger: MakeTagger) -> None:
    model = make_tagger()
    loaded = rebuilt(model, freeze="encoder").from_bytes(model.to_bytes())
    assert all(name.startswith("head.") for name in names_that_learn(loaded))
    shim_of(loaded).grow(TagScheme("BIO", ["PER", "LOC", "ORG"]))
    assert all(name.startswith("head.") for name in names_that_learn(loaded))


def test_finish_update_takes_what_nlp_rehearse_gives(make_tagger: MakeTagger) -> None:
    """A function with the optimizer's rate and betas, and nothing else."""

    def reduced(*args: Any) -> None:
        raise AssertionError("asked to update a thinc parameter")

    reduced.learn_rate, reduced.b1, reduced.b2 = 1e-4, 0.8, 0.95  # type: ignore[attr-defined]
    shim = shim_of(make_tagger())
    set_gradients(shim)
    shim.finish_update(reduced)
    group = settings_of(shim)["head.linear.weight"]
    assert (group["lr"], group["betas"]) == (pytest.approx(1e-3), (0.8, 0.95))
    assert (group["eps"], group["weight_decay"]) == (1e-8, 0.01)
    set_gradients(shim)
    shim.finish_update(Adam(1e-4, eps=1e-6, L2=0.5))
    set_gradients(shim)
    shim.finish_update(reduced)
    group = settings_of(shim)["head.linear.weight"]
    assert (group["eps"], group["weight_decay"], group["betas"]) == (1e-6, 0.5, (0.8, 0.95))
