"""Another name of the same type in the place of each name, the same wherever it stands."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..data.augmenters.casing_noise import LOWER, TITLE, UPPER, in_form
from ..data.augmenters.mention_lists import MentionLists
from .folded_words import folded_name
from .secret_key import check_key, keyed_digest
from .substitutes import SURROGATE, Labels, Substitute


class Surrogates:
    """Other names of the same type.

    Which one a name gets is told by a keyed hash of it, so that no table is needed: it is the same
    in all documents and all runs with the same key and the same names to choose from. Two names may
    get the same one. A name without another of its type gets its label in brackets.

    key (bytes): The secret key.
    names (Mapping[str, Sequence[str]]): Those to choose from, by label.
    RAISES ValueError: The key is too short, or there are no names.
    """

    def __init__(self, key: bytes, names: Mapping[str, Sequence[str]]) -> None:
        self._key = check_key(key)
        self._names = {label: _different(its) for label, its in names.items()}
        if not any(self._names.values()):
            raise ValueError("There are no names to choose surrogates from.")

    @classmethod
    def read(
        cls, key: bytes, phrases: str | Path | None = None, data: str | Path | None = None
    ) -> "Surrogates":
        """With names of a list of phrases, of the entities of annotated data, or of both.

        phrases (Union[str, Path]): .csv, .tsv or .jsonl, with `phrase` and `label`.
        data (Union[str, Path]): A .spacy file, or a folder of such.
        RAISES ValueError: Neither is given, or one can't be read, or there are no names in them.
        """
        if phrases is None and data is None:
            raise ValueError(
                "There are no names to choose surrogates from: give --phrases, a list with "
                "`phrase` and `label`, or --names-of, a .spacy file with annotated texts."
            )
        lists = MentionLists(
            None if data is None else Path(data), None if phrases is None else Path(phrases)
        )
        names = {
            label: [mention.text for mention in mentions]
            for label, mentions in lists.by_label.items()
        }
        return cls(key, names)

    @property
    def labels(self) -> frozenset[str]:
        """The types that have names to choose from."""
        return frozenset(label for label, names in self._names.items() if names)

    def of(self, name: str, label: str) -> Substitute:
        """See Substitutes.of. The case form is the name's."""
        names, own = self._names.get(label, []), folded_name(name)
        if not names or names == [(own, names[0][1])]:
            return Substitute(Labels().of(name, label).text, without_surrogate=True)
        number = int.from_bytes(keyed_digest(self._key, SURROGATE, label, own))
        chosen = number % len(names)
        if names[chosen][0] == own:  # the one behind it, or any other with the same chance
            chosen = (chosen + 1 + number // len(names) % (len(names) - 1)) % len(names)
        return Substitute(as_cased(names[chosen][1], name))


def as_cased(name: str, model: str) -> str:
    """A name in the case form of another.

    All capitals and all small letters are that; each word with a capital is so where the name
    itself is in one of these. Anything else, such as "van Gogh" or "iPhone", leaves the name as it
    is.
    """
    if sum(char.isupper() for char in model) > 1 and model.isupper():
        return in_form(name, UPPER)
    if model.islower():
        return in_form(name, LOWER)
    if model.istitle() and (name.islower() or name.isupper()):
        return " ".join(in_form(word, TITLE) for word in name.split(" "))
    return name


def _different(names: Sequence[str]) -> list[tuple[str, str]]:
    """Folded and as they are, each folded form once, in an order that is not that of the file."""
    found: dict[str, str] = {}
    for name in sorted(names):
        plain = " ".join(name.split())
        if folded := folded_name(plain):
            found.setdefault(folded, plain)
    return sorted(found.items())
