"""Disagreements with an annotation, and their probabilities against all valid tag sequences."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.gold import ANNOTATED_LABELS
from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.pipeline.capabilities import GivesSecondReadings
from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from spacy_ner_plus.pipeline.ner_plus.second_reading import differing
from spacy_ner_plus.tags import Span as EntitySpan
from tests.oracles import valid_paths
from tests.pipeline.samples import TEXTS, initialized_nlp

Readings = dict[tuple[EntitySpan, ...], float]
A, B = "Disease", "Chemical"
ANNOTATIONS = [
    [],
    [(0, 1, A)],
    [(0, 3, A)],
    [(0, 3, B), (4, 5, A)],
    [(2, 4, A), (4, 6, B)],
    [(0, 1, B), (2, 3, B), (3, 4, A), (5, 6, A)],
]


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


@pytest.fixture(scope="module")
def readings(undecided: Language) -> Readings:
    return all_readings(undecided.get_pipe("ner_plus"), make_doc(undecided))


def make_doc(nlp: Language) -> Doc:
    doc = nlp.make_doc("heart  failure in mice.")
    assert [token.text for token in doc] == ["heart", " ", "failure", "in", "mice", "."]
    return doc


def all_readings(ner: NerPlus, doc: Doc) -> Readings:
    """The probability of each set of entities that a Doc can have: the oracle."""
    tagger, scheme = ner.shim, ner.shim.scheme
    emissions = ner.model.predict([doc]).scores.double().numpy()
    learned = {
        name: one.detach().double().numpy() for name, one in tagger.decoder.named_parameters()
    }
    rows = [token.i for token in doc if not token.is_space]
    found: Readings = {}
    for tags in valid_paths(scheme, len(rows)):
        score = emissions[np.arange(len(tags)), tags].sum()
        if learned:
            score += learned["start"][tags[0]] + learned["end"][tags[-1]]
            score += sum(learned["transition"][pair] for pair in itertools.pairwise(tags))
        spans = zip(*scheme.decode(np.array(tags)), strict=True)
        key = tuple((rows[s], rows[e - 1] + 1, scheme.labels[label]) for s, e, label in spans)
        assert key not in found
        found[key] = score / tagger.calibration.temperature
    total = np.logaddexp.reduce(list(found.values()))
    return {spans: math.exp(score - total) for spans, score in found.items()}


def probability(
    readings: Readings, start: int, end: int, spans: list[EntitySpan], labels: set[str]
) -> float:
    """Of all readings that have these entities of the types, and no others, in some tokens."""
    return sum(
        p
        for reading, p in readings.items()
        if [one for one in reading if one[0] < end and one[1] > start and one[2] in labels] == spans
    )


def annotated(doc: Doc, spans: list[EntitySpan]) -> Example:
    reference = Doc(doc.vocab, [t.text for t in doc], [bool(t.whitespace_) for t in doc])
    reference.set_ents([Span(reference, *span) for span in spans])
    return Example(doc, reference)


@pytest.mark.parametrize("spans", ANNOTATIONS)
@pytest.mark.parametrize("labels", [{A, B}, {A}])
def test_probabilities_are_those_of_all_sequences_that_read_so(
    undecided: Language, readings: Readings, spans: list[EntitySpan], labels: set[str]
) -> None:
    ner, doc = undecided.get_pipe("ner_plus"), make_doc(undecided)
    assert isinstance(ner, GivesSecondReadings)
    spans = [span for span in spans if span[2] in labels]
    example = annotated(doc, spans)
    if labels != set(ner.labels):
        example.reference._.set(ANNOTATED_LABELS, sorted(labels))
    [second] = ner.second_readings([example])
    best = max(readings, key=readings.__getitem__)
    own = [one for one in best if one[2] in labels]
    expected = list(differing(spans, own))
    found = [(d.start, d.end, d.annotated, d.predicted) for d in second.disagreements]
    assert found == expected
    for one in second.disagreements:
        for reading, log_prob in (
            (one.annotated, one.annotated_log_prob),
            (one.predicted, one.predicted_log_prob),
        ):
            wanted = probability(readings, one.start, one.end, reading, labels)
            assert math.exp(log_prob) == pytest.approx(wanted, rel=1e-9)
    for confidence in second.confidences:
        if confidence.label is not None:
            its = [span for span in spans if span[2] == confidence.label]
            wanted = sum(probability(readings, *span[:2], [span], labels) for span in its)
            assert (confidence.n, confidence.total) == (len(its), pytest.approx(wanted, rel=1e-9))
            continue
        inside = {i for start, end, _ in spans for i in range(start, end)}
        free = [token.i for token in doc if not token.is_space and token.i not in inside]
        wanted = sum(probability(readings, i, i + 1, [], labels) for i in free)
        assert (confidence.n, confidence.total) == (len(free), pytest.approx(wanted, rel=1e-9))


def test_several_documents_are_each_read_as_alone(undecided: Language) -> None:
    ner = undecided.get_pipe("ner_plus")
    docs = [undecided.make_doc(text) for text in ("mice.", "", "heart failure in mice.", " ")]
    examples = [annotated(doc, []) for doc in docs]
    together = ner.second_readings(examples)
    for example, one in zip(examples, together, strict=True):
        [alone] = ner.second_readings([example])
        assert len(alone.disagreements) == len(one.disagreements)
        for a, b in zip(alone.disagreements, one.disagreements, strict=True):
            assert a.annotated_log_prob == pytest.approx(b.annotated_log_prob, rel=1e-6)
            assert a.predicted_log_prob == pytest.approx(b.predicted_log_prob, rel=1e-6)


def test_what_is_not_annotated_is_not_judged(trained: Language) -> None:
    """The model knows the entity; the annotation says nothing of it, or has an unknown type."""
    ner, doc = trained.get_pipe("ner_plus"), trained.make_doc(TEXTS[0])
    entity, *others = [(ent.start, ent.end, ent.label_) for ent in trained(TEXTS[0]).ents]
    right, wanting = annotated(doc, [entity, *others]), annotated(doc, others)
    assert ner.second_readings([right])[0].disagreements == []
    [found] = ner.second_readings([wanting])[0].disagreements
    assert (found.annotated, found.predicted) == ([], [entity])
    unknown, foreign = annotated(doc, []), annotated(doc, [(*entity[:2], "Plant"), *others])
    its = unknown.reference
    its.set_ents([Span(its, *one) for one in others], missing=[its[entity[0] : entity[1]]])
    for example in (unknown, foreign):
        [second] = ner.second_readings([example])
        assert (second.disagreements, second.n_not_judged) == ([], 1)
    bare = Example(doc, trained.make_doc(doc.text))  # without any annotation
    [second] = ner.second_readings([bare])
    assert (second.disagreements, sum(one.n for one in second.confidences)) == ([], 0)


spans_of = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from([A, B])), max_size=6
)


def placed(drawn: list[tuple[int, int, str]]) -> list[EntitySpan]:
    """Flat spans from gaps and lengths."""
    at, found = 0, []
    for gap, length, label in drawn:
        found.append((at + gap, at + gap + length, label))
        at += gap + length
    return found


@given(spans_of.map(placed), spans_of.map(placed))
def test_differing_stretches_are_connected_and_hold_all_that_differs(
    one: list[EntitySpan], other: list[EntitySpan]
) -> None:
    found = list(differing(one, other))
    assert all(end <= start for (_, end, *_), (start, *_) in itertools.pairwise(found))
    for side, spans in ((2, one), (3, other)):
        inside = [span for stretch in found for span in stretch[side]]
        assert set(inside) <= set(spans)
        assert {span for span in spans if span not in inside} == {
            span for span in one if span in other and span not in inside
        }
    for start, end, mine, theirs in found:
        spans = [*mine, *theirs]
        assert (start, end) == (min(s for s, *_ in spans), max(e for _, e, _ in spans))
        edges = set(range(start + 1, end))
        assert edges == {i for s, e, _ in spans for i in range(s + 1, e)}
        assert mine != theirs
