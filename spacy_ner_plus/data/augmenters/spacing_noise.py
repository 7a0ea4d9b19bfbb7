"""`spacy_ner_plus.SpacingNoise.v1`: spaces that are too many, missing, or broken lines."""

from random import Random

from spacy import registry
from spacy.language import Language

from .doc_augmenter import TextAugmenter, read_kinds
from .graphemes import clusters, stay_apart, whole_clusters
from .token_rewriting import NewToken, Passage, Rewriting

DOUBLE, LINE_BREAK, OMIT, SPLIT = "double", "line_break", "omit", "split"
KINDS = (DOUBLE, LINE_BREAK, OMIT, SPLIT)


@registry.augmenters("spacy_ner_plus.SpacingNoise.v1")
def make_spacing_noise_v1(
    level: float = 0.1,
    p: float = 0.02,
    seed: int | None = None,
    kinds: list[str] = [DOUBLE, LINE_BREAK, SPLIT],  # noqa: B006  # it is not changed
) -> "SpacingNoise":
    """Create an augmenter that changes white space.

    level (float): The share of documents that are changed.
    p (float): The probability at each space between words of these, and for "split" in each word.
    seed (int): See TextAugmenter.
    kinds (List[str]): What to choose from, alike. "double": two spaces for one; "line_break": the
        line ends there, never within an entity; "omit": the space is left out, never where an
        entity begins or ends, which would then be within a word; "split": a space within a word,
        which is two tokens then.
    RAISES ValueError: A setting is out of range.
    """
    return SpacingNoise(level, p, seed, kinds=kinds)


class SpacingNoise(TextAugmenter):
    """See make_spacing_noise_v1."""

    def __init__(
        self,
        level: float,
        p: float,
        seed: int | None = None,
        *,
        kinds: list[str] | tuple[str, ...] = (DOUBLE, LINE_BREAK, SPLIT),
    ) -> None:
        super().__init__(level, p, seed)
        self.kinds = read_kinds("kinds", kinds, KINDS)

    def rewrite(self, passage: Passage, chance: Random, nlp: Language) -> Rewriting:
        """See TextAugmenter."""
        found = Rewriting()
        parts = whole_clusters(passage) if SPLIT in self.kinds else []
        edges, within = passage.edges(), passage.gaps_in_spans()
        for token in range(len(passage)):
            kept = [passage.kept(token)]
            if parts and passage.is_solid(token) and chance.random() < self.p:
                kept = self._split(passage, token, *parts[token], chance)
            found.n_edits += len(kept) - 1
            if self._may_change(passage, token) and chance.random() < self.p:
                kinds = self._possible(passage, token + 1, edges, within)
                if kinds:
                    kept = [*kept[:-1], *_changed(kept[-1], chance.choice(kinds))]
                    found.n_edits += 1
            found.tokens += kept
        return found

    @staticmethod
    def _may_change(passage: Passage, token: int) -> bool:
        """Whether there is one space between a word and another one."""
        is_last = token + 1 == len(passage)
        return (
            not is_last
            and passage.spaces[token]
            and passage.is_solid(token)
            and passage.is_solid(token + 1)
        )

    def _possible(
        self, passage: Passage, following: int, edges: set[int], within: set[int]
    ) -> list[str]:
        """What may become of the space before a token."""
        hindered = {SPLIT} | ({LINE_BREAK} if following in within else set())
        before, after = passage.words[following - 1 : following + 1]
        if following in edges or not stay_apart(clusters(before), after=after):
            hindered |= {OMIT}
        return [kind for kind in self.kinds if kind not in hindered]

    @staticmethod
    def _split(
        passage: Passage, token: int, word: list[str], whole: range, chance: Random
    ) -> list[NewToken]:
        """A word as two, or as it is if there is no place for a space."""
        places = range(max(whole.start, 1), min(whole.stop, len(word) - 1) + 1)
        if not places or len(word) < 2:
            return [passage.kept(token)]
        at = chance.choice(places)
        first, second = "".join(word[:at]), "".join(word[at:])
        end = token + 1
        return [
            NewToken(first, True, token, end),
            NewToken(second, passage.spaces[token], token, end),
        ]


def _changed(token: NewToken, kind: str) -> list[NewToken]:
    """A token with another space behind it, which is a token of its own as spaCy has it."""
    if kind == OMIT:
        return [NewToken(token.word, False, token.first, token.end)]
    if kind == DOUBLE:
        return [token, NewToken(" ", False, token.end, token.end)]
    bare = NewToken(token.word, False, token.first, token.end)
    return [bare, NewToken("\n", False, token.end, token.end)]
