"""threshold: entities that are too improbable are left out."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_ner_plus.pipeline.thresholds import read_threshold
from tests.pipeline.samples import (
    TEXTS,
    add_ner_plus,
    found_in,
    initialized_nlp,
    make_examples,
    probabilities,
    shake_head,
)

Found = list[tuple[int, int, str, float]]


@pytest.fixture(scope="module")
def unsure(encoder_dir: Path) -> Language:
    """A pipeline with random scores: entities of both types, of all probabilities."""
    nlp = initialized_nlp(encoder_dir)
    shake_head(nlp.get_pipe("ner_plus"), scale=0.2, seed=3)
    return nlp


def find(nlp: Language, threshold: Any) -> list[Found]:
    ner = nlp.get_pipe("ner_plus")
    ner.threshold = threshold
    docs = list(nlp.pipe(TEXTS))
    ner.threshold = None
    for doc in docs:
        group = doc.spans["ner_plus"]
        assert [(s.start, s.end, s.label_) for s in group] == [
            (e.start, e.end, e.label_) for e in doc.ents
        ]
        assert np.asarray(group.attrs["scores"]).tolist() == probabilities(doc)
    return [[(e.start, e.end, e.label_, e._.probability) for e in doc.ents] for doc in docs]


def test_threshold_leaves_out_what_is_less_probable(unsure: Language) -> None:
    everything = find(unsure, None)
    values = sorted(p for doc in everything for *_, p in doc)
    assert len(values) > 10 and values[0] < 0.3 < values[-1]
    assert find(unsure, 0.0) == everything
    assert find(unsure, 1.0) == [[] for _ in TEXTS]
    middle = values[len(values) // 2]
    kept = find(unsure, middle)  # the least value that is kept is the threshold itself
    assert kept == [[one for one in doc if one[3] >= middle] for doc in everything]
    assert 0 < sum(map(len, kept)) < len(values)


def test_threshold_of_each_label(unsure: Language) -> None:
    """Labels that are not named have none."""
    everything = find(unsure, None)
    found = [one for doc in everything for one in doc]
    assert {label for _, _, label, _ in found} == {"Chemical", "Disease"}
    only = find(unsure, {"Disease": 1.0})
    assert only == [[one for one in doc if one[2] != "Disease"] for doc in everything]
    both = {"Disease": 0.3, "Chemical": 0.4}
    expected = [[one for one in doc if one[3] >= both[one[2]]] for doc in everything]
    assert find(unsure, both) == expected
    assert find(unsure, {}) == everything


def test_entity_left_out_makes_no_room_for_another(unsure: Language) -> None:
    """The best entities are found first: a threshold can't raise recall."""
    everything = [{one[:3] for one in doc} for doc in find(unsure, None)]
    for threshold in (0.1, 0.3, 0.5):
        for doc, full in zip(find(unsure, threshold), everything, strict=True):
            assert {one[:3] for one in doc} <= full


def test_threshold_of_an_unknown_label_is_an_error(unsure: Language) -> None:
    ner = unsure.get_pipe("ner_plus")
    ner.threshold = {"Diseases": 0.5}
    message = r"threshold names the types \['Diseases'\], but the types are \['Chemical', 'Dis"
    with pytest.raises(ValueError, match=message):
        unsure(TEXTS[0])
    ner.threshold = None


@pytest.mark.parametrize("setting", ["threshold", "validators"])
def test_settings_of_an_unknown_label_are_told_before_training(
    encoder_dir: Path, setting: str
) -> None:
    nlp = spacy.blank("en")
    value = {"Diseases": 0.5 if setting == "threshold" else "luhn"}
    ner = add_ner_plus(nlp, encoder_dir, **{setting: value})
    with pytest.raises(ValueError, match=rf"{setting} names the types \['Diseases'\]"):
        ner.initialize(lambda: make_examples(nlp, 4), nlp=nlp)


@pytest.mark.parametrize(
    "threshold", [-0.1, 1.5, {"Disease": 2.0}, {"Disease": -1.0, "Chemical": 0.5}]
)
def test_threshold_that_is_no_probability_is_an_error(encoder_dir: Path, threshold: Any) -> None:
    with pytest.raises(ValueError, match=r"threshold = .* must be a probability, from 0 to 1"):
        add_ner_plus(spacy.blank("en"), encoder_dir, threshold=threshold)


def test_threshold_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="threshold = nan must be a probability"):
        read_threshold(float("nan"))


def test_threshold_may_be_set_when_a_pipeline_is_loaded(
    trained_dir: Path, trained_docs: list[Doc], tmp_path: Path
) -> None:
    """And is saved with it."""
    setting = "components.ner_plus.threshold"
    nlp = spacy.load(trained_dir, config={setting: 1.0})
    assert not nlp(TEXTS[0]).ents
    nlp.to_disk(tmp_path)
    assert not spacy.load(tmp_path)(TEXTS[0]).ents
    assert found_in(spacy.load(tmp_path, config={setting: None})(TEXTS[0])) == found_in(
        trained_docs[0]
    )


def test_threshold_of_each_label_in_the_config(
    trained_dir: Path, trained_docs: list[Doc], tmp_path: Path
) -> None:
    """spaCy takes no tables as overrides, but one that is in the file, and values in it."""
    shutil.copytree(trained_dir, tmp_path / "pipeline")
    file = tmp_path / "pipeline" / "config.cfg"
    text = file.read_text(encoding="utf8")
    assert "threshold = null" in text
    file.write_text(text.replace("threshold = null", 'threshold = {"Chemical": 1.0}'))
    expected = [one for one in found_in(trained_docs[0]) if one[2] != "Chemical"]
    nlp = spacy.load(tmp_path / "pipeline")
    assert found_in(nlp(TEXTS[0])) == expected != found_in(trained_docs[0])
    nlp.to_disk(tmp_path / "again")
    assert found_in(spacy.load(tmp_path / "again")(TEXTS[0])) == expected
    override = {"components.ner_plus.threshold.Chemical": 0.0}
    nlp = spacy.load(tmp_path / "again", config=override)
    assert found_in(nlp(TEXTS[0])) == found_in(trained_docs[0])


def test_threshold_is_not_for_entities_that_were_there(unsure: Language) -> None:
    ner = unsure.get_pipe("ner_plus")
    ner.threshold = 1.0
    doc = unsure.make_doc(TEXTS[0])
    doc.ents = [Span(doc, 0, 1, "Disease")]
    assert [(ent.start, ent.end) for ent in ner(doc).ents] == [(0, 1)]
    ner.threshold = None
