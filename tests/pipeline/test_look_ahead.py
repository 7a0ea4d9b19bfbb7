"""How much of a stream is taken at once."""

from collections.abc import Iterator

import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.pipeline.look_ahead import look_ahead

VOCAB = spacy.blank("xx").vocab


def doc_of(n_words: int) -> Doc:
    return Doc(VOCAB, words=["a"] * n_words)


@given(
    lengths=st.lists(st.integers(0, 9), max_size=40),
    max_docs=st.integers(1, 10),
    max_words=st.integers(1, 30),
)
def test_look_ahead_takes_all_docs_in_order_within_its_limits(
    lengths: list[int], max_docs: int, max_words: int
) -> None:
    docs = [doc_of(n) for n in lengths]
    batches = list(look_ahead(docs, max_docs=max_docs, max_words=max_words))
    assert [doc for batch in batches for doc in batch] == docs
    for i, batch in enumerate(batches):
        n_words = [len(doc) for doc in batch]
        assert 1 <= len(batch) <= max_docs
        assert sum(n_words[:-1]) < max_words
        is_full = len(batch) == max_docs or sum(n_words) >= max_words
        assert is_full or i == len(batches) - 1


def test_look_ahead_asks_for_no_more_than_it_gives() -> None:
    asked = []

    def stream() -> Iterator[Doc]:
        for i in range(10):
            asked.append(i)
            yield doc_of(2)

    batches = look_ahead(stream(), max_docs=100, max_words=6)
    assert len(next(batches)) == 3
    assert asked == [0, 1, 2]
