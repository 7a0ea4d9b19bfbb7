"""`spacy_ner_plus.KeyboardTypos.v1`: keys that are hit by mistake, or not at all."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from spacy import registry

from .character_noise import CharacterNoise, Variant
from .doc_augmenter import read_kinds

REPLACE, INSERT, OMIT, SWAP = "replace", "insert", "omit", "swap"
KINDS = (REPLACE, INSERT, OMIT, SWAP)
_REACH = 1.3  # keys whose middles are at most that far apart, in widths of a key, are neighbours


@registry.augmenters("spacy_ner_plus.KeyboardTypos.v1")
def make_keyboard_typos_v1(
    level: float = 0.1,
    p: float = 0.02,
    seed: int | None = None,
    layout: str | Path = "qwerty",
    kinds: list[str] = list(KINDS),  # noqa: B006  # it is not changed
    spare_digits: bool = True,
) -> "KeyboardTypos":
    """Create an augmenter that makes typing errors within words.

    level (float): The share of documents that are changed.
    p (float): The probability of an error at each letter of these.
    seed (int): See TextAugmenter.
    layout (str / Path): "qwerty", "qwertz", "azerty", "nordic" or "jcuken", or a JSON file with
        `rows`, the keys of each row as a string, and `offsets`, where each row begins, in widths of
        a key. A key stands for the letter in both cases.
    kinds (List[str]): The errors to choose from, alike. "replace": the key beside is hit instead;
        "insert": as well, before or after; "omit": a letter is left out; "swap": it comes after the
        one behind it. Letters that no key has are left out or swapped.
    spare_digits (bool): Leave digits as they are. Else they become other digits.
    RAISES ValueError: A setting is out of range, or there is no such layout.
    """
    return KeyboardTypos(level, p, seed, layout=layout, kinds=kinds, spare_digits=spare_digits)


class KeyboardTypos(CharacterNoise):
    """See make_keyboard_typos_v1."""

    def __init__(
        self,
        level: float,
        p: float,
        seed: int | None = None,
        *,
        layout: str | Path = "qwerty",
        kinds: list[str] | tuple[str, ...] = KINDS,
        spare_digits: bool = True,
    ) -> None:
        super().__init__(level, p, seed, spare_digits=spare_digits)
        self.kinds = read_kinds("kinds", kinds, KINDS)
        self._neighbours = neighbours(read_layout(layout))

    def variants(self, word: list[str], at: int, end: int) -> list[list[Variant]]:
        """See CharacterNoise. Each kind is one."""
        char = word[at]
        if not char[0].isalnum():
            return []
        beside = self._beside(char)
        found: dict[str, list[Variant]] = {
            REPLACE: [(1, [key]) for key in beside],
            INSERT: [(1, pair) for key in beside for pair in ([char, key], [key, char])],
            OMIT: [(1, [])],
            SWAP: [],
        }
        if at + 1 < end and self._may_swap(char, word[at + 1]):
            found[SWAP] = [(2, [word[at + 1], char])]
        return [found[kind] for kind in self.kinds]

    def _beside(self, char: str) -> list[str]:
        """The neighbours of a key, in the case of its letter."""
        found = self._neighbours.get(char.lower(), [])
        return [key.upper() for key in found] if char.isupper() else found

    def _may_swap(self, one: str, other: str) -> bool:
        if one == other or not other[0].isalnum():
            return False
        return not (self.spare_digits and other.isdigit())


def read_layout(layout: str | Path) -> list[tuple[str, float]]:
    """The rows of a keyboard with where they begin, in widths of a key.

    RAISES ValueError: There is no such layout, or the file holds something else.
    """
    known = json.loads((files(__package__) / "keyboard_layouts.json").read_text(encoding="utf8"))
    value: Any = known.get(str(layout))
    if value is None:
        path = Path(layout)
        if not path.is_file():
            raise ValueError(
                f"layout = {str(layout)!r} is none of {', '.join(known)}, and no file either."
            )
        try:
            value = json.loads(path.read_text(encoding="utf8"))
        except ValueError as error:
            raise ValueError(f"layout = {layout}: this is no JSON: {error}.") from error
    try:
        rows = [(str(row).lower(), float(offset)) for row, offset
                in zip(value["rows"], value["offsets"], strict=True)]  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"layout = {layout}: it must be an object with `rows`, a string for each, and as many "
            "`offsets`, numbers."
        ) from error
    return rows


def neighbours(rows: list[tuple[str, float]]) -> dict[str, list[str]]:
    """The keys beside each: letters beside letters, digits beside digits."""
    places = {
        key: (offset + column, float(row))
        for row, (keys, offset) in enumerate(rows)
        for column, key in enumerate(keys)
        if key.isalnum()
    }
    return {
        key: [
            other
            for other, (its_x, its_y) in places.items()
            if other != key
            and other.isdigit() == key.isdigit()
            and (its_x - x) ** 2 + (its_y - y) ** 2 <= _REACH**2
        ]
        for key, (x, y) in places.items()
    }
