import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_ner_plus.text.lexicon import learn_lexicon
from spacy_ner_plus.text.word_features import WordReader
from spacy_ner_plus.text.word_sequences import WordSequences, read_sequences

NLP = spacy.blank("en")


def read(docs: list[Doc], context: str = "sentence") -> WordSequences:
    no_keys, no_rows = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    counts = {token.text: 1 for doc in docs for token in doc}
    lexicon = learn_lexicon(counts, min_freq=1, vector_keys=no_keys, vector_rows=no_rows)
    reader = WordReader(lexicon, 10)
    found = read_sequences(docs, reader, context=context)
    assert found.lengths.sum() == found.n_rows and (found.lengths > 0).all()
    return found


def with_sentences(text: str, starts: list[int]) -> Doc:
    doc = NLP.make_doc(text)
    for token in doc:
        token.is_sent_start = token.i in starts
    return doc


def test_rows_are_the_words_in_order() -> None:
    docs = [NLP.make_doc(text) for text in ["a b  a", "", " \n ", "c a"]]
    found = read(docs)
    assert [tokens.tolist() for tokens in found.row_tokens] == [[0, 1, 3], [], [], [0, 1]]
    assert found.lengths.tolist() == [3, 2]
    rows = found.words.word_rows[found.row_words]  # by word, as all have rows
    names = ["a", "b", "a", "c", "a"]
    assert [row == rows[0] for row in rows] == [name == "a" for name in names]
    assert len(set(rows.tolist())) == len(found.words) == 3


@pytest.mark.parametrize(
    ("context", "expected"), [("sentence", [2, 3, 1, 4]), ("document", [6, 4])]
)
def test_sentences_part_a_document_if_it_has_any(context: str, expected: list[int]) -> None:
    docs = [with_sentences("a b c d e f", [0, 2, 5]), NLP.make_doc("a b c d")]
    assert read(docs, context).lengths.tolist() == expected


def test_sentence_of_white_space_is_none() -> None:
    doc = with_sentences("a b \n\n c", [0, 2, 3])
    assert doc[2].is_space
    assert read([doc]).lengths.tolist() == [2, 1]
    begins_with_space = with_sentences("a  b c", [0, 1])
    assert begins_with_space[1].is_space
    assert read([begins_with_space]).lengths.tolist() == [1, 2]


def test_nothing_to_read() -> None:
    for docs in ([], [NLP.make_doc("")]):
        found = read(docs)
        assert found.n_rows == 0 and len(found.row_tokens) == len(docs)


def test_documents_may_have_vocabularies_of_their_own() -> None:
    docs = [Doc(Vocab(), words=words) for words in (["here", "only"], ["there", "also"])]
    assert len(read(docs).words) == 4
