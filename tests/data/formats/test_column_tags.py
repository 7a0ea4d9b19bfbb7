import itertools

import pytest
from hypothesis import given, settings

from spacy_ner_plus.data.formats.column_tags import (
    COLUMN_SCHEMES,
    TagError,
    column_scheme,
    detect_scheme,
    read_tags,
    scheme_letters,
    write_tags,
)
from tests.test_tags import all_span_sets, span_sets

# In IO, entities of one label that touch are one.
EXACT = [scheme for scheme in (*COLUMN_SCHEMES, "BMEW", "BILS") if scheme != "IO"]


def write_column(spans, n_tokens, scheme):
    """The tags of spans, token by token: the naive counterpart of `read_tags`."""
    column = ["O"] * n_tokens
    for start, end, label in spans:
        for i in range(start, end):
            if scheme == "IOB1":
                touches = start and column[start - 1].partition("-")[2] == label
                prefix = "B" if i == start and touches else "I"
            elif scheme == "BIO":
                prefix = "B" if i == start else "I"
            else:
                first, inside, last, unit = {"BILOU": "BILU", "BIOES": "BIES"}.get(scheme, scheme)
                prefix = first if i == start else last if i == end - 1 else inside
                prefix = unit if end - start == 1 else prefix
            column[i] = f"{prefix}-{label}"
    return column


@pytest.mark.parametrize("scheme", EXACT)
@settings(deadline=None)
@given(case=span_sets(max_tokens=20))
def test_read_tags_reads_back_what_was_written(scheme, case):
    n_tokens, spans = case
    tags = write_column(spans, n_tokens, scheme)
    assert read_tags(tags, scheme) == spans
    assert write_tags(spans[::-1], n_tokens, scheme) == tags


@pytest.mark.parametrize("scheme", EXACT)
@settings(max_examples=50, deadline=None)
@given(case=span_sets(max_tokens=20))
def test_detect_scheme_finds_the_scheme_of_a_file(scheme, case):
    n_tokens, spans = case
    # One sentence that no two schemes write alike, so that the file is not ambiguous.
    columns = [
        write_column(s, n, scheme)
        for n, s in [(n_tokens, spans), (4, [(0, 3, "PER"), (3, 4, "PER")])]
    ]
    assert detect_scheme(columns) == scheme


def test_detect_scheme_lets_the_majority_decide_between_bio_and_iob1():
    assert detect_scheme([["B-X"], ["O", "B-X"], ["I-X"]]) == "BIO"
    assert detect_scheme([["I-X"], ["O", "I-X", "B-X"], ["O", "B-X"]]) == "IOB1"
    assert detect_scheme([["O"], []]) == "BIO"


def test_iob1_reads_a_needless_b_as_conll_2003_has_it():
    column = ["I-ORG", "B-MISC", "I-MISC", "I-MISC", "O", "B-MISC"]
    assert read_tags(column, "IOB1") == [(0, 1, "ORG"), (1, 4, "MISC"), (5, 6, "MISC")]


def test_column_scheme_knows_other_names():
    names = ["IOB2", "bio", "BILUO", "IOBES", "BMESO", "SBIEO", "BMEWO", "bmlu"]
    known = ["BIO", "BIO", "BILOU", "BIOES", "BMES", "BIOES", "BMEW", "BMLU"]
    assert [*map(column_scheme, names)] == known
    assert read_tags(["B-X", "I-X"], "IOB2") == [(0, 2, "X")]
    for name in ("BMS", "BIMES", "BIEX", "", "O"):
        with pytest.raises(ValueError, match=f"Unknown tag scheme '{name}'"):
            column_scheme(name)


@pytest.mark.parametrize(
    ("column", "scheme", "token", "message"),
    [
        (["O", "I-X"], "BIO", 1, "Tag 'I-X' at token 1, after 'O': .* write B-X"),
        (["I-X"], "BIO", 0, "at the start of the sentence"),
        (["B-X", "I-Y"], "BIO", 1, "after 'B-X'"),
        (["O", "L-X"], "BIO", 1, "Unknown tag 'L-X' at token 1: BIO has O and .* B-, I-"),
        (["o"], "BIO", 0, "Unknown tag 'o'"),
        ([""], "BIO", 0, "Unknown tag ''"),
        (["PER"], "BIO", 0, "Unknown tag 'PER'"),
        (["O-X"], "BIO", 0, "Unknown tag 'O-X'"),
        (["B-"], "BIO", 0, "Tag 'B-' at token 0 has no label"),
        (["O", "B"], "IOB1", 1, "Tag 'B' at token 1 has no label"),
        (["-"], "IOB1", 0, "Unknown tag '-'"),
        (["I-X"], "BILOU", 0, "at the start of the sentence: .* B-X, or write U-X"),
        (["U-X", "L-X"], "BILOU", 1, "after 'U-X'"),
        (["B-X", "L-Y"], "BILOU", 1, "after 'B-X'"),
        (["B-X", "O"], "BILOU", 1, "opened by B-X at token 0 is never closed: end it with L-X"),
        (["B-X", "I-X", "U-X"], "BILOU", 2, "never closed"),
        (["B-X", "B-X", "L-X"], "BILOU", 1, "never closed"),
        (["O", "B-X", "I-X"], "BILOU", 2, "at token 1 is never closed before the sentence ends"),
        (["E-X"], "BIOES", 0, "B-X, or write S-X"),
        (["B-X", "S-X"], "BIOES", 1, "end it with E-X"),
        (["U-X"], "BIOES", 0, "Unknown tag 'U-X'"),
        (["B-X", "I-X"], "BMES", 1, "Unknown tag 'I-X' at token 1: BMES has O and .* B-, M-, E-"),
    ],
)
def test_read_tags_names_the_token_that_breaks_the_scheme(column, scheme, token, message):
    with pytest.raises(TagError, match=message) as error:
        read_tags(column, scheme)
    assert error.value.token == token


@pytest.mark.parametrize("scheme", EXACT)
def test_read_tags_accepts_exactly_the_columns_that_can_be_written(scheme):
    prefixes = scheme_letters(scheme)
    tags = ["O", *(f"{p}-{label}" for p in prefixes for label in "XY")]
    for n_tokens in range(5):
        written = {
            tuple(write_column(spans, n_tokens, scheme)): spans
            for spans in all_span_sets(n_tokens, "XY")
        }
        for column in itertools.product(tags, repeat=n_tokens):
            if column in written:
                assert read_tags(column, scheme) == written[column]
            elif scheme == "IOB1":  # a needless B- is read too
                assert read_tags(column, scheme) in written.values()
            else:
                with pytest.raises(TagError):
                    read_tags(column, scheme)


@settings(max_examples=50, deadline=None)
@given(case=span_sets(max_tokens=20))
def test_io_joins_what_touches(case):
    n_tokens, spans = case
    tags = write_tags(spans, n_tokens, "IO")
    labels = ["O"] * n_tokens
    for start, end, label in spans:
        labels[start:end] = [label] * (end - start)
    assert tags == [label if label == "O" else f"I-{label}" for label in labels]
    joined = read_tags(tags, "IO")
    assert write_tags(joined, n_tokens, "IO") == tags
    assert all(not (a[1] == b[0] and a[2] == b[2]) for a, b in itertools.pairwise(joined))
    assert joined == read_tags(tags, "IOB1")
    with pytest.raises(TagError, match="IO has O and the prefixes I-"):
        read_tags(["B-X"], "IO")
