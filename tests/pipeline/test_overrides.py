"""Settings given when a trained pipeline is loaded: those of the run win, those of the weights
are refused. The config can be nested or have dotted keys, the pipeline a folder or a package.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.package import package
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import ConfigValidationError

from tests.pipeline.samples import TEXTS, assert_same_predictions, found_in, probabilities

pytestmark = pytest.mark.slow

Load = Callable[[dict[str, Any]], Language]
PREFIX = "components.ner_plus."


@pytest.fixture(scope="module")
def installed_dir(trained_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder on sys.path that holds what `spacy package` made of the pipeline."""
    out = tmp_path_factory.mktemp("packages")
    package(trained_dir, out, name="overridden", create_sdist=False, create_wheel=False)
    (made,) = out.glob("en_overridden-*/en_overridden")
    installed = tmp_path_factory.mktemp("site")
    shutil.copytree(made, installed / "en_overridden")
    # what the package's setup.py does when it is built
    shutil.copy(made.parent / "meta.json", installed / "en_overridden")
    return installed


@pytest.fixture(params=["folder", "package"])
def load(
    request: pytest.FixtureRequest,
    trained_dir: Path,
    installed_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Load:
    if request.param == "folder":
        return lambda config: spacy.load(trained_dir, config=config)

    def load_package(config: dict[str, Any]) -> Language:
        monkeypatch.syspath_prepend(installed_dir)
        monkeypatch.delitem(sys.modules, "en_overridden", raising=False)
        module = __import__("en_overridden")
        nlp: Language = module.load(config=config)
        return nlp

    return load_package


def nested(overrides: dict[str, Any]) -> dict[str, Any]:
    """{"a.b": 1} -> {"a": {"b": 1}}"""
    whole: dict[str, Any] = {}
    for path, value in overrides.items():
        *sections, name = path.split(".")
        section = whole
        for key in sections:
            section = section.setdefault(key, {})
        section[name] = value
    return whole


FORMS = [pytest.param(nested, id="nested"), pytest.param(dict, id="dotted")]

RUN = {
    f"{PREFIX}existing_ents": "overwrite",
    f"{PREFIX}spans_key": "found",
    f"{PREFIX}threshold": 0.001,
    f"{PREFIX}model.max_batch_pieces": 64,
    f"{PREFIX}model.device": "cpu",
    f"{PREFIX}model.precision": "fp32",
    f"{PREFIX}model.window": 64,
    f"{PREFIX}model.overlap": 8,
}


@pytest.mark.parametrize("form", FORMS)
def test_settings_of_the_run_win(
    load: Load, trained_docs: list[Doc], form: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    nlp = load(form(RUN))
    ner = nlp.get_pipe("ner_plus")
    assert (ner.existing_ents, ner.spans_key, ner.threshold) == ("overwrite", "found", 0.001)
    config = ner.shim.config
    assert config.max_batch_pieces == ner.shim.budget.pieces == 64
    assert (config.device, config.precision) == ("cpu", "fp32")
    assert (config.window, config.overlap) == (64, 8)
    docs = list(nlp.pipe(TEXTS))
    assert_same_predictions(docs, trained_docs, within=1e-5)
    assert [len(doc.spans["found"]) for doc in docs] == [len(doc.ents) for doc in docs]


def test_settings_of_the_run_are_saved_with_the_pipeline(load: Load, tmp_path: Path) -> None:
    load(RUN).to_disk(tmp_path)
    again = spacy.load(tmp_path).get_pipe("ner_plus")
    assert (again.threshold, again.shim.config.max_batch_pieces) == (0.001, 64)


def test_threshold_per_label_is_set_after_loading(load: Load, trained_docs: list[Doc]) -> None:
    """spaCy takes no override that is a dict."""
    nlp, expected = load({}), trained_docs[0]
    nlp.get_pipe("ner_plus").threshold = {"Disease": 1.0}
    is_kept = [
        ent.label_ != "Disease" or p == 1.0
        for ent, p in zip(expected.ents, probabilities(expected), strict=True)
    ]
    kept = [entity for entity, k in zip(found_in(expected), is_kept, strict=True) if k]
    assert 0 < len(kept) < len(is_kept)
    assert found_in(nlp(TEXTS[0])) == kept


STRUCTURE = [
    ("tag_scheme", "BIO", r"tag_scheme = 'BILOU', but the config says 'BIO'"),
    ("model.pooling", "mean", r"pooling = 'first', but the config says 'mean'"),
    ("model.use_crf", False, r"use_crf = True, but the config says False"),
    ("model.word_forms", None, r"with word forms, but the config says word_forms = None"),
]


@pytest.mark.parametrize(("setting", "value", "message"), STRUCTURE)
def test_settings_of_the_weights_are_refused(
    load: Load, setting: str, value: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=rf"{message}.*can't be changed after training"):
        load(nested({PREFIX + setting: value}))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("model.device", "gpu"),
        ("model.precision", "fp8"),
        ("model.max_batch_pieces", 0),
        ("threshold", 1.5),
        ("existing_ents", "drop"),
    ],
)
def test_values_that_are_none_are_refused_by_name(load: Load, setting: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{setting.split('.')[-1]}.*{value}"):
        load({PREFIX + setting: value})


@pytest.mark.parametrize("name", ["max_batch_piece", "model.max_batch_piece", "model.devise"])
def test_settings_that_do_not_exist_are_refused(load: Load, name: str) -> None:
    with pytest.raises(ConfigValidationError, match=name.split(".")[-1]):
        load({PREFIX + name: 1})
