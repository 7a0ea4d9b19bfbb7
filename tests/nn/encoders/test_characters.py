"""Character encoders against plain loops over each word."""

import pytest
import torch
from torch import Tensor

from spacy_ner_plus.nn.encoders.characters import (
    CHARACTERS,
    CharacterBiLstm,
    CharacterCnn,
    CharacterEncoder,
)
from spacy_ner_plus.nn.encoders.word_batch import CharacterBucket

N_CHARACTERS, WIDTH, N_OUTPUTS = 20, 6, 8
WORDS = [[3, 4, 5], [19], [1, 2, 1, 2, 1, 2, 1], [7, 7]]


def make(kind: str) -> CharacterEncoder:
    torch.manual_seed(0)
    encoder: CharacterEncoder = CHARACTERS[kind](N_CHARACTERS, WIDTH, N_OUTPUTS)
    return encoder.eval()


def bucket(places: list[int], extra: int = 0) -> CharacterBucket:
    """Some of WORDS, padded to the longest and `extra` more."""
    lengths = torch.tensor([len(WORDS[place]) for place in places])
    characters = torch.zeros(len(places), int(lengths.max()) + extra, dtype=torch.int64)
    for row, place in enumerate(places):
        characters[row, : len(WORDS[place])] = torch.tensor(WORDS[place])
    return CharacterBucket(torch.tensor(places), characters, lengths)


def naive(encoder: CharacterEncoder, word: list[int]) -> Tensor:
    if isinstance(encoder, CharacterCnn):
        vectors = encoder.embedding(torch.tensor([0, *word, 0]))  # (length + 2, width)
        windows = [vectors[i : i + 3].flatten() for i in range(len(word))]
        return torch.stack([encoder.filters(window) for window in windows]).amax(dim=0)
    assert isinstance(encoder, CharacterBiLstm)
    vectors = encoder.embedding(torch.tensor(word)).unsqueeze(1)  # (length, 1, width)
    onwards, _ = encoder.layer.forwards(vectors)
    backwards, _ = encoder.layer.backwards(vectors.flip(0))
    return torch.cat([onwards[-1, 0], backwards[-1, 0]])


@pytest.mark.parametrize("kind", CHARACTERS)
@pytest.mark.parametrize("groups", [[[0, 1, 2, 3]], [[2], [3, 0], [1]], [[1, 0], [2, 3]]])
def test_vectors_equal_those_of_each_word_alone(kind: str, groups: list[list[int]]) -> None:
    encoder = make(kind)
    with torch.inference_mode():
        found = encoder([bucket(group, extra=i) for i, group in enumerate(groups)], len(WORDS))
        for word, vector in zip(WORDS, found, strict=True):
            torch.testing.assert_close(vector, naive(encoder, word), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", CHARACTERS)
def test_words_in_no_bucket_have_zeros(kind: str) -> None:
    encoder = make(kind)
    assert not encoder([], 3).any()
    found = encoder([bucket([1])], len(WORDS))
    assert found[1].any() and not found[[0, 2, 3]].any()


@pytest.mark.parametrize("kind", CHARACTERS)
def test_padding_never_learns(kind: str) -> None:
    encoder = make(kind)
    encoder([bucket([0, 1, 2, 3], extra=2)], len(WORDS)).sum().backward()
    gradient = encoder.embedding.weight.grad
    assert gradient is not None and gradient[3].any() and not gradient[0].any()
    assert not encoder.embedding.weight[0].any()
