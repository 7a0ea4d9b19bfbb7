"""Numbers with a check of themselves: known ones, and each with one digit changed."""

import pytest

from spacy_ner_plus.support.checksums import CHECKSUMS, is_iban, is_isbn, is_luhn

CARDS = ["4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009", "79927398713"]
# from the registry of ISO 13616
IBANS = [
    "DE89 3704 0044 0532 0130 00",
    "GB29NWBK60161331926819",
    "NO93 8601 1117 947",
    "mt84malt011000012345mtlcast001s",
]
BOOKS = ["0-306-40615-2", "978-0-306-40615-7", "080442957X", "ISBN 978 3 16 148410 0"]


@pytest.mark.parametrize(
    ("name", "number"),
    [("luhn", one) for one in CARDS]
    + [("iban", one) for one in IBANS]
    + [("isbn", one) for one in BOOKS],
)
def test_right_number_is_right_and_each_other_digit_makes_it_wrong(name: str, number: str) -> None:
    check = CHECKSUMS[name]
    assert check(number)
    for i, char in enumerate(number):
        if char.isdigit():
            changed = number[:i] + str((int(char) + 1) % 10) + number[i + 1 :]
            assert not check(changed), changed


@pytest.mark.parametrize("text", ["", "0", "abc", "4111 1111 1111 111a", "٤١١١", "4111\n.11"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert not is_luhn(text)
    assert not is_iban(text)
    assert not is_isbn(text)
