"""Words of some Docs as the tensors that a recurrent encoder reads."""

import sys

import numpy as np
import torch

from ...nn.crf.transfer import to_device, to_device_together
from ...nn.encoders.word_batch import CharacterBucket, SequenceBlock, WordBatch
from ...text.bucketing import buckets_of_least_cost, padded_width
from ...text.word_features import WordFeatures
from ...text.word_sequences import WordSequences

# What a block of sequences costs by itself, and a bucket of words, in padded places. In training,
# each block adds to the gradients of all weights.
BLOCK_COST, TRAINING_BLOCK_COST, BUCKET_COST = 128, 256, 512


def make_word_batch(
    sequences: WordSequences,
    device: torch.device,
    *,
    max_rows: int,
    has_characters: bool,
    is_train: bool,
) -> WordBatch:
    """Group sequences and words by length, and put them on a device.

    max_rows (int): Words with padding that are in the encoder at once; a longer sequence is a
        block of its own.
    has_characters (bool): Whether the encoder reads characters.
    is_train (bool): Whether gradients will be taken.
    """
    words, lengths, n_rows = sequences.words, sequences.lengths, sequences.n_rows
    starts = np.cumsum(lengths) - lengths  # (n_sequences,)
    row_places = np.zeros(n_rows, dtype=np.int64)
    grids: list[np.ndarray] = []
    ordered = _groups(lengths, max_rows, TRAINING_BLOCK_COST if is_train else BLOCK_COST)
    n_places = 0
    for members in ordered:
        grid, is_word = _grid(starts[members], lengths[members], n_rows)
        row_places[grid[is_word]] = n_places + np.flatnonzero(is_word)
        n_places += grid.size
        grids.append(grid)
    buckets = _groups(words.lengths, max_rows, BUCKET_COST) if has_characters else []
    fields = {
        "word_rows": words.word_rows,
        "vector_rows": words.vector_rows,
        "forms": words.forms,
        "suffixes": words.suffixes,
        "row_words": sequences.row_words,
        "row_sequences": np.repeat(np.arange(len(lengths)), lengths),
        "row_places": row_places,
    }
    tensors = to_device_together([*fields.values(), *grids], device)
    return WordBatch(
        **dict(zip(fields, tensors, strict=False)),
        characters=[_bucket(words, members, device) for members in buckets],
        n_sequences=len(lengths),
        blocks=[
            SequenceBlock(rows, torch.from_numpy(lengths[members]))
            for rows, members in zip(tensors[len(fields) :], ordered, strict=True)
        ],
    )


def _groups(lengths: np.ndarray, max_rows: int, cost: int) -> list[np.ndarray]:
    """Which sequences or words go together, longest first. Those of length 0 go nowhere."""
    there = np.flatnonzero(lengths)
    return [there[group] for group in buckets_of_least_cost(lengths[there], max_rows, cost)]


def _grid(starts: np.ndarray, lengths: np.ndarray, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The row at each place, n_rows where there is none; and where there is one.

    starts, lengths: (n,) int64, longest first. RETURNS: (length, n) int64 and bool. The length is
        a rounded one: for each that is new to it, torch's library for bf16 (oneDNN) compiles
        kernels, and keeps 0.3 MB.
    """
    length = int(padded_width(lengths[:1], sys.maxsize)[0])
    steps = np.arange(length)[:, None]  # (length, 1)
    is_word = steps < lengths
    return np.where(is_word, starts + steps, n_rows), is_word


def _bucket(words: WordFeatures, members: np.ndarray, device: torch.device) -> CharacterBucket:
    lengths = words.lengths[members]  # (n,)
    characters = words.characters[members, : lengths.max()].astype(np.int64)  # (n, length)
    return CharacterBucket(
        to_device(members, device), to_device(characters, device), to_device(lengths, device)
    )
