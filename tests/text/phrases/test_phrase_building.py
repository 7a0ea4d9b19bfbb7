"""Tables out of lists: what is counted, what is refused, and nothing left in the vocabulary."""

import copy
import logging
import random

import pytest
import spacy
from spacy.attrs import NORM
from spacy.tokens import Doc
from spacy.util import add_lookups

from spacy_ner_plus.text.exceptions_tokenizer import ExceptionsTokenizer
from spacy_ner_plus.text.phrases import phrase_building
from spacy_ner_plus.text.phrases.phrase_building import build_phrase_table
from spacy_ner_plus.text.phrases.phrase_entry import PhraseEntry
from tests.text.phrases.samples import english

NLP = english()


def phrases_of(table):
    return {entry.phrase for entry in map(table.entry, range(table.n_entries))}


def found(table, text, nlp=NLP):
    doc = nlp(text)
    hits, _ = table.find([doc])
    return [doc[start:end].text for start, end in zip(hits.starts, hits.ends, strict=True)]


def test_rows_are_counted():
    rows = [
        PhraseEntry("Aspirin", "Drug", "1", 1.0, "list", "list.csv, line 2"),
        PhraseEntry(" aspirin\n", "Drug", "1", 2.0, "list"),
        PhraseEntry("ASPIRIN", "Drug", "1", 1.0, "list"),
        PhraseEntry("aspirin", "Brand", "1", 1.0, "list"),
        PhraseEntry("aspirin", "Drug", "2", 1.0, "list"),
        PhraseEntry("aspirin", "Drug", "1", 1.0, "other list"),
        PhraseEntry("", "Drug", place="list.csv, line 8"),
        PhraseEntry(" \n\t", "Drug"),
        PhraseEntry("a b c d", "Drug"),
        PhraseEntry("a b c", "Drug"),
    ]
    table, counts = build_phrase_table(rows, NLP, "LOWER", max_tokens=3)
    assert (counts.n_rows, counts.n_phrases, counts.n_entries) == (10, 2, 5)
    assert (counts.n_duplicates, counts.n_other_weights, counts.n_several_labels) == (2, 1, 1)
    assert (counts.empty.n, counts.empty.places) == (2, ["list.csv, line 8", "' \\n\\t'"])
    assert (counts.too_long.n, counts.too_long.places) == (1, ["'a b c d'"])
    assert phrases_of(table) == {"Aspirin", "aspirin", "a b c"}
    assert (table.max_tokens, table.labels) == (3, ("Drug", "Brand"))
    assert table.rules == ("list", "other list", "")
    first = next(e for e in map(table.entry, range(5)) if e.phrase == "Aspirin")
    assert first == PhraseEntry("Aspirin", "Drug", "1", 1.0, "list")


def test_first_places_of_many_rows_are_kept():
    _, counts = build_phrase_table([PhraseEntry(" ", "X", place=str(i)) for i in range(50)], NLP)
    assert (counts.empty.n, counts.empty.places) == (50, [str(i) for i in range(10)])


@pytest.mark.parametrize("attribute", ["ORTH", "LOWER", "NORM"])
def test_vocabulary_stays_as_it_is(monkeypatch, attribute):
    monkeypatch.setattr(phrase_building, "_BLOCK", 30)
    monkeypatch.setattr(phrase_building, "_MAX_WORDS", 50)
    words = [f"Word{i}" for i in range(200)]
    rows = [PhraseEntry(" ".join(words[i : i + 3]), f"label{i}") for i in range(0, 200, 2)]
    n_words, n_strings = len(NLP.vocab), len(NLP.vocab.strings)
    table, _ = build_phrase_table(rows, NLP, attribute)
    assert (len(NLP.vocab), len(NLP.vocab.strings)) == (n_words, n_strings)
    assert table.n_phrases == 100
    assert found(table, "Word4 Word5 Word6") == ["Word4 Word5 Word6"]


def test_blocks_change_nothing(monkeypatch):
    rng = random.Random(0)
    rows = [PhraseEntry(" ".join(rng.choices("abc", k=rng.randint(1, 4))), "X") for _ in range(90)]
    whole, counts = build_phrase_table(rows, NLP)
    monkeypatch.setattr(phrase_building, "_BLOCK", 7)
    monkeypatch.setattr(phrase_building, "_MAX_WORDS", 1)
    table, counts_by_blocks = build_phrase_table(rows, NLP)
    assert counts == counts_by_blocks
    assert [table.entry(i) for i in range(table.n_entries)] == [
        whole.entry(i) for i in range(whole.n_entries)
    ]


def test_norms_are_those_of_the_pipeline():
    nlp = copy.deepcopy(NLP)
    nlp.tokenizer.add_special_case("gimme", [{"ORTH": "gim", "NORM": "give"}, {"ORTH": "me"}])
    # as nlp.initialize does it with the tables of spacy-lookups-data
    getters = nlp.vocab.lex_attr_getters
    getters[NORM] = add_lookups(getters[NORM], {"colour": "color"})
    table, _ = build_phrase_table([PhraseEntry("gimme colour", "X")], nlp, "NORM")
    assert found(table, "give me color", nlp) == ["give me color"]


def test_tokens_that_are_cut_further_are_found():
    nlp = spacy.blank("en")
    nlp.tokenizer = ExceptionsTokenizer(NLP.tokenizer, {"Parkinsonism": ["Parkinson", "ism"]})
    n_words = len(NLP.vocab)
    table, _ = build_phrase_table([PhraseEntry("Parkinson Qism", "X")], nlp, "LOWER")
    table, _ = build_phrase_table([PhraseEntry("parkinsonism", "X")], nlp, "LOWER")
    assert not found(table, "Parkinsonism", nlp)  # another string, which is not cut
    table, _ = build_phrase_table([PhraseEntry("Parkinsonism", "X")], nlp, "LOWER")
    assert len(NLP.vocab) == n_words + len({"Parkinsonism", "Parkinson", "ism"})
    assert found(table, "PARKINSON-Parkinsonism", nlp) == ["Parkinsonism"]


def test_tokens_that_are_cut_further_by_a_tokenizer_that_has_no_other_vocabulary():
    nlp = spacy.blank("en")
    nlp.tokenizer = ExceptionsTokenizer(Stubborn(NLP.vocab), {"ab": ["a", "b"]})
    table, _ = build_phrase_table([PhraseEntry("ab ba", "X")], nlp)
    assert found(table, "x ab ba", nlp) == ["ab ba"]


class WhiteSpaceTokenizer:
    """As people write it."""

    def __init__(self, vocab):
        self.vocab = vocab

    def __call__(self, text):
        return Doc(self.vocab, words=text.split())


class Stubborn(WhiteSpaceTokenizer):
    """Its vocabulary is elsewhere."""

    def __call__(self, text):
        return Doc(NLP.vocab, words=text.split())


def test_other_tokenizers_leave_nothing_either(caplog):
    nlp = spacy.blank("xx")
    nlp.tokenizer = WhiteSpaceTokenizer(nlp.vocab)
    n_words = len(nlp.vocab)
    table, _ = build_phrase_table([PhraseEntry("q-1, q-2", "X")], nlp)
    assert len(nlp.vocab) == n_words
    assert nlp.tokenizer.vocab is nlp.vocab
    assert found(table, "a q-1, q-2 b", nlp) == ["q-1, q-2"]
    assert not caplog.records


@pytest.mark.parametrize("tokenizer", [Stubborn(NLP.vocab), Stubborn(NLP.vocab).__call__])
def test_tokenizers_that_leave_words_are_told_of(tokenizer, caplog):
    nlp = copy.copy(NLP)
    nlp.tokenizer = tokenizer
    word = f"w{id(tokenizer)}"
    with caplog.at_level(logging.WARNING):
        table, _ = build_phrase_table([PhraseEntry(f"{word} {word}s", "X")], nlp)
    assert "words in nlp.vocab, as the tokenizer" in caplog.text
    assert found(table, f"a {word} {word}s", nlp) == [f"{word} {word}s"]


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        ([PhraseEntry("a", "X", weight=float("inf"), place="x.csv, line 3")], {}, "csv, line 3: "),
        ([PhraseEntry("a", "X", weight=float("nan"))], {}, "'a': the weight nan must be a finite"),
        ([], {"attribute": "SHAPE"}, "ORTH, LOWER, NORM, not by 'SHAPE'"),
        ([], {"max_tokens": 0}, "max_tokens = 0 must be from 1 to 256"),
    ],
)
def test_errors_say_what_is_wrong(rows, settings, message):
    with pytest.raises(ValueError, match=message):
        build_phrase_table(rows, NLP, **settings)


def test_too_many_labels_are_refused(monkeypatch):
    monkeypatch.setattr(phrase_building, "_MAX_NAMES", 3)
    rows = (PhraseEntry("a", f"C{i}") for i in range(4))
    with pytest.raises(ValueError, match="more than 3 labels, the last 'C3'"):
        build_phrase_table(rows, NLP)
