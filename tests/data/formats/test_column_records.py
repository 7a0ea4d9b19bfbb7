import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.lang.en import English

from spacy_ner_plus.annotation.doc_records import to_doc
from spacy_ner_plus.data.formats.column_records import group_sentences, make_record
from spacy_ner_plus.data.formats.columns import Sentence

NLP = English()


def sentence(words, spans=(), **kwargs):
    return Sentence(tokens=tuple(words.split("|")), spans=tuple(spans), **kwargs)


def make_doc(sentences):
    """What becomes of the record."""
    doc, misaligned = to_doc(make_record(sentences), NLP)
    assert not misaligned
    return doc


def summary(doc):
    return [(ent.text, ent.label_, ent.start_char, ent.end_char) for ent in doc.ents]


@pytest.mark.parametrize(("group", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (100, [5])])
def test_group_sentences_by_number(group, sizes):
    sentences = [sentence(str(i)) for i in range(5)]
    groups = list(group_sentences(sentences, group))
    assert [len(document) for document in groups] == sizes
    assert [s for document in groups for s in document] == sentences


def test_group_sentences_prefers_the_markers_of_the_file():
    opens = [False, True, False, False, True]
    sentences = [sentence(str(i), opens_document=o) for i, o in enumerate(opens)]
    by_marker = group_sentences(iter(sentences), 2, by_marker=True)
    assert [len(document) for document in by_marker] == [1, 3, 1]
    assert [len(document) for document in group_sentences(sentences, 2)] == [2, 2, 1]


def test_group_sentences_refuses_a_number_below_one():
    with pytest.raises(ValueError, match="must be 1 or more, got 0"):
        list(group_sentences([sentence("a")], 0))


def test_make_record_joins_tokens_and_sentences_by_one_space():
    doc = make_doc(
        [
            sentence("Bo|Ek|'|s", [(0, 2, "creative-work")]),
            sentence("Oslo|t ex|.", [(0, 1, "LOC")]),
        ],
    )
    assert doc.text == "Bo Ek ' s Oslo t ex ."
    assert summary(doc) == [("Bo Ek", "creative-work", 0, 5), ("Oslo", "LOC", 10, 14)]
    assert [sent.text for sent in doc.sents] == ["Bo Ek ' s", "Oslo t ex ."]
    assert not doc.has_unknown_spaces


def test_make_record_keeps_adjacent_entities_of_one_label_apart():
    doc = make_doc([sentence("a|b", [(0, 1, "X"), (1, 2, "X")]), sentence("c", [(0, 1, "X")])])
    assert [ent.text for ent in doc.ents] == ["a", "b", "c"]


def test_make_record_annotates_a_sentence_without_entities_as_outside():
    doc = make_doc([sentence("a|b"), sentence("c")])
    assert [token.ent_iob_ for token in doc] == ["O", "O", "O"]
    assert doc.has_annotation("ENT_IOB", require_complete=True)
    assert [token.is_sent_start for token in doc] == [True, False, True]


def test_make_record_takes_spaces_from_the_text():
    doc = make_doc(
        [
            sentence("Dr|.|Ek|(|s k|)", [(0, 3, "PER")], text="Dr. Ek (s k)"),
            sentence("Ja|!", text="Ja!"),
        ],
    )
    assert doc.text == "Dr. Ek (s k) Ja!"
    assert summary(doc) == [("Dr. Ek", "PER", 0, 6)]
    assert [sent.text for sent in doc.sents] == ["Dr. Ek (s k)", "Ja!"]


def test_make_record_turns_further_white_space_into_tokens():
    text = " New  York\u00a0\tis\nbig  "
    doc = make_doc([sentence("New|York|is|big", [(0, 2, "LOC")], text=text), sentence("So")])
    assert doc.text == f"{text} So"
    words = [" ", "New", " ", "York", "\u00a0\t", "is", "\n", "big", " ", "So"]
    assert [token.text for token in doc] == words
    assert [token.ent_iob_ for token in doc] == ["O", "B", "I", "I", *"OOOOOO"]
    assert summary(doc) == [("New  York", "LOC", 1, 10)]
    assert [sent[0].text for sent in doc.sents] == [" ", "So"]


def test_make_record_notes_white_space_as_spacys_tokenizer_does():
    text = "a  b   c\nd e"
    doc = make_doc([sentence("a|b|c|d|e", text=text)])
    expected = NLP.make_doc(text)
    assert [(t.text, t.whitespace_) for t in doc] == [(t.text, t.whitespace_) for t in expected]


def test_make_record_joins_by_a_space_also_after_a_text_that_ends_with_one():
    doc = make_doc([sentence("a", text="a "), sentence("b", text="b ")])
    assert doc.text == "a  b "
    assert [token.text for token in doc] == ["a", " ", "b"]
    assert [token.is_sent_start for token in doc] == [True, False, True]


@settings(deadline=None)
@given(
    words=st.lists(st.text("aé漢\u200b😀-", min_size=1, max_size=4), min_size=1, max_size=6),
    data=st.data(),
)
def test_make_record_holds_any_text_verbatim(words, data):
    gaps = st.text(" \t\n\u00a0\u3000", max_size=3)
    text = data.draw(gaps) + "".join(word + data.draw(gaps) for word in words)
    spans = [(i, i + 1, "X") for i in range(0, len(words), 2)]
    doc = make_doc([Sentence(tuple(words), tuple(spans), text=text), sentence("end")])
    assert doc.text == f"{text} end"
    assert [ent.text for ent in doc.ents] == words[::2]
    assert [token.text for token in doc if not token.text.isspace()] == [*words, "end"]
    assert [doc.text[token.idx : token.idx + len(token)] for token in doc] == [
        token.text for token in doc
    ]
    assert len(list(doc.sents)) == 2


def test_make_record_lets_a_white_space_token_be_in_the_text():
    doc = make_doc([sentence("a| |b", [(0, 3, "X")], text="a  b")])
    assert doc.text == "a  b"
    assert [ent.text for ent in doc.ents] == ["a  b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a c", r"f.txt, line 7: Token 2, 'b', is not in the text at character 2: 'c'"),
        ("a", r"f.txt, line 7: Token 2, 'b', is not in the text at character 1: ''"),
        ("a b c", r"f.txt, line 7: No token is left for the text at character 4: 'c'"),
        ("", r"Token 1, 'a'"),
    ],
)
def test_make_record_refuses_tokens_that_do_not_make_up_the_text(text, message):
    with pytest.raises(ValueError, match=message):
        make_record([sentence("a|b", text=text, where="f.txt, line 7")])
