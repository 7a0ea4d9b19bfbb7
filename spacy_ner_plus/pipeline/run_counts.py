"""What the components of a pipeline count while it runs, and somebody should know of."""

from collections import Counter
from dataclasses import dataclass, field

from spacy.language import Language

from .capabilities import DecidesCrossings, HasValidators, components
from .spans.span_annotator import GREEDY


@dataclass(frozen=True)
class RunCounts:
    """What a pipeline left out, or did not decide in the best way.

    refused (Counter): Entities that validators left out, by type.
    n_greedy (int): Groups of crossing spans that were too large to find the best set, so that the
        most probable ones were taken first.
    """

    refused: Counter[str] = field(default_factory=Counter)
    n_greedy: int = 0

    def since(self, before: "RunCounts") -> "RunCounts":
        """What was counted after an earlier time."""
        return RunCounts(self.refused - before.refused, self.n_greedy - before.n_greedy)


def run_counts(nlp: Language) -> RunCounts:
    """What the components of a pipeline have counted so far, in this process."""
    refused: Counter[str] = Counter()
    n_greedy = 0
    for component in components(nlp):
        if isinstance(component, HasValidators):
            refused += component.refused
        if isinstance(component, DecidesCrossings):
            n_greedy += component.crossings[GREEDY]
    return RunCounts(refused, n_greedy)
