"""Building touches no network and loads no weights."""

import inspect
import socket
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy import util
from spacy.cli.debug_config import debug_config
from spacy.cli.init_config import fill_config
from spacy.language import Language
from thinc.api import Config
from transformers import AutoConfig, AutoModel, AutoModelForTokenClassification, AutoTokenizer

from spacy_ner_plus.models.runtime import wordpiece_shim
from spacy_ner_plus.pipeline.ner_plus.factory import DEFAULT_CONFIG

CONFIG = """
[nlp]
lang = "en"
pipeline = ["ner_plus"]

[components]

[components.ner_plus]
factory = "ner_plus"

[components.ner_plus.model]
@architectures = "spacy_ner_plus.TransformerTagger.v1"
name = "nobody/nowhere"
"""


@pytest.fixture(autouse=True)
def nothing_to_load_from(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("something was loaded")

    monkeypatch.setattr(socket, "socket", refuse)
    for module, name in (
        (wordpiece_shim, "load_encoder"),
        (wordpiece_shim, "load_tokenizer"),
        (AutoConfig, "from_pretrained"),
        (AutoModel, "from_pretrained"),
        (AutoModel, "from_config"),
        (AutoModelForTokenClassification, "from_pretrained"),
        (AutoTokenizer, "from_pretrained"),
    ):
        monkeypatch.setattr(module, name, refuse)


def _unbuilt(nlp: Language) -> bool:
    ner = nlp.get_pipe("ner_plus")
    return not ner.shim.is_built and ner.model.name == "ner_plus_transformer"


def test_add_pipe_loads_nothing() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_plus")
    assert _unbuilt(nlp)


def test_pipeline_from_config_loads_nothing() -> None:
    nlp = util.load_model_from_config(Config().from_str(CONFIG), auto_fill=True)
    assert _unbuilt(nlp)
    assert _unbuilt(util.load_model_from_config(nlp.config))


def test_fill_config_writes_all_settings_and_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / "base.cfg").write_text(CONFIG)
    fill_config(tmp_path / "full.cfg", tmp_path / "base.cfg", silent=True)
    filled = util.load_config(tmp_path / "full.cfg")["components"]["ner_plus"]
    expected = Config().from_str(DEFAULT_CONFIG)["ner_plus"]
    expected["model"]["name"] = "nobody/nowhere"
    assert filled == {"factory": "ner_plus", **expected}


def test_debug_config_loads_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "base.cfg"
    util.load_model_from_config(Config().from_str(CONFIG), auto_fill=True).config.to_disk(path)
    overrides = {"paths.train": "train.spacy", "paths.dev": "dev.spacy"}
    debug_config(path, overrides=overrides)
    assert "Config is valid" in capsys.readouterr().out


def test_untrained_pipeline_is_saved_and_loaded_without_loading_anything(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_plus").add_label("Gene")
    nlp.to_disk(tmp_path / "nlp")
    loaded = spacy.load(tmp_path / "nlp")
    assert _unbuilt(loaded) and loaded.get_pipe("ner_plus").labels == ("Gene",)


def test_pipeline_analysis_knows_what_the_component_sets() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_plus")
    assigns = nlp.analyze_pipes()["summary"]["ner_plus"]["assigns"]
    assert {"doc.ents", "token.ent_iob", "token.ent_type"} <= set(assigns)


def test_default_settings_are_those_of_the_architecture_but_for_the_overlap() -> None:
    """`.v1` keeps the 64 that pipelines were trained with before there was a better one."""
    settings = dict(Config().from_str(DEFAULT_CONFIG)["ner_plus"]["model"])
    build = util.registry.architectures.get(settings.pop("@architectures"))
    parameters = inspect.signature(build).parameters.values()
    defaults = {its.name: its.default for its in parameters if its.default is not its.empty}
    given = {name: settings[name] for name in defaults}
    assert set(settings) - set(defaults) == {"name"}
    assert {**given, "overlap": 64} == defaults and given["overlap"] == 16
