"""`spacy_ner_plus.PunctuationNoise.v1`: marks that are missing, too many, or of another form."""

import unicodedata
from random import Random

from spacy import registry
from spacy.language import Language

from .doc_augmenter import TextAugmenter, read_kinds
from .token_rewriting import NewToken, Passage, Rewriting

OMIT, INSERT, VARIANT = "omit", "insert", "variant"
KINDS = (OMIT, INSERT, VARIANT)
_INSERTED = (",", ".", ";", "-")
# What typewriters, phones and word processors write for each other.
_FORMS = ("'‘’`´", '"“”„«»', "-‐–—−")  # noqa: RUF001
_VARIANTS = {char: forms.replace(char, "") for forms in _FORMS for char in forms}


@registry.augmenters("spacy_ner_plus.PunctuationNoise.v1")
def make_punctuation_noise_v1(
    level: float = 0.1,
    p: float = 0.05,
    seed: int | None = None,
    kinds: list[str] = list(KINDS),  # noqa: B006  # it is not changed
) -> "PunctuationNoise":
    """Create an augmenter that changes punctuation.

    level (float): The share of documents that are changed.
    p (float): The probability for each mark of these, and for "insert" behind each word.
    seed (int): See TextAugmenter.
    kinds (List[str]): What may happen. "omit": a mark that is a token is left out, if no entity
        begins or ends with it, and there is a space on one side of it; "insert": a comma or the
        like, behind a word that a space follows, and never within an entity; "variant": quotes and
        hyphens of another form, also within words.
    RAISES ValueError: A setting is out of range.
    """
    return PunctuationNoise(level, p, seed, kinds=kinds)


class PunctuationNoise(TextAugmenter):
    """See make_punctuation_noise_v1."""

    def __init__(
        self,
        level: float,
        p: float,
        seed: int | None = None,
        *,
        kinds: list[str] | tuple[str, ...] = KINDS,
    ) -> None:
        super().__init__(level, p, seed)
        self.kinds = read_kinds("kinds", kinds, KINDS)

    def rewrite(self, passage: Passage, chance: Random, nlp: Language) -> Rewriting:
        """See TextAugmenter."""
        found = Rewriting()
        fixed = {token for start, end, _ in passage.spans for token in (start, end - 1)}
        within = passage.gaps_in_spans()
        for token, word in enumerate(passage.words):
            if self._is_omitted(passage, token, fixed, found.tokens, chance):
                found.n_edits += 1
                if passage.spaces[token] and found.tokens:
                    last = found.tokens.pop()
                    found.tokens.append(NewToken(last.word, True, last.first, last.end))
                continue
            made = self._with_variants(word, chance)
            found.n_edits += sum(a != b for a, b in zip(made, word, strict=True))
            kept = passage.kept(token, made)
            if self._is_inserted(passage, token, within, chance):
                bare = NewToken(kept.word, False, kept.first, kept.end)
                mark = NewToken(chance.choice(_INSERTED), True, token + 1, token + 1)
                found.tokens += [bare, mark]
                found.n_edits += 1
            else:
                found.tokens.append(kept)
        return found

    def _is_omitted(
        self,
        passage: Passage,
        token: int,
        fixed: set[int],
        before: list[NewToken],
        chance: Random,
    ) -> bool:
        if OMIT not in self.kinds or token in fixed or not is_mark(passage.words[token]):
            return False
        is_last = token + 1 == len(passage)
        is_apart = is_last or not before or before[-1].has_space or passage.spaces[token]
        is_only = is_last and not before
        return is_apart and not is_only and chance.random() < self.p

    def _is_inserted(self, passage: Passage, token: int, within: set[int], chance: Random) -> bool:
        if INSERT not in self.kinds or not passage.spaces[token] or token + 1 in within:
            return False
        return passage.words[token][-1].isalnum() and chance.random() < self.p

    def _with_variants(self, word: str, chance: Random) -> str:
        if VARIANT not in self.kinds or not any(char in _VARIANTS for char in word):
            return word
        return "".join(
            chance.choice(_VARIANTS[char]) if char in _VARIANTS and chance.random() < self.p
            else char for char in word
        )  # fmt: skip


def is_mark(word: str) -> bool:
    """Whether a token is punctuation alone."""
    return all(unicodedata.category(char).startswith("P") for char in word)
