"""Chains: sequences of tags over the same tokens that together hold spans which nest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Chain:
    """A sequence of tags that holds some of a text's spans; those of one chain do not overlap.

    labels (Tuple[str, ...]): What spans in it may be: one label, or all that are in layers
        together.
    level (int): How many others that are theirs, one inside the other, its spans lie within: of the
        same label, or of the layers' labels; 0 for the outermost ones.
    """

    labels: tuple[str, ...]
    level: int


@dataclass(frozen=True)
class ChainPlan:
    """The chains of a model.

    chains (Tuple[Chain, ...]): All have the same number of labels. Two have the same labels in the
        same order, or none in common. Those of the same labels follow each other, from level 0 on.
    RAISES ValueError: They do not.
    """

    chains: tuple[Chain, ...]

    def __post_init__(self) -> None:
        expected = tuple(
            Chain(family, level)
            for family in self.families
            for level in range(self.n_levels(family))
        )
        if self.chains != expected:
            raise ValueError(
                "Chains of the same labels must follow each other with levels 0, 1, ..., but they "
                f"are {[(chain.labels, chain.level) for chain in self.chains]}."
            )
        sizes = {len(family) for family in self.families}
        if len(sizes) > 1:
            raise ValueError(
                f"Chains must have the same number of labels each, but they have {sorted(sizes)}: "
                "have a chain for each label, or all labels in each."
            )
        if len(self.labels) != len(set(self.labels)):
            raise ValueError(
                f"A label must be in the chains of one list of labels only: {self.families}."
            )

    @classmethod
    def of_levels(cls, levels: Iterable[tuple[Sequence[str], int]]) -> "ChainPlan":
        """The plan of some lists of labels, each with how many levels there are of it.

        RAISES ValueError: There are no levels of one.
        """
        chains = []
        for labels, n_levels in levels:
            if n_levels < 1:
                raise ValueError(f"{list(labels)} must have at least 1 level, got {n_levels}.")
            chains += [Chain(tuple(labels), level) for level in range(n_levels)]
        return cls(tuple(chains))

    @cached_property
    def families(self) -> tuple[tuple[str, ...], ...]:
        """The lists of labels that have chains of their own."""
        return tuple(dict.fromkeys(chain.labels for chain in self.chains))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """All labels, those of one family after the other."""
        return tuple(label for family in self.families for label in family)

    def with_labels(self, labels: Sequence[str]) -> "ChainPlan":
        """A plan with further labels: in the layers, or with chains behind those of others.

        Nobody knows yet how deep they nest: they have as many levels as the label with the most.

        labels (Sequence[str]): Those of the plan in its order, followed by new ones.
        RAISES ValueError: They do not begin with those of the plan.
        """
        n_now = len(self.labels)
        if tuple(labels[:n_now]) != self.labels:
            raise ValueError(f"{list(labels)} do not begin with {list(self.labels)}.")
        if self.is_layered:
            return self.of_levels([(labels, len(self.chains))])
        most = max(n_levels for _, n_levels in self.levels)
        return self.of_levels([*self.levels, *(([label], most) for label in labels[n_now:])])

    @property
    def levels(self) -> list[tuple[tuple[str, ...], int]]:
        """The lists of labels, each with how many levels there are of it: see of_levels."""
        return [(family, self.n_levels(family)) for family in self.families]

    @property
    def is_layered(self) -> bool:
        """Whether spans of different labels are in one chain."""
        return any(len(family) > 1 for family in self.families)

    def n_levels(self, family: tuple[str, ...]) -> int:
        """How many chains a list of labels has."""
        return sum(chain.labels == family for chain in self.chains)
