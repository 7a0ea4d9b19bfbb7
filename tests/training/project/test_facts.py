"""Facts about data, encoders and devices."""

from pathlib import Path

import pytest
import spacy
import torch

from spacy_ner_plus.models.pretrained.loading import load_encoder, load_tokenizer
from spacy_ner_plus.training.project.encoders import choose_encoder, copy_encoder
from spacy_ner_plus.training.project.facts import (
    DEFAULT_ENCODER,
    data_facts,
    device_facts,
    encoder_facts,
)
from spacy_ner_plus.training.project.planning import EncoderFacts
from tests import tiny

NLP = spacy.blank("en")
DEFAULT_FOLDER = Path(__file__).parents[3] / "assets" / "encoder"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "max_pieces"),
    [("bert", 130), ("roberta", 128), ("distilbert", 130), ("deberta-v2", None), ("albert", 130)],
)
def test_encoder_facts_are_those_of_the_loaded_encoder(
    tmp_path: Path, family: str, max_pieces: int | None
) -> None:
    folder = tiny.save_encoder(tmp_path / "encoder", family)
    facts, tokenizer = encoder_facts(folder)
    encoder = load_encoder(str(folder), n_word_forms=0)
    assert facts == EncoderFacts(
        encoder.max_pieces, encoder.width, encoder.n_layers, tokenizer.lowercases
    )
    assert (facts.max_pieces, facts.width, facts.n_layers) == (max_pieces, 32, 2)
    assert facts.lowercases == (family in ("bert", "distilbert", "albert"))


def test_no_weights_are_read_for_the_facts(tmp_path: Path) -> None:
    folder = tiny.save_encoder(tmp_path / "encoder")
    (folder / "model.safetensors").unlink()
    assert encoder_facts(folder)[0].width == 32


@pytest.mark.skipif(not DEFAULT_FOLDER.is_dir(), reason="needs the default encoder")
def test_what_is_known_of_the_default_encoder_is_true() -> None:
    assert encoder_facts(DEFAULT_FOLDER)[0] == DEFAULT_ENCODER


def test_data_are_counted_with_the_tokenizer_or_estimated(tiny_encoder_dir: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_encoder_dir))
    train = [NLP.make_doc("Aspirin helps against headache. " * n) for n in (1, 2, 3, 20)]
    dev = [NLP.make_doc("Nothing here.")]
    counted = data_facts(train, dev, tokenizer)
    assert counted.words == sum(map(len, train))
    assert counted.dev_words == 3
    assert counted.long_document == len(tokenizer([train[-1].text])[0])
    assert counted.is_counted
    estimated = data_facts(train, dev, None)
    assert not estimated.is_counted
    assert len(train[-1]) <= estimated.long_document <= 2 * len(train[-1])


def test_a_few_long_documents_are_no_reason_for_long_windows() -> None:
    docs = [NLP.make_doc("word " * 10)] * 996 + [NLP.make_doc("word " * 5000)] * 4
    assert data_facts(docs, docs[:1], None).long_document == 14


def test_devices() -> None:
    here = "cuda" if torch.cuda.is_available() else "cpu"
    assert device_facts("auto").kind == here
    assert device_facts("cpu").kind == "cpu"
    assert device_facts("cuda").kind == "cuda"  # for another machine
    with pytest.raises(ValueError, match="device 'gpu' is unknown: use one of auto, cpu, cuda"):
        device_facts("gpu")


def test_encoders_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    folder = tiny.save_encoder(tmp_path / "encoder")
    for missing, message in (
        ("model.safetensors", "has no weights"),
        ("config.json", "there is no config.json in it"),
    ):
        copy = tmp_path / missing.split(".")[0]
        copy_encoder(folder, copy)
        (copy / missing).unlink()
        with pytest.raises(ValueError, match=message):
            choose_encoder(copy)
    with pytest.raises(ValueError, match="does not exist"):
        choose_encoder("./nowhere/encoder")


def test_copied_encoder_is_whole_and_without_what_training_left(tmp_path: Path) -> None:
    folder = tiny.save_encoder(tmp_path / "encoder")
    for name in ("optimizer.pt", "training_args.bin", "pytorch_model.bin"):
        (folder / name).write_bytes(b"not to be read")
    (folder / "checkpoint-100").mkdir()
    copy_encoder(folder, tmp_path / "copy")
    copied = {path.name for path in (tmp_path / "copy").iterdir()}
    assert copied == {path.name for path in folder.glob("*.json")} | {"model.safetensors"}
    load_encoder(str(tmp_path / "copy"), n_word_forms=0)


def test_default_encoder_needs_neither_network_nor_files() -> None:
    encoder = choose_encoder(None)
    assert encoder.is_default
    assert (encoder.name, encoder.facts) == ("assets/encoder", DEFAULT_ENCODER)
