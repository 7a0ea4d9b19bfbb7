"""Loading the pipelines that each earlier version made, and finding in texts what it found.

They are in `saved/<version>/<kind>`, made by `saved/make.py` with that version's own code.
"""

import logging
import re
import socket
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import spacy
from packaging.version import Version
from spacy.language import Language

import spacy_ner_plus
from tests.pipeline.saved.make import (
    find,
    kinds_of,
    probabilities,
    read_expected,
    saved_in,
    spans,
)

ROOT = Path(__file__).parents[2]
SAVED = Path(__file__).parent / "saved"
FORMAT_1 = (
    "The saved pipeline has format 1, that of this version is 3: it was read as it is. "
    "Save it again to have it checked on loading."
)
# What 0.3.0 and later found is found to the last bit on the machine that made them. Other
# instructions sum in another order (5e-7 with SSE4), and so did 0.1.0 and 0.2.0, which padded
# windows to other widths (2e-7).
TOLERANCE = 1e-6


def params() -> list[Any]:
    no_onnx = pytest.mark.skipif(find_spec("onnxruntime") is None, reason="needs onnxruntime")
    return [
        pytest.param(
            folder,
            id=f"{folder.parent.name}-{folder.name}",
            marks=[no_onnx] if folder.name == "onnx" else [],
        )
        for folder in saved_in(SAVED)
    ]


def load_silently(folder: Path) -> Language:
    """Load a pipeline; a warning of ours or spaCy's is an error, and so is a connection."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a socket was opened")

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("error", UserWarning)
        patch.setattr(socket, "socket", refuse)
        return spacy.load(folder)


def test_there_are_pipelines_of_each_earlier_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    now = Version(spacy_ner_plus.__version__)
    earlier = {version for version in versions if Version(version) < now}
    assert {"0.1.0", "0.2.0", "0.3.0"} <= earlier
    for version in earlier:
        assert {folder.name for folder in saved_in(SAVED / version)} == set(kinds_of(version))


@pytest.mark.slow
@pytest.mark.parametrize("folder", params())
def test_finds_what_it_found_then(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="spacy_ner_plus"):
        nlp = load_silently(folder)
    told = [record.getMessage() for record in caplog.records]
    assert told == ([FORMAT_1] if folder.parent.name == "0.1.0" else [])
    found, expected = find(nlp), read_expected(folder)
    assert spans(found) == spans(expected)
    assert probabilities(found) == pytest.approx(probabilities(expected), rel=0, abs=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("folder", params())
def test_finds_the_same_when_saved_again(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nlp = spacy.load(folder)
    nlp.to_disk(tmp_path)
    with caplog.at_level(logging.INFO, logger="spacy_ner_plus"):
        again = load_silently(tmp_path)
    assert not caplog.records
    assert find(again) == find(nlp)
