"""How sure a model is."""

import math

import pytest

from spacy_ner_plus.pipeline.llm_reading.answer_confidence import (
    probability_of,
    shares,
    without_overlaps,
)
from spacy_ner_plus.pipeline.llm_reading.asking.completions_protocol import TokenScore


def tokens_of(answer: str, cuts: list[int], probabilities: list[float]) -> list[TokenScore]:
    whole = answer.encode("utf8")
    ends = [*cuts, len(whole)]
    starts = [0, *cuts]
    return [
        TokenScore(whole[a:b], math.log(p))
        for a, b, p in zip(starts, ends, probabilities, strict=True)
    ]


def test_all_tokens_that_the_place_touches_count() -> None:
    answer = "[é{ab}]"  # bytes 0, 1-2, 3, 4, 5, 6, 7
    scores = tokens_of(answer, [2, 4, 6], [0.5, 0.9, 0.8, 0.25])
    assert probability_of(answer, scores, (2, 6)) == pytest.approx(0.9 * 0.8 * 0.25)
    assert probability_of(answer, scores, (3, 5)) == pytest.approx(0.8)
    assert probability_of(answer, scores, (0, 1)) == pytest.approx(0.5)


def test_tokens_of_another_text_say_nothing() -> None:
    scores = tokens_of("[a]", [1], [0.5, 0.5])
    assert probability_of("[b]", scores, (0, 2)) is None
    assert probability_of("[b]", [], (0, 2)) is None


def test_the_share_is_of_samples_that_have_a_span() -> None:
    one, other = (0, 3, "X"), (4, 6, "Y")
    assert shares([[one, other], [one, one], []]) == {one: 2 / 3, other: 1 / 3}


def test_the_more_probable_stays_then_the_longer() -> None:
    spans = [((0, 9, "X"), 0.4), ((2, 4, "X"), 0.6), ((5, 9, "Y"), 0.4), ((5, 7, "Z"), 0.4)]
    kept, others = without_overlaps(spans)
    assert kept == [(2, 4, "X"), (5, 9, "Y")]
    assert others == [(0, 9, "X"), (5, 7, "Z")]
