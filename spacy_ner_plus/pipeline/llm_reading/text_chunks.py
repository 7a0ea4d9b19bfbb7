"""Long texts in pieces that overlap, each of which a language model is asked about."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...records import Stretch
from .grounding.mentions import TokenBounds


@dataclass(frozen=True, slots=True)
class TokenisedText:
    """A text and its tokens.

    text (str): The text. tokens (TokenBounds): Its tokens but for white space.
    sentence_starts: (n_tokens,) bool, where sentences start; None if that is not known.
    """

    text: str
    tokens: TokenBounds
    sentence_starts: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class TextChunk:
    """A piece of a text.

    start, end (int): Its characters. tokens (TokenBounds): Its tokens, in characters of the piece.
    own (Stretch): Entities that start within these characters of the text are the piece's to find;
        others start nearer to the middle of a neighbour.
    """

    start: int
    end: int
    tokens: TokenBounds
    own: Stretch


def text_chunks(text: TokenisedText, max_tokens: int, overlap: int) -> list[TextChunk]:
    """Cut a text into pieces.

    Pieces end where sentences do, if they are known and not longer than a piece, else between any
    tokens. Each token is the own of one piece.

    max_tokens (int): A piece has no more tokens.
    overlap (int): Tokens that it has in common with the next, at most.
    RETURNS (List[TextChunk]): None of them for a text without tokens.
    RAISES ValueError: If the overlap is not smaller than a piece.
    """
    if not 0 <= overlap < max_tokens:
        raise ValueError(
            f"overlap = {overlap} tokens must be 0 or more, and less than the {max_tokens} tokens "
            "of a chunk."
        )
    starts, ends = text.tokens.starts, text.tokens.ends
    stretches = _stretches(len(starts), text.sentence_starts, max_tokens, overlap)
    chunks = []
    for i, (first, last) in enumerate(stretches):
        own_first = 0 if i == 0 else (first + stretches[i - 1][1]) // 2
        is_last = i + 1 == len(stretches)
        own_last = None if is_last else (stretches[i + 1][0] + last) // 2
        at, to = int(starts[first]), int(ends[last - 1])
        bounds = TokenBounds(starts[first:last] - at, ends[first:last] - at)
        own = (
            0 if i == 0 else int(starts[own_first]),
            len(text.text) if own_last is None else int(starts[own_last]),
        )
        chunks.append(TextChunk(at, to, bounds, own))
    return chunks


def _stretches(
    n_tokens: int, sentence_starts: np.ndarray | None, max_tokens: int, overlap: int
) -> list[Stretch]:
    """The tokens of each piece."""
    is_start = np.zeros(n_tokens + 1, dtype=bool)
    is_start[n_tokens] = True
    if sentence_starts is not None:
        is_start[:n_tokens] = sentence_starts
    borders = np.flatnonzero(is_start).tolist()  # ascending, the last is n_tokens
    stretches: list[Stretch] = []
    first = done = 0
    while done < n_tokens:
        fitting = bisect_right(borders, first + max_tokens) - 1
        has_border = fitting >= 0 and borders[fitting] > done
        done = borders[fitting] if has_border else first + max_tokens
        stretches.append((first, done))
        first = _next_first(borders, done, max_tokens, max(first + 1, done - overlap))
    return stretches


def _next_first(borders: Sequence[int], done: int, max_tokens: int, at_least: int) -> int:
    """Where a piece starts that goes on behind the first tokens.

    Not so early that the next sentence would not be whole in it, if it could be.
    """
    following = bisect_right(borders, done)
    if following < len(borders) and borders[following] - max_tokens <= done:
        at_least = max(at_least, borders[following] - max_tokens)
    found = bisect_left(borders, at_least)
    return borders[found] if found < len(borders) and borders[found] <= done else at_least
