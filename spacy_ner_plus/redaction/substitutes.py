"""What stands in the place of a name: a mask, its label, or a keyed hash."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from .folded_words import folded_name
from .secret_key import check_key, keyed_digest

MASK, LABEL, HASH, SURROGATE = METHODS = ("mask", "label", "hash", "surrogate")
BLOCK = "█"
# Of 16 digits, 64 bits: of a billion names, two have the same one with a probability of 3 %.
MIN_DIGITS, MAX_DIGITS, DIGITS = 8, 64, 16


class Substitute(NamedTuple):
    """What stands in the place of a name.

    text (str): It, with one character at least.
    without_surrogate (bool): Whether it is of another form, as there was no other name.
    """

    text: str
    without_surrogate: bool = False


class Substitutes(Protocol):
    """Knows what stands in the place of names."""

    def of(self, name: str, label: str) -> Substitute:
        """What stands in the place of a name. The same each time."""


@dataclass(frozen=True)
class Masks:
    """The same character over and over.

    char (str): The character: no letter, digit or white space.
    length (Optional[int]): How often; None for the name's length, with which offsets stay as they
        are.
    RAISES ValueError: The character is none, or the length less than 1.
    """

    char: str = BLOCK
    length: int | None = None

    def __post_init__(self) -> None:
        is_mark = len(self.char) == 1 and not self.char.isalnum() and self.char.isprintable()
        if not is_mark or self.char.isspace():
            raise ValueError(
                f"mask_char = {self.char!r} must be one character that is no letter, digit or "
                f"white space, such as * or {BLOCK}."
            )
        if self.length is not None and self.length < 1:
            raise ValueError(f"mask_length = {self.length} must be at least 1.")

    def of(self, name: str, label: str) -> Substitute:
        """See Substitutes.of."""
        return Substitute(self.char * (len(name) if self.length is None else self.length))


@dataclass(frozen=True)
class Labels:
    """The label in brackets: [PERSON]."""

    def of(self, name: str, label: str) -> Substitute:
        """See Substitutes.of."""
        return Substitute(f"[{label}]")


@dataclass(frozen=True)
class KeyedHashes:
    """The label and a hash of the folded name: [PERSON_1f0b...].

    It is HMAC-SHA-256. A name has the same hash wherever it stands, and nobody without the key can
    find the name by trying out names, as with a bare hash.

    key (bytes): The secret key.
    digits (int): Hexadecimal ones, from 8 to 64.
    RAISES ValueError: The key is too short, or the digits are too few or too many.
    """

    key: bytes
    digits: int = DIGITS

    def __post_init__(self) -> None:
        check_key(self.key)
        if not MIN_DIGITS <= self.digits <= MAX_DIGITS:
            raise ValueError(
                f"hash_digits = {self.digits} must be from {MIN_DIGITS} to {MAX_DIGITS}: with "
                "fewer, two names soon have the same hash, and there are no more."
            )

    def __repr__(self) -> str:
        return f"KeyedHashes(digits={self.digits})"

    def of(self, name: str, label: str) -> Substitute:
        """See Substitutes.of."""
        digest = keyed_digest(self.key, HASH, label, folded_name(name)).hex()
        return Substitute(f"[{label}_{digest[: self.digits]}]")
