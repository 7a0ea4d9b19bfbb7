import math

import pytest

from spacy_ner_plus.audit.label_errors.ranking import Ranking, kind_of
from spacy_ner_plus.pipeline.capabilities import Disagreement, SecondReading, TypeConfidence
from spacy_ner_plus.tags import Span


def disagreement(
    annotated: list[Span], predicted: list[Span], p_annotated: float, p_predicted: float
) -> Disagreement:
    spans = [*annotated, *predicted]
    edges = min(span[0] for span in spans), max(span[1] for span in spans)
    return Disagreement(*edges, annotated, predicted, math.log(p_annotated), math.log(p_predicted))


def reading(*confidences: tuple[str | None, float, int]) -> SecondReading:
    return SecondReading([], [TypeConfidence(*one) for one in confidences], 0)


def test_self_confidence_is_the_mean_over_all_texts() -> None:
    ranking = Ranking(
        [
            reading((None, 9.9, 10), ("A", 0.5, 1), ("B", 0.0, 0)),
            reading((None, 4.5, 5), ("A", 1.3, 2)),
        ]
    )
    assert [(one.label, one.n) for one in ranking.confidences] == [("A", 3), (None, 15)]
    assert [one.mean for one in ranking.confidences] == pytest.approx([0.6, 14.4 / 15])


def test_kinds() -> None:
    for annotated, predicted, kind in (
        ([], [(0, 1, "A")], "missing"),
        ([(0, 1, "A"), (1, 2, "B")], [], "spurious"),
        ([(0, 2, "A")], [(0, 2, "B")], "label"),
        ([(0, 2, "A")], [(0, 1, "A")], "boundary"),
        ([(0, 1, "A"), (1, 2, "A")], [(0, 2, "A")], "boundary"),
        ([(0, 2, "A")], [(1, 2, "B")], "label and boundary"),
        ([(0, 1, "A"), (1, 2, "B")], [(0, 2, "A")], "label and boundary"),
        ([(0, 1, "A"), (1, 2, "B")], [(0, 1, "B"), (1, 2, "B")], "label"),
    ):
        assert kind_of(disagreement(annotated, predicted, 0.1, 0.8)) == kind


def test_likely_is_what_a_model_is_as_sure_of_as_usual() -> None:
    ranking = Ranking([reading((None, 99.0, 100), ("A", 9.0, 10), ("B", 5.0, 10))])
    a, b, both = [(0, 1, "A")], [(0, 1, "B")], [(0, 1, "A"), (1, 2, "B")]
    for annotated, predicted, p_annotated, p_predicted, is_likely in (
        (a, b, 0.3, 0.6, True),
        (a, b, 0.3, 0.4, False),  # less sure than of other B
        (b, a, 0.05, 0.8, False),  # less sure than of other A
        (b, a, 0.05, 0.95, True),
        (a, [], 0.01, 0.985, False),
        (a, [], 0.01, 0.995, True),
        (both, a, 0.2, 0.9, True),
        (a, both, 0.3, 0.46, True),  # 0.45 is usual
        (a, both, 0.3, 0.44, False),
        (b, both, 0.5, 0.5, False),  # the annotation is as probable as others
    ):
        one = disagreement(annotated, predicted, p_annotated, p_predicted)
        assert ranking.is_likely(one) == is_likely, one


def test_scores_rise_with_the_model_and_hardly_with_what_is_improbable_anyway() -> None:
    seen = SecondReading(
        [disagreement([], [(0, 1, "A")], 0.1, 0.9)], [TypeConfidence("A", 9.0, 10)], 0
    )
    ranking = Ranking([seen])
    assert ranking.doubt == 0.1

    def score(p_annotated: float, p_predicted: float) -> float:
        return ranking.score(disagreement([], [(0, 1, "A")], p_annotated, p_predicted))

    assert score(0.1, 0.9) == pytest.approx(math.log(1.0 / 0.2))
    assert score(0.01, 0.9) > score(0.05, 0.9) > score(0.05, 0.8)
    assert score(1e-12, 0.7) < score(1e-3, 0.95)
    assert score(0.4, 0.4) == 0.0
