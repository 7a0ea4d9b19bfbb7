"""Saving and loading: the same weights and predictions, no network, no pickle, clear errors."""

import copy
import json
import pickle
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam

from tests.pipeline.samples import (
    TEXTS,
    assert_same_predictions,
    assert_same_weights,
    found_in,
    initialized_nlp,
    make_examples,
    make_nlp,
    probabilities,
    weights,
)
from tests.pipeline.tampering import reseal

FILES = {
    "cfg",
    "manifest.json",
    "model/tagger.json",
    "model/tokenizer.json",
    "model/weights.safetensors",
}


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def no_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a pickle was read")

    for module, name in ((pickle, "Unpickler"), (pickle, "load"), (pickle, "loads")):
        monkeypatch.setattr(module, name, refuse)
    monkeypatch.setattr(torch, "load", refuse)


# Round trips


def through_bytes(nlp: Language, folder: Path) -> Language:
    new = spacy.util.load_model_from_config(nlp.config, auto_fill=True)
    return new.from_bytes(nlp.to_bytes())


def through_disk(nlp: Language, folder: Path) -> Language:
    nlp.to_disk(folder / "copy")
    return spacy.load(folder / "copy")


def through_pickle(nlp: Language, folder: Path) -> Language:
    loaded: Language = pickle.loads(pickle.dumps(nlp))
    return loaded


def through_deepcopy(nlp: Language, folder: Path) -> Language:
    return copy.deepcopy(nlp)


ROUTES = [through_bytes, through_disk, through_pickle, through_deepcopy]


@pytest.mark.parametrize("route", ROUTES)
def test_pipeline_round_trip_keeps_weights_and_predictions(
    trained: Language,
    trained_docs: list[Doc],
    tmp_path: Path,
    route: Callable[[Language, Path], Language],
) -> None:
    new = route(trained, tmp_path)
    ours, theirs = trained.get_pipe("ner_plus"), new.get_pipe("ner_plus")
    assert theirs is not ours and theirs.shim.module is not ours.shim.module
    assert_same_weights(weights(theirs), weights(ours))
    assert theirs.labels == ours.labels and theirs.shim.scheme == ours.shim.scheme
    assert_same_predictions([new(text) for text in TEXTS], trained_docs)


@pytest.mark.slow
@pytest.mark.parametrize("use_crf", [True, False], ids=["crf", "softmax"])
@pytest.mark.parametrize("route", ROUTES)
def test_component_round_trip_keeps_weights_of_every_kind(
    encoder_dir: Path, tmp_path: Path, use_crf: bool, route: Callable[[Language, Path], Language]
) -> None:
    nlp = initialized_nlp(
        encoder_dir,
        tag_scheme="BILOU",
        model_use_crf=use_crf,
        model_pooling="max",
        model_word_forms=None,
    )
    new = route(nlp, tmp_path)
    assert_same_weights(weights(new.get_pipe("ner_plus")), weights(nlp.get_pipe("ner_plus")))


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda ner: pickle.loads(pickle.dumps(ner))])
def test_copy_of_the_component_stands_alone(
    encoder_dir: Path, make_copy: Callable[[Any], Any]
) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    twin = make_copy(ner)
    before = weights(ner)
    assert_same_weights(weights(twin), before)
    twin.update(make_examples(nlp, 2), sgd=Adam(5e-4))
    assert_same_weights(weights(ner), before)
    assert not torch.equal(weights(twin)["head.linear.weight"], before["head.linear.weight"])


def test_component_to_disk_and_bytes_alone(
    trained: Language, encoder_dir: Path, tmp_path: Path
) -> None:
    ner = trained.get_pipe("ner_plus")
    ner.to_disk(tmp_path / "ner", exclude=["vocab"])
    for load in (
        lambda new: new.from_disk(tmp_path / "ner", exclude=["vocab"]),
        lambda new: new.from_bytes(ner.to_bytes()),
    ):
        new = make_nlp(encoder_dir).get_pipe("ner_plus")
        assert load(new) is new
        assert new.labels == ner.labels
        assert all(label in new.vocab.strings for label in new.labels)
        assert_same_weights(weights(new), weights(ner))


def test_loaded_pipeline_learns_on(own_trained: Language) -> None:
    ner = own_trained.get_pipe("ner_plus")
    before = weights(ner)
    own_trained.update(
        make_examples(own_trained, 2), sgd=own_trained.resume_training(sgd=Adam(1e-4))
    )
    assert not torch.equal(weights(ner)["head.linear.weight"], before["head.linear.weight"])


def test_untrained_pipeline_keeps_its_labels(encoder_dir: Path, tmp_path: Path) -> None:
    nlp = make_nlp(encoder_dir)
    nlp.get_pipe("ner_plus").add_label("Gene")
    for route in ROUTES:
        (tmp_path / route.__name__).mkdir()
        ner = route(nlp, tmp_path / route.__name__).get_pipe("ner_plus")
        assert ner.labels == ("Gene",)
        assert ner.add_label("Drug") == 1


# What is on disk, and what loading does


def test_folder_holds_json_and_safetensors_only(trained_dir: Path) -> None:
    folder = trained_dir / "ner_plus"
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert files == FILES
    cfg = json.loads((folder / "cfg").read_text())
    balanced = {"Chemical": pytest.approx(33 / 41), "Disease": pytest.approx(33 / 25)}
    assert cfg == {"format": 3, "balanced": balanced}
    settings = json.loads((folder / "model" / "tagger.json").read_text())
    assert settings["scheme"] == {"name": "BILOU", "labels": ["Chemical", "Disease"]}
    json.loads((folder / "model" / "tokenizer.json").read_text())
    tensors = safetensors.torch.load_file(folder / "model" / "weights.safetensors")
    assert "head.linear.weight" in tensors


def test_settings_name_no_path_of_this_machine(trained_dir: Path, encoder_dir: Path) -> None:
    """The encoder's folder stands in config.cfg alone, as the user's own setting."""
    for path in (trained_dir / "ner_plus").rglob("*"):
        if path.is_file():
            assert str(encoder_dir).encode() not in path.read_bytes(), path.name


@pytest.mark.usefixtures("no_network", "no_pickle")
def test_load_needs_no_network_no_pickle_and_no_encoder(
    trained_dir: Path, tmp_path: Path, trained_docs: list[Doc]
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(trained_dir, moved)
    config = (moved / "config.cfg").read_text()
    assert config.count("\nname = ") == 1
    lines = [
        'name = "nobody/nowhere"' if line.startswith("name = ") else line
        for line in config.splitlines()
    ]
    (moved / "config.cfg").write_text("\n".join(lines))
    nlp = spacy.load(moved)
    assert_same_predictions([nlp(text) for text in TEXTS], trained_docs)
    again = make_nlp(Path("nobody/nowhere")).from_bytes(nlp.to_bytes())
    assert_same_predictions([again(text) for text in TEXTS], trained_docs)


@pytest.mark.slow
def test_fresh_process_loads_the_same(trained_dir: Path, trained_docs: list[Doc]) -> None:
    script = """
        import json, pickle, socket, sys

        class NoSocket(socket.socket):
            def __init__(self, *args, **kwargs):
                raise AssertionError("a socket was opened")

        class NoUnpickler(pickle.Unpickler):
            def __init__(self, *args, **kwargs):
                raise AssertionError("a pickle was read")

        socket.socket = NoSocket
        pickle.load = pickle.loads = pickle.Unpickler = NoUnpickler
        import spacy
        nlp = spacy.load(sys.argv[1])
        docs = [nlp(text) for text in json.loads(sys.argv[2])]
        print(json.dumps([[[e.start_char, e.end_char, e.label_, e.text, e._.probability]
                           for e in doc.ents] for doc in docs]))
    """
    output = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(trained_dir), json.dumps(TEXTS)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin", "OMP_NUM_THREADS": "1"},
    )
    assert output.returncode == 0, output.stderr
    for found, doc in zip(json.loads(output.stdout), trained_docs, strict=True):
        assert [tuple(ent[:4]) for ent in found] == found_in(doc)
        assert [ent[4] for ent in found] == pytest.approx(probabilities(doc), abs=1e-5)


# Settings at loading


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("tag_scheme", "BIO", r"tag_scheme = 'BILOU', but the config says 'BIO'"),
        ("model.pooling", "mean", r"pooling = 'first', but the config says 'mean'"),
        ("model.use_crf", False, r"use_crf = True, but the config says False"),
        ("model.word_forms", None, r"with word forms, but the config says word_forms = None"),
    ],
)
def test_settings_of_the_weights_cannot_change(
    trained: Language, trained_dir: Path, setting: str, value: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        spacy.load(trained_dir, config={f"components.ner_plus.{setting}": value})
    config = trained.config.copy()
    section = config["components"]["ner_plus"]
    *path, key = setting.split(".")
    for part in path:
        section = section[part]
    section[key] = value
    new = spacy.util.load_model_from_config(config)
    with pytest.raises(ValueError, match=message):
        new.from_bytes(trained.to_bytes())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("device", "cpu"),
        ("precision", "auto"),
        ("window", 64),
        ("overlap", 8),
        ("max_batch_pieces", 64),
        ("dropout", 0.5),
        ("head_lr_scale", 1.0),
        ("word_forms", "casing"),
    ],
)
def test_other_settings_may_differ_and_those_of_the_config_win(
    trained: Language, trained_dir: Path, setting: str, value: Any
) -> None:
    config = {f"components.ner_plus.model.{setting}": value}
    loaded = spacy.load(trained_dir, config=config)
    assert [ent.label_ for ent in loaded(TEXTS[0]).ents] == [
        ent.label_ for ent in trained(TEXTS[0]).ents
    ]
    full = trained.config.copy()
    full["components"]["ner_plus"]["model"][setting] = value
    from_bytes = spacy.util.load_model_from_config(full).from_bytes(trained.to_bytes())
    for nlp in (loaded, from_bytes):
        assert runtime_setting(nlp, setting) == value


def runtime_setting(nlp: Language, setting: str) -> Any:
    model = nlp.get_pipe("ner_plus").model
    shim = model.shims[0]
    if setting == "dropout":
        return shim.module.head.dropout.p
    return getattr(shim.config, setting)


def test_window_beyond_the_encoder_is_an_error_at_loading(trained_dir: Path) -> None:
    with pytest.raises(ValueError, match=r"window of 131 .* at most 130"):
        spacy.load(trained_dir, config={"components.ner_plus.model.window": 131})


# Damaged folders


@pytest.fixture
def damaged(trained_dir: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "damaged"
    shutil.copytree(trained_dir, folder)
    return folder


@pytest.mark.parametrize("name", ["tagger.json", "tokenizer.json", "weights.safetensors"])
def test_missing_file_is_named(damaged: Path, name: str) -> None:
    (damaged / "ner_plus" / "model" / name).unlink()
    with pytest.raises(ValueError, match=f"{name} is missing"):
        spacy.load(damaged)


def test_missing_cfg_is_named(damaged: Path) -> None:
    (damaged / "ner_plus" / "cfg").unlink()
    with pytest.raises(ValueError, match="ner_plus/cfg"):
        spacy.load(damaged)


def test_missing_folder_is_named(damaged: Path) -> None:
    shutil.rmtree(damaged / "ner_plus" / "model")
    with pytest.raises(ValueError, match=r"lacks its folder .*ner_plus/model"):
        spacy.load(damaged)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tagger.json", "tokenizer.json", "weights.safetensors"])
@pytest.mark.parametrize("content", ["cut", "empty", "other"])
def test_damaged_file_is_named(damaged: Path, name: str, content: str) -> None:
    path = damaged / "ner_plus" / "model" / name
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "other": b"{}"}[content])
    with pytest.raises(ValueError, match=name):
        spacy.load(damaged)


def test_weights_of_another_model_do_not_fit(damaged: Path) -> None:
    path = damaged / "ner_plus" / "model" / "weights.safetensors"
    tensors = safetensors.torch.load_file(path)
    for name in ("head.linear.weight", "head.linear.bias"):
        changed = {**tensors, name: tensors[name][:3].clone()}
        safetensors.torch.save_file(changed, path)
        reseal(damaged / "ner_plus")
        with pytest.raises(ValueError, match=r"weights\.safetensors"):
            spacy.load(damaged)
    safetensors.torch.save_file({n: t for n, t in tensors.items() if n != "head.linear.bias"}, path)
    reseal(damaged / "ner_plus")
    with pytest.raises(ValueError, match=r"missing \['head\.linear\.bias'\]"):
        spacy.load(damaged)


def test_foreign_files_in_the_folder_are_ignored(damaged: Path, trained_docs: list[Doc]) -> None:
    model = damaged / "ner_plus" / "model"
    (model / ".DS_Store").write_bytes(b"\0")
    (model / "notes").mkdir()
    assert_same_predictions([spacy.load(damaged)(TEXTS[0])], trained_docs[:1])


def test_saving_over_an_old_folder_leaves_only_the_new(
    trained: Language, encoder_dir: Path, tmp_path: Path
) -> None:
    initialized_nlp(encoder_dir).to_disk(tmp_path / "model")
    trained.to_disk(tmp_path / "model")
    new = spacy.load(tmp_path / "model")
    assert_same_weights(weights(new.get_pipe("ner_plus")), weights(trained.get_pipe("ner_plus")))
    untrained = make_nlp(encoder_dir)
    untrained.to_disk(tmp_path / "model")
    assert not spacy.load(tmp_path / "model").get_pipe("ner_plus").shim.is_built


def test_evaluation_of_loaded_pipeline_is_the_same(own_trained: Language) -> None:
    fresh = [Example(eg.predicted, eg.reference) for eg in make_examples(own_trained)]
    assert own_trained.evaluate(fresh)["ents_f"] == 1.0
