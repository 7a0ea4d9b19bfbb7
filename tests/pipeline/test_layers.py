"""Loading of thinc layers through a copy of them."""

import pytest
from thinc.api import Linear, Model, Relu, chain, concatenate, with_array

from spacy_ner_plus.pipeline.saving.layers import become, loaded_copy


def make_layers() -> Model:
    """Layers without weights; one is there twice, one is referred to, one has an attribute."""
    shared: Model = Relu()
    model = with_array(chain(concatenate(shared, shared, Linear()), Linear()))
    model.set_ref("output", model.layers[0].layers[-1])
    model.set_ref("none", None)
    model.layers[0].attrs["size"] = 0
    return model


def initialized(seed: int) -> Model:
    model = make_layers()
    inner = model.layers[0]
    both = inner.layers[0]
    for node, n_out, n_in in (
        (both.layers[0], 4, 3),
        (both.layers[2], 4, 3),
        (inner.layers[1], 2, 12),
    ):
        node.set_dim("nO", n_out)
        node.set_dim("nI", n_in)
        node.initialize()
        node.set_param("W", node.get_param("W") + seed)
    inner.attrs["size"] = seed
    return model


@pytest.mark.parametrize("had_weights", [True, False])
def test_layers_become_what_was_saved_and_stay_the_same_objects(had_weights: bool) -> None:
    saved = initialized(2)
    model = initialized(1) if had_weights else make_layers()
    nodes, before = list(model.walk()), model.to_bytes()
    loaded = loaded_copy(model, saved.to_dict())
    assert model.to_bytes() == before
    become(model, loaded)
    assert model.to_bytes() == saved.to_bytes() != before
    assert all(now is then for now, then in zip(model.walk(), nodes, strict=True))
    assert model.get_ref("output") is nodes[0].layers[0].layers[-1]
    assert model.maybe_get_ref("none") is None
    twins = model.layers[0].layers[0].layers
    assert twins[0] is twins[1]


def test_layers_without_weights_forget_theirs() -> None:
    model = initialized(1)
    become(model, loaded_copy(make_layers(), make_layers().to_dict()))
    assert model.to_bytes() == make_layers().to_bytes()


def test_message_of_other_layers_changes_nothing() -> None:
    model, message = initialized(1), initialized(2).to_dict()
    before = model.to_bytes()
    message["nodes"][-1]["dims"] = {"nO": 7, "nI": 7}  # of the last layer, after all others
    with pytest.raises(ValueError, match="change dimension"):
        loaded_copy(model, message)
    assert model.to_bytes() == before
