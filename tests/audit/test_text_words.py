"""Words of texts: as the tokens of their Docs have them, one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus import SpanRecord, TextRecord
from spacy_ner_plus.audit.text_words import words_of
from spacy_ner_plus.records import TokenRecord
from tests.audit.corpora import Marked, make_corpus, record


@pytest.mark.parametrize(
    "marked",
    [
        "",
        "   \n ",
        "in  [Ulm](LOC) \n\n and\t[New \n York](LOC)'s  ",
        "\u00a0[Z\u00fcrich \U0001f600](LOC)\u3000x",
        record("in [Ulm](LOC) now", unknown=((0, 2),)),
    ],
)
def test_words_are_the_tokens_but_white_space(marked: Marked) -> None:
    [text] = make_corpus({"train": [marked]}).texts()
    its, tokens = words_of(text), [token for token in text.doc if not token.is_space]
    assert its.words == [token.text for token in tokens]
    assert its.starts == [token.idx for token in tokens]
    assert its.ends == [token.idx + len(token) for token in tokens]
    assert its.is_missing == [token.ent_iob == 0 for token in tokens]
    assert len(its.casing) == len(its.opens) == len(tokens)
    assert [
        (its.starts[start], its.ends[end - 1], label) for start, end, label in its.entities
    ] == [(ent.start_char, ent.end_char, ent.label_) for ent in text.doc.ents]


@given(words=st.lists(st.tuples(st.sampled_from(["Ulm", "a", "7"]), st.booleans()), max_size=8))
def test_neighbours_are_in_the_sentence(words: list[tuple[str, bool]]) -> None:
    text = " ".join(word for word, _ in words)
    tokens, at = [], 0
    for word, starts in words:
        tokens.append(TokenRecord(at, at + len(word), starts or at == 0))
        at += len(word) + 1
    corpus = make_corpus({"train": [TextRecord(text, tokens=tuple(tokens), spans=())]})
    its = words_of(next(corpus.texts()))
    firsts = {i for i, token in enumerate(tokens) if token.sentence_start}
    for i in range(len(words)):
        assert its.left(i) == (None if i in firsts else i - 1)
        assert its.right(i + 1) == (None if i + 1 in firsts | {len(words)} else i + 1)


def test_entities_of_white_space_alone_are_left_out() -> None:
    one = TextRecord("a \n b", spans=(SpanRecord(2, 3, "X"), SpanRecord(4, 5, "Y")))
    [text] = make_corpus({"train": [one]}).texts()
    assert [label for *_, label in words_of(text).entities] == ["Y"]
