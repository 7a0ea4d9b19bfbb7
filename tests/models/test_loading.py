import json
import shutil
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from spacy_ner_plus.models.pretrained.loading import (
    load_empty_encoder,
    load_encoder,
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
