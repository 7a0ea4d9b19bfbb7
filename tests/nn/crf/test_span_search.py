import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.nn.crf import CRF, Layout, SpanTags, likely_spans
from spacy_ner_plus.tags import TagScheme
from tests.nn.crf.chains import SCHEMES, randomize

FIELDS = ("first", "inside", "last", "unit")


def span_tags(scheme: TagScheme) -> SpanTags:
    columns = (scheme.first, scheme.inside, scheme.last, scheme.unit)
    return SpanTags(*(torch.tensor(column) for column in columns))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(SCHEMES),
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.sampled_from([0.0, 1.0, 5.0, 300.0]),
    st.sampled_from([0.001, 0.05, 0.5, 1.0]),
    st.integers(0, 2**31),
)
def test_likely_spans_are_all_that_are_so_probable(
    name: str, lengths: list[int], scale: float, least: float, seed: int
) -> None:
    scheme, generator = TagScheme(name, ["X", "Y"]), torch.Generator().manual_seed(seed)
    crf = randomize(CRF.from_scheme(scheme), generator, 1.0)
    emissions = torch.randn(sum(lengths), scheme.n_tags, generator=generator) * scale
    lattice = crf.lattice(emissions, Layout(lengths))
    every = [
        (row, start, end, label)
        for row, length in enumerate(lengths)
        for start in range(length)
        for end in range(start + 1, length + 1)
        for label in range(2)
    ]
    row, start, end, label = torch.tensor(every).T
    tags = SpanTags(*(getattr(span_tags(scheme), field)[label] for field in FIELDS))
    probabilities = lattice.span_log_probs(row, start, end, tags).exp()
    expected = [span for span, p in zip(every, probabilities, strict=True) if p >= least]
    found = likely_spans(lattice, span_tags(scheme), least)
    assert sorted(zip(*(column.tolist() for column in found), strict=True)) == expected


@pytest.mark.parametrize("name", SCHEMES)
def test_few_spans_are_followed_however_undecided_a_long_document_is(name: str) -> None:
    scheme, n_tokens, least = TagScheme(name, ["X"]), 3000, 0.02
    lattice = CRF.from_scheme(scheme).lattice(
        torch.zeros(n_tokens, scheme.n_tags), Layout([n_tokens])
    )
    row, start, end, _ = likely_spans(lattice, span_tags(scheme), least)
    assert n_tokens < len(row) <= n_tokens / least
    assert (end - start).max() < 10


@pytest.mark.parametrize("least", [0.0, -1.0, 1.1, float("nan")])
def test_probabilities_out_of_range_are_refused(least: float) -> None:
    scheme = TagScheme("BIO", ["X"])
    lattice = CRF.from_scheme(scheme).lattice(torch.zeros(3, 3), Layout([3]))
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        likely_spans(lattice, span_tags(scheme), least)
