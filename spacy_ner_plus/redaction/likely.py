"""Tokens that are likely enough in an entity to be hidden, though no entity was found on them.

A reading that is the best one leaves out all others. What is to be hidden is another question: how
probable it is that a token is in an entity, in whichever.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from ..pipeline.capabilities import HasThresholds, KnowsTokenLabels, components
from ..pipeline.look_ahead import look_ahead
from .redacted_text import LIKELY, HiddenStretch
from .redactor import Redactor

_MAX_DOCS = 128


@dataclass(frozen=True)
class LabelledTokens:
    """How probable a component thinks it that tokens of a Doc are in entities.

    labels (Tuple[str, ...]): The types.
    probabilities: (n_tokens, n_labels) float64.
    """

    labels: tuple[str, ...]
    probabilities: np.ndarray


class TokenReader:
    """Asks all components of a pipeline that know it how probable entities are.

    nlp (Language): The pipeline.
    """

    def __init__(self, nlp: Language) -> None:
        named = list(zip(nlp.pipe_names, components(nlp), strict=True))
        self._able = [one for _, one in named if isinstance(one, KnowsTokenLabels)]
        self._others: dict[str, HasThresholds] = {
            name: one
            for name, one in named
            if isinstance(one, HasThresholds) and not isinstance(one, KnowsTokenLabels)
        }

    @property
    def is_able(self) -> bool:
        """Whether there is any."""
        return bool(self._able)

    def read(self, docs: Sequence[Doc], least: float) -> Iterator[list[LabelledTokens] | str]:
        """What each of them says of each Doc; the kind of error where one fails.

        least (float): From which probability on it must be right.
        """
        for batch in look_ahead(docs, max_docs=_MAX_DOCS):
            try:
                yield from self._tables(batch, least)
            except Exception:  # a component's, of any kind: each is tried alone
                for doc in batch:
                    try:
                        [tables] = self._tables([doc], least)
                    except Exception as error:
                        yield type(error).__name__
                    else:
                        yield tables

    def higher_thresholds(self, redactor: Redactor) -> Mapping[str, list[str]]:
        """By component, the types of which it leaves out entities that were to be redacted.

        Those are components that only know what they find.
        """
        found = {}
        for name, component in self._others.items():
            own = component.least_probabilities()
            labels = [
                label
                for label, least in own.items()
                if (redactor.labels is None or label in redactor.labels)
                and (wanted := redactor.least(label)) is not None
                and wanted < least
            ]
            if labels:
                found[name] = labels
        return found

    def _tables(self, docs: list[Doc], least: float) -> list[list[LabelledTokens]]:
        asked = [(tuple(c.labels), c.label_probabilities(docs, least)) for c in self._able]
        return [[LabelledTokens(labels, its[i]) for labels, its in asked] for i in range(len(docs))]


def likely_stretches(
    doc: Doc,
    tables: Sequence[LabelledTokens],
    redactor: Redactor,
    entities: Sequence[HiddenStretch],
) -> list[HiddenStretch]:
    """Runs of tokens that are likely enough in an entity, beside those that were found.

    A run has the tokens of one type that follow each other, and white space between them.

    tables (Sequence[LabelledTokens]): Of the components that know it.
    redactor (Redactor): Its thresholds: types without one have no such runs.
    entities (Sequence[HiddenStretch]): Those that were found. Tokens of those that go are in no
        run.
    """
    is_taken = np.zeros(len(doc), dtype=bool)
    starts = np.array([token.idx for token in doc], dtype=np.int64)
    for one in entities:
        if redactor.goes(one):
            begin = int(np.searchsorted(starts, one.start, side="right")) - 1
            is_taken[begin : int(np.searchsorted(starts, one.end))] = True
    is_space = doc.to_array("IS_SPACE").reshape(-1).astype(bool)
    found = []
    for its in tables:
        least = [redactor.least(label) for label in its.labels]
        # nothing is as probable as 2
        limits = np.array([2.0 if value is None else value for value in least])  # (n_labels,)
        if not len(limits):
            continue
        wanted = np.where(its.probabilities >= limits, its.probabilities, -1.0)
        wanted[is_taken | is_space] = -1.0  # (n_tokens, n_labels)
        best = np.where(wanted.max(axis=1) >= 0, wanted.argmax(axis=1), -1)  # (n_tokens,)
        for first, end, label in _runs(best, is_space & ~is_taken):
            top = float(wanted[first:end, label].max())
            last = doc[end - 1]
            place = (doc[first].idx, last.idx + len(last))
            found.append(HiddenStretch(*place, its.labels[label], LIKELY, top))
    return found


def _runs(best: np.ndarray, is_bridge: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Start, end and label of runs.

    best: (n_tokens,) int64, -1 for none. is_bridge: (n_tokens,) bool, what runs may go over.
    """
    start, end, label = 0, 0, -1
    for i, its in enumerate(best.tolist()):
        if its == label and label >= 0:
            end = i + 1
            continue
        if its < 0 and is_bridge[i]:
            continue
        if label >= 0:
            yield start, end, label
        start, end, label = i, i + 1, its
    if label >= 0:
        yield start, end, label
