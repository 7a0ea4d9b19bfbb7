"""What experiments know of the files that a config names."""

from pathlib import Path
from typing import Any

from thinc.api import Config

from spacy_ner_plus.experiments.carrying_out import content_settings
from spacy_ner_plus.support.digests import content_digest, file_digest


def config_of(folder: Path) -> Config:
    model = {"tok2vec": {"vectors": str(folder / "vectors"), "clusters": "no such file"}}
    rules: list[Any] = [
        {"path": str(folder / "list.csv"), "label": "X"},
        {"phrase": str(folder), "label": "X"},
        str(folder / "more.jsonl"),
    ]
    return Config(
        {
            "components": {
                "ner": {"factory": "ner_plus", "model": model, "spans_key": str(folder)}
            },
            "initialize": {"components": {"rules": {"rules": rules}}, "vectors": None},
            "corpora": {"train": {"path": str(folder / "list.csv")}},
        }
    )


def test_content_of_files_and_folders_that_settings_name(tmp_path: Path) -> None:
    for name in ("list.csv", "more.jsonl", "code.py", "vectors/a.npy", "vectors/b.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    code = tmp_path / "code.py"
    expected = {
        "code_sha256": file_digest(code),
        "components.ner.model.tok2vec.vectors (SHA-256)": content_digest(tmp_path / "vectors"),
        "initialize.components.rules.rules.0.path (SHA-256)": file_digest(tmp_path / "list.csv"),
        "initialize.components.rules.rules.2 (SHA-256)": file_digest(tmp_path / "more.jsonl"),
    }
    config = config_of(tmp_path)
    assert content_settings(config, code) == expected
    (tmp_path / "vectors/b.npy").write_text("changed")
    changed = content_settings(config, code)
    assert [name for name in expected if changed[name] != expected[name]] == [
        "components.ner.model.tok2vec.vectors (SHA-256)"
    ]


def test_configs_without_files_have_none(tmp_path: Path) -> None:
    assert content_settings(config_of(tmp_path / "nowhere"), None) == {}
