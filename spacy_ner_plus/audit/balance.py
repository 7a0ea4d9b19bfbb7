"""Whether labels are frequent enough, and alike in all parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

# Entities of a label below which a model hardly learns it, and its score hardly means anything.
FEW = 50
# How many times as frequent the most frequent label is, from which on rare ones suffer.
IMBALANCED = 20
# A label's share differs between parts if it is so many times the other, and is so many standard
# errors away: both, as chance makes rare labels differ and a large corpus makes all differ.
TIMES, ERRORS = 2.0, 4.0
MOST_NAMED = 8


@dataclass(frozen=True)
class ShareGap:
    """A label that is much more frequent in one part than in another.

    label (str): The label.
    part (str): "dev" or "test".
    train_share, share (float): Its share of all entities, in train and in that part.
    """

    label: str
    part: str
    train_share: float
    share: float


@dataclass(frozen=True)
class BalanceOfLabels:
    """What the labels of parts say when they are put side by side.

    ratio (Optional[float]): How many times as frequent as the rarest label of train its most
        frequent one is; null without two labels.
    few (Dict[str, Dict[str, int]]): By part, labels with fewer than FEW entities, the rarest first.
    missing (Dict[str, List[str]]): By part that has entities, labels of other parts that it lacks.
    gaps (List[ShareGap]): Labels whose shares differ between train and another part.
    """

    ratio: float | None
    few: dict[str, dict[str, int]]
    missing: dict[str, list[str]]
    gaps: list[ShareGap]

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        return list(self._warnings())

    def _warnings(self) -> Iterator[str]:
        for part, labels in self.missing.items():
            what = "so a model can't learn them" if part == "train" else "so they get no score"
            yield f"No entity of {part} has the label {_first(labels)}, {what}."
        if few := self.few.get("train"):
            rare = _first([f"{label} ({n:,})" for label, n in few.items()])
            yield f"Fewer than {FEW} entities in train, too few to learn from: {rare}."
        if self.ratio is not None and self.ratio >= IMBALANCED:
            yield (
                f"The most frequent label of train has {self.ratio:,.0f} times as many entities as "
                "the rarest: see docs/imbalance.md."
            )
        for part in dict.fromkeys(gap.part for gap in self.gaps):
            named = [
                f"{gap.label} ({100 * gap.train_share:.1f} % of train, {100 * gap.share:.1f} %)"
                for gap in self.gaps
                if gap.part == part
            ]
            yield (
                f"Labels of {part} with another share of the entities than in train, so that they "
                f"may be from different sources: {_first(named)}."
            )


def find_balance(parts: Mapping[str, Mapping[str, int]]) -> BalanceOfLabels:
    """Compare the labels of parts.

    parts (Mapping[str, Mapping[str, int]]): Entities by label, by part; "train" is among them.
    """
    train = parts["train"]
    labels = sorted({label for counts in parts.values() for label in counts})
    few = {name: _rare(counts) for name, counts in parts.items()}
    missing = {
        # of a part without any entity, counts say so
        name: [label for label in labels if counts and not counts.get(label)]
        for name, counts in parts.items()
    }
    gaps = [gap for name in parts if name != "train" for gap in _gaps(train, name, parts[name])]
    return BalanceOfLabels(
        ratio=max(train.values()) / min(train.values()) if len(train) > 1 else None,
        few={name: found for name, found in few.items() if found},
        missing={name: found for name, found in missing.items() if found},
        gaps=sorted(gaps, key=lambda gap: -abs(gap.share - gap.train_share)),
    )


def _rare(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(((k, n) for k, n in counts.items() if n < FEW), key=lambda item: item[1]))


def _gaps(train: Mapping[str, int], name: str, part: Mapping[str, int]) -> Iterator[ShareGap]:
    n_train, n_part = sum(train.values()), sum(part.values())
    if not n_train or not n_part:
        return
    for label in sorted({*train, *part}):
        k_train, k_part = train.get(label, 0), part.get(label, 0)
        ours, theirs = k_train / n_train, k_part / n_part
        pooled = (k_train + k_part) / (n_train + n_part)
        error = sqrt(pooled * (1 - pooled) * (1 / n_train + 1 / n_part))
        is_large = max(ours, theirs) >= TIMES * min(ours, theirs)
        if k_train and k_part and is_large and error and abs(ours - theirs) >= ERRORS * error:
            yield ShareGap(label, name, ours, theirs)


def _first(names: list[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
