"""Saving and loading the component of spans."""

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language

from spacy_ner_plus.models.decoding.log_odds import LogOddsLine
from spacy_ner_plus.models.decoding.span_calibration import SpanCalibration
from tests.pipeline.spans.nested_samples import (
    LABELS,
    NAME,
    assert_same_spans,
    docs_of,
    initialized,
    spans_nlp,
    spans_pipe,
    transformer_nlp,
)


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


ROUTES = [through_disk, through_bytes, through_pickle, through_deepcopy]
Route = Callable[[Language, Path], Language]


def assert_same(nlp: Language, other: Language) -> None:
    one, again = spans_pipe(nlp), spans_pipe(other)
    assert again.labels == one.labels and again.calibration == one.calibration
    assert again.span_shim.chains == one.span_shim.chains
    weights, others = (p.span_shim.module.state_dict() for p in (one, again))
    assert weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    docs = [list(pipeline.pipe(docs_of(pipeline))) for pipeline in (nlp, other)]
    assert any(len(doc.spans["sc"]) for doc in docs[0])
    assert_same_spans(*docs, within=1e-6)


@pytest.mark.parametrize("route", ROUTES)
def test_round_trip(known: Language, route: Route, tmp_path: Path) -> None:
    assert_same(known, route(known, tmp_path))


@pytest.mark.parametrize(
    ("route", "head"),
    [(through_disk, "biaffine"), (through_pickle, "biaffine"), (through_disk, "both")],
)
def test_round_trip_with_an_encoder(
    encoder_dir: Path, route: Route, head: str, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"threshold": 0.01, "model_convolutions": 1, "model_head": head}
    nlp = initialized(transformer_nlp(encoder_dir, **settings))
    spans_pipe(nlp).calibration = SpanCalibration(0.5, LogOddsLine(1.5, 6.0))
    assert_same(nlp, route(nlp, tmp_path))


@pytest.mark.parametrize("route", ROUTES)
def test_labels_without_weights_are_saved(route: Route, tmp_path: Path) -> None:
    nlp = spans_nlp()
    for label in LABELS:
        spans_pipe(nlp).add_label(label)
    again = spans_pipe(route(nlp, tmp_path))
    assert again.labels == LABELS and not again.span_shim.is_built


def test_files_are_json_and_safetensors(known: Language, tmp_path: Path) -> None:
    known.to_disk(tmp_path)
    folder = tmp_path / NAME
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert files == {
        "cfg",
        "manifest.json",
        "model/tagger.json",
        "model/tok2vec.msgpack",
        "model/weights.safetensors",
    }


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_width", 6),
        ("hidden_width", 8),
        ("convolutions", 2),
        ("max_levels", 2),
        ("chains", "layers"),
    ],
)
def test_setting_that_belongs_to_the_weights_cannot_be_changed(
    known: Language, setting: str, value: int, tmp_path: Path
) -> None:
    known.to_disk(tmp_path)
    with pytest.raises(ValueError, match=rf"trained with {setting} = .*config says {value!r}"):
        spacy.load(tmp_path, config={f"components.{NAME}.model.{setting}": value})


def test_setting_of_the_use_can_be_changed(known: Language, tmp_path: Path) -> None:
    known.to_disk(tmp_path)
    changes = {"allow": "flat", "threshold": 0.4, "set_ents": True}
    loaded = spacy.load(tmp_path, config={f"components.{NAME}.{n}": v for n, v in changes.items()})
    doc = loaded(docs_of(loaded)[0])
    assert doc.ents and [(span.start, span.end) for span in doc.spans["sc"]] == [
        (ent.start, ent.end) for ent in doc.ents
    ]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("labels", ["A", "A"], "makes no model"),
        ("labels", "ABC", "makes no model"),
        ("calibration", {"line": {"slope": -1.0}}, "makes no model"),
        ("labels", ["A"], "does not fit|makes no model"),  # or not the chains
        ("chains", 3, "makes no model"),
        ("chains", [[["A"], 10**9]], "makes no model"),
        ("width", 10**9, "tagger.json|does not fit"),
    ],
)
def test_wrong_settings_are_refused(
    known: Language, key: str, value: object, message: str, tmp_path: Path
) -> None:
    """By whoever makes the manifest fit; the component stays as it was."""
    shim = spans_pipe(known).span_shim
    files = {
        name: c if isinstance(c, bytes) else c.to_bytes() for name, c in shim.to_files().items()
    }  # type: ignore[union-attr]
    settings = json.loads(files["tagger.json"])
    assert key in settings
    files["tagger.json"] = json.dumps({**settings, key: value}).encode("utf8")
    with pytest.raises(ValueError, match=message):
        shim.read_files(files, is_verified=True)
    assert shim.labels == LABELS
