"""What a damaged or hostile folder can do: fail with an error that names the file, and no more."""

import io
import json
import logging
import pickle
import shutil
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import spacy
import srsly
import torch
from spacy.language import Language
from thinc.api import PyTorchShim, PyTorchWrapper, chain

from spacy_ner_plus.models.pretrained.loading import load_encoder, load_tokenizer
from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from tests.pipeline.samples import (
    TEXTS,
    assert_same_weights,
    found_in,
    initialized_nlp,
    make_nlp,
    shake_head,
    weights,
)
from tests.pipeline.tampering import (
    TOK2VECS,
    Payload,
    change_json,
    change_shim,
    copy_of,
    reseal,
    to_format_2,
    token_tagger_nlp,
)

Refused = Callable[..., str]
MODEL_FILES = ["model/tagger.json", "model/tokenizer.json", "model/weights.safetensors"]


@pytest.fixture(scope="module")
def saved_dir(encoder_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    nlp = initialized_nlp(encoder_dir)
    shake_head(nlp.get_pipe("ner_plus"))
    nlp.to_disk(folder)
    return folder


@pytest.fixture
def component(saved_dir: Path, tmp_path: Path) -> Path:
    """The component's folder in a copy of a saved pipeline."""
    return copy_of(saved_dir, tmp_path / "copy")


@pytest.fixture(scope="module")
def token_dirs(
    tiny_encoder_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The folder of a saved pipeline with the head over some tok2vec; made once for each kind."""
    made: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind == "spacy-transformers":
            pytest.importorskip("spacy_transformers")
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp(kind)
            token_tagger_nlp(tiny_encoder_dir, kind).to_disk(made[kind])
        return made[kind]

    return folder


@pytest.fixture(scope="module")
def refused(saved_dir: Path, token_dirs: Callable[[str], Path]) -> Refused:
    """Loads a component's folder, which must fail and change nothing. RETURNS: The message."""
    made: dict[str, NerPlus] = {}

    def load(component: Path, message: str, *, kind: str = "") -> str:
        if kind not in made:
            config = spacy.util.load_config(
                (token_dirs(kind) if kind else saved_dir) / "config.cfg"
            )
            nlp = spacy.util.load_model_from_config(config, auto_fill=True)
            made[kind] = nlp.get_pipe("ner_plus")
        ner = made[kind]
        with pytest.raises(ValueError, match=message) as caught:
            ner.from_disk(component, exclude=["vocab"])
        assert not ner.shim.is_built and ner.labels == ()
        return str(caught.value)

    return load


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that is there once hostile code has run."""
    return tmp_path / "code-has-run"


def entities(nlp: Language) -> list[Any]:
    return [found_in(nlp(text)) for text in TEXTS]


# Integrity


@pytest.mark.parametrize("name", ["cfg", *MODEL_FILES])
def test_changed_file_is_named_before_it_is_read(
    component: Path, name: str, refused: Refused
) -> None:
    path = component / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    shown = refused(component, r"has the SHA-256 .* Copy or download")
    assert str(path) in shown
    path.write_bytes(bytes(content)[:-1])
    message = f"has {len(content) - 1} bytes, but {len(content)} were saved"
    refused(component, message)


@pytest.mark.parametrize("name", ["cfg", *MODEL_FILES])
def test_missing_file_of_the_manifest_is_named(
    component: Path, name: str, refused: Refused
) -> None:
    (component / name).unlink()
    shown = refused(component, "is missing")
    assert str(component / name) in shown


def test_model_without_any_of_its_files_is_not_taken_for_an_untrained_one(
    component: Path, refused: Refused
) -> None:
    for name in MODEL_FILES:
        (component / name).unlink()
    refused(component, "is missing")
    (component / "manifest.json").unlink()
    refused(component, r"lacks manifest\.json")


def test_added_file_is_named_if_it_would_be_read(component: Path, refused: Refused) -> None:
    (component / "model" / "tok2vec.msgpack").write_bytes(b"\x80")
    refused(component, r"tok2vec\.msgpack was not there when manifest\.json")


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "model/../../x"])
def test_manifest_with_other_paths_is_refused(component: Path, name: str, refused: Refused) -> None:
    record = {"size": 1, "sha256": "0" * 64}
    path = component / "manifest.json"
    change_json(path, lambda content: content["files"].update({name: record}))
    refused(component, "which is no file of this component")


@pytest.mark.parametrize("part", ["cfg", "model"])
def test_changed_bytes_are_named(encoder_dir: Path, part: str) -> None:
    parts = srsly.msgpack_loads(initialized_nlp(encoder_dir).get_pipe("ner_plus").to_bytes())
    if part == "cfg":
        assert b"Disease" in parts["cfg"]
        parts["cfg"] = parts["cfg"].replace(b"Disease", b"Diseasf")
    else:
        weights_ = parts["model"]["weights.safetensors"]
        parts["model"]["weights.safetensors"] = weights_[:-1] + bytes([weights_[-1] ^ 1])
    ner = make_nlp(encoder_dir).get_pipe("ner_plus")
    name = {"cfg": "cfg", "model": r"model/weights\.safetensors"}[part]
    with pytest.raises(ValueError, match=f"damaged: {name} has the SHA-256"):
        ner.from_bytes(srsly.msgpack_dumps(parts))
    assert not ner.shim.is_built and ner.labels == ()


BAD_PARTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "damaged: model holds no files": lambda parts: parts.update(model=["weights.safetensors"]),
    r"damaged: model/weights\.safetensors is no bytes": lambda parts: parts["model"].update(
        {"weights.safetensors": "weights"}
    ),
    "damaged: cfg is no bytes": lambda parts: parts.update(cfg={"format": 3}),
    r"damaged: manifest\.json is no bytes": lambda parts: parts.update(manifest={"format": 3}),
}


@pytest.mark.parametrize("message", BAD_PARTS)
def test_bytes_of_another_form_are_named(encoder_dir: Path, message: str) -> None:
    parts = srsly.msgpack_loads(initialized_nlp(encoder_dir).get_pipe("ner_plus").to_bytes())
    BAD_PARTS[message](parts)
    ner = make_nlp(encoder_dir).get_pipe("ner_plus")
    with pytest.raises(ValueError, match=message):
        ner.from_bytes(srsly.msgpack_dumps(parts))
    assert not ner.shim.is_built and ner.labels == ()


def test_folder_without_cfg_and_manifest_is_named(component: Path, refused: Refused) -> None:
    (component / "cfg").unlink()
    (component / "manifest.json").unlink()
    assert str(component / "cfg") in refused(component, "is missing")


def test_shared_encoder_is_checked_too(tiny_encoder_dir: Path) -> None:
    nlp = spacy.blank("en")
    tok2vec = nlp.add_pipe("tok2vec", config={"model": TOK2VECS["encoder"](tiny_encoder_dir)})
    tok2vec.model.initialize()
    data = bytearray(tok2vec.model.shims[0].to_bytes())
    data[-1] ^= 1
    with pytest.raises(ValueError, match=r"is damaged: \S+ has the SHA-256|no JSON|no files"):
        tok2vec.model.shims[0].from_bytes(bytes(data))


def test_parts_left_out_are_not_checked(component: Path, encoder_dir: Path) -> None:
    (component / "model" / "weights.safetensors").write_bytes(b"broken")
    ner = make_nlp(encoder_dir).get_pipe("ner_plus")
    ner.from_disk(component, exclude=["vocab", "model"])
    assert ner.labels == () and not ner.shim.is_built
    assert set(ner.cfg["balanced"]) == {"Chemical", "Disease"}
    with pytest.raises(ValueError, match="has 6 bytes"):
        ner.from_disk(component, exclude=["vocab", "cfg"])


def test_cfg_and_weights_of_format_2_must_have_the_same_labels(
    component: Path, refused: Refused
) -> None:
    to_format_2(component)
    change_json(component / "cfg", lambda cfg: cfg.update(labels=["Disease", "Chemical"]))
    reseal(component)
    shown = refused(component, r"tagger\.json has the labels .*\['Chemical', 'Disease'\]")
    assert f"{component / 'cfg'} has" in shown and "['Disease', 'Chemical']" in shown


def test_scheme_of_the_weights_must_be_the_configs(component: Path, encoder_dir: Path) -> None:
    ner = make_nlp(encoder_dir, tag_scheme="BIO").get_pipe("ner_plus")
    message = r"tag_scheme = 'BILOU', but the config says 'BIO'"
    with pytest.raises(ValueError, match=message):
        ner.from_disk(component, exclude=["vocab", "cfg"])
    assert not ner.shim.is_built


@pytest.mark.parametrize(
    "change",
    [
        {"labels": None},
        {"labels": "Disease"},
        {"labels": [1, 2]},
        {"tag_scheme": None},
        {"balanced": {"Disease": "2"}},
        {"balanced": {"Disease": 0}},
        {"balanced": [1]},
    ],
)
def test_cfg_of_other_types_is_refused(
    component: Path, change: dict[str, Any], refused: Refused
) -> None:
    to_format_2(component)
    change_json(component / "cfg", lambda cfg: cfg.update(change))
    reseal(component)
    refused(component, r"ner_plus/cfg has no")


# All or nothing


def break_weights(component: Path) -> None:
    path = component / "model" / "weights.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors.pop("head.linear.bias")
    safetensors.torch.save_file(tensors, path)


def break_labels(component: Path) -> None:
    path = component / "model" / "tagger.json"
    change_json(path, lambda s: s["scheme"].update(labels=["A", "B", "C"]))


def break_calibration(component: Path) -> None:
    change_json(component / "model" / "tagger.json", lambda s: s.update(calibration={"no": 1}))


def break_tok2vec(component: Path) -> None:
    path = component / "model" / "tok2vec.msgpack"
    message = srsly.msgpack_loads(path.read_bytes())
    # one of the last layers only, when others have been loaded already
    dims = [node["dims"] for node in message["nodes"] if any(node["dims"].values())][-1]
    dims.update({name: size + 1 for name, size in dims.items() if size})
    path.write_bytes(srsly.msgpack_dumps(message))


@pytest.mark.slow
@pytest.mark.parametrize("damage", [break_weights, break_labels, break_calibration])
def test_failed_load_leaves_the_component_as_it_was(
    component: Path, encoder_dir: Path, damage: Callable[[Path], None]
) -> None:
    damage(component)
    reseal(component)
    nlp = initialized_nlp(encoder_dir, seed=1)
    ner = nlp.get_pipe("ner_plus")
    ner.add_label("Gene")
    before, found, tokenizer = weights(ner), entities(nlp), ner.shim.tokenizer
    cfg, scheme = dict(ner.cfg), ner.shim.scheme
    with pytest.raises(ValueError):
        ner.from_disk(component, exclude=["vocab"])
    assert_same_weights(weights(ner), before)
    assert (ner.cfg, ner.shim.scheme, ner.shim.tokenizer) == (cfg, scheme, tokenizer)
    assert ner.labels == ("Chemical", "Disease", "Gene")
    assert entities(nlp) == found


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(TOK2VECS))
@pytest.mark.parametrize("damage", [break_tok2vec, break_labels])
def test_failed_load_leaves_the_tok2vec_as_it_was(
    kind: str,
    damage: Callable[[Path], None],
    token_dirs: Callable[[str], Path],
    tiny_encoder_dir: Path,
    tmp_path: Path,
) -> None:
    component = copy_of(token_dirs(kind), tmp_path / "copy")
    damage(component)
    reseal(component)
    nlp = token_tagger_nlp(tiny_encoder_dir, kind)
    ner = nlp.get_pipe("ner_plus")
    tok2vec = ner.model.layers[0]
    for node in tok2vec.walk():  # other weights than those on the disk
        for name in node.param_names:
            if node.has_param(name):
                node.set_param(name, node.get_param(name) + 1)
    if kind == "lstm":
        (module,) = [shim._model for node in tok2vec.walk() for shim in node.shims]
        with torch.no_grad():
            module.weight_ih_l0.add_(1)
    before, packed = weights(ner), tok2vec.to_bytes()
    with pytest.raises(ValueError):
        ner.from_disk(component, exclude=["vocab"])
    assert_same_weights(weights(ner), before)
    assert tok2vec.to_bytes() == packed
    ner.from_disk(token_dirs(kind) / "ner_plus", exclude=["vocab"])  # the whole one does load


def test_untrained_component_loaded_over_a_trained_one_is_untrained(
    encoder_dir: Path, tmp_path: Path
) -> None:
    empty = make_nlp(encoder_dir).get_pipe("ner_plus")
    empty.add_label("Gene")
    empty.to_disk(tmp_path / "ner", exclude=["vocab"])
    ner = initialized_nlp(encoder_dir).get_pipe("ner_plus")
    ner.from_disk(tmp_path / "ner", exclude=["vocab"])
    assert ner.labels == ("Gene",) and not ner.shim.is_built


# No pickle, no code


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("form", ["pickle", "torch"])
@pytest.mark.parametrize("name", ["cfg", "manifest.json", *MODEL_FILES])
def test_pickle_in_place_of_a_file_is_not_read(
    component: Path, marker: Path, name: str, form: str, sealed: bool, refused: Refused
) -> None:
    payload = Payload(marker)
    if form == "pickle":
        (component / name).write_bytes(payload.as_pickle())
    else:
        torch.save({"head.linear.bias": payload}, component / name)
    if sealed and name != "manifest.json":
        reseal(component)
    refused(component, Path(name).name.replace(".", r"\."))
    assert not marker.exists()


def test_payload_would_have_run(marker: Path) -> None:
    pickle.loads(Payload(marker).as_pickle())
    assert marker.exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(TOK2VECS))
def test_pickle_in_place_of_a_tok2vec_is_not_read(
    kind: str, token_dirs: Callable[[str], Path], tmp_path: Path, marker: Path, refused: Refused
) -> None:
    component = copy_of(token_dirs(kind), tmp_path / "copy")
    path = component / "model" / "tok2vec.msgpack"
    whole = path.read_bytes()
    pickled = Payload(marker).as_pickle()
    objects = {b"nd": True, b"type": "|O", b"kind": b"", b"shape": [1], b"data": pickled}
    message = srsly.msgpack_loads(whole)
    message["params"][0] = {"W": objects}
    for content in (
        pickled,
        srsly.msgpack_dumps(message),
        srsly.msgpack_dumps(pickled),
        srsly.msgpack_dumps({}),
        b"\xc7\xff\x2a" + pickled,  # an extension type
    ):
        path.write_bytes(content)
        reseal(component)
        refused(component, r"tok2vec\.msgpack", kind=kind)
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["lstm", "spacy-transformers"])
@pytest.mark.parametrize("form", ["pickle", "torch"])
def test_pickle_among_the_weights_of_a_tok2vec_is_not_read(
    kind: str,
    form: str,
    token_dirs: Callable[[str], Path],
    tmp_path: Path,
    marker: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: Refused,
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # as some users have to
    component = copy_of(token_dirs(kind), tmp_path / "copy")
    payload = Payload(marker)
    if form == "pickle":
        state = payload.as_pickle()
    else:
        torch.save({"x": payload}, tmp_path / "weights")
        state = (tmp_path / "weights").read_bytes()
    change_shim(component, lambda part: part.update(state=state))
    refused(component, "more than tensors, or damaged", kind=kind)
    assert not marker.exists()


def as_torch(content: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


HOSTILE_SHIMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    r"named '\.\./": lambda part: part["tokenizer"].update({"../escaped.json": b"{}"}),
    r"named '/tmp": lambda part: part["tokenizer"].update({"/tmp/escaped.json": b"{}"}),
    r"named '\.\.\\\\": lambda part: part["tokenizer"].update({"..\\escaped.json": b"{}"}),
    r"named 'C:": lambda part: part["tokenizer"].update({"C:escaped.json": b"{}"}),
    r"named 'evil\.py'": lambda part: part["tokenizer"].update({"evil.py": b"open('x', 'w')"}),
    r"named 'vocab\.pkl'": lambda part: part["tokenizer"].update({"vocab.pkl": b"x"}),
    r"named 7": lambda part: part["tokenizer"].update({7: b"x"}),
    "only use_fast": lambda part: part["tokenizer"]["kwargs"].update(trust_remote_code=True),
    "without a tokenizer": lambda part: part.update(tokenizer=None),
    "config has auto_map": lambda part: part["config"].update(auto_map={"AutoConfig": "evil.C"}),
    r"tokenizer_config\.json has auto_map": lambda part: part["tokenizer"].update(
        {"tokenizer_config.json": b'{"auto_map": {"AutoTokenizer": ["evil.T", null]}}'}
    ),
    r"tokenizer_config\.json has vocab_file": lambda part: part["tokenizer"].update(
        {"tokenizer_config.json": b'{"vocab_file": "/etc/passwd"}'}
    ),
    "has attn_implementation": lambda part: part["config"].update(attn_implementation="evil/x"),
    "_init_tokenizer_config has trust": lambda part: part.update(
        _init_tokenizer_config={"trust_remote_code": True}
    ),
    "weights that are no bytes": lambda part: part.update(state="weights"),
    r"tokenizer file 'vocab\.json' that is no bytes": lambda part: part["tokenizer"].update(
        {"vocab.json": "{}"}
    ),
    r"holds a 'tokenizer_config\.json' that is no JSON": lambda part: part["tokenizer"].update(
        {"tokenizer_config.json": b'{"auto_map": '}
    ),
    r"tokenizer_config\.json holds no settings": lambda part: part["tokenizer"].update(
        {"tokenizer_config.json": b'["auto_map"]'}
    ),
    "config holds no settings": lambda part: part.update(config=["auto_map"]),
    "far more than": lambda part: part["config"].update(hidden_size=10**6),
    "holds weights that are no tensors": lambda part: part.update(state=as_torch([1])),
    "has use_tpu": lambda part: part["config"].update(
        model_type="fnet", use_tpu_fourier_optimizations=True
    ),
    "has a backbone": lambda part: part["config"].update(backbone="evil/backbone"),
    "no text encoder": lambda part: part["config"].update(model_type="vit"),
    "knows no 'evil'": lambda part: part["config"].update(model_type="evil"),
}


@pytest.mark.parametrize("message", HOSTILE_SHIMS)
def test_hostile_spacy_transformers_part_is_refused(
    message: str, token_dirs: Callable[[str], Path], tmp_path: Path, refused: Refused
) -> None:
    component = copy_of(token_dirs("spacy-transformers"), tmp_path / "deep" / "copy")
    change_shim(component, HOSTILE_SHIMS[message])
    refused(component, message, kind="spacy-transformers")


def test_spacy_transformers_part_without_settings_of_its_making_is_read(
    token_dirs: Callable[[str], Path], tmp_path: Path
) -> None:
    """They are for one without weights."""
    component = copy_of(token_dirs("spacy-transformers"), tmp_path / "copy")

    def remove(part: dict[str, Any]) -> None:
        del part["_init_tokenizer_config"], part["_init_transformer_config"]

    change_shim(component, remove)
    expected = entities(spacy.load(token_dirs("spacy-transformers")))
    assert entities(spacy.load(component.parent)) == expected


@pytest.mark.parametrize("kind", ["lstm", "cnn"])
def test_parts_of_other_layers_are_refused(
    kind: str, token_dirs: Callable[[str], Path], tmp_path: Path, refused: Refused
) -> None:
    component = copy_of(token_dirs(kind), tmp_path / "copy")
    path = component / "model" / "tok2vec.msgpack"
    whole = srsly.msgpack_loads(path.read_bytes())
    for shims in ([*whole["shims"], []], [[b"", b""] for _ in whole["shims"]], None):
        path.write_bytes(srsly.msgpack_dumps({**whole, "shims": shims}))
        reseal(component)
        refused(component, "is of a tok2vec with other layers than the config's", kind=kind)


class UnknownShim(PyTorchShim):
    """One whose from_bytes could do anything."""


def unknown_class(shim: PyTorchShim) -> None:
    shim.__class__ = UnknownShim


def unknown_reader(shim: PyTorchShim) -> None:
    shim._deserialize_model = lambda model, state, device: pickle.loads(state)


@pytest.mark.parametrize("change", [unknown_class, unknown_reader])
def test_modules_that_ner_plus_cannot_vouch_for_are_refused_at_once(
    change: Callable[[PyTorchShim], None], tiny_encoder_dir: Path, tmp_path: Path
) -> None:
    nlp = token_tagger_nlp(tiny_encoder_dir, "cnn")
    foreign = PyTorchWrapper(torch.nn.Identity())
    change(foreign.shims[0])
    model = nlp.get_pipe("ner_plus").model
    model.replace_node(model.layers[0], chain(model.layers[0], foreign))
    with pytest.raises(ValueError, match=r"holds a .*Shim, of which ner_plus does not know"):
        nlp.to_disk(tmp_path / "saved")


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"type": "WordPiece", "vocab": "/etc/passwd", "unk_token": "[UNK]"}},
        {"model": {"type": "WordPiece", "vocab": "../../vocab.txt", "unk_token": "[UNK]"}},
        {"model": {"type": "BPE", "vocab": {}, "merges": "/etc/passwd"}},
        {"pre_tokenizer": {"type": "Custom", "class": "os.system"}},
        {"model": None},
    ],
)
def test_tokenizer_that_points_elsewhere_is_refused(
    component: Path, change: dict[str, Any], refused: Refused
) -> None:
    change_json(component / "model" / "tokenizer.json", lambda content: content.update(change))
    reseal(component)
    shown = refused(component, r"tokenizer\.json is no tokenizer")
    assert "root:" not in shown


@pytest.mark.parametrize("pad_id", ["0", -1, True, None, 1.5])
def test_pad_id_that_is_none_is_refused(component: Path, pad_id: Any, refused: Refused) -> None:
    change_json(component / "model" / "tagger.json", lambda content: content.update(pad_id=pad_id))
    reseal(component)
    refused(component, r"tagger\.json has the pad_id")


@pytest.fixture(scope="module")
def loaded(saved_dir: Path) -> tuple[Language, list[Any]]:
    """The saved pipeline, and what it finds."""
    nlp = spacy.load(saved_dir)
    return nlp, entities(nlp)


def write_package(folder: Path, marker: Path) -> None:
    """A module that could be imported if anybody asked for it."""
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w')\nclass C: ...\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [
        {"auto_map": {"AutoConfig": "evil.C", "AutoModel": "evil.C"}},
        {"auto_map": {"AutoModel": "nobody/nowhere--evil.C"}, "_name_or_path": "nobody/nowhere"},
        {"trust_remote_code": True},
        {"attn_implementation": "nobody/kernel:evil", "_attn_implementation": "nobody/kernel:evil"},
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}},
        {"_name_or_path": "/etc"},
        {"num_labels": 10**12},
        {"torch_dtype": "hub", "dtype": "hub"},
    ],
)
def test_encoder_config_has_no_effect_but_on_the_encoder(
    component: Path,
    setting: dict[str, Any],
    marker: Path,
    monkeypatch: pytest.MonkeyPatch,
    loaded: tuple[Language, list[Any]],
) -> None:
    nlp, expected = loaded
    write_package(component / "model", marker)
    monkeypatch.chdir(component / "model")
    change_json(component / "model" / "tagger.json", lambda s: s["encoder"].update(setting))
    reseal(component)
    nlp.get_pipe("ner_plus").from_disk(component, exclude=["vocab"])
    assert entities(nlp) == expected
    assert not marker.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"hidden_size": 10**12}, r"tensor of the shape \(\d+, 1000000000000\), far more than"),
        ({"hidden_size": 10**8}, r"Embedding whose weight has shape \(\d+, 100000000\)|tensor of"),
        ({"max_position_embeddings": 129}, "position_embeddings.weight has shape .* where .*129"),
        ({"vocab_size": 10**12}, r"tensor of the shape \(1000000000000, 128\), far more than"),
        ({"num_hidden_layers": 10**9}, "no encoder has more than 200"),
        ({"num_hidden_layers": 100}, "far more than the 27 weights in the file"),
        ({"num_hidden_layers": 0}, "unexpected"),
        ({"model_type": "albert", "num_hidden_groups": 10**9}, "far more than the 27 weights"),
        ({"model_type": "vit"}, "no text encoder"),
        ({"model_type": "no-such-type"}, "no-such-type"),
        ({"text_config": {"model_type": "bert"}}, "holds that of another model"),
        ({"backbone": "microsoft/resnet-50", "use_pretrained_backbone": True}, "has a backbone"),
        ({"hidden_size": "x"}, r"tagger\.json|makes no 'bert'"),
        ({"hidden_size": -1}, r"tagger\.json|makes no 'bert'"),
        ({"hidden_act": "no such function"}, r"tagger\.json"),
    ],
)
def test_encoder_config_that_does_not_fit_the_weights_is_refused(
    component: Path, setting: dict[str, Any], message: str, refused: Refused
) -> None:
    change_json(component / "model" / "tagger.json", lambda s: s["encoder"].update(setting))
    reseal(component)
    refused(component, message)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bool, torch.complex64])
def test_quantized_weights_are_refused(
    component: Path, dtype: torch.dtype, refused: Refused
) -> None:
    path = component / "model" / "weights.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors["head.linear.weight"] = tensors["head.linear.weight"].to(dtype)
    safetensors.torch.save_file(tensors, path)
    reseal(component)
    refused(component, rf"safetensors has head\.linear\.weight in {dtype}, where torch\.float32")


def test_labels_without_end_are_refused(component: Path, refused: Refused) -> None:
    labels = [f"label {i}" for i in range(100_000)]
    path = component / "model" / "tagger.json"
    change_json(path, lambda s: s.update(scheme={"name": "BIO", "labels": labels}))
    reseal(component)
    refused(component, "100,000 labels are more than the 10,000")


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["encoder"].update(pad_token_id=10**9),
        lambda s: s.pop("structure"),
        lambda s: s.pop("encoder"),
        lambda s: s.pop("scheme"),
        lambda s: s.update(structure=[1]),
        lambda s: s.update(encoder="bert"),
        lambda s: s.update(scheme={"name": ["BILOU"], "labels": 3}),
        lambda s: s.update(scheme={"name": "IOB7", "labels": []}),
        lambda s: s.update(calibration={"temperature": "hot"}),
        lambda s: s.update(calibration={"temperature": float("nan")}),
        lambda s: s.update(calibration={"slope": -1.0}),
        lambda s: s.update(calibration=None),
        lambda s: s.update(fresh_labels=3),
    ],
)
def test_settings_of_other_types_are_refused(
    component: Path, change: Callable[[dict[str, Any]], Any], refused: Refused
) -> None:
    change_json(component / "model" / "tagger.json", change)
    reseal(component)
    refused(component, "ner_plus")


# Pretrained encoders


def hostile_encoder(encoder: Path, folder: Path, marker: Path, *, native: bool) -> Path:
    """An encoder that brings code of its own; "native" if transformers knows the architecture."""
    shutil.copytree(encoder, folder)
    write_package(folder, marker)
    auto_map = {"AutoConfig": "evil.C", "AutoModel": "evil.C"}
    change_json(folder / "config.json", lambda config: config.update(auto_map=auto_map))
    tokenizer_map = {"AutoTokenizer": ["evil.C", "evil.C"]}
    path = folder / "tokenizer_config.json"
    change_json(path, lambda config: config.update(auto_map=tokenizer_map))
    if not native:
        change_json(folder / "config.json", lambda config: config.update(model_type="evil"))
        change_json(path, lambda config: config.update(tokenizer_class="EvilTokenizer"))
    return folder


def test_code_of_an_encoder_is_not_run(
    tiny_encoder_dir: Path, tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> Any:
        raise AssertionError("the user was asked whether code may be run")

    monkeypatch.setattr("builtins.input", refuse)
    folder = hostile_encoder(tiny_encoder_dir, tmp_path / "encoder", marker, native=False)
    for load in (lambda n: load_encoder(n, n_word_forms=0), load_tokenizer):
        with pytest.raises(ValueError, match=r"needs Python code .* does not run") as caught:
            load(str(folder))
        assert "trust_remote_code" not in str(caught.value)
    assert not marker.exists()


def test_code_of_an_encoder_is_ignored_where_transformers_has_its_own(
    tiny_encoder_dir: Path, tmp_path: Path, marker: Path
) -> None:
    folder = hostile_encoder(tiny_encoder_dir, tmp_path / "encoder", marker, native=True)
    nlp = initialized_nlp(folder)
    settings = nlp.get_pipe("ner_plus").shim.settings()
    assert not marker.exists()
    nlp.to_disk(tmp_path / "saved")
    assert entities(spacy.load(tmp_path / "saved")) == entities(nlp)
    assert settings["encoder"]["model_type"] == "bert"
    assert not marker.exists()


@pytest.mark.parametrize("setting", ["model.trust_remote_code", "trust_remote_code"])
def test_no_setting_lets_code_run(saved_dir: Path, setting: str) -> None:
    with pytest.raises(ValueError, match="unexpected argument: 'trust_remote_code'"):
        spacy.load(saved_dir, config={f"components.ner_plus.{setting}": True})


@pytest.mark.parametrize("form", ["pickle", "torch"])
def test_pickle_in_place_of_an_encoders_weights_is_not_read(
    tiny_encoder_dir: Path, tmp_path: Path, marker: Path, form: str
) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder_dir, folder)
    (folder / "model.safetensors").unlink()
    path = folder / "pytorch_model.bin"
    if form == "pickle":
        path.write_bytes(Payload(marker).as_pickle())
    else:
        torch.save({"embeddings.word_embeddings.weight": Payload(marker)}, path)
    with pytest.raises(ValueError, match="Get its weights as safetensors"):
        load_encoder(str(folder), n_word_forms=0)
    assert not marker.exists()


# Network


LOAD_WITHOUT_NETWORK = """
    import json, socket, sys

    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    class NoSocket(socket.socket):
        __init__ = refuse

    socket.socket = NoSocket
    socket.create_connection = socket.getaddrinfo = refuse
    import spacy
    found = []
    for folder in sys.argv[2:]:
        nlp = spacy.load(folder)
        docs = [nlp(text) for text in json.loads(sys.argv[1])]
        found.append([[[e.start_char, e.end_char, e.label_, e.text] for e in doc.ents]
                      for doc in docs])
    print(json.dumps(found))
"""


@pytest.mark.slow
def test_loading_uses_no_network(
    saved_dir: Path, token_dirs: Callable[[str], Path], tmp_path: Path
) -> None:
    folders = [saved_dir, *map(token_dirs, ("bilstm", "cnn", "encoder"))]
    expected = [entities(spacy.load(folder)) for folder in folders]
    copies = []
    for i, folder in enumerate(folders):  # the encoders' names are those of nothing
        copies.append(shutil.copytree(folder, tmp_path / str(i)))
        config = (copies[-1] / "config.cfg").read_text().splitlines()
        named = ['name = "nobody/nowhere"' if s.startswith("name = ") else s for s in config]
        (copies[-1] / "config.cfg").write_text("\n".join(named))
    output = subprocess.run(
        [
            sys.executable,
            "-c",
            textwrap.dedent(LOAD_WITHOUT_NETWORK),
            json.dumps(TEXTS),
            *map(str, copies),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin", "OMP_NUM_THREADS": "1"},
    )
    assert output.returncode == 0, output.stderr
    found = [[[tuple(ent) for ent in doc] for doc in docs] for docs in json.loads(output.stdout)]
    assert found == expected


# Secrets

TOKEN = "hf_ThisIsAFakeTokenOfATest"


@pytest.mark.parametrize(
    "name",
    [
        f"https://user:{TOKEN}@hub.example/owner/model",
        f"owner/model?token={TOKEN}",
        f"{TOKEN}/model",
        "nobody/nowhere",
        f"/no/such/{TOKEN}",
    ],
)
def test_tokens_are_in_no_error_and_no_log(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    nlp = make_nlp(Path("placeholder"))
    nlp.get_pipe("ner_plus").model.attrs["name"] = name
    ner = nlp.get_pipe("ner_plus")
    ner.add_label("X")
    with caplog.at_level(logging.DEBUG), pytest.raises(ValueError) as caught:
        nlp.initialize()
    shown = "".join(traceback.format_exception(caught.value))
    shown += caplog.text + "".join(str(warning.message) for warning in recwarn)
    assert TOKEN not in shown
