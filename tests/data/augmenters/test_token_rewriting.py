"""Where tokens of a changed text come from. The oracle looks at each token by itself."""

from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.augmenters.token_rewriting import MovedTokens, NewToken, Passage, joined

SOURCES = st.lists(
    st.integers(0, 5).flatmap(lambda i: st.sampled_from([(i, i), (i, i + 1), (i, min(i + 2, 6))])),
    max_size=9,
)


@settings(deadline=None)
@given(sources=SOURCES, first=st.integers(0, 5), n=st.integers(1, 6))
def test_span_is_the_run_of_all_tokens_that_stand_for_it(
    sources: list[tuple[int, int]], first: int, n: int
) -> None:
    end = min(first + n, 6)
    tokens = [NewToken("w", True, *source) for source in sources]
    own = [i for i, (s, e) in enumerate(sources) if any(first <= t < end for t in range(s, e))]
    found = MovedTokens(tokens, 6).span(first, end)
    if not own:
        assert found is None
        return
    between = sources[own[0] : own[-1] + 1]
    # an added token belongs to what is around it; others must be of the span alone
    is_sound = all(first <= s and e <= end for s, e in between)
    assert found == ((own[0], own[-1] + 1) if is_sound else None)


def test_passage_knows_what_must_stay() -> None:
    passage = Passage(tuple("abcdef"), (True,) * 6, spans=((1, 4, "A"), (2, 3, "B"), (5, 6, "A")))
    assert passage.tokens_in_spans() == {1, 2, 3, 5}
    assert passage.edges() == {1, 4, 2, 3, 5, 6}
    assert passage.gaps_in_spans() == {2, 3}
    assert joined([passage.kept(0), passage.kept(1, "xy")]) == "a xy "
