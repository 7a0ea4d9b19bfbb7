"""Numbers that carry a check of themselves: of cards, bank accounts and books."""

import re
from collections.abc import Callable

# What people write between the groups of such numbers.
_SEPARATORS = re.compile(r"[\s\-\u2010\u2011\u2013]+")


def is_luhn(text: str) -> bool:
    """Whether a number, as of payment cards, has the right last digit: ISO/IEC 7812-1, annex B."""
    digits = _SEPARATORS.sub("", text)
    if not re.fullmatch("[0-9]{2,}", digits):
        return False
    total = 0
    for i, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + i % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Whether a bank account's number has the right check digits: ISO 13616, ISO 7064 MOD 97-10.

    The length that each country has is not looked at.
    """
    number = _SEPARATORS.sub("", text).upper()
    if not re.fullmatch("[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", number):
        return False
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


def is_isbn(text: str) -> bool:
    """Whether a book's number has the right last digit: ISO 2108, of ten or of thirteen digits."""
    number = re.sub(r"(?i)^ISBN(-1[03])?:?", "", _SEPARATORS.sub("", text)).upper()
    if re.fullmatch("[0-9]{9}[0-9X]", number):
        values = [10 if char == "X" else int(char) for char in number]
        return sum((10 - i) * value for i, value in enumerate(values)) % 11 == 0
    if re.fullmatch("97[89][0-9]{10}", number):
        return sum(int(digit) * (1 + 2 * (i % 2)) for i, digit in enumerate(number)) % 10 == 0
    return False


CHECKSUMS: dict[str, Callable[[str], bool]] = {"iban": is_iban, "isbn": is_isbn, "luhn": is_luhn}
