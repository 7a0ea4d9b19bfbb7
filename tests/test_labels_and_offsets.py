"""Labels without what can't be seen, and ways of counting characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.records import alike, check_tidy, covers, find_counting, tidy_label

LABELS = st.text(st.sampled_from("aB \t\u00a0\u200b\u200d\ufeff\u00ad\u2028é"), max_size=8)
TEXTS = st.text(st.sampled_from("ab é😀"), min_size=1, max_size=12)


@given(LABELS)
def test_tidy_labels_stay_as_they_are_and_others_are_refused(label):
    tidy = tidy_label(label)
    assert tidy_label(tidy) == tidy == tidy.strip()
    check_tidy("It", tidy)
    assert not set(tidy) & set("\t\u00a0\u200b\ufeff\u00ad\u2028")
    if label != tidy:
        with pytest.raises(ValueError, match=r"^It is "):
            check_tidy("It", label)


@pytest.mark.parametrize(
    ("label", "tidy"),
    [
        (" Chemical", "Chemical"),
        ("Disease\u00a0", "Disease"),
        ("\ufeffPER", "PER"),
        ("Health\u00a0Condition", "Health Condition"),
        ("Health  Condition", "Health  Condition"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),  # a joiner that is written
        ("X\u200d", "X"),
        (" \u200b", ""),
    ],
)
def test_tidy_label(label, tidy):
    assert tidy_label(label) == tidy


def test_labels_that_are_alike():
    labels = ["PER", "Per", "Stra\u00dfe", "STRASSE", "LOC", "\ufb01x", "fix"]
    assert alike(labels) == [["PER", "Per"], ["Stra\u00dfe", "STRASSE"], ["\ufb01x", "fix"]]


@given(TEXTS, st.data())
def test_other_ways_of_counting_are_found_by_the_text(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    surface = text[start:end]
    fits = covers(text, surface)
    n_bytes = [len(text[:i].encode("utf8")) for i in (start, end)]
    n_units = [len(text[:i].encode("utf-16-le")) // 2 for i in (start, end)]
    for places in (n_bytes, n_units, [start, end - 1], [start + 1, end], [start + 1, end + 1]):
        if text[slice(*places)] != surface:
            assert find_counting(text, *places, fits) is not None
    found = find_counting(text, start, end, lambda *places: places == (start, end))
    units = ("bytes of UTF-8", "UTF-16 units")
    assert found in (None, *(f"if they counted {unit}" for unit in units))
