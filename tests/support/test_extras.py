"""Packages that only some commands need."""

import json
import sys

import pytest

from spacy_ner_plus.support.extras import check_installed, require


def test_require_imports_a_module() -> None:
    assert require("json", "parquet") is json


def test_require_names_the_extra_of_what_lacks() -> None:
    with pytest.raises(ValueError, match=r"needs no_such_package.*spacy_ner_plus\[parquet\]"):
        require("no_such_package.part", "parquet")


def test_require_does_not_hide_what_a_module_itself_lacks(tmp_path, monkeypatch) -> None:
    (tmp_path / "half_installed.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        require("half_installed", "parquet")
    sys.modules.pop("half_installed", None)


def test_check_installed_imports_nothing(tmp_path, monkeypatch) -> None:
    (tmp_path / "never_imported.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    check_installed("never_imported", "onnx", what="This model")
    assert "never_imported" not in sys.modules
    with pytest.raises(ValueError, match=r"This model needs no_such_package.*ner_plus\[onnx\]"):
        check_installed("no_such_package", "onnx", what="This model")
