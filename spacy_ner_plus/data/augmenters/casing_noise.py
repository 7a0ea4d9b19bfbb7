"""`spacy_ner_plus.CasingNoise.v1`: words in another case."""

from random import Random

from spacy import registry
from spacy.language import Language

from .doc_augmenter import TextAugmenter, read_kinds
from .token_rewriting import Passage, Rewriting

LOWER, UPPER, TITLE, SWAPPED = "lower", "upper", "title", "swapped"
FORMS = (LOWER, UPPER, TITLE, SWAPPED)


@registry.augmenters("spacy_ner_plus.CasingNoise.v1")
def make_casing_noise_v1(
    level: float = 0.1,
    p: float = 0.1,
    seed: int | None = None,
    forms: list[str] = [LOWER, UPPER, TITLE],  # noqa: B006  # it is not changed
) -> "CasingNoise":
    """Create an augmenter that changes the case of words.

    level (float): The share of documents that are changed.
    p (float): The probability for each word of these. With 1 and a single form, whole documents
        are in that case, as headlines are, or what people type in a hurry.
    seed (int): See TextAugmenter.
    forms (List[str]): What to choose from, alike: "lower", "upper", "title" (the first letter is a
        capital), "swapped" (capitals are small letters, and the other way round).
    RAISES ValueError: A setting is out of range.
    """
    return CasingNoise(level, p, seed, forms=forms)


class CasingNoise(TextAugmenter):
    """See make_casing_noise_v1."""

    def __init__(
        self,
        level: float,
        p: float,
        seed: int | None = None,
        *,
        forms: list[str] | tuple[str, ...] = (LOWER, UPPER, TITLE),
    ) -> None:
        super().__init__(level, p, seed)
        self.forms = read_kinds("forms", forms, FORMS)

    def rewrite(self, passage: Passage, chance: Random, nlp: Language) -> Rewriting:
        """See TextAugmenter."""
        found = Rewriting()
        for token, word in enumerate(passage.words):
            made = word
            if chance.random() < self.p:
                made = in_form(word, chance.choice(self.forms))
            found.tokens.append(passage.kept(token, made))
            found.n_edits += made != word
        return found


def in_form(word: str, form: str) -> str:
    """A word in another case. It may have more characters then: "ß" is "SS" in capitals."""
    if form == LOWER:
        return word.lower()
    if form == UPPER:
        return word.upper()
    if form == TITLE:
        return word[:1].title() + word[1:].lower()
    return word.swapcase()
