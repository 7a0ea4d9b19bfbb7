import pytest
import spacy

from spacy_ner_plus.pipeline.capabilities import HasCalibration, only_component
from tests.pipeline import lookups  # noqa: F401  # registers the factory

CAN = "can be calibrated"


def test_the_only_component_with_a_capability_is_meant() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    with pytest.raises(ValueError, match=f"no component that {CAN}. It has: sentencizer"):
        only_component(nlp, HasCalibration, CAN, "ner_plus")
    nlp.add_pipe("test_calibrated_lookup", name="first")
    assert only_component(nlp, HasCalibration, CAN, "ner_plus") == "first"
    nlp.add_pipe("test_calibrated_lookup", name="second")
    with pytest.raises(ValueError, match=f"{CAN}: first, second. Say which is meant with --comp"):
        only_component(nlp, HasCalibration, CAN, "ner_plus")
    assert only_component(nlp, HasCalibration, CAN, "second") == "second"
