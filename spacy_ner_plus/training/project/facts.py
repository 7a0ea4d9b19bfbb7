"""The facts that a plan is made from: data, encoder and device as they are."""

import os
import random
from collections.abc import Iterable, Sequence
from math import ceil
from pathlib import Path

import numpy as np
from spacy.tokens import Doc

from ...models.pretrained.loading import load_empty_encoder, load_tokenizer
from ...models.runtime.device import has_fast_bf16, resolve_device
from ...text.wordpieces import WordpieceTokenizer
from .planning import DataFacts, DeviceFacts, EncoderFacts

DEVICES = ("auto", "cpu", "cuda")
# Of MiniLM-L6, the default encoder, which the project fetches only when it runs.
DEFAULT_ENCODER = EncoderFacts(max_pieces=512, width=384, n_layers=6, lowercases=True)
# Its wordpieces have 3.4 characters (tweets) to 5.4 (encyclopaedia), spaces counted.
CHARACTERS_A_PIECE = 3.5
# Those of CoNLL-2003 have 14.5, those of BC5CDR 25.9.
WORDS_A_SENTENCE = 20
SAMPLE = 1000
VECTORS_INFO = "vectors.json"
# What a few documents have beyond that is no reason for longer windows.
HARDLY_ANY = 99


def data_facts(
    train: Sequence[Doc], dev: Sequence[Doc], tokenizer: WordpieceTokenizer | None
) -> DataFacts:
    """Measure training and development data.

    tokenizer (Optional[WordpieceTokenizer]): The encoder's; None to estimate what it would do.
    """
    sample = random.Random(0).sample(list(train), min(SAMPLE, len(train)))
    if tokenizer is None:
        lengths = [len(doc.text) / CHARACTERS_A_PIECE for doc in sample]
    else:
        lengths = [len(pieces) for pieces in tokenizer([doc.text for doc in sample])]
    return DataFacts(
        words=sum(map(len, train)),
        dev_words=sum(map(len, dev)),
        long_document=int(np.percentile(lengths, HARDLY_ANY, method="higher")),
        is_counted=tokenizer is not None,
    )


def encoder_facts(name: str | Path) -> tuple[EncoderFacts, WordpieceTokenizer]:
    """Look at an encoder, and its tokenizer, without loading weights.

    name (str): Hub name or local folder.
    RAISES (ValueError): There is no such encoder, or none that can be used.
    """
    encoder, tokenizer = load_empty_encoder(str(name)), load_tokenizer(str(name))
    facts = EncoderFacts(encoder.max_pieces, encoder.width, encoder.n_layers, tokenizer.lowercases)
    return facts, tokenizer


def device_facts(device: str) -> DeviceFacts:
    """Look at a device.

    device (str): "auto" for what is here; "cpu"; "cuda", also where there is none to look at: it is
        taken for one with bf16.
    RAISES (ValueError): Another name.
    """
    if device not in DEVICES:
        raise ValueError(f"device '{device}' is unknown: use one of {', '.join(DEVICES)}.")
    found = resolve_device("auto")
    if device in ("auto", found.type):
        return DeviceFacts(found.type, has_fast_bf16(found), usable_cores())
    has_bf16 = device == "cuda" or has_fast_bf16(resolve_device("cpu"))
    return DeviceFacts(device, has_bf16, usable_cores())


def usable_cores() -> int:
    """The cores that this process may use, where the system tells, else all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def count_sentences(docs: Iterable[Doc]) -> int:
    """The annotated sentences of some documents; estimated where their bounds are not known."""
    n_sentences = 0
    for doc in docs:
        if doc.has_annotation("SENT_START"):
            n_sentences += sum(1 for _ in doc.sents)
        else:
            n_sentences += ceil(len(doc) / WORDS_A_SENTENCE)
    return n_sentences


def check_vectors(folder: str | Path | None) -> None:
    """RAISES (ValueError): If it is given and is no folder of word vectors."""
    if folder is not None and not (Path(folder) / VECTORS_INFO).is_file():
        raise ValueError(
            f"{folder} is no folder of word vectors, as it has no {VECTORS_INFO}: write one with "
            "ner-plus vectors."
        )
