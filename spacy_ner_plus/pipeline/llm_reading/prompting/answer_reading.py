"""What an answer says, however it is written."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ....records import Stretch, tidy_label
from ..grounding.mentions import Mention
from .prompt_writing import ENTITIES
from .tolerant_json import CUT, PlacedObject, read_json

EMPTY_ANSWER, NO_JSON, MALFORMED, OTHER_LABEL = "empty", "no_json", "malformed", "other_label"
FAULTS = {
    EMPTY_ANSWER: "answers with nothing in them",
    NO_JSON: "answers that are no JSON, such as refusals in words",
    CUT: "answers that end in the middle",
    "broken": "answers that are JSON up to a place only",
    MALFORMED: "entities without a text or label",
    OTHER_LABEL: "entities of types that were not asked for",
}
"""What may be wrong with answers, and what is counted."""
UNUSABLE = frozenset({EMPTY_ANSWER, NO_JSON})

# Other names that models give to the two keys.
_TEXT_KEYS = ("text", "entity", "mention", "name", "span")
_LABEL_KEYS = ("label", "type", "entity_type", "category")
_THINKING = "</think>"
_MAX_STARTS = 20  # places where JSON might begin that are tried
_MAX_NAMES = 100  # labels that were not asked for, by name


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What an answer says.

    mentions (Tuple[Mention, ...]): Of the labels that were asked for, in order.
    places (Tuple[Stretch | None, ...]): Where in the answer each is, if it is an object there.
    faults (Counter[str]): How often each of FAULTS.
    other_labels (Counter[str]): Those that were not asked for.
    """

    mentions: tuple[Mention, ...] = ()
    places: tuple[Stretch | None, ...] = ()
    faults: Counter[str] = field(default_factory=Counter)
    other_labels: Counter[str] = field(default_factory=Counter)

    @property
    def is_whole(self) -> bool:
        """Whether it says of all that it found what it is, as far as anybody can tell."""
        return not self.faults.keys() - {OTHER_LABEL}

    @property
    def is_usable(self) -> bool:
        """Whether it says anything."""
        return not self.faults.keys() & UNUSABLE


def read_answer(answer: str, labels: Sequence[str]) -> ReadAnswer:
    """Read an answer.

    It may be in a fence of code, with words or thoughts before it, a list or an object by label,
    have commas too many, and end early: what is whole is taken.

    labels (Sequence[str]): Those that were asked for. Others than these, but for case and white
        space around them, are left out and counted.
    """
    if not answer.strip():
        return ReadAnswer(faults=Counter([EMPTY_ANSWER]))
    known = {_key(label): label for label in reversed(labels)} | {label: label for label in labels}
    begin = answer.rfind(_THINKING) + len(_THINKING) if _THINKING in answer else 0
    starts = (match.start() for match in re.finditer(r"[\[{]", answer[begin:]))
    is_cut = False
    for _, start in zip(range(_MAX_STARTS), starts, strict=False):
        found = read_json(answer, begin + start)
        items = _items(found.value, known)
        if items is not None and (items or found.fault is None):
            return _take(items, found.fault, known)
        is_cut = is_cut or found.fault == CUT
    return ReadAnswer(faults=Counter([CUT if is_cut else NO_JSON]))


def _take(items: Sequence[Any], fault: str | None, known: Mapping[str, str]) -> ReadAnswer:
    mentions, places = [], []
    faults, others = Counter[str](), Counter[str]()
    if fault is not None:
        faults[fault] += 1
    for item in items:
        if isinstance(item, PlacedObject) and not item.is_whole:
            continue  # the fault is counted
        text, label = _pair(item)
        if text is None or label is None:
            faults[MALFORMED] += 1
        elif (own := known.get(label, known.get(_key(label)))) is None:
            faults[OTHER_LABEL] += 1
            if label in others or len(others) < _MAX_NAMES:
                others[label] += 1
        else:
            mentions.append(Mention(text, own))
            is_object = isinstance(item, PlacedObject)
            places.append((item.start, item.end) if is_object else None)
    return ReadAnswer(tuple(mentions), tuple(places), faults, others)


def _items(value: Any, known: Mapping[str, str]) -> Sequence[Any] | None:
    """The entities of an answer, each an object or a pair of text and label.

    None if it is no answer: one without entities has an empty list of them.
    """
    if isinstance(value, list):
        return value if not value or any(isinstance(one, dict) for one in value) else None
    if not isinstance(value, PlacedObject):
        return None
    if ENTITIES in value:
        inner = value[ENTITIES]
        return inner if isinstance(inner, list) else _items(inner, known)
    if _first(value, _TEXT_KEYS) is not None and _first(value, _LABEL_KEYS) is not None:
        return [value]
    if not any(label in known or _key(label) in known for label in value):
        return [] if value.is_whole and not value else None
    return list(_by_label(value))


def _by_label(value: PlacedObject) -> Iterator[tuple[Any, str]]:
    for label, texts in value.items():
        for text in texts if isinstance(texts, list) else [texts]:
            if isinstance(text, str):
                yield text, label


def _pair(item: Any) -> tuple[str | None, str | None]:
    if isinstance(item, tuple):
        text, label = item
    elif isinstance(item, PlacedObject):
        text, label = _first(item, _TEXT_KEYS), _first(item, _LABEL_KEYS)
    else:
        return None, None
    if isinstance(text, int | float) and not isinstance(text, bool):
        text = str(text)
    return _sound(text), _sound(label)


def _first(item: PlacedObject, keys: Sequence[str]) -> Any:
    return next((item[key] for key in keys if key in item), None)


def _sound(value: Any) -> str | None:
    """Text without half characters, which JSON's escapes may have; None for anything else."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value.encode("utf8", "replace").decode("utf8")


def _key(label: str) -> str:
    return tidy_label(label).casefold()
