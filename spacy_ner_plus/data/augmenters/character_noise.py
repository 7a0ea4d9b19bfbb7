"""Noise within words: what keyboards, scanners and careless encodings do to characters."""

from abc import abstractmethod
from random import Random

from spacy.language import Language

from .doc_augmenter import TextAugmenter
from .graphemes import clusters, stay_apart, whole_clusters
from .token_rewriting import Passage, Rewriting

Variant = tuple[int, list[str]]
"""How many clusters of a word are taken away, and those that come in their place."""


class CharacterNoise(TextAugmenter):
    """An augmenter that changes characters within tokens, each with the probability p.

    Characters are grapheme clusters, which stay whole. A token stays one token, never becomes
    empty, and gets no white space.

    spare_digits (bool): Leave digits as they are.
    """

    def __init__(self, level: float, p: float, seed: int | None, *, spare_digits: bool) -> None:
        super().__init__(level, p, seed)
        if not isinstance(spare_digits, bool):
            raise ValueError(f"spare_digits = {spare_digits!r} must be true or false.")
        self.spare_digits = spare_digits

    @abstractmethod
    def variants(self, word: list[str], at: int, end: int) -> list[list[Variant]]:
        """What may stand in the place of a character, in kinds, one of which is chosen first.

        word (List[str]): The clusters of a token.
        at, end (int): The cluster, and the end of those that may be changed.
        RETURNS (List[List[Variant]]): Of each kind; those without any do not count.
        """

    def rewrite(self, passage: Passage, chance: Random, nlp: Language) -> Rewriting:
        """See TextAugmenter."""
        found = Rewriting()
        parts = whole_clusters(passage)
        for token, (word, editable) in enumerate(parts):
            made, n_edits = word, 0
            if passage.is_solid(token):
                made, n_edits = self._noisy(word, editable, chance)
            if n_edits and not _is_sound(made, passage, token):
                made, n_edits = word, 0
            found.tokens.append(passage.kept(token, "".join(made)))
            found.n_edits += n_edits
        return found

    def _noisy(self, word: list[str], editable: range, chance: Random) -> tuple[list[str], int]:
        """The clusters with changes, and how many there are."""
        made = word[: editable.start]
        n_edits, at = 0, editable.start
        while at < editable.stop:
            n_taken, others = 1, [word[at]]
            if chance.random() < self.p and not (self.spare_digits and word[at].isdigit()):
                is_only = not made and at + 1 == len(word)
                kinds = self._possible(word, at, editable.stop, may_go=not is_only)
                if kinds:
                    n_taken, others = chance.choice(chance.choice(kinds))
                    n_edits += 1
            made = [*made, *others]
            at += n_taken
        return made + word[editable.stop :], n_edits

    def _possible(self, word: list[str], at: int, end: int, *, may_go: bool) -> list[list[Variant]]:
        """The kinds of variants that there are. may_go: whether one may be nothing at all."""
        kinds = [[one for one in kind if one[1] or may_go] for kind in self.variants(word, at, end)]
        return [kind for kind in kinds if kind]


def _is_sound(word: list[str], passage: Passage, token: int) -> bool:
    """Whether the clusters of a changed token stay what they are, where they stand."""
    before = passage.words[token - 1] if token and not passage.spaces[token - 1] else ""
    is_followed = token + 1 < len(passage) and not passage.spaces[token]
    after = passage.words[token + 1] if is_followed else ""
    text = "".join(word)
    parts = [part for one in word for part in clusters(one)]
    is_one = text != "" and not any(char.isspace() for char in text)
    return is_one and stay_apart(parts, before, after)
