"""How every component is saved that finds entities: shown with toys of some lines each."""

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.util import fix_random_seed
from spacy.vocab import Vocab

from spacy_ner_plus.models.architectures.transformer_vectors import build_transformer_v1
from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.pipeline.base import TrainableEntityPipe
from tests.pipeline.lookup_pipelines import TEXT, WORDS, found, lookup_nlp, toy_nlp
from tests.pipeline.lookups import Lookup
from tests.pipeline.samples import make_examples


def through_disk(nlp: Language, folder: Path) -> Language:
    nlp.to_disk(folder)
    return spacy.load(folder)


def through_bytes(nlp: Language, folder: Path) -> Language:
    return spacy.util.load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())


def through_pickle(nlp: Language, folder: Path) -> Language:
    loaded: Language = pickle.loads(pickle.dumps(nlp))
    return loaded


def through_deepcopy(nlp: Language, folder: Path) -> Language:
    return copy.deepcopy(nlp)


@pytest.mark.parametrize("route", [through_disk, through_bytes, through_pickle, through_deepcopy])
def test_round_trip(
    toy: Language, route: Callable[[Language, Path], Language], tmp_path: Path
) -> None:
    texts = [example.text for example in make_examples(toy)]
    again = route(toy, tmp_path)
    assert again.get_pipe("toy").labels == ("Chemical", "Disease")
    assert [found(doc) for doc in again.pipe(texts)] == [found(doc) for doc in toy.pipe(texts)]
    assert "Disease" in again.vocab.strings


def test_folder_has_a_manifest_of_its_files(toy: Language, tmp_path: Path) -> None:
    toy.to_disk(tmp_path)
    folder = tmp_path / "toy"
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert files == {"cfg", "manifest.json", "model/words.json"}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf8"))
    assert set(manifest["files"]) == {"cfg", "model/words.json"}


@pytest.mark.parametrize("damage", ["changed", "cut", "missing", "added"])
def test_damaged_file_is_named_and_nothing_is_loaded(
    toy: Language, damage: str, tmp_path: Path
) -> None:
    toy.to_disk(tmp_path)
    pipe: Any = toy.get_pipe("toy")
    path = tmp_path / "toy" / "model" / "words.json"
    content = path.read_bytes()
    if damage == "changed":
        path.write_bytes(content.replace(b"Disease", b"Diseasf"))
        message = r"saved pipeline is damaged: .*toy/model/words\.json has the SHA-256"
    elif damage == "cut":
        path.write_bytes(content[:-1])
        message = r"toy/model/words\.json has \d+ bytes"
    elif damage == "missing":
        path.unlink()
        message = r"words\.json is missing"
    else:
        manifest = tmp_path / "toy" / "manifest.json"
        recorded = json.loads(manifest.read_text())
        recorded["files"]["../other"] = recorded["files"]["cfg"]
        manifest.write_text(json.dumps(recorded))
        message = "'../other', which is no file of this component"
    with pytest.raises(ValueError, match=message):
        spacy.load(tmp_path)
    before = pipe.to_bytes(exclude=["vocab"])
    with pytest.raises(ValueError, match=message):
        pipe.from_disk(tmp_path / "toy", exclude=["vocab"])
    assert pipe.to_bytes(exclude=["vocab"]) == before


def test_file_may_be_saved_from_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = lookup_nlp()
    source = tmp_path / "large.json"
    source.write_bytes(json.dumps(WORDS).encode("utf8"))
    monkeypatch.setattr(Lookup, "to_files", lambda self: {"words.json": source})
    nlp.to_disk(tmp_path / "saved")
    saved = tmp_path / "saved" / "lookup" / "model" / "words.json"
    assert saved.read_bytes() == source.read_bytes()
    assert found(spacy.load(tmp_path / "saved")(TEXT)) == found(nlp(TEXT))
    assert found(through_bytes(nlp, tmp_path)(TEXT)) == found(nlp(TEXT))
    monkeypatch.setattr(Lookup, "to_files", lambda self: {"words.json": saved})
    nlp.to_disk(tmp_path / "saved")  # over the file itself
    assert saved.read_bytes() == source.read_bytes()


def test_calibration_is_saved_and_loaded(tmp_path: Path) -> None:
    toy: Any = toy_nlp("test_calibrated_lookup").get_pipe("toy")
    assert toy.calibration == Calibration()
    toy.calibration = Calibration(2.0, 0.5, -0.25)
    toy.to_disk(tmp_path)
    other: Any = toy_nlp("test_calibrated_lookup").get_pipe("toy")
    assert other.from_disk(tmp_path).calibration == Calibration(2.0, 0.5, -0.25)
    other = toy_nlp("test_calibrated_lookup").get_pipe("toy")
    assert other.from_bytes(toy.to_bytes()).calibration == Calibration(2.0, 0.5, -0.25)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": float("nan")},
        {"temperature": 0.0},
        {"slope": "steep"},
        {"intercept": float("inf")},
        {"heat": 1.0},
        [1.0, 1.0, 0.0],
        None,
    ],
)
def test_wrong_calibration_is_not_loaded(wrong: Any, tmp_path: Path) -> None:
    toy: Any = toy_nlp("test_calibrated_lookup").get_pipe("toy")
    toy.cfg["calibration"] = wrong
    toy.to_disk(tmp_path)
    other: Any = toy_nlp("test_calibrated_lookup").get_pipe("toy")
    other.calibration = Calibration(2.0)
    with pytest.raises(ValueError, match=r"damaged: .*cfg has a wrong calibration: "):
        other.from_disk(tmp_path)
    with pytest.raises(ValueError, match=r"damaged: cfg has a wrong calibration: "):
        other.from_bytes(toy.to_bytes())
    assert other.calibration == Calibration(2.0)


def test_saved_cfg_takes_the_place_of_the_present_one(tmp_path: Path) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.cfg = {"saved": 1}
    lookup.to_disk(tmp_path)
    for load in (
        lambda other: other.from_disk(tmp_path),
        lambda other: other.from_bytes(lookup.to_bytes()),
    ):
        other: Any = lookup_nlp().get_pipe("lookup")
        other.cfg = {"saved": 0, "set before": True}
        load(other)
        assert other.cfg == {"saved": 1}
    other.cfg = {"set before": True}
    other.from_disk(tmp_path, exclude=["cfg"])
    assert other.cfg == {"set before": True}


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def no_words(lookup: Lookup) -> dict[str, Any]:
    raise RuntimeError("no words")


def half_written(lookup: Lookup) -> dict[str, Any]:
    return {"words.json": Path("nobody/nowhere")}


@pytest.mark.parametrize("to_files", [no_words, half_written])
def test_save_that_fails_leaves_the_one_before_whole(
    to_files: Callable[[Lookup], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.to_disk(tmp_path)
    (tmp_path / "notes.txt").write_text("of somebody else")
    before = tree(tmp_path)
    lookup.cfg = {"new": True}
    lookup.vocab.strings.add("a new string")
    with monkeypatch.context() as patch:
        patch.setattr(Lookup, "to_files", to_files)
        with pytest.raises((RuntimeError, OSError), match=r"no words|nowhere"):
            lookup.to_disk(tmp_path)
    assert tree(tmp_path) == before
    lookup.cfg = {"no JSON": object()}
    with pytest.raises(TypeError, match="not JSON serializable"):
        lookup.to_disk(tmp_path)
    assert tree(tmp_path) == before
    lookup.cfg = {"new": True}
    (tmp_path / ".unfinished" / "model").mkdir(parents=True)
    (tmp_path / ".unfinished" / "model" / "left").write_text("by a save that was killed")
    lookup.to_disk(tmp_path)
    assert tree(tmp_path).keys() == before.keys()
    other: Any = lookup_nlp({}).get_pipe("lookup").from_disk(tmp_path)  # type: ignore
    assert other.cfg == {"new": True} and other.words == WORDS


@pytest.mark.parametrize("declared", [("words.json",), ()])
def test_file_that_is_not_declared_is_not_left_out_of_a_save(
    declared: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    monkeypatch.setattr(Lookup, "file_names", declared)
    monkeypatch.setattr(
        Lookup, "to_files", lambda self: {**dict.fromkeys(declared, b"{}"), "more": b""}
    )
    message = r"to_files gave \['more'\], but the component's file_names are"
    for save in (lambda: lookup.to_disk(tmp_path), lookup.to_bytes):
        with pytest.raises(ValueError, match=message):
            save()
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("declared", [("words.json",), ()])
def test_component_without_files_of_its_own_is_its_cfg(
    declared: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lookup, "file_names", declared)
    for name in ("to_files", "read_files"):
        monkeypatch.delattr(Lookup, name)
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.cfg = {"mood": "good"}
    no_vocab = {"exclude": ["vocab"]}
    lookup.to_disk(tmp_path, **no_vocab)
    assert tree(tmp_path).keys() == {"cfg", "manifest.json"}
    for load in (
        lambda other: other.from_disk(tmp_path, **no_vocab),
        lambda other: other.from_bytes(lookup.to_bytes()),
    ):
        other: Any = lookup_nlp({}).get_pipe("lookup")
        load(other)
        assert other.cfg == {"mood": "good"} and other.words == {}


def test_files_that_nothing_reads_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.to_disk(tmp_path)
    monkeypatch.delattr(Lookup, "read_files")
    message = r"Lookup has the files \['words\.json'\] and nothing .*define its read_files"
    for load in (lambda: lookup.from_disk(tmp_path), lambda: lookup.from_bytes(lookup.to_bytes())):
        with pytest.raises(ValueError, match=message):
            load()


def test_files_in_the_folder_that_are_not_declared_are_told(
    toy: Language, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    toy.to_disk(tmp_path)
    with caplog.at_level("WARNING", logger="spacy_ner_plus"):
        spacy.load(tmp_path)
    assert not caplog.records
    for name in (".DS_Store", "words.csv", "model/words.old", "model/.hidden"):
        (tmp_path / "toy" / name).write_bytes(b"")
    with caplog.at_level("WARNING", logger="spacy_ner_plus"):
        spacy.load(tmp_path)
    [record] = caplog.records
    assert "were not read: model/words.old, words.csv. Remove" in record.message
    assert str(tmp_path / "toy") in record.message


def test_bytes_with_a_file_that_is_not_declared_are_refused(toy: Language) -> None:
    pipe: Any = toy.get_pipe("toy")
    parts = srsly.msgpack_loads(pipe.to_bytes())
    parts["model"]["more.json"] = b"{}"
    with pytest.raises(ValueError, match=r"model/more\.json was not there when manifest\.json"):
        pipe.from_bytes(srsly.msgpack_dumps(parts))


def test_cfg_has_no_key_of_the_save_itself(tmp_path: Path) -> None:
    """It would be taken for the format's number: the save could never be loaded, or as another."""
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.cfg = {"format": "short"}
    for save in (lambda: lookup.to_disk(tmp_path), lookup.to_bytes):
        with pytest.raises(ValueError, match=r"cfg has the key 'format' \('short'\)"):
            save()
    assert tree(tmp_path) == {}
    lookup.to_disk(tmp_path, exclude=["cfg"])


def test_part_that_is_saved_anew_alone_fits_the_others(tmp_path: Path) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.to_disk(tmp_path)
    lookup.cfg, lookup.words = {"new": True}, {}
    lookup.to_disk(tmp_path, exclude=["model"])
    other: Any = lookup_nlp({}).get_pipe("lookup").from_disk(tmp_path)  # type: ignore
    assert other.cfg == {"new": True} and other.words == WORDS


def test_parts_can_be_left_out(tmp_path: Path) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.to_disk(tmp_path, exclude=["vocab", "model"])
    assert {path.name for path in tmp_path.iterdir()} == {"cfg", "manifest.json"}
    other: Any = lookup_nlp({"flu": ("Disease", 0.5)}).get_pipe("lookup")
    other.from_disk(tmp_path, exclude=["vocab", "model"])
    other.from_bytes(lookup.to_bytes(), exclude=["model"])
    assert set(other.words) == {"flu"}
    other.from_bytes(lookup.to_bytes(exclude=["cfg"]))
    assert other.words == WORDS


@pytest.mark.parametrize("has_weights", [True, False])
def test_model_with_a_torch_shim_is_saved_without_a_word(
    tiny_encoder_dir: Path, tmp_path: Path, has_weights: bool
) -> None:
    """Also one that knows nothing of tags."""

    def make(seed: int) -> TrainableEntityPipe:
        fix_random_seed(seed)
        model = build_transformer_v1(str(tiny_encoder_dir), 32, device="cpu", window=128)
        return TrainableEntityPipe(Vocab(), model, "encoder")

    pipe = make(0)
    if has_weights:
        pipe.model.initialize()
    pipe.to_disk(tmp_path, exclude=["vocab"])
    other = make(1)
    other.model.initialize()
    for again in (
        other.from_disk(tmp_path, exclude=["vocab"]),
        make(2).from_bytes(pipe.to_bytes()),
    ):
        assert again.model.shims[0].to_bytes() == pipe.model.shims[0].to_bytes()
        assert again.model.shims[0].is_built == has_weights
