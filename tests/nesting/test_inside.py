import numpy as np
from hypothesis import given, settings

from spacy_ner_plus.nesting.inside import lie_inside
from spacy_ner_plus.nesting.span_relations import PlacedSpan
from tests.nesting.spans import any_spans, lies_within


@settings(deadline=None)
@given(any_spans(), any_spans())
def test_spans_lie_inside_others_as_all_pairs_say(
    spans: list[PlacedSpan], others: list[PlacedSpan]
) -> None:
    def columns(its: list[PlacedSpan]) -> tuple[np.ndarray, np.ndarray]:
        places = np.array([span[:2] for span in its], dtype=np.int64).reshape(-1, 2)
        return places[:, 0], places[:, 1]

    assert lie_inside(*columns(spans), *columns(others)).tolist() == [
        any(lies_within(span, one) for one in others) for span in spans
    ]
