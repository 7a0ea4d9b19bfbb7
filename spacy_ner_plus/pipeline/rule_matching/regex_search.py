"""Regular expressions over the texts of Docs, none of which can run for ever.

`regex` is used for it: it looks at a clock while it searches, which `re` can't.
"""

from collections.abc import Iterator, Mapping, Sequence
from time import thread_time

import numpy as np
import regex
from spacy.tokens import Doc

from ..regex_limits import RegexLimits

STRICT, EXPAND = ALIGNMENT_MODES = ("strict", "expand")
# The part of a match that is meant, if a regex names one so.
ENTITY = "entity"


class RegexSearch:
    """Searches texts for some regexes, each within a time budget a text.

    patterns (Mapping[int, str]): The regexes, by the group of their hits.
    names (Mapping[int, str]): What they are called.

    Attributes:
        limits (RegexLimits): How long they may take, and which have taken longer; by group.
    """

    def __init__(self, patterns: Mapping[int, str], names: Mapping[int, str]) -> None:
        self._patterns = {group: regex.compile(text) for group, text in patterns.items()}
        self._names = names
        self.limits: RegexLimits[int] = RegexLimits()

    def __len__(self) -> int:
        """How many regexes there are."""
        return len(self._patterns)

    def matches(self, text: str) -> list[tuple[int, int, int]]:
        """The start, end and group of each match, in characters, without white space around it.

        Of a regex that takes too long it is what it found until then.
        """
        found: list[tuple[int, int, int]] = []
        for group, pattern in self._patterns.items():
            if self.limits.is_off(group):
                continue
            try:
                for start, end in self._spans(pattern, text):
                    found.append((start, end, group))
            except TimeoutError:
                self.limits.count(
                    group,
                    f"The regex {self._names[group]!r}",
                    text,
                    then="what it found until then was taken, and all other rules were applied",
                    off="it finds nothing from now on",
                )
        return found

    def _spans(self, pattern: "regex.Pattern[str]", text: str) -> Iterator[tuple[int, int]]:
        deadline = self.limits.deadline()
        which = ENTITY if ENTITY in pattern.groupindex else 0
        for match in pattern.finditer(text, timeout=self.limits.seconds):
            start, end = trimmed(text, *match.span(which))
            if start < end:
                yield start, end
            if thread_time() > deadline:  # quick matches, but too many of them
                raise TimeoutError


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A span of characters without white space around it."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def aligned(
    doc: Doc, spans: Sequence[tuple[int, int, int]], mode: str
) -> tuple[list[tuple[int, int, int]], int]:
    """Spans of characters on a Doc's tokens.

    spans: Start, end and group of each.
    mode (str): "strict" leaves out those that don't start and end where tokens do; "expand" takes
        all tokens that they touch.
    RETURNS: Start, end and group of each in tokens, and how many were not on token boundaries.
    """
    tokens = doc.to_array(["IDX", "LENGTH"]).reshape(-1, 2).astype(np.int64)  # (n_tokens, 2)
    first_chars, last_chars = tokens[:, 0], tokens.sum(axis=1)  # (n_tokens,) each
    starts = np.array([start for start, _, _ in spans], dtype=np.int64)  # (n_spans,)
    ends = np.array([end for _, end, _ in spans], dtype=np.int64)
    # the first token that ends behind the start, and one behind the last that starts before the end
    first = np.searchsorted(last_chars, starts, side="right")  # (n_spans,)
    behind = np.searchsorted(first_chars, ends, side="left")  # (n_spans,)
    is_exact = (first_chars[first] == starts) & (last_chars[behind - 1] == ends)  # (n_spans,)
    rows = zip(first.tolist(), behind.tolist(), is_exact.tolist(), spans, strict=True)
    found = [(s, e, span[2]) for s, e, exact, span in rows if exact or mode == EXPAND]
    return found, int((~is_exact).sum())
