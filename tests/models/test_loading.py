import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from spacy_ner_plus.models.pretrained.loading import (
    load_empty_encoder,
    load_encoder,
    load_tags,
    load_token_classifier,
    load_tokenizer,
)
from tests import tiny


def test_load_encoder_and_tokenizer_from_a_folder(tiny_encoder_dir: Path) -> None:
    encoder = load_encoder(str(tiny_encoder_dir), n_word_forms=9)
    assert encoder.word_forms is not None and (encoder.word_forms.weight == 0).all()
    assert encoder.width == 32
    assert load_encoder(str(tiny_encoder_dir), n_word_forms=0).word_forms is None
    tokenizer = load_tokenizer(str(tiny_encoder_dir))
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.pad_id) == ([2], [3], 0)
    # the file says 16 pieces, and the model 128
    assert len(tokenizer(["cell " * 500])[0]) >= 500


def test_load_encoder_has_the_folders_weights(tiny_encoder_dir: Path) -> None:
    one, other = (load_encoder(str(tiny_encoder_dir), n_word_forms=0) for _ in range(2))
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])


def test_load_tokenizer_pads_with_the_tokenizers_own(
    tiny_encoder_dir: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_encoder_dir, tmp_path / "encoder")
    (folder / "special_tokens_map.json").unlink(missing_ok=True)  # transformers 5 writes none
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["pad_token"] = "[MASK]"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert load_tokenizer(str(folder)).pad_id == 4


@pytest.mark.parametrize("load", [lambda n: load_encoder(n, n_word_forms=0), load_tokenizer])
@pytest.mark.parametrize("name", ["/no/such/encoder", "./encoder", "../encoder", "a/b/c", "~/x"])
def test_load_from_a_missing_folder(load: object, name: str) -> None:
    with pytest.raises(ValueError, match=f"folder '{name}' does not exist"):
        load(name)


@pytest.mark.parametrize("load", [lambda n: load_encoder(n, n_word_forms=0), load_tokenizer])
def test_load_from_a_folder_without_an_encoder(load: object, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no encoder: there is no config\.json"):
        load(str(tmp_path))


def test_load_encoder_without_weights(tiny_encoder_dir: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_encoder_dir / "config.json", tmp_path)
    with pytest.raises(ValueError, match=r"No encoder could be loaded for.*The reason: "):
        load_encoder(str(tmp_path), n_word_forms=0)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2"])
def test_load_tokenizer_without_its_files(family: str, tmp_path: Path) -> None:
    tiny.save_encoder(tmp_path, family)
    for file in tmp_path.iterdir():
        if file.name != "config.json":
            file.unlink()
    with pytest.raises(ValueError, match=r"No tokenizer could be loaded for.*The reason: "):
        load_tokenizer(str(tmp_path))


@pytest.mark.slow
def test_load_tokenizer_refuses_one_written_in_python(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "canine"}))
    settings = {"tokenizer_class": "CanineTokenizer"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match="is a Python one"):
        load_tokenizer(str(tmp_path))


def test_load_empty_encoder_says_why_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no-such-type"}))
    message = rf"No encoder could be loaded for '{tmp_path}'.*The reason: .*no-such-type"
    with pytest.raises(ValueError, match=message):
        load_empty_encoder(str(tmp_path))


def test_load_tokenizer_without_a_vocabulary(tiny_encoder_dir: Path, tmp_path: Path) -> None:
    """As transformers 5 makes one where there are no files."""
    folder = shutil.copytree(tiny_encoder_dir, tmp_path / "encoder")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    words = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"])}
    tokenizer.model = WordPiece(words, unk_token="[UNK]")
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"No tokenizer could be.*The reason: it has no vocabula"):
        load_tokenizer(str(folder))


LOADERS: dict[str, Callable[[str], Any]] = {
    "encoder": lambda name: load_encoder(name, n_word_forms=0),
    "empty": load_empty_encoder,
    "tags": load_tags,
    "classifier": lambda name: load_token_classifier(name, n_word_forms=0),
}


@pytest.fixture(scope="module")
def classifier_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifier")
    return tiny.save_token_classifier(folder, ["O", "B-X", "I-X"])


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("quantization", [{"quant_method": "gptq", "bits": 4}, {"n": 1}, "x", [1]])
def test_quantized_checkpoint_is_refused_by_its_name(
    load: str, quantization: Any, classifier_dir: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(classifier_dir, tmp_path / "checkpoint")
    change_config(folder, quantization_config=quantization)
    message = "has a quantization_config" if isinstance(quantization, dict) else "The reason: "
    with pytest.raises(ValueError, match=rf"could be loaded for '{folder}'.*{message}"):
        LOADERS[load](str(folder))


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": "x"},
        {"hidden_size": -1},
        {"hidden_size": 64},
        {"vocab_size": None},
        {"num_labels": "x"},
        {"torch_dtype": "evil"},
        {"torch_dtype": 7},
        {"hidden_act": "evil"},
        {"pruned_heads": 3},
        {"pad_token_id": 10**9},
    ],
)
def test_config_that_makes_no_encoder_is_named(
    change: dict[str, Any], tiny_encoder_dir: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_encoder_dir, tmp_path / "encoder")
    change_config(folder, **change)
    with pytest.raises(ValueError, match=rf"No encoder could be loaded for '{folder}'.*reason: \S"):
        load_encoder(str(folder), n_word_forms=0)


@pytest.mark.parametrize(
    ("file", "content", "what"),
    [
        ("config.json", b"[1]", "encoder"),
        ("config.json", b'"bert"', "encoder"),
        ("model.safetensors", b"", "encoder"),
        ("model.safetensors", b"x" * 100, "encoder"),
        ("tokenizer.json", b"{", "tokenizer"),
        ("tokenizer_config.json", b"[]", "tokenizer"),
    ],
)
def test_damaged_file_of_a_checkpoint_is_an_error_that_names_the_folder(
    file: str, content: bytes, what: str, tiny_encoder_dir: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_encoder_dir, tmp_path / "encoder")
    (folder / file).write_bytes(content)
    load = LOADERS["encoder"] if what == "encoder" else load_tokenizer
    with pytest.raises(ValueError, match=rf"No {what} could be loaded for '{folder}'"):
        load(str(folder))


def change_config(folder: Path, **change: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
