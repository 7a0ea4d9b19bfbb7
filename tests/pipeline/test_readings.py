"""Readings, tag probabilities and entropy against all valid tag sequences of short sentences."""

import itertools

import numpy as np
import pytest
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from tests.oracles import valid_paths
from tests.pipeline.samples import TEXTS, initialized_nlp

TEXT = "Severe heart  failure followed in mice."


@pytest.fixture(scope="module", params=["BIO-crf", "BILOU-crf", "BIO-softmax"])
def undecided(request: pytest.FixtureRequest, encoder_dir: str) -> Language:
    """A pipeline whose every tag is possible everywhere, calibrated to some temperature."""
    name, kind = request.param.split("-")
    nlp = initialized_nlp(encoder_dir, tag_scheme=name, model_use_crf=kind == "crf")
    tagger = nlp.get_pipe("ner_plus").shim
    torch.manual_seed(0)
    with torch.no_grad():
        tagger.module.head.linear.weight.normal_(std=0.3)
        for parameter in tagger.decoder.parameters():
            parameter.normal_()
    tagger.calibration = Calibration(temperature=1.3)
    return nlp


def all_sequences(ner: NerPlus, doc: Doc) -> dict[tuple[int, ...], float]:
    """The probability of every valid tag sequence of a Doc's rows."""
    tagger, scheme = ner.shim, ner.shim.scheme
    emissions = ner.model.predict([doc]).scores.double().numpy()
    scores = {}
    for tags in valid_paths(scheme, len(emissions)):
        score = emissions[np.arange(len(tags)), tags].sum()
        for name, parameter in tagger.decoder.named_parameters():
            values = parameter.detach().double().numpy()
            if name == "start":
                score += values[tags[0]]
            elif name == "end":
                score += values[tags[-1]]
            else:
                score += sum(values[pair] for pair in itertools.pairwise(tags))
        scores[tags] = score / tagger.calibration.temperature
    total = np.logaddexp.reduce(list(scores.values()))
    return {tags: float(np.exp(score - total)) for tags, score in scores.items()}


def words_of(doc: Doc, start: int, end: int) -> list[int]:
    """The rows of the tokens from start to end: whitespace has none."""
    rows = [token.i for token in doc if not token.is_space]
    return [i for i, token in enumerate(rows) if start <= token < end]


def parts_of(doc: Doc) -> list[Doc | Span]:
    return [doc, doc[0:2], doc[1:4], doc[4:6], doc[2:3]]


def marginal(
    sequences: dict[tuple[int, ...], float], rows: list[int]
) -> dict[tuple[int, ...], float]:
    """The distribution over the tags of some rows."""
    found: dict[tuple[int, ...], float] = {}
    for tags, probability in sequences.items():
        part = tuple(tags[row] for row in rows)
        found[part] = found.get(part, 0.0) + probability
    return found


def short_doc(nlp: Language) -> Doc:
    doc = nlp.make_doc("heart  failure in mice.")
    assert [token.text for token in doc] == ["heart", " ", "failure", "in", "mice", "."]
    return doc


def test_readings_equal_brute_force(undecided: Language) -> None:
    ner = undecided.get_pipe("ner_plus")
    doc = short_doc(undecided)
    sequences = all_sequences(ner, doc)
    for part in parts_of(doc):
        start = 0 if isinstance(part, Doc) else part.start
        expected = marginal(sequences, words_of(doc, start, start + len(part)))
        best = sorted(expected.values(), reverse=True)[:7]
        readings = ner.alternatives(part, k=7)
        assert [reading.probability for reading in readings] == pytest.approx(best, rel=1e-6)


def test_readings_of_a_document_are_its_sequences_entities(undecided: Language) -> None:
    ner = undecided.get_pipe("ner_plus")
    doc = short_doc(undecided)
    scheme = ner.shim.scheme
    tokens = np.array([token.i for token in doc if not token.is_space])
    expected = {}
    for tags, probability in all_sequences(ner, doc).items():
        starts, ends, labels = scheme.decode(np.array(tags))
        entities = zip(tokens[starts], tokens[ends - 1] + 1, labels, strict=True)
        expected[tuple((s, e, scheme.labels[label]) for s, e, label in entities)] = probability
    readings = ner.alternatives(doc, k=40)
    assert len(readings) == 40
    for reading in readings:
        entities = tuple((ent.start, ent.end, ent.label_) for ent in reading.entities)
        assert reading.probability == pytest.approx(expected.pop(entities), rel=1e-6)
    assert readings[-1].probability >= max(expected.values()) * (1 - 1e-6)


def test_entities_that_go_on_are_cut_at_the_edge(undecided: Language) -> None:
    ner = undecided.get_pipe("ner_plus")
    doc = short_doc(undecided)
    part = doc[2:5]
    readings = ner.alternatives(part, k=1000)
    assert sum(reading.probability for reading in readings) == pytest.approx(1.0)
    for reading in readings:
        assert all(part.start <= ent.start < ent.end <= part.end for ent in reading.entities)
    whole = [r for r in readings if [(e.start, e.end) for e in r.entities] == [(2, 5)]]
    assert whole


def test_tag_probabilities_equal_brute_force(undecided: Language) -> None:
    ner = undecided.get_pipe("ner_plus")
    doc = short_doc(undecided)
    sequences = all_sequences(ner, doc)
    n_tags = ner.shim.scheme.n_tags
    expected = np.zeros((len(doc), n_tags))
    expected[1, 0] = 1.0  # whitespace
    for row, token in enumerate([0, 2, 3, 4, 5]):
        for tags, probability in sequences.items():
            expected[token, tags[row]] += probability
    found = ner.tag_probabilities(doc)
    assert found.tags == ner.shim.scheme.tags
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-9)
    np.testing.assert_allclose(
        ner.tag_probabilities(doc[1:4]).probabilities, expected[1:4], atol=1e-9
    )


def test_entropy_equals_brute_force(undecided: Language) -> None:
    ner = undecided.get_pipe("ner_plus")
    doc = short_doc(undecided)
    sequences = all_sequences(ner, doc)
    for part in parts_of(doc):
        start = 0 if isinstance(part, Doc) else part.start
        distribution = marginal(sequences, words_of(doc, start, start + len(part)))
        expected = -sum(p * np.log(p) for p in distribution.values())
        assert ner.sequence_entropy(part) == pytest.approx(expected, abs=1e-9)


def test_best_reading_holds_the_entities_of_the_document(trained: Language) -> None:
    ner = trained.get_pipe("ner_plus")
    doc = trained(TEXTS[0])
    [best] = ner.alternatives(doc, k=1)
    assert best.entities == doc.ents
    assert len(best.entities) == 4
    assert 0.5 < best.probability <= min(ent._.probability for ent in doc.ents)


def test_reading_leaves_the_document_alone(trained: Language) -> None:
    ner = trained.get_pipe("ner_plus")
    doc = trained.make_doc(TEXTS[0])
    before = doc.to_bytes()
    ner.alternatives(doc, k=3)
    ner.tag_probabilities(doc)
    ner.sequence_entropy(doc)
    assert doc.to_bytes() == before


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_text_without_words_has_one_reading(trained: Language, text: str) -> None:
    ner = trained.get_pipe("ner_plus")
    doc = trained.make_doc(text)
    [reading] = ner.alternatives(doc, k=5)
    assert (reading.probability, reading.entities) == (1.0, ())
    assert ner.sequence_entropy(doc) == 0.0
    probabilities = ner.tag_probabilities(doc).probabilities
    assert probabilities.shape == (len(doc), ner.shim.scheme.n_tags)
    assert (probabilities[:, 0] == 1.0).all()


def test_no_readings_is_an_error(trained: Language) -> None:
    with pytest.raises(ValueError, match="k = 0 must be at least 1"):
        trained.get_pipe("ner_plus").alternatives(trained.make_doc("hypotension"), k=0)
