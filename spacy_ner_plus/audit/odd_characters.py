"""Characters in a text that tokenizers trip over, or that nobody sees."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

ZERO_WIDTH, SOFT_HYPHEN, BOM = "zero-width", "soft hyphen", "byte order mark"
DIRECTION, CONTROL, PRIVATE = "direction mark", "control", "private use"
REPLACEMENT, BLANK, NOT_NFC = "replacement", "unusual blank", "not NFC"
MIXED = "mixed scripts"

# Joiners (U+200C, U+200D) are not among them: some scripts and emoji need those within words.
_KINDS = {
    ZERO_WIDTH: "\u200b\u2060-\u2064\u180e",
    SOFT_HYPHEN: "\u00ad",
    BOM: "\ufeff",
    DIRECTION: "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069",
    CONTROL: "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f",
    PRIVATE: "\ue000-\uf8ff\U000f0000-\U0010ffff",
    REPLACEMENT: "\ufffd",
    BLANK: "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u2028\u2029",
}
_ODD = re.compile("|".join(f"([{chars}])" for chars in _KINDS.values()))
_ODD_RUN = re.compile(f"[{''.join(_KINDS.values())}]")
_NAMES = tuple(_KINDS)
_NOT_ASCII_WORD = re.compile(r"[^\W\d_]*[^\W\d_\x00-\x7f][^\W\d_]*")
# Greek is written within Latin words for what it is (TGF\u03b2); these letters only look Latin.
_GREEK_LIKE_LATIN = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρ")  # noqa: RUF001

Found = tuple[str, int, int]
"""Kind, first character, end character (exclusive)."""


def odd_characters(text: str) -> Iterator[Found]:
    """What is odd in a text, from left to right for each kind of check."""
    if text.isascii() and text.isprintable():
        return
    if _ODD_RUN.search(text):
        for match in _ODD.finditer(text):
            assert match.lastindex is not None
            yield _NAMES[match.lastindex - 1], match.start(), match.end()
    if text.isascii():
        return
    is_nfc = unicodedata.is_normalized("NFC", text)
    for word in re.finditer(r"\S+", text):
        if not is_nfc and not unicodedata.is_normalized("NFC", word[0]):
            yield NOT_NFC, word.start(), word.end()
    for word in _NOT_ASCII_WORD.finditer(text):
        if has_mixed_scripts(word[0]):
            yield MIXED, word.start(), word.end()


def has_mixed_scripts(word: str) -> bool:
    """Whether a word has letters that look like those of its other letters' script, but are not."""
    scripts = {_script(char) for char in word if char.isalpha()}
    if len(scripts) < 2:
        return False
    if "CYRILLIC" in scripts:
        return bool(scripts & {"LATIN", "GREEK"})
    return "LATIN" in scripts and any(char in _GREEK_LIKE_LATIN for char in word)


@cache
def _script(char: str) -> str:
    """By the first word of its name, which is the script's for letters of the three."""
    return unicodedata.name(char, "").partition(" ")[0]


def character_name(char: str) -> str:
    """A character with its code and name, as people look it up."""
    name = unicodedata.name(char, "")
    code = f"U+{ord(char):04X}"
    if not char.isprintable() or char.isspace() or unicodedata.combining(char):
        return f"{code} {name}".strip()
    return f"{char} ({code} {name})" if name else f"{char} ({code})"
