"""What is found is what a dictionary of tuples of strings finds, whatever the phrases and texts."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc

from spacy_ner_plus.text.phrases.phrase_building import build_phrase_table
from spacy_ner_plus.text.phrases.phrase_entry import PhraseEntry
from spacy_ner_plus.text.phrases.phrase_hashes import extended, phrase_hashes
from spacy_ner_plus.text.phrases.phrase_table import ATTRIBUTES
from tests.text.phrases.samples import bc5cdr, english

NLP = english()
# NOUN and PERSON are words whose hashes are small numbers in spaCy; "dont" has another norm.
WORDS = st.sampled_from(
    ["a", "A", "b", "don't", "dont", "Straße", "STRASSE", "😀", "NOUN", "-", "x-a"]
)
FEW_WORDS = st.sampled_from(["a", "b"])
PHRASES = st.one_of(
    st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
    st.lists(FEW_WORDS, min_size=1, max_size=40).map(" ".join),
)
ENTRIES = st.lists(
    st.builds(
        PhraseEntry,
        phrase=PHRASES,
        label=st.sampled_from(["X", "Y"]),
        id=st.sampled_from(["", "1"]),
        rule=st.sampled_from(["one", "two"]),
        weight=st.sampled_from([0.5, 1.0]),
    ),
    max_size=12,
)
TEXTS = st.lists(
    st.one_of(
        st.lists(WORDS, max_size=12).map(" ".join),
        st.lists(FEW_WORDS, min_size=30, max_size=60).map(" ".join),
    ),
    max_size=6,
)


def strings(doc, attribute):
    return tuple(getattr(token, f"{attribute.lower()}_") for token in doc)


def expected_hits(entries, docs, attribute):
    """(doc, start, end, label, id, rule, weight, phrase) of each hit, by a dictionary of tuples."""
    known = defaultdict(dict)
    for entry in entries:
        key = strings(NLP.make_doc(entry.phrase), attribute)
        known[key].setdefault((entry.label, entry.id, entry.rule), (entry.weight, entry.phrase))
    found = []
    for i, doc in enumerate(docs):
        tokens = strings(doc, attribute)
        for start in range(len(doc)):
            for end in range(start + 1, len(doc) + 1):
                for (label, id_, rule), other in known.get(tokens[start:end], {}).items():
                    found.append((i, start, end, label, id_, rule, *other))
    return found


def found_hits(table, docs):
    hits, bounds = table.find(docs)
    which, numbers = table.entries_of(hits.phrases)
    found = []
    for hit, number in zip(which, numbers, strict=True):
        start, end = int(hits.starts[hit]), int(hits.ends[hit])
        doc = int(np.searchsorted(bounds, start, side="right")) - 1
        entry = table.entry(number)
        place = (doc, start - bounds[doc], end - bounds[doc])
        known = (entry.label, entry.id, entry.rule, entry.weight, entry.phrase)
        found.append((*place, *known))
    return found


@settings(deadline=None, max_examples=100)
@given(entries=ENTRIES, texts=TEXTS, attribute=st.sampled_from(ATTRIBUTES))
def test_hits_are_those_of_a_dictionary(entries, texts, attribute):
    docs = [NLP.make_doc(text) for text in texts]
    table, counts = build_phrase_table(entries, NLP, attribute)
    assert table.n_entries == counts.n_entries
    assert found_hits(table, docs) == expected_hits(entries, docs, attribute)


def test_nothing_is_found_without_phrases_or_texts():
    empty, counts = build_phrase_table([], NLP)
    assert (empty.n_phrases, counts.n_rows) == (0, 0)
    assert not len(empty.find([NLP.make_doc("a b c")])[0])
    table, _ = build_phrase_table([PhraseEntry("a", "X")], NLP)
    hits, bounds = table.find([])
    assert (len(hits), bounds.tolist()) == (0, [0])
    hits, bounds = table.find([Doc(NLP.vocab), NLP.make_doc("a"), Doc(NLP.vocab)])
    assert (hits.starts.tolist(), hits.ends.tolist(), bounds.tolist()) == ([0], [1], [0, 0, 1, 1])


def test_phrases_do_not_run_across_texts():
    table, _ = build_phrase_table([PhraseEntry("a b", "X")], NLP)
    docs = [NLP.make_doc(text) for text in ("a", "b a", "b a b")]
    assert [(start, end) for _, start, end, *_ in found_hits(table, docs)] == [(1, 3)]


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_real_texts_have_the_hits_of_the_phrase_matcher(attribute):
    phrases, texts = bc5cdr()
    matcher = PhraseMatcher(NLP.vocab, attr=attribute)
    matcher.add("", [NLP.make_doc(phrase) for phrase in phrases])
    table, _ = build_phrase_table([PhraseEntry(phrase, "X") for phrase in phrases], NLP, attribute)
    docs = [NLP.make_doc(text) for text in texts]
    hits, bounds = table.find(docs)
    expected = [
        (start + bounds[i], end + bounds[i])
        for i, doc in enumerate(docs)
        for _, start, end in matcher(doc)
    ]
    assert len(expected) > 100
    assert list(zip(hits.starts, hits.ends, strict=True)) == sorted(expected)


@given(
    st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5), min_size=1, max_size=6)
)
def test_hashes_are_made_token_by_token(phrases):
    tokens = np.array([token for phrase in phrases for token in phrase], dtype=np.uint64)
    hashes, beginnings = phrase_hashes(tokens, np.array([len(phrase) for phrase in phrases]))
    expected, proper = [], []
    for phrase in phrases:
        current = np.array(phrase[:1], dtype=np.uint64)
        for token in phrase[1:]:
            proper.append(int(current[0]))
            current = extended(current, np.array([token], dtype=np.uint64))
        expected.append(int(current[0]))
    assert hashes.tolist() == expected
    assert sorted(beginnings.tolist()) == sorted(proper)


def test_hashes_depend_on_the_order_and_number_of_tokens():
    """Also of small numbers, which the hashes of some words are in spaCy."""
    sequences = [[a, b] for a in range(300) for b in range(300)]
    sequences += [[a] for a in range(300)] + [[a, 0, b] for a in range(100) for b in range(100)]
    tokens = np.concatenate([np.array(one, dtype=np.uint64) for one in sequences])
    hashes, _ = phrase_hashes(tokens, np.array(list(map(len, sequences))))
    assert len(np.unique(hashes)) == len(sequences)
