"""Configs are looked through before anything is done with them."""

from pathlib import Path

import pytest
from thinc.api import Config

from spacy_ner_plus import train
from spacy_ner_plus.training.load_config import load_config
from tests import tiny
from tests.training.runs import write_config


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config")
    return write_config(folder, tiny.save_encoder(folder / "encoder"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            {"training.maxsteps": 3},
            r"\[training\] has no setting 'maxsteps': did you mean max_step",
        ),
        ({"nlp.langg": "en"}, r"\[nlp\] has no setting 'langg': did you mean lang\?"),
        ({"training.zzz": 1}, r"\[training\] has no setting 'zzz': there are .*dropout"),
    ],
)
def test_misspelt_settings_are_told(
    config: Path, override: dict[str, object], message: str
) -> None:
    for given in (config, Config().from_disk(config, interpolate=False)):
        with pytest.raises(ValueError, match=message):
            load_config(given, override)
    with pytest.raises(ValueError, match=message):
        train(config, config.parent / "never", overrides=override)
    assert not (config.parent / "never").exists()


def test_misspelt_settings_in_the_file_are_told(config: Path, tmp_path: Path) -> None:
    text = config.read_text().replace("[training]\n", "[training]\nmax_step = 3\n", 1)
    (tmp_path / "a.cfg").write_text(text)
    with pytest.raises(ValueError, match=r"a\.cfg: \[training\] has no setting 'max_step'"):
        load_config(tmp_path / "a.cfg")


@pytest.mark.parametrize("section", ["nlp", "components", "corpora", "training"])
def test_missing_sections_are_told(config: Path, section: str) -> None:
    partial = Config().from_disk(config, interpolate=False)
    del partial[section]
    with pytest.raises(ValueError, match=rf"The config has no section \[{section}\]"):
        load_config(partial)


@pytest.mark.parametrize(
    "name",
    ["cpu", "gpu", "cnn", "features", "bilstm_crf", "shared", "shared_trf", "private_trf"],
)
def test_shipped_configs_have_no_misspelt_settings(name: str) -> None:
    load_config(Path(__file__).parents[2] / "configs" / f"{name}.cfg")
