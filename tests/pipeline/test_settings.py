"""All settings of the component and its architectures, given in wrong types and in odd right ones.

What is given in a config goes through spaCy's own check of types, which lets numbers pass that are
written as text; what is set or called from Python goes through none.
"""

from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.models.architectures.token_tagger import build_token_tagger_v1
from spacy_ner_plus.models.architectures.transformer_tagger import build_transformer_tagger_v1
from spacy_ner_plus.models.runtime.tagger_shim import shim_of

# What is given, and what it is read as.
READ: dict[str, list[tuple[Any, Any]]] = {
    "threshold": [
        ("0.5", 0.5),
        (1, 1.0),
        (0, 0.0),
        ({"A": "0.5", "B": 1}, {"A": 0.5, "B": 1.0}),
        (None, None),
    ],
    "label_weights": [({"A": "2"}, {"A": 2.0}), ({"A": 2}, {"A": 2.0}), ("balanced", "balanced")],
    "label_smoothing": [("0.1", 0.1), (0, 0.0)],
    "focal_gamma": [("2", 2.0), (0, 0.0)],
    "consistency": [("0.5", 0.5), (2, 2.0)],
    "existing_ents": [("overwrite", "overwrite")],
    "spans_key": [("found", "found"), (None, None)],
    "model.window": [("64", 64)],
    "model.overlap": [("8", 8)],
    "model.head_lr_scale": [("10", 10.0), (10, 10.0)],
    "model.lr_decay": [("0.9", 0.9), (1, 1.0)],
    "model.freeze": [("2", 2), ("encoder", "encoder"), (None, None)],
    "model.max_batch_pieces": [("64", 64)],
    "model.dropout": [("0.2", 0.2), (0, 0.0)],
    "model.mix_layers": [("2", 2), ("all", "all")],
    "model.context": [("8", 8)],
}
WRONG: dict[str, list[Any]] = {
    "threshold": ["x", 1.5, -0.1, "2", [0.5], True, {"A": "x"}, {"A": None}, {"A": 2}],
    "label_weights": ["x", 2.0, [1.0], {"A": "x"}, {"A": 0}, {"A": -1}, {"A": None}],
    "label_smoothing": ["x", 1, -0.1, True, None],
    "focal_gamma": ["x", -1, "inf", True, None],
    "consistency": ["x", -1, "inf", True, None],
    "existing_ents": ["Keep", "drop", 1, None],
    "spans_key": ["", 5, ["a"]],
    "within_lines": ["yes", True],
    "within_sentences": ["yes", 1],
    "validators": ["luhn", ["luhn"], {"A": "x"}, {"A": 1}, {"A": {"regex": "("}}, {"A": {}}],
    "learn_rule_weights": ["yes", 1],
    "tag_scheme": ["bilou", "BIOES", 1],
    "model.name": [3, None],
    "model.word_forms": ["Casing", True, ""],
    "model.pooling": ["First", "average", 1],
    "model.window": ["x", 64.5, 0, True, None],
    "model.overlap": ["x", 8.5, -1, 256],
    "model.use_crf": ["yes", 1],
    "model.dropout": ["x", 1, 2.0, -0.1, True],
    "model.head_lr_scale": ["x", 0, "-1", True, None],
    "model.lr_decay": ["x", 0, 2, "1.5"],
    "model.freeze": ["all", -1, "-1", 2.5, True],
    "model.precision": ["FP32", "float32", 16],
    "model.device": [0, None],
    "model.max_batch_pieces": ["x", 0, 64.5, "-1", True],
    "model.gradient_checkpointing": ["yes", 1],
    "model.characters": ["CNN", "bilstm", True],
    "model.mix_layers": ["x", -1, 1.5, True, None],
    "model.context": ["x", -1, 2.5, True, 128],
    "model.runtime": ["ONNX", "tensorrt", 1],
}
# Those that can be set on a component, and are looked at when they are used.
SETTABLE = ("threshold", "existing_ents", "spans_key")


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(name, value, id=f"{name}-{value}")
        for name, values in table.items()
        for value in values
    ]


def config_of(name: str, value: Any) -> dict[str, Any]:
    section, _, key = name.rpartition(".")
    model = {"name": "anything", **({key: value} if section else {})}
    return {"model": model, **({} if section else {key: value})}


def setting_of(nlp: Language, name: str) -> Any:
    pipe: Any = nlp.get_pipe("ner_plus")
    key = name.rpartition(".")[2]
    if key == "dropout":
        return pipe.shim.dropout
    return getattr(pipe.shim.config if "." in name else pipe, key)


@pytest.mark.parametrize(("name", "case"), cases(READ))
def test_what_people_have_is_read(name: str, case: tuple[Any, Any]) -> None:
    given, expected = case
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_plus", config=config_of(name, given))
    found = setting_of(nlp, name)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("name", "value"), cases(WRONG))
def test_wrong_settings_of_a_config_are_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError) as raised:
        spacy.blank("en").add_pipe("ner_plus", config=config_of(name, value))
    message = str(raised.value)
    key, shown = name.rpartition(".")[2], value
    if isinstance(value, dict):
        (shown,) = value.values()
    assert key.removeprefix("tag_") in message
    assert str(shown) in message


# of numbers, as all else is a matter of Python's own type hints
@pytest.mark.parametrize(
    ("name", "value"),
    [
        case
        for case in cases(WRONG)
        if case.values[0] in ("model.window", "model.overlap", "model.head_lr_scale")
        or case.values[0] in ("model.lr_decay", "model.max_batch_pieces", "model.dropout")
    ],
)
def test_wrong_numbers_in_python_are_named(name: str, value: Any) -> None:
    key = name.rpartition(".")[2]
    with pytest.raises(ValueError, match=key):
        build_transformer_tagger_v1("anything", **{key: value})


def test_numbers_of_the_other_architecture() -> None:
    tok2vec: Any = spacy.blank("en").add_pipe("tok2vec").model  # type: ignore[attr-defined]
    tagger = build_token_tagger_v1(tok2vec, dropout="0.2", head_lr_scale="2", grad_factor="0")  # type: ignore[arg-type]
    assert shim_of(tagger).config.head_lr_scale == 2.0
    assert tagger.attrs["grad_factor"] == 0.0
    for name in ("dropout", "head_lr_scale", "grad_factor"):
        with pytest.raises(ValueError, match=f"{name} = 'x' must be a number"):
            build_token_tagger_v1(tok2vec, **{name: "x"})


@pytest.mark.parametrize(
    ("name", "value"), [case for case in cases(WRONG) if case.values[0] in SETTABLE]
)
def test_wrong_settings_of_a_component_are_named(
    own_trained: Language, name: str, value: Any
) -> None:
    setattr(own_trained.get_pipe("ner_plus"), name, value)
    with pytest.raises(ValueError, match=rf"{name} = "):
        own_trained("Aspirin helps.")


def test_thresholds_that_are_set_are_read(own_trained: Language) -> None:
    pipe: Any = own_trained.get_pipe("ner_plus")
    for given in ("1.0", np.float32(1.0), {"Disease": "1.0"}):
        pipe.threshold = given
        assert pipe.least_probabilities()["Disease"] == 1.0
        own_trained("Aspirin helps.")


@pytest.mark.parametrize("value", [{"Disease": "x"}, {"Disease": 0}, "x", 2.0, [1.0]])
def test_label_weights_that_are_set_are_looked_at(own_trained: Language, value: Any) -> None:
    own_trained.get_pipe("ner_plus").label_weights = value  # type: ignore[attr-defined]
    doc = own_trained.make_doc("Aspirin helps.")
    doc.ents = []
    with pytest.raises(ValueError, match="label_weights"):
        own_trained.update([Example(doc.copy(), doc)], sgd=Adam(1e-4))
