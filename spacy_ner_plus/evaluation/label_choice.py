"""Which entity types an evaluation counts, and under what names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LabelChoice:
    """Which entity types count, and what they are called.

    labels (Tuple[str, ...]): Those that count, by their new names; None for all.
    label_map (Mapping[str, str]): New names of types, in the annotation and in what is predicted.
        An empty name drops the type, on both sides.
    RAISES ValueError: If no type is named, or one by the name that it no longer has.
    """

    labels: tuple[str, ...] | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.labels is not None and not all(self.labels or [""]):
            raise ValueError("--labels names no type: give some, or leave it out.")
        for label in self.labels or ():
            if self.name(label) != label and label not in self.label_map.values():
                now = f"renames to {self.name(label)!r}" if self.name(label) else "drops"
                raise ValueError(
                    f"--labels names {label!r}, which --map {now}: name types by their new names."
                )

    def name(self, label: str) -> str:
        """What a type is called; empty for one that is dropped."""
        return self.label_map.get(label, label)

    def names(self, labels: Iterable[str]) -> set[str]:
        """What some types are called, without those that are dropped."""
        return {name for label in labels if (name := self.name(label))}

    def counts(self, label: str) -> bool:
        """Whether entities of a type count. label (str): Its old name."""
        name = self.name(label)
        return bool(name) and (self.labels is None or name in self.labels)

    def check(self, gold: Iterable[str], others: Iterable[str]) -> None:
        """Find out whether there may be something to count.

        gold, others (Iterable[str]): Old names of the types of gold entities, and of those that may
            be predicted.
        RAISES ValueError: If none of them counts.
        """
        gold, others = self.names(gold), self.names(others)
        if self.labels is not None and not {*gold, *others} & {*self.labels}:
            raise ValueError(
                f"No entity is of a type that --labels names, {_listed(self.labels)}. Types of the "
                f"data: {_listed(sorted(gold))}; of the pipeline: {_listed(sorted(others))}."
            )


ALL = LabelChoice()
"""All types count, under their own names."""


def choose(labels: Iterable[str] | None, label_map: Mapping[str, str] | None) -> LabelChoice:
    """A choice of what users give. RAISES ValueError: See LabelChoice, or if labels is a string."""
    if isinstance(labels, str):
        raise ValueError(f"labels = {labels!r} is one string: give a list of types.")
    chosen = None if labels is None else tuple(dict.fromkeys(labels))
    return LabelChoice(chosen, dict(label_map or {}))


def _listed(labels: Iterable[str]) -> str:
    return ", ".join(map(repr, labels)) or "none"
