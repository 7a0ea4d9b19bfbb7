"""`spacy_ner_plus.OcrErrors.v1`: characters that look like others, as scanners read them."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from spacy import registry

from .character_noise import CharacterNoise, Variant
from .graphemes import clusters

_Confusions = dict[str, list[tuple[list[str], list[str]]]]


@registry.augmenters("spacy_ner_plus.OcrErrors.v1")
def make_ocr_errors_v1(
    level: float = 0.1,
    p: float = 0.02,
    seed: int | None = None,
    confusions: Path | None = None,
    spare_digits: bool = False,
) -> "OcrErrors":
    """Create an augmenter that takes characters for others that look alike.

    level (float): The share of documents that are changed.
    p (float): The probability of an error at each place of these where one is possible.
    seed (int): See TextAugmenter.
    confusions (Path): A JSON file: an object with lists of what each string of one or more
        characters may be taken for. None for those of Latin print that come with the package.
    spare_digits (bool): Leave digits as they are, and make none.
    RAISES ValueError: A setting is out of range, or the file holds something else.
    """
    return OcrErrors(level, p, seed, confusions=confusions, spare_digits=spare_digits)


class OcrErrors(CharacterNoise):
    """See make_ocr_errors_v1."""

    def __init__(
        self,
        level: float,
        p: float,
        seed: int | None = None,
        *,
        confusions: Path | None = None,
        spare_digits: bool = False,
    ) -> None:
        super().__init__(level, p, seed, spare_digits=spare_digits)
        self._confusions = read_confusions(confusions)

    def variants(self, word: list[str], at: int, end: int) -> list[list[Variant]]:
        """See CharacterNoise."""
        found: list[Variant] = []
        for taken, others in self._confusions.get(word[at], ()):
            is_there = word[at : at + len(taken)] == taken and at + len(taken) <= end
            if is_there and not (self.spare_digits and any(map(str.isdigit, taken + others))):
                found.append((len(taken), others))
        return [found]


def read_confusions(path: Path | None) -> _Confusions:
    """What may be taken for what, in clusters, by the first one.

    RAISES ValueError: The file is not there, or holds something else.
    """
    try:
        own = files(__package__) / "ocr_confusions.json"
        text = own.read_text("utf8") if path is None else Path(path).read_text("utf8")
        value: Any = json.loads(text)
    except (OSError, ValueError) as error:
        raise ValueError(f"confusions = {path}: this can't be read: {error}.") from error
    if not isinstance(value, dict) or not all(map(_is_sound, value.keys(), value.values())):
        raise ValueError(
            f"confusions = {path}: it must be an object with a list of strings for each string, "
            "none of them empty or with white space."
        )
    found: _Confusions = {}
    for taken, others in value.items():
        key = clusters(taken)
        found.setdefault(key[0], []).extend((key, clusters(other)) for other in others)
    return found


def _is_sound(taken: str, others: Any) -> bool:
    return isinstance(others, list) and all(
        isinstance(one, str) and one != "" and not any(map(str.isspace, one))
        for one in (taken, *others)
    )
