"""What augmenters have done to a data set."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from spacy.tokens import Doc

from .doc_augmenter import DOCUMENTS


@dataclass(frozen=True)
class Change:
    """A document that was changed.

    before (Doc): As it was; None for one that was added.
    after (Doc): As it is.
    """

    before: Doc | None
    after: Doc


@dataclass
class Augmentation:
    """What was read, what was written, and what was done between.

    output (Path): The file that was written.
    n_documents (int): Those that were read.
    n_written (int): Those that were written.
    n_changed (int): Those of them that are not as they were.
    entities_before, entities_after (Counter[str]): By label.
    n_misplaced (int): Entities that do not start and end where tokens do, and were left out.
    n_off_tokens (int): Entities of changed documents that would be so for the language's tokenizer,
        if it were to cut the changed text: with `tokens = "pipeline"` they count as not annotated.
    tallies (List[Tuple[str, Counter[str]]]): Of each augmenter, what it did and what it did not.
    changes (List[Change]): The first ones, to be looked at.
    left_out (Counter[str]): What records of changed documents lack of the original's, by name.
    lost (Counter[str]): What the output has no place for, by name.
    warnings (List[str]): Of the data.
    """

    output: Path
    n_documents: int = 0
    n_written: int = 0
    n_changed: int = 0
    entities_before: Counter[str] = field(default_factory=Counter)
    entities_after: Counter[str] = field(default_factory=Counter)
    n_misplaced: int = 0
    n_off_tokens: int = 0
    tallies: list[tuple[str, Counter[str]]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def rows(self) -> list[tuple[str, int]]:
        """The figures with their names, in the order in which they are told."""
        labels = sorted({*self.entities_before, *self.entities_after})
        rows = [
            ("documents read", self.n_documents),
            ("documents written", self.n_written),
            ("  changed or added", self.n_changed),
            ("entities read", self.entities_before.total()),
            ("entities written", self.entities_after.total()),
            *((f"  {label}", self.entities_after[label]) for label in labels),
            ("entities left out, not on tokens", self.n_misplaced),
            ("entities in changed text, not on the tokenizer's tokens", self.n_off_tokens),
        ]
        rows += [(f"{what}, left out", n) for what, n in self.left_out.items() if n]
        for name, counts in self.tallies:
            rows.append((name, counts[DOCUMENTS]))
            rows += [(f"  {what}", n) for what, n in counts.items() if what != DOCUMENTS and n]
        return rows
