"""Which examples a language model is shown with a text."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from ....support.choices import check_choice
from .tf_idf import TfIdf
from .worked_examples import WorkedExample

NEAREST, DIVERSE, BALANCED = "nearest", "diverse", "balanced"
CHOICES = (NEAREST, DIVERSE, BALANCED)


class Similarity(Protocol):
    """How alike texts are."""

    def similarities(self, text: str) -> np.ndarray:
        """Of a text and each of the examples, (n_examples,) float; greater is more alike."""


MakeSimilarity = Callable[[Sequence[str]], Similarity]


class ExampleChoice:
    """Chooses examples.

    examples (Sequence[WorkedExample]): Those that there are.
    how (str): "nearest": those most like the text, the most alike last; "diverse": the same for all
        texts, each as unlike those before as can be (the k-centre of Gonzalez, 1985);
        "balanced": the same for all texts, with about as many entities of each type.
    n_shots (int): How many. make_similarity (Callable): What says how alike texts are.
    RAISES ValueError: If a setting is unknown or out of range.
    """

    def __init__(
        self,
        examples: Sequence[WorkedExample],
        how: str,
        n_shots: int,
        make_similarity: MakeSimilarity = TfIdf,
    ) -> None:
        check_choice("shots_by", how, CHOICES)
        if n_shots < 0:
            raise ValueError(f"n_shots = {n_shots} must be 0 or more.")
        self.examples = list(examples)
        self._how = how
        self._n_shots = min(n_shots, len(self.examples))
        self._make_similarity = make_similarity
        self._similarity: Similarity | None = None
        self._fixed: list[WorkedExample] | None = None

    def shots(self, text: str) -> list[WorkedExample]:
        """The examples for a text. One that has the same text is not among them."""
        if not self._n_shots:
            return []
        if self._how == NEAREST:
            return self._nearest(text)
        if self._fixed is None:
            chosen = self._diverse() if self._how == DIVERSE else self._balanced()
            self._fixed = [self.examples[i] for i in chosen]
        fixed = [one for one in self._fixed if one.text.strip() != text.strip()]
        return fixed[: self._n_shots]

    def _nearest(self, text: str) -> list[WorkedExample]:
        found = self.similarity.similarities(text)  # (n_examples,)
        order = np.argsort(-found, kind="stable")[: self._n_shots + 1]
        others = [i for i in order.tolist() if self.examples[i].text.strip() != text.strip()]
        return [self.examples[i] for i in reversed(others[: self._n_shots])]

    @property
    def similarity(self) -> Similarity:
        """What says how alike texts are, made when it is first needed."""
        if self._similarity is None:
            self._similarity = self._make_similarity([one.text for one in self.examples])
        return self._similarity

    def _diverse(self) -> list[int]:
        """Farthest first. The first is the one with most entities. One more than is needed."""
        first = max(range(len(self.examples)), key=lambda i: (len(self.examples[i].mentions), -i))
        chosen = [first]
        closest = self.similarity.similarities(self.examples[first].text)  # (n_examples,)
        while len(chosen) < min(self._n_shots + 1, len(self.examples)):
            closest[chosen] = np.inf
            chosen.append(int(closest.argmin()))
            own = self.similarity.similarities(self.examples[chosen[-1]].text)
            closest = np.maximum(closest, own)
        return chosen

    def _balanced(self) -> list[int]:
        """Each time the one that most helps the type that has fewest. One more than is needed."""
        labels = sorted({label for one in self.examples for label in one.labels})
        have = Counter(dict.fromkeys(labels, 0))
        left = dict.fromkeys(range(len(self.examples)))
        chosen: list[int] = []
        while left and len(chosen) <= self._n_shots:
            best = min(left, key=lambda i: (*_lacks(have + self.examples[i].labels, labels), i))
            have += self.examples[best].labels
            chosen.append(best)
            del left[best]
        return chosen


def _lacks(have: Counter[str], labels: Sequence[str]) -> tuple[float, float]:
    """How far counts are from equal: the sum of 1 / (1 + n), then how many there are in all."""
    return sum(1 / (1 + have[label]) for label in labels), float(have.total())
