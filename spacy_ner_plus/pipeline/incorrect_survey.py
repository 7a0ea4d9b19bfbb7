"""What training data say about spans that are known to be wrong."""

import warnings
from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np
from spacy.tokens import Span
from spacy.training import Example

from ..annotation.gold import spans_on_rows
from ..annotation.incorrect_spans import has_incorrect, incorrect_rows


def check_incorrect_key(key: Any, spans_key: str | None) -> None:
    """Look at a component's incorrect_spans_key. spans_key (str): Where its own spans are.

    RAISES ValueError: If it is no name for doc.spans, nor None, or that of the component's own.
    """
    if not (key is None or (isinstance(key, str) and key)):
        raise ValueError(
            f"incorrect_spans_key = {key!r} must be a name for doc.spans, or null for none."
        )
    if key is not None and key == spans_key:
        raise ValueError(
            f"incorrect_spans_key and spans_key are both {key!r}: what is known to be wrong must "
            "be in a group of its own."
        )


class IncorrectSurvey:
    """Counts spans that are known to be wrong.

    key (str): Where they are; None for nowhere.

    Attributes:
        counts (Counter[str]): Those that can be learned, by label.
        n_lost (int): Those that are not on tokens which an entity can start and end with.
    """

    def __init__(self, key: str | None) -> None:
        self._key = key
        self.counts: Counter[str] = Counter()
        self.n_lost = 0

    def look_at(self, example: Example, gold: Collection[Span] | None = None) -> bool:
        """Count those of an Example.

        gold (Collection[Span]): Its entities, on the predicted Doc; None for those of doc.ents.
        RETURNS (bool): Whether there are any that can be learned.
        RAISES ValueError: See incorrect_rows.
        """
        if not has_incorrect(example.reference, self._key):
            return False
        assert self._key is not None
        words = np.flatnonzero(example.predicted.to_array("IS_SPACE").reshape(-1) == 0)
        rows = None if gold is None else spans_on_rows(gold, words)
        found = incorrect_rows(example, self._key, words, rows)
        places = {
            (span.start_char, span.end_char, span.label)
            for span in example.reference.spans[self._key]
        }
        self.counts.update(label for _, _, label in found)
        self.n_lost += len(places) - len(found)
        return bool(found)

    def warn(self, labels: Collection[str], name: str) -> None:
        """Say which of them teach nothing. labels: Those of the component called `name`."""
        where = f"spans in doc.spans[{self._key!r}], which are known to be wrong,"
        if self.n_lost:
            warnings.warn(
                f"{self.n_lost:,} {where} teach '{name}' nothing: they don't start and end where "
                "tokens do that an entity can start and end with.",
                stacklevel=3,
            )
        others = {label: n for label, n in sorted(self.counts.items()) if label not in labels}
        if others:
            listed = ", ".join(f"{label}: {n:,}" for label, n in others.items())
            warnings.warn(
                f"{sum(others.values()):,} {where} are of types that '{name}' does not find "
                f"({listed}): they teach it nothing.",
                stacklevel=3,
            )
