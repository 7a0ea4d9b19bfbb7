"""Where lines end and sentences start, and which entities go across."""

import textwrap
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.lang.en import English
from spacy.tokens import Doc, Span

from spacy_ner_plus.annotation.bounds import Bounds, line_ends

NLP = English()
LINES, SENTENCES = Bounds(lines="always"), Bounds(sentences=True)
pieces = st.sampled_from(
    ["a", "b.", " ", "  ", "\n", "\r\n", "\n\n", "\x85", "\u2028", "\t", "c-d"]
)


def line_of(text: str, at: int) -> int:
    """The number of the line that a character is in, as str.splitlines counts."""
    return len(text[: at + 1].splitlines())


@given(st.lists(pieces, max_size=12).map("".join))
def test_first_rows_of_lines_are_where_splitlines_begins_one(text: str) -> None:
    doc = NLP.make_doc(text)
    words = np.array([token.i for token in doc if not token.is_space], dtype=np.int64)
    found = LINES.first_rows(doc, words)
    lines = [line_of(text, doc[i].idx) for i in words.tolist()]
    expected = [False, *(a != b for a, b in pairwise(lines))]
    assert found.tolist() == expected[: len(words)]


def test_first_rows_of_sentences_with_white_space_between() -> None:
    words = ["One", "two", ".", " ", "Three", "four", ".", "Five"]
    starts = [True, False, False, True, False, False, False, True]
    doc = Doc(NLP.vocab, words=words, sent_starts=starts)
    rows = np.array([0, 1, 2, 4, 5, 6, 7])
    expected = [False, False, False, True, False, False, True]
    assert SENTENCES.first_rows(doc, rows).tolist() == expected
    bare = Doc(NLP.vocab, words=words)
    assert not SENTENCES.first_rows(bare, rows).any()
    assert not Bounds().first_rows(doc, rows).any()


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (LINES, ["b\nc"]),
        (SENTENCES, ["d e"]),
        (Bounds("always", True), ["b\nc", "d e"]),
        (Bounds(), []),
    ],
)
def test_entities_that_go_across(bounds: Bounds, expected: list[str]) -> None:
    doc = NLP.make_doc("a b\nc d e f\n")
    for token in doc:
        token.is_sent_start = token.text == "e"
    doc.ents = [Span(doc, 1, 4, "X"), Span(doc, 4, 6, "X"), Span(doc, 6, 8, "X")]  # "f\n" is within
    assert [ent.text for ent in bounds.crossing(doc)] == expected


WRAPPED = (
    "Selegiline - induced postural hypotension in Parkinson ' s disease : a longitudinal study on \
the effects of drug withdrawal in patients who had taken levodopa for years ."
)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_auto_passes_over_breaks_of_wrapped_text(width: int) -> None:
    text = textwrap.fill(WRAPPED, width, break_on_hyphens=False)
    assert text.count("\n") > 0
    assert line_ends(text, unwraps=True) == []
    assert len(line_ends(text, unwraps=False)) == text.count("\n")
    # but not over those between paragraphs, also after a full last line
    both = f"{text}\n\nMetformin\nLisinopril\n"
    found = line_ends(both, unwraps=True)
    assert found == [i for i, char in enumerate(both) if char == "\n" and i >= len(text)]


@pytest.mark.parametrize(
    "text", ["Metformin\nLisinopril", "a\r\nb\r\n", "\n", "", "a", "- a\n- b c\n"]
)
def test_auto_takes_every_line_of_a_list(text: str) -> None:
    assert line_ends(text, unwraps=True) == line_ends(text, unwraps=False)


def test_unknown_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="within_lines = 'sometimes' is unknown: use one of"):
        Bounds("sometimes")
