"""Sequences and words in groups: each row at one place, each word in one bucket."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.models.runtime.word_batches import make_word_batch
from spacy_ner_plus.nn.encoders.word_batch import WordBatch
from spacy_ner_plus.text.word_features import WordFeatures
from spacy_ner_plus.text.word_sequences import WordSequences

CPU = torch.device("cpu")


def make(
    lengths: list[int], word_lengths: list[int], max_rows: int, *, is_train: bool
) -> WordBatch:
    n_words, n_rows = len(word_lengths), sum(lengths)
    places = np.arange(n_words)
    words = WordFeatures(
        word_rows=places,
        vector_rows=places,
        forms=places,
        suffixes=places,
        characters=np.tile(places[:, None], (1, 40)).astype(np.int32),
        lengths=np.array(word_lengths, dtype=np.int64),
    )
    sequences = WordSequences(
        row_tokens=[np.arange(n_rows)],
        row_words=np.arange(n_rows) % max(1, n_words),
        words=words,
        lengths=np.array(lengths, dtype=np.int64),
    )
    return make_word_batch(
        sequences, CPU, max_rows=max_rows, has_characters=True, is_train=is_train
    )


@given(
    lengths=st.lists(st.integers(1, 70), max_size=12),
    word_lengths=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    max_rows=st.integers(1, 300),
    is_train=st.booleans(),
)
def test_each_row_has_one_place_and_each_word_one_bucket(
    lengths: list[int], word_lengths: list[int], max_rows: int, is_train: bool
) -> None:
    batch = make(lengths, word_lengths, max_rows, is_train=is_train)
    n_rows = sum(lengths)
    assert batch.n_rows == n_rows and batch.n_sequences == len(lengths)
    places = torch.cat(
        [torch.zeros(0, dtype=torch.int64), *(b.rows.flatten() for b in batch.blocks)]
    )
    assert torch.equal(places[batch.row_places], torch.arange(n_rows))
    assert (places < n_rows).sum() == n_rows
    found = []
    for block in batch.blocks:
        length, n_sequences = block.rows.shape
        assert block.lengths.tolist() == sorted(block.lengths.tolist(), reverse=True)
        assert length <= 1.15 * block.lengths[0] + 1
        assert n_sequences == 1 or n_sequences * block.lengths[0] <= max_rows
        for column, n in zip(block.rows.T, block.lengths.tolist(), strict=True):
            assert torch.equal(column[:n], torch.arange(int(column[0]), int(column[0]) + n))
            assert (column[n:] == n_rows).all()
            found.append((int(column[0]), n))
    starts = np.cumsum([0, *lengths])[:-1].tolist()
    assert sorted(found) == list(zip(starts, lengths, strict=True))
    buckets = [word for bucket in batch.characters for word in bucket.words.tolist()]
    assert sorted(buckets) == [word for word, n in enumerate(word_lengths) if n]
    for bucket in batch.characters:
        assert bucket.lengths.tolist() == [word_lengths[word] for word in bucket.words]
        assert bucket.characters.shape[1] == bucket.lengths.max()
