"""Which component is meant where nobody names one."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus import calibrate
from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.pipeline.capabilities import HasCalibration, only_component
from tests.pipeline import lookups  # noqa: F401  # registers the factory

CAN = "can be calibrated"


def test_the_only_component_with_a_capability_is_meant() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    with pytest.raises(ValueError, match=rf"no component that {CAN}\. It has: sentencizer"):
        only_component(nlp, HasCalibration, CAN, "ner_plus")
    nlp.add_pipe("test_calibrated_lookup", name="first")
    assert only_component(nlp, HasCalibration, CAN, "ner_plus") == "first"
    nlp.add_pipe("test_calibrated_lookup", name="second")
    with pytest.raises(ValueError, match=rf"{CAN}: first, second\. Say which is meant with --comp"):
        only_component(nlp, HasCalibration, CAN, "ner_plus")
    assert only_component(nlp, HasCalibration, CAN, "second") == "second"


def test_what_is_not_calibrated_is_told(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    pipes: list[Any] = [
        nlp.add_pipe("test_calibrated_lookup", name=name) for name in ("further", "ner_plus")
    ]
    for pipe in pipes:
        pipe.words = {"right": ("A", 0.9), "wrong": ("A", 0.9)}
    doc = Doc(nlp.vocab, words=["right", "wrong"] * 60)
    doc.set_ents([Span(doc, i, i + 1, "A") for i in range(0, 120, 2)])
    DocBin(docs=[doc]).to_disk(tmp_path / "dev.spacy")
    done = calibrate(nlp, tmp_path / "dev.spacy")
    assert done.notes == ("'further' stays as it is: --component further calibrates it.",)
    assert [pipe.calibration == Calibration() for pipe in pipes] == [True, False]
    assert calibrate(nlp, tmp_path / "dev.spacy", component="further").notes == ()
