"""Calibration of the component of spans, which may change what it finds."""

from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.nested_gold import GoldSources
from spacy_ner_plus.annotation.unknown_group import set_unknown
from spacy_ner_plus.metrics.reliability import agreement
from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.models.decoding.log_odds import LogOddsLine, log_odds, sigmoid
from spacy_ner_plus.models.decoding.span_calibration import SpanCalibration
from spacy_ner_plus.pipeline.judged_entities import TooFewEntitiesError
from spacy_ner_plus.pipeline.spans.judging_spans import score_docs
from tests.pipeline.spans.nested_samples import (
    KEY,
    LABELS,
    docs_of,
    found,
    gold,
    initialized,
    make_doc,
    nested_example,
    nested_examples,
    scored,
    spans_nlp,
    spans_pipe,
)

TEXT = "a b c d e f g"
# One within another, one that crosses it, one apart, two below all thresholds.
SCORED = [
    (0, 4, "ORG", 0.95),
    (1, 2, "LOC", 0.8),
    (3, 6, "PER", 0.7),
    (6, 7, "LOC", 0.6),
    (2, 3, "LOC", 0.2),
    (4, 5, "LOC", 0.02),
]
RIGHT = [(0, 4, "ORG"), (2, 3, "LOC")]


def nested_examples_of(nlp: Language, n: int) -> list[Example]:
    return [nested_example(nlp, TEXT, RIGHT) for _ in range(n)]


@pytest.fixture
def nlp(monkeypatch: pytest.MonkeyPatch) -> Language:
    """A pipeline that scores the same spans in all documents."""
    nlp = initialized(spans_nlp())

    def score(docs: list[Doc], calibration: SpanCalibration, floor: float) -> list[Entities]:
        spans = scored(SCORED, LABELS)
        own = calibration.of_spans(spans.probabilities, spans.labels, LABELS)
        spans = Entities(spans.starts, spans.ends, spans.labels, own)
        return [spans.some(own >= floor) for _ in docs]

    monkeypatch.setattr(spans_pipe(nlp), "_scored", score)
    return nlp


def test_scored_spans_are_right_wrong_or_unknown() -> None:
    nlp = spans_nlp()
    examples = [*nested_examples_of(nlp, 3), nested_example(nlp, TEXT, None)]
    set_unknown(examples[1].reference, KEY, np.arange(7) == 3)
    examples[2].reference._.annotated_labels = ["ORG", "LOC"]
    docs, gold_labels = score_docs(
        lambda docs: [scored(SCORED, LABELS) for _ in docs], examples, LABELS, GoldSources(KEY)
    )
    assert gold_labels == {"ORG", "LOC"}
    assert [its.correct.tolist() for its in docs] == [[True, *[False] * 3, True, False]] * 3
    not_third = [True, True, False, True, True, True]
    assert [its.n_gold for its in docs] == [2, 1, 2]
    # on what is not known everywhere, only right ones would be known: (0, 4), and (3, 6) neither
    assert [its.can_judge.tolist() for its in docs] == [
        [True] * 6,
        [False, True, False, True, True, True],
        not_third,
    ]


def test_right_spans_of_labels_that_were_not_looked_for_are_not_judged() -> None:
    """None but right ones are known of these."""
    nlp = spans_nlp()
    [example] = nested_examples_of(nlp, 1)
    example.reference._.annotated_labels = ["LOC"]
    [its], _ = score_docs(
        lambda docs: [scored(SCORED, LABELS) for _ in docs], [example], LABELS, GoldSources(KEY)
    )
    assert its.can_judge.tolist() == [False, True, False, True, True, True]


def test_spans_that_touch_gold_of_their_label_on_other_tokens_are_not_judged() -> None:
    nlp = spans_nlp()
    reference = Doc(nlp.vocab, words=["a", "b", "c", "d-e", "f", "g"])
    reference.spans[KEY] = [Span(reference, 1, 2, "LOC"), Span(reference, 3, 4, "ORG")]
    predicted = Doc(
        nlp.vocab,
        words=["a", "b", "c", "d", "-", "e f", "g"],
        spaces=[True, True, True, False, False, True, False],
    )
    [its], _ = score_docs(
        lambda docs: [scored(SCORED, LABELS) for _ in docs],
        [Example(predicted, reference)],
        LABELS,
        GoldSources(KEY),
    )
    assert its.can_judge.tolist() == [False, True, True, True, True, True]
    assert its.correct.tolist() == [False, True, False, False, False, False]


@pytest.mark.parametrize(
    ("allow", "returned"),
    [("all", [0, 1, 2, 3]), ("nested", [0, 1, 3]), ("flat", [0, 3])],
)
def test_agreement_is_of_what_is_returned_and_of_candidates(
    nlp: Language, allow: str, returned: list[int]
) -> None:
    pipe = spans_pipe(nlp)
    pipe.allow = allow
    judged = pipe.judge(nested_examples_of(nlp, 2))
    agreed = judged.candidates(pipe.calibration)
    doc = pipe(make_doc(nlp, TEXT))
    group = doc.spans[KEY]
    assert [(s.start, s.end, s.label_) for s in group] == [SCORED[i][:3] for i in returned]
    scores = np.tile(group.attrs["scores"], 2)
    correct = np.tile(np.array([SCORED[i][:3] in RIGHT for i in returned]), 2)
    assert agreed.returned.total == agreement(scores, correct)
    assert judged.agreement(pipe.calibration) == agreed.returned.total
    # those of 0.05 at least, however few are returned
    own = np.array([p for *_, p in SCORED[:5]])
    right = np.array([row[:3] in RIGHT for row in SCORED[:5]])
    assert agreed.candidates.total == agreement(np.tile(own, 2), np.tile(right, 2))
    # (1, 2) and (2, 3) are inside (0, 4), which is returned
    assert agreed.candidates.inner == agreement(np.tile(own[[1, 4]], 2), np.tile(right[[1, 4]], 2))
    assert agreed.candidates.outer.n == 6
    assert agreed.returned.inner.n == 2 * (1 in returned)


def test_without_a_threshold_that_of_the_calibration_is_taken(nlp: Language) -> None:
    pipe = spans_pipe(nlp)
    judged = pipe.judge(nested_examples_of(nlp, 1))
    assert pipe.least_probabilities() == dict.fromkeys(LABELS, 0.5)
    calibration = SpanCalibration(line=LogOddsLine(0.3, -1.0), threshold=0.15)
    assert judged.candidates(calibration).returned.total.n == 5
    pipe.calibration = calibration
    assert pipe.least_probabilities() == dict.fromkeys(LABELS, 0.15)
    doc = pipe(make_doc(nlp, TEXT))
    group = doc.spans[KEY]
    places = [(span.start, span.end, span.label_) for span in group]
    assert sorted(places) == sorted(row[:3] for row in SCORED[:5])
    own = scored([SCORED[[row[:3] for row in SCORED].index(place)] for place in places], LABELS)
    expected = calibration.of_spans(own.probabilities, own.labels, LABELS)
    assert group.attrs["scores"] == pytest.approx(expected)
    pipe.threshold = {"LOC": 0.9}
    assert pipe.least_probabilities() == dict.fromkeys(LABELS, 0.15) | {"LOC": 0.9}


def test_with_a_threshold_a_calibration_may_change_what_is_returned(nlp: Language) -> None:
    pipe = spans_pipe(nlp)
    pipe.threshold = 0.5
    judged = pipe.judge(nested_examples_of(nlp, 1))
    surer = SpanCalibration(line=LogOddsLine(1.0, 4.5))  # 0.02 becomes 0.65
    assert judged.candidates(surer).returned.total.n == 6
    assert judged.candidates(surer).candidates.total.n == 5  # the same spans under each
    less_sure = SpanCalibration(by_label={"LOC": LogOddsLine(1.0, -4.0)})
    assert judged.candidates(less_sure).returned.total.n == 2
    pipe.calibration = surer
    doc = pipe(make_doc(nlp, TEXT))
    expected = sigmoid(log_odds(np.array([p for *_, p in sorted(SCORED)])) + 4.5)
    assert sorted(doc.spans[KEY].attrs["scores"]) == pytest.approx(sorted(expected))


def test_calibration_is_fitted_to_candidates(nlp: Language) -> None:
    pipe = spans_pipe(nlp)
    examples = [nested_example(nlp, TEXT, [(1, 2, "LOC")]) for _ in range(60)]
    for example in examples[:20]:
        example.reference.spans[KEY] = []
    done = pipe.calibrate(examples)
    assert done.fit.calibration == pipe.calibration
    assert done.fit.n_predictions == {"LOC": 180}  # all but those of 0.02
    assert "PER (60 predictions, 0 of them right" in done.fit.notes[0]
    assert done.after.candidates.total.log_loss < done.before.candidates.total.log_loss
    assert pipe.agreement(examples) == done.after
    # (1, 2) is right in two of three documents, and comes before the two others of LOC
    n_right, n_gold = 40, 40
    highest = 2 * n_right / (60 + n_gold)
    assert pipe.calibration.threshold == pytest.approx(highest / 2, rel=0.05)


def test_calibration_keeps_the_weight_of_negatives() -> None:
    """It is fitted to documents of which the more probable places are right more often."""
    nlp = initialized(spans_nlp(negative_weight=0.25))
    pipe = spans_pipe(nlp)
    assert pipe.calibration == pipe.uncalibrated == SpanCalibration(negative_weight=0.25)
    [before] = pipe.predict([make_doc(nlp, TEXT)])
    loc = np.flatnonzero(before.labels == LABELS.index("LOC"))
    loc = loc[np.argsort(before.probabilities[loc])]
    places = list(zip(before.starts[loc].tolist(), before.ends[loc].tolist(), strict=True))
    assert len(places) >= 5
    examples = []
    for i in range(30):
        right = places[:2] if i % 3 == 0 else places[-2:]
        examples.append(nested_example(nlp, TEXT, [(*place, "LOC") for place in right]))
    done = pipe.calibrate(examples)
    assert done.fit.n_predictions["LOC"] == 30 * len(places)
    assert pipe.calibration.negative_weight == pipe.uncalibrated.negative_weight == 0.25
    assert pipe.calibration != pipe.uncalibrated
    [bare] = pipe.predict_under([make_doc(nlp, TEXT)], pipe.uncalibrated)
    np.testing.assert_allclose(bare.probabilities, before.probabilities, rtol=1e-6)
    [after] = pipe.predict([make_doc(nlp, TEXT)])
    assert rows_of(after) != rows_of(before)


def rows_of(spans: Entities) -> list[Any]:
    columns = (spans.starts, spans.ends, spans.labels, spans.probabilities)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_scores_under_a_calibration_are_those_on_the_doc(nlp: Language) -> None:
    pipe = spans_pipe(nlp)
    pipe.allow = "flat"
    [under] = pipe.predict_under([make_doc(nlp, TEXT)], pipe.uncalibrated)
    score_of = {row[:3]: row[3] for row in rows_of(under)}
    doc = pipe(make_doc(nlp, TEXT))
    for span, score in zip(doc.spans[KEY], doc.spans[KEY].attrs["scores"], strict=True):
        assert score_of[span.start, span.end, LABELS.index(span.label_)] == pytest.approx(score)
    assert pipe.crossings.total() == 0 == pipe.refused.total()


@pytest.mark.parametrize("allow", ["all", "nested", "flat"])
def test_what_is_judged_is_what_stands_on_docs(
    known: Language, allow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the head: its spans are put on the lines once, and chosen from as for a Doc."""
    pipe = spans_pipe(known)
    under = SpanCalibration(line=LogOddsLine(0.8, 0.3), by_label={"LOC": LogOddsLine(0.7, 0.2)})
    examples = nested_examples(known)
    monkeypatch.setattr(pipe, "allow", allow)
    monkeypatch.setattr(pipe, "calibration", under)
    judged = pipe.judge(examples)
    docs = list(pipe.pipe(docs_of(known)))
    scores = np.concatenate([doc.spans[KEY].attrs["scores"] for doc in docs])
    places = zip([found(doc) for doc in docs], gold(), strict=True)
    found_after = judged.candidates(under).returned.total
    assert found_after.n == len(scores) > 5
    # the odds of what is nearly certain, by which "flat" divides, are known less exactly
    assert found_after.mean_probability == pytest.approx(float(scores.mean()), abs=1e-4)
    n_right = sum(span in right for own, right in places for span in own)
    assert found_after.precision == pytest.approx(n_right / len(scores))


def test_spans_over_a_very_low_threshold_are_judged() -> None:
    nlp = initialized(spans_nlp(threshold=0.001))
    judged = spans_pipe(nlp).judge(nested_examples(nlp))
    docs = spans_pipe(nlp).pipe(docs_of(nlp))
    probabilities = [p for doc in docs for p in doc.spans[KEY].attrs["scores"].tolist()]
    assert min(probabilities) < 0.004
    assert judged.agreement(SpanCalibration()).n == len(probabilities)


@pytest.mark.parametrize("n", [0, 3])
def test_too_few_spans_are_nothing_to_calibrate_with(nlp: Language, n: int) -> None:
    pipe = spans_pipe(nlp)
    with pytest.raises(TooFewEntitiesError, match="nothing to calibrate it with"):
        pipe.calibrate(nested_examples_of(nlp, n))
    assert pipe.calibration == SpanCalibration()
