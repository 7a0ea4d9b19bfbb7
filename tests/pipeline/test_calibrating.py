from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example

from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.pipeline.ner_plus.calibrating import judge
from tests.pipeline.samples import found_in, make_examples, probabilities

NEW = 150  # sentences, of which the trained pipeline knows the first 20


@pytest.fixture(scope="module")
def examples(trained: Language) -> list[Example]:
    return make_examples(trained, NEW)


@pytest.fixture(scope="module")
def calibrated(trained_dir: Path, examples: list[Example]) -> Language:
    nlp = spacy.load(trained_dir)
    nlp.get_pipe("ner_plus").calibrate(examples)
    return nlp


@pytest.mark.slow
def test_calibration_makes_probabilities_agree(
    trained: Language, calibrated: Language, examples: list[Example]
) -> None:
    before = trained.get_pipe("ner_plus").agreement(examples)
    after = calibrated.get_pipe("ner_plus").agreement(examples)
    assert before.n == after.n > 200
    assert before.precision == after.precision < 0.7
    # it learned by heart, so it is too sure
    assert before.mean_probability > before.precision + 0.05
    assert abs(after.mean_probability - after.precision) < 0.02
    assert after.log_loss < before.log_loss
    assert after.ece < before.ece


@pytest.mark.slow
def test_calibration_changes_no_entity(
    trained: Language, calibrated: Language, examples: list[Example]
) -> None:
    texts = [example.text for example in examples[:40]]
    docs, others = list(trained.pipe(texts)), list(calibrated.pipe(texts))
    assert [found_in(doc) for doc in docs] == [found_in(doc) for doc in others]
    before = np.concatenate([probabilities(doc) for doc in docs])
    after = np.concatenate([probabilities(doc) for doc in others])
    assert np.corrcoef(before.argsort().argsort(), after.argsort().argsort())[0, 1] > 0.9
    assert (after < before).mean() > 0.9


def test_calibration_reaches_readings_and_tags(trained: Language, calibrated: Language) -> None:
    doc = trained.make_doc("A lesser degree of orthostatic hypotension occurred in mice .")
    before, after = (nlp.get_pipe("ner_plus") for nlp in (trained, calibrated))
    assert after.shim.calibration.temperature > 1.0
    assert after.sequence_entropy(doc) > before.sequence_entropy(doc)
    assert after.alternatives(doc, 1)[0].probability < before.alternatives(doc, 1)[0].probability


def test_calibration_is_saved(
    calibrated: Language, examples: list[Example], tmp_path: Path
) -> None:
    calibrated.to_disk(tmp_path)
    text = examples[30].text
    expected = probabilities(calibrated(text))
    for other in (spacy.load(tmp_path), spacy.load(tmp_path).from_bytes(calibrated.to_bytes())):
        tagger = other.get_pipe("ner_plus").shim
        assert tagger.calibration == calibrated.get_pipe("ner_plus").shim.calibration
        assert tagger.calibration != Calibration()
        assert probabilities(other(text)) == expected


def test_new_training_starts_uncalibrated(own_trained: Language) -> None:
    ner = own_trained.get_pipe("ner_plus")
    ner.shim.calibration = Calibration(2.0)
    ner.initialize(lambda: make_examples(own_trained, 4))
    assert ner.shim.calibration == Calibration()


def test_too_few_entities_are_an_error(own_trained: Language, examples: list[Example]) -> None:
    ner = own_trained.get_pipe("ner_plus")
    with pytest.raises(ValueError, match=r"finds \d+ entities .* too few to calibrate"):
        ner.calibrate(examples[100:110])
    with pytest.raises(ValueError, match=r"0 of them wrong: too few"):
        ner.calibrate(examples[:20] * 3)  # learned by heart
    assert ner.shim.calibration == Calibration()


def test_what_is_not_annotated_is_not_judged(trained: Language, examples: list[Example]) -> None:
    ner = trained.get_pipe("ner_plus")
    example = examples[0]
    full = judge(ner.model, [example])
    assert full.correct.tolist() == [True] * len(example.reference.ents)
    for_chemicals = example.reference.copy()
    for_chemicals.set_ents([e for e in for_chemicals.ents if e.label_ == "Chemical"])
    for_chemicals._.annotated_labels = ["Chemical"]
    chemicals = judge(ner.model, [Example(example.predicted, for_chemicals)])
    n_chemicals = sum(ent.label_ == "Chemical" for ent in example.reference.ents)
    assert chemicals.correct.tolist() == [True] * n_chemicals
    partly = example.reference.copy()
    first = example.reference.ents[0]
    partly.set_ents([Span(partly, first.start, first.end, first.label_)], default="missing")
    assert judge(ner.model, [Example(example.predicted, partly)]).correct.tolist() == [True]
    unannotated = trained.make_doc(example.text)
    assert len(judge(ner.model, [Example(example.predicted, unannotated)]).correct) == 0


def test_agreement_without_entities_is_empty(trained: Language) -> None:
    agreement = trained.get_pipe("ner_plus").agreement([])
    assert (agreement.n, agreement.ece) == (0, 0.0)
