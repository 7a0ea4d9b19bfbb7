import copy
from typing import Any

import pytest

from spacy_ner_plus.support.package_versions import package_versions
from spacy_ner_plus.training.settings import check_config, warn_of_versions

CONFIG: dict[str, Any] = {
    "paths": {"train": "a"},
    "corpora": {"train": {"path": "a"}},
    "training": {"max_steps": 10, "patience": 5, "logger": {"@loggers": "x"}, "dropout": 0.1},
    "components": {},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    *sections, name = path.split(".")
    section = config
    for part in sections:
        section = section[part]
    section[name] = value
    return config


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("training.max_steps", 20),
        ("training.patience", 0),
        ("training.logger", {"@loggers": "y", "progress_bar": True}),
        ("paths.train", "b"),
    ],
)
def test_config_may_change_when_training_ends(path: str, value: Any) -> None:
    config = changed(path, value)
    assert config != CONFIG
    check_config(CONFIG, config)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("training.dropout", 0.2, "training.dropout: 0.1 then, 0.2 now"),
        ("corpora.train.path", "b", 'corpora.train.path: "a" then, "b" now'),
        ("training.max_epochs", 3, "training.max_epochs: not set then, 3 now"),
        ("training.logger_two", 3, "training.logger_two: not set"),
        ("components", {"ner": {}}, "components: {} then, not set now"),
    ],
)
def test_config_must_not_change_otherwise(path: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError) as error:
        check_config(CONFIG, changed(path, value))
    assert message in str(error.value)


def test_check_config_shows_the_first_of_many() -> None:
    with pytest.raises(ValueError, match="and 5 more"):
        check_config(CONFIG, changed("components", {str(i): i for i in range(14)}))


def test_other_versions_are_warned_of(recwarn: pytest.WarningsRecorder) -> None:
    warn_of_versions(package_versions())
    assert not recwarn.list
    with pytest.warns(UserWarning, match=r"torch 0\.1 then, "):
        warn_of_versions({**package_versions(), "torch": "0.1"})
