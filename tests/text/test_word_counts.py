import spacy

from spacy_ner_plus.text.word_counts import WordCounts


def test_words_of_all_documents_are_counted_and_whitespace_is_none() -> None:
    nlp = spacy.blank("en")
    counts = WordCounts(nlp.make_doc(text) for text in ["The  cat", "", "the cat sat \n", "cat"])
    assert counts.by_word == {"The": 1, "the": 1, "cat": 3, "sat": 1}
    assert counts.n_docs == 4
