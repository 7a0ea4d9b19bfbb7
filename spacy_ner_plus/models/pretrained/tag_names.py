"""The tags of a fine-tuned token-classification checkpoint, read from its `id2label`.

Beside them, it is found which row of its classifier each tag of ours takes.

Understood are IO, IOB1, BIO and BILOU (also called BIOES or BMES) tags, in any order. What could
mean several things is refused: a wrong guess would give wrong entities without a word.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ...tags import TagScheme

OUTSIDE = ("O", "")
NO_ROW = -1
# A tag that the checkpoint has no row for, and an entity that begins right after one of its label
# where the checkpoint can't tell, are e**20 times less probable than what they compete with.
# Training can change that.
IMPROBABLE = -20.0

# Position letters, with the other names under which they are found.
_POSITIONS = {"B": "B", "I": "I", "M": "I", "L": "L", "E": "L", "U": "U", "S": "U", "W": "U"}
_LETTERS = "".join(_POSITIONS)
_USUAL = re.compile(f"(?P<position>[{_LETTERS}])-(?P<label>.*)", re.DOTALL)
_UNUSUAL = (
    re.compile(f"(?P<position>[{_LETTERS.lower()}])-(?P<label>.+)", re.DOTALL),
    re.compile(f"(?P<position>[{_LETTERS}])_(?P<label>.+)", re.DOTALL),
    re.compile(f"(?P<label>.+)-(?P<position>[{_LETTERS}])", re.DOTALL),
    re.compile(f"(?P<label>.+)_(?P<position>[{_LETTERS}])", re.DOTALL),
)
_BLANKS = re.compile(r"\s*([-_])\s*")
_UNNAMED = re.compile(r"LABEL_\d+")
# What some training scripts add for special and further pieces of a word: no token gets them.
_SPECIAL = re.compile(r"\[.*\]|<.*>", re.DOTALL)
_FILLERS = ("X", "PAD")
# Which of the checkpoint's rows a tag with each prefix takes.
_SOURCES = {
    "IO": dict.fromkeys("BILU", "I"),
    "IOB1": dict.fromkeys("BILU", "I"),
    "BIO": {"B": "B", "I": "I", "L": "I", "U": "B"},
    "BILOU": {"B": "B", "I": "I", "L": "L", "U": "U"},
}
_ADVICE = (
    'Rename the tags in "id2label" (and "label2id") of its config.json to O, B-X and I-X (or to '
    "another scheme of IO, BIO, BILOU and BIOES), or give the labels of your own data in "
    "[initialize.components], which takes the encoder alone and trains a new head."
)


class TagNamesError(ValueError):
    """A checkpoint's tag names that can't be understood."""


@dataclass(frozen=True)
class CheckpointTags:
    """What the rows of a checkpoint's classifier mean.

    labels: Entity types, in the order in which they appear first.
    scheme: "IO", "IOB1", "BIO" or "BILOU".
    rows: Row by position ("B", "I", "L" or "U") and label, and that of OUTSIDE.
    unused: Names whose rows are not used.
    """

    labels: tuple[str, ...]
    scheme: str
    rows: Mapping[tuple[str, str], int]
    unused: tuple[str, ...] = ()

    @property
    def separates(self) -> bool:
        """Whether the tags tell two adjacent entities of a label from a longer one."""
        return self.scheme in ("BIO", "BILOU")

    def head_rows(self, scheme: TagScheme) -> np.ndarray:
        """The classifier's row for each tag of a scheme over the same labels.

        Every valid sequence of the scheme gets the score of the checkpoint's own tags for the same
        entities, so the most probable entities and their probabilities are those of the checkpoint,
        restricted to valid sequences.

        RETURNS (np.ndarray): (n_tags,) int64; NO_ROW for tags that the checkpoint does not have.
        RAISES ValueError: If the scheme can't say what the checkpoint's tags say.
        """
        if self.scheme == "BILOU" and scheme.name == "BIO":
            raise ValueError(
                "The checkpoint has tags for the last token of an entity (BILOU or BIOES), which "
                'tag_scheme = "BIO" has not: set tag_scheme = "BILOU".'
            )
        sources = _SOURCES[self.scheme]
        keys = [(sources[prefix], label) for label in scheme.labels for prefix in scheme.prefixes]
        return np.array([self.rows.get(key, NO_ROW) for key in [OUTSIDE, *keys]], dtype=np.int64)


def adjacent(scheme: TagScheme) -> np.ndarray:
    """The transitions that begin an entity right after one with the same label: bool, [from, to].

    RETURNS (np.ndarray): (n_tags, n_tags)
    """
    label_of = (np.arange(scheme.n_tags) - 1) // len(scheme.prefixes)  # -1 for O
    same = (label_of[:, None] == label_of) & (label_of >= 0)
    within: np.ndarray = same & scheme.starts & scheme.transitions
    return within


def parse_id2label(id2label: Mapping[int, str]) -> CheckpointTags:
    """Read the tags of a checkpoint.

    A label may hold hyphens and underscores. Names in square or angle brackets ("[CLS]", "<pad>"),
    and "X" and "PAD" beside tags with a position, are not used.

    id2label (Mapping[int, str]): Name by row.
    RAISES TagNamesError: If there is more than one way to read them, or none; says what was found
        and what to do.
    """
    _check_names(id2label)
    outside = [row for row, name in id2label.items() if name in ("O", "o")]
    if len(outside) != 1:
        raise _refuse("has no tag O" if not outside else "has both O and o", id2label.values())
    named = {
        name: row
        for row, name in sorted(id2label.items())
        if row != outside[0] and not _SPECIAL.fullmatch(name)
    }
    tags = _split_tags(list(named))
    rows = {OUTSIDE: outside[0]} | {tag: named[name] for name, tag in tags.items()}
    labels = tuple(dict.fromkeys(label for _, label in tags.values()))
    if not all(labels):
        raise _refuse("has tags without a label", id2label.values())
    _check_labels(labels, id2label.values())
    if not labels:
        raise _refuse("has no tags of entities", id2label.values())
    scheme = _find_scheme(labels, set(tags.values()), id2label.values())
    if scheme == "IOB1":
        rows = {tag: row for tag, row in rows.items() if tag[0] != "B"}
    used = set(rows.values())
    unused = tuple(name for row, name in sorted(id2label.items()) if row not in used)
    return CheckpointTags(labels, scheme, rows, unused)


def _check_names(id2label: Mapping[int, str]) -> None:
    names = list(id2label.values())
    if sorted(id2label) != list(range(len(names))):
        raise _refuse(f"numbers its tags {sorted(id2label)}, not from 0 without gaps", names)
    if not all(isinstance(name, str) and name for name in names):
        raise _refuse("has tags without a name", names)
    if any(name != name.strip() for name in names):
        raise _refuse("has names of tags that begin or end with white space", names)
    if len(set(names)) != len(names):
        raise _refuse("gives a name to several tags", names)
    if any(_UNNAMED.fullmatch(name) for name in names):
        raise TagNamesError(
            f'The checkpoint does not say what its tags mean: "id2label" of its config.json has '
            f"{_some(names)}. Write the tags there that it was trained with, in the same order, "
            'such as {"0": "O", "1": "B-PER", "2": "I-PER"}, or give the labels of your own data '
            "in [initialize.components], which takes the encoder alone and trains a new head."
        )


def _check_labels(labels: tuple[str, ...], names: Iterable[str]) -> None:
    if any(label != label.strip() for label in labels):
        raise _refuse("has labels that begin or end with white space", names)
    if len({label.casefold() for label in labels}) != len(labels):
        raise _refuse("has labels that differ in capitals only", names)


def _split_tags(names: list[str]) -> dict[str, tuple[str, str]]:
    """Position and label by name, without fillers."""
    tags = [name for name in names if name not in _FILLERS]
    if not tags:
        tags = names  # a label may be called X
    usual = _split_by(_USUAL, tags)  # "B-x_I" is what everybody means by it
    if usual:
        return usual
    found = [split for form in _UNUSUAL if (split := _split_by(form, tags))]
    # less usual forms must leave no doubt
    if len(found) == 1 and {"B", "I"} <= {position for position, _ in found[0].values()}:
        return found[0]
    closed = [_BLANKS.sub(r"\1", name) for name in tags]  # "PER - B" is no label either
    if not any(form.fullmatch(name) for name in closed for form in (_USUAL, *_UNUSUAL)):
        return {name: ("I", name) for name in names}
    raise _refuse("has tags that can be read in several ways", names)


def _split_by(form: re.Pattern[str], names: list[str]) -> dict[str, tuple[str, str]]:
    """All names by one form, or nothing."""
    matches = {name: form.fullmatch(name) for name in names}
    found = {
        name: (match["position"].upper(), match["label"])
        for name, match in matches.items()
        if match is not None and all(matches.values())
    }
    letters = {letter for letter, _ in found.values()}
    if len({_POSITIONS[letter] for letter in letters}) != len(letters):
        raise _refuse("mixes tags of several schemes", names)
    return {name: (_POSITIONS[letter], label) for name, (letter, label) in found.items()}


def _find_scheme(labels: tuple[str, ...], tags: set[tuple[str, str]], names: Iterable[str]) -> str:
    """The scheme that a corpus with these tags was annotated in."""
    positions = {label: {p for p, other in tags if other == label} for label in labels}
    present = set().union(*positions.values())
    if present == {"I"}:
        return "IO"
    if present <= {"B", "I"}:
        # in BIO every entity begins with B; in IOB1 only those right after one of their label do
        if all("B" in own for own in positions.values()):
            return "BIO"
        if all("I" in own for own in positions.values()):
            return "IOB1"
        raise _refuse("has labels without B, and others without I", names)
    if present in ({"B", "L", "U"}, {"B", "I", "L", "U"}):
        for label, own in positions.items():
            if own - {"U"} not in (set(), {"B", "L"}, {"B", "I", "L"}):
                raise _refuse(f"has an incomplete set of tags for {label!r}", names)
        return "BILOU"
    raise _refuse("has tags of no scheme that is known", names)


def _refuse(problem: str, names: Iterable[object]) -> TagNamesError:
    return TagNamesError(f"The checkpoint {problem}: {_some(names)}. {_ADVICE}")


def _some(names: Iterable[object], n: int = 12) -> str:
    shown = [repr(name) for name in names]
    return ", ".join(shown[:n]) + (f", ... ({len(shown)} in all)" if len(shown) > n else "")
