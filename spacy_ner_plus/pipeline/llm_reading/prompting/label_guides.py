"""The types of entities that a language model is to find, as it is told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....records import check_tidy

LabelSettings = Mapping[str, Any] | Sequence[str]
"""Labels, or by label what is said of it: a description, or {"description": , "examples": []}."""

_KEYS = ("description", "examples")


@dataclass(frozen=True, slots=True)
class LabelGuide:
    """A type of entities.

    label (str): Its name. description (str): What it is; empty if the name says it.
    examples (Tuple[str, ...]): Mentions of it.
    """

    label: str
    description: str = ""
    examples: tuple[str, ...] = ()

    def line(self) -> str:
        """What a language model is told of it."""
        told = f"- {self.label}"
        if self.description:
            told += f": {self.description}"
        return f"{told} (such as {', '.join(self.examples)})" if self.examples else told


def read_label_guides(labels: LabelSettings) -> tuple[LabelGuide, ...]:
    """The types of entities, in their order.

    labels (LabelSettings): As in a config or a file of labels.
    RAISES ValueError: If there is none, or something else than this is said of one.
    """
    if isinstance(labels, str) or not isinstance(labels, Mapping | Sequence) or not labels:
        raise ValueError(
            f"labels = {labels!r:.80} must name the types of entities: a list of them, or what to "
            'say of each, such as {"Disease": "an illness", "Drug": {"description": "a medicine", '
            '"examples": ["aspirin"]}}.'
        )
    said = labels if isinstance(labels, Mapping) else dict.fromkeys(labels)
    return tuple(_read_guide(label, what) for label, what in said.items())


def _read_guide(label: Any, said: Any) -> LabelGuide:
    if not isinstance(label, str) or not label:
        raise ValueError(f"labels: {label!r} is no name of a type of entities: put it in quotes.")
    check_tidy("labels: a label", label)
    values = {"description": said} if said is None or isinstance(said, str) else said
    if not isinstance(values, Mapping) or (surplus := [k for k in values if k not in _KEYS]):
        wrong = f"has {surplus}" if isinstance(values, Mapping) else f"is {said!r:.60}"
        raise ValueError(f"labels: what is said of {label} {wrong}: give {' and '.join(_KEYS)}.")
    description, examples = values.get("description") or "", values.get("examples") or []
    is_list = isinstance(examples, Sequence) and not isinstance(examples, str)
    if not isinstance(description, str) or not is_list or not all(map(_is_text, examples)):
        raise ValueError(
            f"labels: the description of {label} must be text, and its examples a list of texts, "
            f"got {description!r:.60} and {examples!r:.60}."
        )
    return LabelGuide(label, " ".join(description.split()), tuple(examples))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""
