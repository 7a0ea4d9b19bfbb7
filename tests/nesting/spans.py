"""Spans that nest, for the tests."""

from hypothesis import strategies as st

from spacy_ner_plus.nesting.span_relations import PlacedSpan

LABELS = ["A", "B", "C"]


def any_spans(n_tokens: int = 8) -> st.SearchStrategy[list[PlacedSpan]]:
    """Spans that may nest, cross, share their place and be repeated."""
    starts, lengths = st.integers(0, n_tokens - 1), st.integers(1, n_tokens)
    spans = st.tuples(starts, lengths, st.sampled_from(LABELS)).map(
        lambda span: (span[0], min(span[0] + span[1], n_tokens), span[2])
    )
    return st.lists(spans, max_size=8)


def cross(one: PlacedSpan, other: PlacedSpan) -> bool:
    """Whether they share tokens, and neither lies within the other."""
    first, second = set(range(*one[:2])), set(range(*other[:2]))
    return bool(first & second) and not first <= second and not second <= first


def lies_within(inner: PlacedSpan, outer: PlacedSpan) -> bool:
    """Whether the other one is longer and has all tokens."""
    return set(range(*inner[:2])) < set(range(*outer[:2]))


@st.composite
def spans_without_crossing(draw: st.DrawFn, n_tokens: int = 8) -> list[PlacedSpan]:
    """Different spans of which none cross."""
    kept: list[PlacedSpan] = []
    for span in draw(any_spans(n_tokens)):
        if span not in kept and not any(cross(span, one) for one in kept):
            kept.append(span)
    return kept
