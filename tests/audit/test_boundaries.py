"""Boundaries that vary, by words and by forms."""

from dataclasses import replace

import pytest

from spacy_ner_plus.audit.boundaries import find_boundaries
from spacy_ner_plus.audit.terminal.boundaries import print_boundaries
from spacy_ner_plus.records import TokenRecord
from tests.audit.corpora import make_corpus, record

OUTSIDE = [f"the [{rest}](ORG) won" for rest in ("Bears", "Bulls", "Colts", "Bears", "Bears")]


def test_a_word_that_is_inside_once() -> None:
    texts = [*OUTSIDE, "[the Bears](ORG) won"]
    found = find_boundaries(make_corpus({"train": texts}))
    the = found.words[0]
    assert (the.word, the.label, the.side) == ("the", "ORG", "left")
    assert (the.inside, the.outside, the.rests, the.surprising) == (1, 5, 1, 1)
    [one] = the.places
    assert (one.place.text, one.is_inside) == ("the Bears", True)
    assert the.surprise == one.surprise
    [pair] = found.pairs
    assert (pair.whole, pair.part, pair.as_whole, pair.in_part) == ("the Bears", "Bears", 1, 3)
    assert pair.whole_example.text == "the Bears"
    assert (pair.part_example.text, pair.part_example.label) == ("Bears", "ORG")
    # 1 of 4: 1 x 2 bits and 3 x log2(4/3)
    assert pair.surprise == pytest.approx(2 + 3 * 0.41504, abs=0.01)
    assert found.warnings


def test_names_that_always_have_the_word_explain_it() -> None:
    """The others don't make "The Hague" surprising."""
    texts = [*OUTSIDE, *["in [The Hague](LOC) now"] * 4, *["in the [Ruhr](LOC) now"] * 4]
    found = find_boundaries(make_corpus({"train": texts}))
    assert (found.words, found.pairs, found.warnings) == ([], [], [])


@pytest.mark.parametrize(
    ("texts", "word", "side"),
    [
        (["[type 2 diabetes](D) is", "type 2 [diabetes](D) is"], "2", "left"),
        (["[Mr. Lee](D) ran", "Mr. [Lee](D) ran"], "mr.", "left"),
        (["[Acme Inc.](D) , so", "[Acme](D) Inc. , so"], "inc.", "right"),
        (["[Ann 's](D) car", "[Ann](D) 's car"], "'s", "right"),
        (["saw [( Tom ) Lee](D) .", "saw ( [Tom ) Lee](D) ."], "(", "left"),
        (["saw [Ulm .](D)", "saw [Ulm](D) ."], ".", "right"),
    ],
)
def test_sorts_of_edges(texts: list[str], word: str, side: str) -> None:
    found = find_boundaries(make_corpus({"train": texts * 2}))
    assert (word, side, 2, 2) in [
        (its.word, its.side, its.inside, its.outside) for its in found.words
    ] or (word == "2" and len(found.pairs) == 1)
    [pair] = found.pairs
    assert (pair.as_whole, pair.in_part) == (2, 2)


def test_labels_and_sides_are_apart_and_neighbouring_entities_are_no_outside() -> None:
    texts = ["[big Ulm](LOC) [big Ann](PER)", "[big](X) [Ulm](LOC)", "[Ulm](LOC) big [Ann](X)"]
    found = find_boundaries(make_corpus({"train": texts}))
    assert found.words == []


def test_entities_that_a_sentence_boundary_cuts_are_told_apart() -> None:
    """Which is no decision of an annotator."""
    whole = record("[Hong Kong](LOC) won")
    text = "[Hong](LOC) [Kong](LOC) won"
    starts = [(0, 4, True), (5, 9, True), (10, 13, False)]
    cut = replace(record(text), tokens=tuple(TokenRecord(*its) for its in starts))
    corpus = make_corpus({"train": [whole, whole, cut]})
    [pair] = find_boundaries(corpus).pairs
    assert (pair.whole, pair.part, pair.as_whole, pair.in_part, pair.cut) == (
        "Hong Kong",
        "Hong",
        2,
        1,
        1,
    )
    assert find_boundaries(corpus).warnings == [
        "Entities cut in two by a sentence boundary, which seems wrong: 1, such as 'Hong Kong'."
    ]
    within = make_corpus({"train": [whole, whole, text]})
    [pair] = find_boundaries(within).pairs
    assert pair.cut == 0


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    found = find_boundaries(make_corpus({"train": [*OUTSIDE, "[the Bears](ORG) won"]}))
    print_boundaries(found)
    output = capsys.readouterr().out
    assert "the Bears   Bears   ORG" in output
    print_boundaries(find_boundaries(make_corpus({"train": ["[Ulm](LOC)"]})))
    assert "No word" in capsys.readouterr().out
