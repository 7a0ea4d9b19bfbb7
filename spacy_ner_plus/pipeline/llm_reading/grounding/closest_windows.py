"""Where a text comes closest to a mention that it does not have."""

import numpy as np

from ....records import Stretch
from .folded_text import FoldedText

MAX_LENGTH = 300
"""Of mentions that are looked for, in characters: what is longer is no name that was misspelt."""


def closest_windows(text: FoldedText, mention: str, least_similarity: float) -> list[Stretch]:
    """The stretches of whole tokens with the fewest edits to a mention, if they are few enough.

    Sellers' algorithm ("The theory and computation of evolutionary distances", 1980), which begins
    at tokens only, a row of the table at a time: it takes len(mention) steps over arrays as long as
    the text, whatever both are. Numbers must be the same: "type 1" is no misspelt "type 2".

    text (FoldedText): The text.
    mention (str): The mention, folded.
    least_similarity (float): 1 - edits / len(mention) must reach it.
    RETURNS (List[Stretch]): Characters of the text, those of all that are equally close; where more
        than two begin differently and end alike, the longest and the shortest of them.
    """
    most_edits = int((1 - least_similarity) * len(mention) + 1e-9)
    if not most_edits or len(mention) > MAX_LENGTH or not len(text.token_ends):
        return []
    codes = np.frombuffer(mention.encode("utf-32-le"), dtype=np.uint32)  # (n_mention,)
    n_places = len(text.codes) + 1
    found: list[tuple[int, int]] = []
    least = most_edits
    for is_longest in (True, False):
        edits, starts = _edits_and_starts(text, codes, is_longest=is_longest)  # (n_places,) each
        at_ends = edits[text.token_ends]  # (n_tokens,)
        least = min(least, int(at_ends.min()))
        ends = text.token_ends[at_ends == least]
        found += zip(starts[ends].tolist(), ends.tolist(), strict=True)
    numbers = _digits(mention)
    windows = {
        text.chars(first, last)
        for first, last in found
        if 0 <= first < last < n_places and _digits(text.folded[first:last]) == numbers
    }
    return sorted(window for window in windows if window is not None)


def _edits_and_starts(
    text: FoldedText, codes: np.ndarray, *, is_longest: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Of what ends at each place of a text: the fewest edits to a mention, and where it begins.

    codes: (n_mention,) uint32.
    is_longest (bool): Which of those that are equally close: the longest or the shortest.
    RETURNS: (n_places,) int64 each.
    """
    n_places = len(text.codes) + 1
    steps = np.arange(n_places, dtype=np.int64) * n_places  # (n_places,) of as many insertions
    # One number for both: edits * n_places + how late it begins.
    best = np.full(n_places, n_places * n_places * 2, dtype=np.int64)
    begins = text.token_starts
    best[begins] = begins if is_longest else n_places - 1 - begins
    best = np.minimum.accumulate(best - steps) + steps
    for code in codes:
        replaced = best[:-1] + np.where(text.codes == code, 0, n_places)  # (n_places - 1,)
        best = best + n_places  # the mention has a character more
        np.minimum(best[1:], replaced, out=best[1:])
        best = np.minimum.accumulate(best - steps) + steps
    edits, late = np.divmod(best, n_places)
    return edits, late if is_longest else n_places - 1 - late


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())
