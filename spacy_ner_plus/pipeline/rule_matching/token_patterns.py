"""Patterns of tokens, as spaCy's Matcher takes them."""

import re
from collections.abc import Mapping

from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from .rule import TokenPattern

# What spaCy raises where it is given something else than a pattern.
UNUSABLE = (ValueError, TypeError, OverflowError, RecursionError, re.error)


class TokenPatterns:
    """Finds patterns of tokens.

    vocab (Vocab): The Docs'.
    patterns (Mapping[int, TokenPattern]): The patterns, by the group of their hits.
    RAISES UNUSABLE: If one is no pattern.
    """

    def __init__(self, vocab: Vocab, patterns: Mapping[int, TokenPattern]) -> None:
        self._matcher = Matcher(vocab)
        self._groups = {}
        for group, pattern in patterns.items():
            self._matcher.add(str(group), [pattern])
            self._groups[vocab.strings[str(group)]] = group

    def matches(self, doc: Doc) -> list[tuple[int, int, int]]:
        """The start, end and group of each match, in tokens: with operators, all of all lengths.

        RAISES ValueError: If the Doc lacks an annotation that a pattern asks for.
        """
        try:
            found = self._matcher(doc)
        except ValueError as error:
            raise ValueError(
                f"The pattern {self._asks_for_more(doc)} asks for what no component before has set "
                f"in the document, so it can't be looked for: {error}"
            ) from error
        return [(start, end, self._groups[key]) for key, start, end in found if start < end]

    def _asks_for_more(self, doc: Doc) -> str:
        """The first pattern that asks for an annotation that the Doc lacks."""
        for key in self._groups:
            [pattern] = self._matcher.get(key)[1]
            alone = Matcher(doc.vocab)
            alone.add("pattern", [pattern])
            try:
                alone(doc)
            except ValueError:
                return f"{pattern!r:.200}"
        return "of tokens"


def check_token_pattern(vocab: Vocab, pattern: TokenPattern) -> None:
    """RAISES ValueError: If it is no pattern of spaCy's Matcher."""
    try:
        Matcher(vocab, validate=True).add("pattern", [pattern])
    except UNUSABLE as error:
        raise ValueError(
            f"pattern = {pattern!r:.200} is none of spaCy's Matcher: {str(error).strip()}"
        ) from error
