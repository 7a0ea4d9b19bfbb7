import json
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam, Optimizer, PyTorchWrapper, RAdam, warmup_linear
from thinc.optimizers import SGD
from torch import nn

from spacy_ner_plus.training.optimizer_state import (
    optimizer_from_arrays,
    optimizer_to_arrays,
    walk_places,
)

pytestmark = pytest.mark.slow

CREATORS = [Adam, RAdam, SGD]


def make_nlp() -> tuple[Language, list[Example]]:
    """A tagger with a torch layer that thinc's optimizer updates, as all but ours are."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    tagger = nlp.add_pipe("tagger")
    words = ["a", "b", "c"]
    doc = Doc(nlp.vocab, words=words, tags=["A", "B", "A"])
    examples = [Example(Doc(nlp.vocab, words=words), doc)]
    nlp.initialize(lambda: examples)
    embedding = next(node for node in tagger.model.walk() if node.name == "hashembed")
    embedding.layers.append(PyTorchWrapper(nn.Linear(2, 2)))  # walked, but not called
    return nlp, examples


def make_optimizer(create: Any) -> Optimizer:
    return create(warmup_linear(0.01, 2, 20), L2=0.01, use_averages=True)


def step(nlp: Language, examples: list[Example], optimizer: Optimizer) -> None:
    if examples:
        nlp.update(examples, sgd=False)
        for parameter in torch_layer(nlp).parameters():
            parameter.grad = parameter.detach().clone()
    nlp.get_pipe("tagger").finish_update(optimizer)
    optimizer.step_schedules()


def torch_layer(nlp: Language) -> nn.Module:
    nodes = nlp.get_pipe("tagger").model.walk()
    return next(node.shims[0]._model for node in nodes if node.shims)


def values(nlp: Language, optimizer: Optimizer) -> list[np.ndarray]:
    nodes = list(nlp.get_pipe("tagger").model.walk())
    found = [node.get_param(name) for node in nodes for name in sorted(node.param_names)]
    return [*found, *(p.detach().numpy() for p in torch_layer(nlp).parameters())]


@pytest.mark.parametrize("create", CREATORS)
def test_restored_optimizer_goes_on_as_the_saved_one(create: Any) -> None:
    nlp, examples = make_nlp()
    optimizer = make_optimizer(create)
    for _ in range(4):
        step(nlp, examples, optimizer)
    state, arrays = optimizer_to_arrays(nlp, optimizer)
    other, _ = make_nlp()
    for mine, its in zip(values(nlp, optimizer), values(other, optimizer), strict=True):
        its[...] = mine
    again = make_optimizer(create)
    optimizer_from_arrays(other, again, json.loads(json.dumps(state)), arrays, n_steps=4)
    assert again._radam_buffer == optimizer._radam_buffer
    # the second step has no gradient of its own, and yet thinc updates by the moments
    for batch in (examples, [], examples):
        step(nlp, batch, optimizer)
        step(other, batch, again)
    for mine, its in zip(values(nlp, optimizer), values(other, again), strict=True):
        np.testing.assert_array_equal(mine, its)
    averages = [sorted(o.averages.values(), key=lambda a: a.tobytes()) for o in (optimizer, again)]
    for mine, its in zip(*averages, strict=True):
        np.testing.assert_array_equal(mine, its)
    assert len(averages[0]) > 4


@pytest.mark.parametrize("create", CREATORS)
def test_restored_optimizer_updates_what_has_no_gradient_yet(create: Any) -> None:
    nlp, examples = make_nlp()
    optimizer = make_optimizer(create)
    for _ in range(3):
        step(nlp, examples, optimizer)
    state, arrays = optimizer_to_arrays(nlp, optimizer)
    other, _ = make_nlp()
    for mine, its in zip(values(nlp, optimizer), values(other, optimizer), strict=True):
        its[...] = mine
    again = make_optimizer(create)
    optimizer_from_arrays(other, again, state, arrays, n_steps=3)
    before = [value.copy() for value in values(nlp, optimizer)]
    step(nlp, [], optimizer)
    step(other, [], again)
    changed = 0
    for old, mine, its in zip(before, values(nlp, optimizer), values(other, again), strict=True):
        np.testing.assert_array_equal(mine, its)
        changed += not np.array_equal(old, mine)
    assert changed > 0


def test_restoring_refuses_other_schedule_and_other_pipeline() -> None:
    nlp, examples = make_nlp()
    optimizer = make_optimizer(Adam)
    step(nlp, examples, optimizer)
    state, arrays = optimizer_to_arrays(nlp, optimizer)
    with pytest.raises(ValueError, match=r"The optimizer's learn_rate was 0\.005 at step 1"):
        optimizer_from_arrays(nlp, Adam(0.02), state, arrays, n_steps=1)
    with pytest.raises(ValueError, match=r"lacks the parameter \['tagger', "):
        optimizer_from_arrays(spacy.blank("en"), make_optimizer(Adam), state, arrays, n_steps=1)


def test_layer_that_two_components_share_is_saved_once() -> None:
    nlp, examples = make_nlp()
    shared = next(node for node in nlp.get_pipe("tagger").model.walk() if node.shims)
    other = nlp.add_pipe("tagger", name="other")
    other.initialize(lambda: examples, nlp=nlp)
    other.model.layers.append(shared)
    ner = nlp.add_pipe("ner_plus")  # its module has an optimizer of its own
    assert ner.model.shims
    places = [place.position for place in walk_places(nlp)]
    assert [place[0] for place in places if place[3] in ("weight", "bias")] == ["tagger"] * 2
    assert "other" in {place[0] for place in places}
    assert "ner_plus" not in {place[0] for place in places}
    optimizer = make_optimizer(Adam)
    step(nlp, [], optimizer)
    state, _ = optimizer_to_arrays(nlp, optimizer)
    saved = [parameter["position"] for parameter in state["parameters"]]
    assert len(saved) == len({json.dumps(position) for position in saved})
