"""Places in a text that no entity goes across: ends of lines, and starts of sentences."""

import re
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span

# Where str.splitlines parts a text.
_LINE_BREAK = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_STARTS = 1  # token.sent_start of a sentence's first token
# Nobody breaks running text into lines shorter than this, in characters.
LEAST_WIDTH = 40
LINES = ("never", "always", "auto")


@dataclass(frozen=True)
class Bounds:
    """What keeps entities apart.

    lines (str): Whether the ends of lines do: "never", "always", or "auto" for those at which
        running text was not just broken at some width.
    sentences (bool): Whether sentences do, on Docs on which somebody has set their starts.
    RAISES ValueError: If lines is none of LINES.
    """

    lines: str = "never"
    sentences: bool = False

    def __post_init__(self) -> None:
        if self.lines not in LINES:
            raise ValueError(f"within_lines = {self.lines!r} is unknown: use one of {LINES}.")
        if not isinstance(self.sentences, bool):
            raise ValueError(f"within_sentences = {self.sentences!r} must be true or false.")

    def __bool__(self) -> bool:
        return self.lines != "never" or self.sentences

    def first_rows(self, doc: Doc, row_tokens: np.ndarray) -> np.ndarray:
        """The rows behind a bound: an entity may begin there, and none goes on.

        row_tokens: (n_rows,) int64 tokens of the Doc, ascending.
        RETURNS: (n_rows,) bool.
        """
        is_first = np.zeros(len(row_tokens), dtype=bool)
        before, here = row_tokens[:-1], row_tokens[1:]  # (n_rows - 1,) each
        if self.lines != "never" and len(here):
            breaks = line_ends(doc.text, unwraps=self.lines == "auto")
            starts, lengths = doc.to_array(["IDX", "LENGTH"]).astype(np.int64).T  # (n_tokens,) each
            ends = (starts + lengths)[before]
            n_behind = np.searchsorted(breaks, starts[here]) - np.searchsorted(breaks, ends)
            is_first[1:] |= n_behind > 0
        if self.sentences and len(here):
            starts_sentence = doc.to_array("SENT_START") == _STARTS  # (n_tokens,)
            n_starts = np.cumsum(starts_sentence)
            is_first[1:] |= n_starts[here] > n_starts[before]
        return is_first

    def crossing(self, doc: Doc) -> list[Span]:
        """The entities of a Doc that go across a bound."""
        if not self or not doc.ents:
            return []
        words = np.flatnonzero(doc.to_array("IS_SPACE") == 0)  # (n_words,)
        is_first = np.zeros(len(doc) + 1, dtype=bool)
        is_first[words] = self.first_rows(doc, words)
        return [ent for ent in doc.ents if is_first[ent.start + 1 : ent.end].any()]


def line_ends(text: str, *, unwraps: bool) -> list[int]:
    """The characters that end lines.

    unwraps (bool): Leave out those at which running text was broken at some width: where the next
        word would not have fit into the widest line, in paragraphs where most lines end so.
    """
    breaks = list(_LINE_BREAK.finditer(text))
    starts = [0, *(one.end() for one in breaks)]
    ends = [*(one.start() for one in breaks), len(text)]
    lines = [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    widest = max(map(len, lines))
    if not unwraps or widest < LEAST_WIDTH:
        return ends[:-1]
    found: list[int] = []
    paragraph: list[tuple[int, bool]] = []  # where a line ends, and whether it had to
    for end, line, following in zip(ends, lines, lines[1:], strict=False):
        if line and following:
            must_end = len(line) + 1 + len(following.split()[0]) > widest
            paragraph.append((end, must_end))
        else:
            found += [*_unforced(paragraph), end]
            paragraph = []
    return found + _unforced(paragraph)


def _unforced(paragraph: list[tuple[int, bool]]) -> list[int]:
    """The ends of lines that nothing forced, or all if most are such."""
    is_wrapped = 2 * sum(must_end for _, must_end in paragraph) >= len(paragraph)
    return [end for end, must_end in paragraph if not (is_wrapped and must_end)]
