"""The manifest, reading of damaged files, what is taken of an encoder's configuration."""

import gc
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import srsly
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spacy_ner_plus.models.pretrained.secrets import HIDDEN, redact, shown_cause
from spacy_ner_plus.models.storage import files
from spacy_ner_plus.models.storage.files import Saved, Weights, read_json, read_msgpack
from spacy_ner_plus.models.storage.manifest import make_manifest, verify
from spacy_ner_plus.nn.encoders.encoder_config import plain_config

KNOWN = frozenset({"a.json", "b.bin", "c.json"})
CONTENT = {"a.json": b"{}", "b.bin": bytes(range(256))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "manifest.json").write_bytes(make_manifest(CONTENT))
    return tmp_path


def paths(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in KNOWN if (folder / name).exists()}


def test_settings_have_no_key_of_the_file_itself() -> None:
    with pytest.raises(ValueError, match=r"settings of the model have the key 'format' \(4\)"):
        files.pack_settings({"format": 4})


# Manifest


def test_manifest_is_the_same_of_bytes_and_of_files(folder: Path) -> None:
    assert make_manifest(paths(folder)) == make_manifest(CONTENT)
    recorded = json.loads(make_manifest(CONTENT))["files"]["b.bin"]
    # sha256sum of the bytes 0 to 255
    digest = "40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880"
    assert recorded == {"size": 256, "sha256": digest}


def test_verify_passes_what_was_saved(folder: Path) -> None:
    assert set(paths(folder)) == set(CONTENT)
    verify(folder / "manifest.json", paths(folder), known=KNOWN)
    verify(make_manifest(CONTENT), CONTENT, known=KNOWN)
    verify(make_manifest({}), {}, known=KNOWN)


@given(st.sampled_from(sorted(CONTENT)), st.data())
def test_verify_names_the_file_of_a_changed_byte(name: str, data: st.DataObject) -> None:
    content = bytearray(CONTENT[name])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match=f"damaged: {name} has the SHA-256 .* Copy or download"):
        verify(make_manifest(CONTENT), {**CONTENT, name: bytes(content)}, known=KNOWN)


def test_verify_names_the_path_and_both_sizes(folder: Path) -> None:
    (folder / "b.bin").write_bytes(b"short")
    with pytest.raises(ValueError, match="has 5 bytes, but 256 were saved") as caught:
        verify(folder / "manifest.json", paths(folder), known=KNOWN)
    assert str(folder / "b.bin") in str(caught.value)


def test_verify_names_a_missing_and_an_added_file(folder: Path) -> None:
    (folder / "b.bin").rename(folder / "c.json")
    with pytest.raises(ValueError, match=r"b\.bin is missing"):
        verify(folder / "manifest.json", paths(folder), known=KNOWN)
    (folder / "b.bin").write_bytes(CONTENT["b.bin"])
    with pytest.raises(ValueError, match=r"c\.json was not there when manifest\.json was written"):
        verify(folder / "manifest.json", paths(folder), known=KNOWN)


@pytest.mark.parametrize(
    "name", ["../a.json", "/etc/passwd", "a.json/../../b", "C:\\x", "", "d" * 500, "\0"]
)
def test_verify_opens_nothing_that_a_manifest_names(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = json.loads((folder / "manifest.json").read_text())
    recorded["files"][name] = {"size": 1, "sha256": "0" * 64}
    changed, known = json.dumps(recorded).encode(), paths(folder)

    def refuse(content: Any, *_: Any) -> Any:
        raise AssertionError(f"{content} was looked at")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        patch.setattr(Path, "stat", refuse)
        with pytest.raises(ValueError, match="which is no file of this component") as caught:
            verify(changed, known, known=KNOWN)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"3",
        b'{"format": 2}',
        b'{"format": 2, "files": []}',
        b'{"format": 2, "files": {"a.json": 1}}',
        b'{"format": 2, "files": {"a.json": {"size": "2", "sha256": "0"}}}',
        b'{"format": 2, "files": {"a.json": {"size": true, "sha256": "0"}}}',
        b'{"format": 2, "files": {"a.json": {"size": 2, "sha256": 0}}}',
        b"[" * 100_000,
    ],
)
def test_verify_refuses_a_manifest_that_is_none(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"manifest\.json"):
        verify(content, CONTENT, known=KNOWN)


# Reading


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'"x"', b"\xff", b"[" * 100_000])
def test_read_json_names_what_is_no_object(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged: x\.json"):
        read_json("x.json", content)


def numpy_part(**changes: Any) -> bytes:
    """An array as srsly's msgpack has it."""
    part = {b"nd": True, b"type": "<f4", b"kind": b"", b"shape": [2], b"data": b"\0" * 8}
    part |= {name.encode(): value for name, value in changes.items()}
    packed: bytes = srsly.msgpack_dumps({"x": part})
    return packed


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xc1",
        b"\xdf\xff\xff\xff\xff",
        b"\x93\x01",
        numpy_part(type="|O"),
        numpy_part(type="no such type"),
        numpy_part(type="f4,("),
        numpy_part(shape=[10**12]),
        numpy_part(data=b"\0" * 7),
        numpy_part(nd=False, data=b""),
        numpy_part(kind=b"V", type=[["x", "|O"]]),
        srsly.msgpack_dumps([1, 2]),
    ],
)
def test_read_msgpack_names_what_is_no_mapping_of_plain_data(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged: x\.msgpack"):
        read_msgpack("x.msgpack", content)
    assert gc.isenabled()


def test_read_msgpack_gives_arrays_of_numbers() -> None:
    array = np.arange(6, dtype="f").reshape(2, 3)
    assert (read_msgpack("x", srsly.msgpack_dumps({"a": array}))["a"] == array).all()


def test_weights_are_the_same_in_memory_and_on_disk(tmp_path: Path) -> None:
    tensors = {"b": torch.arange(5), "a": torch.rand(2, 3)}
    Weights(tensors).to_file(tmp_path / "w")
    assert Weights(tensors).to_bytes() == (tmp_path / "w").read_bytes()


def test_saving_makes_no_copy_of_the_weights() -> None:
    module = nn.Linear(3, 4)
    packed = files.pack({}, None, module.state_dict())[files.WEIGHTS]
    assert isinstance(packed, Weights)
    assert packed.tensors["weight"].data_ptr() == module.weight.data_ptr()


def test_check_takes_no_memory_for_what_does_not_fit() -> None:
    def buffer() -> nn.Module:
        module = nn.Module()
        module.register_buffer("x", torch.zeros(10**6, 10**6), persistent=False)
        return module

    with pytest.raises(ValueError, match=r"makes a tensor of the shape \(1000000000, 1000000000"):
        Saved({}, None, nn.Linear(2, 2).state_dict()).check(lambda: nn.Linear(10**9, 10**9))
    with pytest.raises(ValueError, match=r"makes a tensor of the shape \(1000000, 1000000\)"):
        Saved({}, None, {}).check(buffer)


def test_check_shows_a_few_names_of_a_few_characters() -> None:
    state = {f"{i}{'x' * 10_000}": torch.zeros(1) for i in range(1000)}
    with pytest.raises(ValueError, match="unexpected") as caught:
        Saved({}, None, state).check(nn.Identity)
    assert len(str(caught.value)) < 2000


def test_half_precision_weights_are_not_read_as_others(tmp_path: Path) -> None:
    module = nn.Linear(2, 2)
    state = {name: value.detach().half() for name, value in module.state_dict().items()}
    safetensors.torch.save_file(state, tmp_path / "w")
    loaded = nn.Linear(2, 2)
    Saved({}, None, safetensors.torch.load_file(tmp_path / "w")).fill(loaded)
    assert loaded.weight.dtype == torch.float32
    assert torch.equal(loaded.weight, state["weight"].float())


# Configurations of encoders

BERT = {"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2}


def test_plain_config_keeps_what_makes_the_encoder() -> None:
    rope = {"rope_parameters": {"theta": 1e4, "model_type": ""}, "layer_types": ["full", "full"]}
    assert plain_config({**BERT, **rope}) == {**BERT, **rope}


@pytest.mark.parametrize(
    "setting",
    [
        {"auto_map": {"AutoModel": "evil.Model"}},
        {"trust_remote_code": True},
        {"_name_or_path": "/etc"},
        {"name_or_path": "/etc"},
        {"attn_implementation": "evil/kernel"},
        {"_attn_implementation": "evil/kernel"},
        {"_attn_implementation_internal": "evil/kernel"},
        {"quantization_config": {"quant_method": "evil"}},
        {"num_labels": 10**12},
        {"__class__": "x"},
    ],
)
def test_plain_config_leaves_out_what_acts(setting: dict[str, Any]) -> None:
    assert plain_config({**BERT, **setting}) == BERT


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"backbone": "resnet50"}, "has a backbone"),
        ({"use_timm_backbone": True}, "has a use_timm_backbone"),
        ({"text_config": {"model_type": "bert"}}, r"another model \(text_config\)"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers = 1000000000"),
        ({"n_layers": 201}, "n_layers = 201"),
        ({"model_type": None}, "no model_type"),
        ({"model_type": ["bert"]}, "no model_type"),
    ],
)
def test_plain_config_refuses(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plain_config({**BERT, **setting})


# Secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no token here", "no token here"),
        ("hf_abcDEF123456 is bad", f"{HIDDEN} is bad"),
        ("https://me:pass@hub/x", f"https://{HIDDEN}@hub/x"),
        ("https://hub/x?a=1&token=s3cret&b=2", f"https://hub/x?a=1&token={HIDDEN}&b=2"),
        ("?access_token=s3cret", f"?access_token={HIDDEN}"),
        ("?X-Amz-Signature=abc&x", f"?X-Amz-Signature={HIDDEN}&x"),
        ("Authorization: Bearer abc.def", f"Authorization: Bearer {HIDDEN}"),
        ("roberta-base, name@example.org", "roberta-base, name@example.org"),
    ],
)
def test_redact(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN"])
def test_redact_hides_the_tokens_of_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "correct horse")
    assert redact("a correct horse b") == f"a {HIDDEN} b"
    assert shown_cause(OSError("correct horse")) is None
    error = OSError("something else")
    error.__context__ = OSError("correct horse")
    assert shown_cause(error) is None
    error.__context__ = OSError("battery staple")
    assert shown_cause(error) is error
    monkeypatch.setenv(name, "a")
    assert redact("a b") == "a b"
