"""The whole encoder against its parts in plain loops."""

from typing import Any

import pytest
import torch
from torch import Tensor

from spacy_ner_plus.nn.encoders.bilstm import BiLstmEncoder, BiLstmSizes
from spacy_ner_plus.nn.encoders.word_batch import CharacterBucket, SequenceBlock, WordBatch

HIDDEN = 4
SIZES: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "rnn_layers": 2,
    "reprojects": True,
    "n_tuned": 2,
    "n_fixed": 2,
    "vector_width": 3,
    "n_words": 3,
    "word_width": 2,
    "n_forms": 4,
    "n_suffixes": 5,
    "case_width": 2,
    "characters": "cnn",
    "n_characters": 9,
    "character_width": 3,
    "character_hidden": 4,
    "n_keys": 4,
    "n_known_suffixes": 4,
    "n_known_characters": 2,
}


def make(*, word_dropout: float = 0.0, locked_dropout: float = 0.0, **sizes: Any) -> BiLstmEncoder:
    torch.manual_seed(0)
    encoder = BiLstmEncoder(
        BiLstmSizes(**{**SIZES, **sizes}),
        word_dropout=word_dropout,
        locked_dropout=locked_dropout,
        max_rows=100,
    )
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if not name.startswith("lexicon."):
                parameter.normal_()
    return encoder.eval()


def make_batch() -> WordBatch:
    """Three different words; the sequences 0 1 2 0 and 1 0."""
    return WordBatch(
        word_rows=torch.tensor([0, -1, 2]),
        vector_rows=torch.tensor([-1, 3, 1]),
        forms=torch.tensor([1, 2, 3]),
        suffixes=torch.tensor([0, 4, 1]),
        characters=[
            CharacterBucket(
                torch.tensor([2, 0]), torch.tensor([[3, 4], [5, 0]]), torch.tensor([2, 1])
            ),
            CharacterBucket(torch.tensor([1]), torch.tensor([[6, 7, 8]]), torch.tensor([3])),
        ],
        row_words=torch.tensor([0, 1, 2, 0, 1, 0]),
        row_sequences=torch.tensor([0, 0, 0, 0, 1, 1]),
        n_sequences=2,
        blocks=[
            SequenceBlock(torch.tensor([[0, 4], [1, 5], [2, 6], [3, 6]]), torch.tensor([4, 2]))
        ],
        row_places=torch.tensor([0, 2, 4, 6, 1, 3]),
    )


def naive(encoder: BiLstmEncoder, batch: WordBatch) -> Tensor:
    unknown = encoder.words.unknown(batch.forms, batch.suffixes)
    parts = [encoder.words(batch.word_rows, batch.vector_rows, unknown)]
    if encoder.casing is not None:
        parts.append(encoder.casing(batch.forms))
    if encoder.characters is not None:
        parts.append(encoder.characters(batch.characters, 3))
    words = torch.cat(parts, dim=1)
    if encoder.reprojection is not None:
        words = encoder.reprojection(words)
    rows = []
    for sequence in (batch.row_words[:4], batch.row_words[4:]):
        vectors = words[sequence].unsqueeze(1)
        for layer in encoder.layers:
            onwards, _ = layer.forwards(vectors)
            backwards, _ = layer.backwards(vectors.flip(0))
            vectors = torch.cat([onwards, backwards.flip(0)], dim=2)
        rows.append(vectors.squeeze(1))
    return torch.cat(rows)


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"characters": None, "case_width": 0, "reprojects": False, "rnn_layers": 1},
        {"characters": "bilstm", "word_width": 0, "n_words": 0},
        {"vector_width": 0, "n_tuned": 0, "n_fixed": 0},
    ],
)
def test_vectors_equal_those_of_the_parts(sizes: dict[str, Any]) -> None:
    encoder, batch = make(**sizes), make_batch()
    if not encoder.sizes.vector_width:
        batch.vector_rows.fill_(-1)
    if not encoder.sizes.word_width:
        batch.word_rows.fill_(-1)
    with torch.inference_mode():
        found = encoder(batch)
        assert found.shape == (6, encoder.width) == (6, 2 * HIDDEN)
        torch.testing.assert_close(found, naive(encoder, batch), rtol=0, atol=1e-5)
        in_training = encoder.train()(batch)  # without dropout it takes another way to the same
        torch.testing.assert_close(in_training, found, rtol=0, atol=1e-5)


def test_word_dropout_takes_words_for_unknown_ones() -> None:
    encoder, batch = make(word_dropout=0.5).train(), make_batch()
    encoder.reprojection = None  # its input is looked at
    unknown = encoder.words.unknown(batch.forms, batch.suffixes)
    known = encoder.words(batch.word_rows, batch.vector_rows, unknown)
    width = encoder.words.n_outputs
    n_dropped = 0
    for _ in range(200):
        with torch.no_grad():
            rows = encoder._inputs(batch)
        for row, word in zip(rows, batch.row_words, strict=True):
            is_unknown = torch.equal(row[:width], unknown[word])
            assert is_unknown or torch.equal(row[:width], known[word])
            n_dropped += is_unknown
    assert 0.45 < n_dropped / 1200 < 0.55


def test_locked_dropout_leaves_out_the_same_numbers_in_all_of_a_sequence() -> None:
    encoder, batch = make(locked_dropout=0.5).train(), make_batch()
    torch.manual_seed(0)
    rows = encoder(batch)
    first, second = rows[:4] != 0, rows[4:] != 0
    assert (first == first[0]).all() and (second == second[0]).all()
    assert not torch.equal(first[0], second[0])
    kept = torch.stack([encoder(batch)[0] != 0 for _ in range(200)]).float().mean()
    assert 0.4 < kept < 0.6
    torch.testing.assert_close(
        torch.stack([encoder._locked(torch.ones(6, 50), batch) for _ in range(100)]).mean(),
        torch.tensor(1.0),
        atol=0.1,
        rtol=0,
    )


def test_every_weight_that_may_learn_has_a_gradient() -> None:
    encoder = make(word_dropout=0.0).train()
    encoder(make_batch()).sum().backward()
    without = {name for name, p in encoder.named_parameters() if p.grad is None}
    lexicon = {f"lexicon.{name}" for name in encoder.lexicon}
    assert without == {"words.fixed", *lexicon}


def test_nothing_to_read() -> None:
    encoder = make()
    empty = torch.zeros(0, dtype=torch.int64)
    batch = WordBatch(empty, empty, empty, empty, [], empty, empty, 0, [], empty)
    assert encoder(batch).shape == (0, 2 * HIDDEN)
