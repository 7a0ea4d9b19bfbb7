"""The facts that a plan is made from: data, encoder and device as they are."""

import random
from collections.abc import Sequence
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
SAMPLE = 1000
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
        return DeviceFacts(found.type, has_fast_bf16(found))
    return DeviceFacts(device, has_bf16=device == "cuda" or has_fast_bf16(resolve_device("cpu")))
