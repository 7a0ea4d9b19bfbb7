"""`spacy_ner_plus.DiacriticsNoise.v1`: letters without their accents, or written in other ways."""

import unicodedata

from spacy import registry

from .character_noise import CharacterNoise, Variant
from .doc_augmenter import read_kinds

STRIP, TRANSCRIBE, DECOMPOSE = "strip", "transcribe", "decompose"
KINDS = (STRIP, TRANSCRIBE, DECOMPOSE)
# Elsewhere marks are vowels, and words without them are others.
_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")
# Letters that Unicode does not take apart.
_BARE = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe",  # noqa: RUF001
         "ð": "d", "þ": "th"}  # fmt: skip
_TRANSCRIBED = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae",
                "œ": "oe", "þ": "th", "ð": "dh"}  # fmt: skip


@registry.augmenters("spacy_ner_plus.DiacriticsNoise.v1")
def make_diacritics_noise_v1(
    level: float = 0.1,
    p: float = 0.5,
    seed: int | None = None,
    kinds: list[str] = [STRIP],  # noqa: B006  # it is not changed
) -> "DiacriticsNoise":
    """Create an augmenter that takes accents off letters. Text without accents stays as it is.

    level (float): The share of documents that are changed.
    p (float): The probability for each letter of these that has an accent.
    seed (int): See TextAugmenter.
    kinds (List[str]): What to choose from, alike. "strip": "é" becomes "e", and "ø" "o", in Latin,
        Greek and Cyrillic script; "transcribe": "ö" becomes "oe", and so on, as in German and the
        languages of the north; "decompose": it looks the same, but its accents are characters of
        their own, as in names of files that come from a Mac.
    RAISES ValueError: A setting is out of range.
    """
    return DiacriticsNoise(level, p, seed, kinds=kinds)


class DiacriticsNoise(CharacterNoise):
    """See make_diacritics_noise_v1."""

    def __init__(
        self,
        level: float,
        p: float,
        seed: int | None = None,
        *,
        kinds: list[str] | tuple[str, ...] = (STRIP,),
    ) -> None:
        super().__init__(level, p, seed, spare_digits=True)
        self.kinds = read_kinds("kinds", kinds, KINDS)
        self._ways = [{STRIP: bare, TRANSCRIBE: transcribed, DECOMPOSE: decomposed}[kind]
                      for kind in self.kinds]  # fmt: skip

    def variants(self, word: list[str], at: int, end: int) -> list[list[Variant]]:
        """See CharacterNoise. Each kind is one."""
        char = word[at]
        if char.isascii():
            return []
        made = [way(char) for way in self._ways]
        return [[(1, [other])] for other in made if other not in ("", char)]


def bare(char: str) -> str:
    """A letter without accents; others as they are."""
    parts = unicodedata.normalize("NFD", char)
    if not unicodedata.name(parts[0], "").startswith(_SCRIPTS):
        return char
    letters = "".join(part for part in parts if not unicodedata.combining(part))
    return _in_case(_BARE, unicodedata.normalize("NFC", letters))


def transcribed(char: str) -> str:
    """A letter as it is written where there is none such; others as they are."""
    return _in_case(_TRANSCRIBED, unicodedata.normalize("NFC", char))


def decomposed(char: str) -> str:
    """A letter with its accents as characters of their own."""
    return unicodedata.normalize("NFD", char)


def _in_case(table: dict[str, str], char: str) -> str:
    if char.lower() not in table or char == "":
        return char
    other = table[char.lower()]
    return other if char.islower() else other.capitalize()
