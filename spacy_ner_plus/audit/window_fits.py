"""What does not fit in a window of wordpieces.

ner_plus reads texts of any length in windows that overlap, and its CRF runs over the whole text. So
nothing is cut off; but other trainers cut, and a token at a window's edge has little context.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..text.windows import plan_windows
from ..text.wordpieces import Alignment
from .audited_encoder import AuditedEncoder

# The factory's: see docs/configuration.md.
WINDOW, OVERLAP = 256, 16


@dataclass(frozen=True)
class WindowsOfPart:
    """What does not fit in a window.

    texts, sentences (int): Those with more wordpieces than a window holds.
    windows (int): The windows of these texts.
    entities (int): Entities whose tokens are read from more than one window.
    """

    texts: int
    sentences: int
    windows: int
    entities: int


@dataclass(frozen=True)
class WindowFit:
    """How units fit in windows of one size.

    window (int): Wordpieces, special ones included.
    what (str): Whose size it is.
    parts (Dict[str, WindowsOfPart]): By part.
    """

    window: int
    what: str
    parts: dict[str, WindowsOfPart]


def window_sizes(encoder: AuditedEncoder | None) -> dict[int, str]:
    """What to compare with, in wordpieces, and whose size it is."""
    if encoder is None:
        return {}
    longest = encoder.max_pieces
    if longest is None:
        return {WINDOW: "ner_plus without further settings"}
    if longest <= WINDOW:
        return {longest: "the encoder"}
    return {WINDOW: "ner_plus without further settings", longest: "the encoder at most"}


def fit(
    size: int,
    encoder: AuditedEncoder,
    alignment: Alignment,
    n_pieces: Mapping[str, Sequence[int]],
    entities: Sequence[tuple[int, int]],
) -> WindowsOfPart:
    """What of a text does not fit.

    size (int): Of a window, in wordpieces, special ones included.
    n_pieces (Mapping[str, Sequence[int]]): Of the text and its sentences.
    entities (Sequence[Tuple[int, int]]): Their tokens.
    """
    capacity = max(1, size - encoder.tokenizer.n_special)
    n_sentences = sum(n > capacity for n in n_pieces["sentences"])
    [in_text] = n_pieces["texts"]
    if in_text <= capacity:
        return WindowsOfPart(0, n_sentences, 0, 0)
    windows = plan_windows(alignment, in_text, capacity, min(OVERLAP, capacity - 1))
    n_parted = 0
    for start, end in entities:
        first, stop = np.searchsorted(alignment.tokens, (start, end))
        n_parted += len(np.unique(windows.pair_windows[first:stop])) > 1
    return WindowsOfPart(1, n_sentences, len(windows), n_parted)


def in_all(fits: Sequence[WindowsOfPart]) -> WindowsOfPart:
    """The sums over texts."""
    return WindowsOfPart(
        texts=sum(one.texts for one in fits),
        sentences=sum(one.sentences for one in fits),
        windows=sum(one.windows for one in fits),
        entities=sum(one.entities for one in fits),
    )
