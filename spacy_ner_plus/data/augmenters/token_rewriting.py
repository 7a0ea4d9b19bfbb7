"""A text as tokens, and what becomes of its tokens when it is changed. Without spaCy.

One mechanism serves all augmenters: each token of the changed text says for which tokens of the
original it stands, and all annotation moves by that. So nothing needs to count characters, and an
entity can neither begin nor end within a token.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...tags import Span as EntitySpan

Tokens = tuple[int, int]
"""First token, and the end (exclusive)."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token of a changed text.

    word (str): Its characters.
    has_space (bool): Whether a space follows.
    first, end (int): The tokens of the original that it stands for. With first == end it is added
        before that token, and stands for none.
    """

    word: str
    has_space: bool
    first: int
    end: int


@dataclass(frozen=True)
class Passage:
    """What augmenters see of a document.

    words (Tuple[str, ...]): Its tokens, white space among them as spaCy has it.
    spaces (Tuple[bool, ...]): Whether a space follows each.
    spans (Tuple[EntitySpan, ...]): All its entities in tokens, wherever they are annotated: start,
        end (exclusive) and label. They may nest and overlap.
    unknown (FrozenSet[int]): Tokens that are not annotated, or blocked.
    sentence_starts (Tuple[int, ...]): Tokens that begin a sentence; empty if that is not known.
    """

    words: tuple[str, ...]
    spaces: tuple[bool, ...]
    spans: tuple[EntitySpan, ...] = ()
    unknown: frozenset[int] = frozenset()
    sentence_starts: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.words)

    def is_solid(self, token: int) -> bool:
        """Whether a token is more than white space."""
        return not self.words[token].isspace()

    def kept(self, token: int, word: str | None = None) -> NewToken:
        """A token that stays, perhaps as another word."""
        return NewToken(
            self.words[token] if word is None else word, self.spaces[token], token, token + 1
        )

    def tokens_in_spans(self) -> set[int]:
        """All tokens of entities."""
        return {token for start, end, _ in self.spans for token in range(start, end)}

    def edges(self) -> set[int]:
        """The tokens that an entity begins with, and those behind its last one."""
        return {edge for start, end, _ in self.spans for edge in (start, end)}

    def gaps_in_spans(self) -> set[int]:
        """The tokens before which there is a token of the same entity."""
        return {token for start, end, _ in self.spans for token in range(start + 1, end)}


@dataclass
class Rewriting:
    """The tokens of a changed text.

    tokens (List[NewToken]): From left to right.
    n_edits (int): How many changes were made; 0 if it is as it was.
    replaced (Dict[Tokens, str]): Entities that are others now, by their tokens in the original,
        with the kb id that they have, "" for none: that of the original is wrong.
    """

    tokens: list[NewToken] = field(default_factory=list)
    n_edits: int = 0
    replaced: dict[Tokens, str] = field(default_factory=dict)


class MovedTokens:
    """Where the tokens of the original are in a changed text.

    tokens (Sequence[NewToken]): The changed text's.
    n_tokens (int): Of the original.
    """

    def __init__(self, tokens: Sequence[NewToken], n_tokens: int) -> None:
        self._tokens = tokens
        # the first new token of each, and the end of its last one; (0, 0) for those that are gone
        self._places: list[Tokens] = [(0, 0)] * n_tokens
        for i, token in enumerate(tokens):
            for old in range(token.first, token.end):
                start, end = self._places[old]
                self._places[old] = (start if end else i, i + 1)

    def place(self, token: int) -> Tokens | None:
        """The tokens that stand for one of the original; None if none does."""
        start, end = self._places[token]
        return (start, end) if end else None

    def span(self, first: int, end: int) -> Tokens | None:
        """The tokens that a run of the original's has become.

        RETURNS (Optional[Tokens]): None if nothing is left of it, or it is not in one place: others
            are between its tokens, or a token stands for some of it and for others.
        """
        places = [place for i in range(first, end) if (place := self.place(i))]
        if not places:
            return None
        start, stop = min(place[0] for place in places), max(place[1] for place in places)
        for token in self._tokens[start:stop]:
            if token.first < first or token.end > end:
                return None
        return start, stop


def joined(tokens: Iterable[NewToken]) -> str:
    """The changed text."""
    return "".join(token.word + " " * token.has_space for token in tokens)
