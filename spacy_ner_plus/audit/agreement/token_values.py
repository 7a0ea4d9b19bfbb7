"""What each annotator says of each token: the labels of the entities that touch it, or none.

Labels are taken without B and I: with them, a boundary that differs would make whole other values
of tokens whose label is the same, as far apart as two labels are. What boundaries differ in, the F1
of entities tells. Where entities nest, the value of a token is the set of their labels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from ...metrics.alpha import MISSING
from .shared_texts import SharedText, Voice

OUTSIDE = 0


@dataclass(frozen=True)
class TokenValues:
    """The tokens of all shared texts, one after the other.

    values: (n_annotators, n_tokens) int32: a place in label_sets, or MISSING where the annotator
        does not have the text, or nothing is known.
    comparable: The same, but also MISSING where somebody else has a label that an annotator who
        has nothing there was not asked for.
    texts: (n_tokens,) int32, the number of the text.
    is_for: (n_annotators, n_texts, n_labels) bool, which types annotators were asked for.
    label_sets (List[FrozenSet[str]]): What values stand for; OUTSIDE is the empty set.
    """

    values: np.ndarray
    comparable: np.ndarray
    texts: np.ndarray
    is_for: np.ndarray
    label_sets: list[frozenset[str]]

    def of_label(self, label: str, place: int) -> np.ndarray:
        """Whether tokens are in an entity of a label.

        place (int): Of the label, in is_for.
        RETURNS: (n_annotators, n_tokens) int, 1 or 0; MISSING where it is not known.
        """
        has_label = np.array([label in one for one in self.label_sets], dtype=np.int8)
        is_known = (self.values != MISSING) & self.is_for[:, self.texts, place]
        return np.where(is_known, has_label[self.values], MISSING)


def token_values(
    texts: Sequence[SharedText], n_annotators: int, labels: Sequence[str]
) -> TokenValues:
    """What annotators say of the tokens of texts, white space left out."""
    numbers: dict[frozenset[str], int] = {frozenset(): OUTSIDE}
    tables, places = [], []
    is_for = np.ones((n_annotators, len(texts), len(labels)), dtype=bool)
    for shared in texts:
        starts, ends = _edges(shared.text.doc)
        table = np.full((n_annotators, len(starts)), MISSING, dtype=np.int32)
        for i, voice in shared.voices.items():
            table[i] = _values(voice, starts, ends, numbers)
            is_for[i, shared.text.number] = [voice.is_for(label) for label in labels]
        tables.append(table)
        places.append(np.full(len(starts), shared.text.number, dtype=np.int32))
    values, label_sets = np.hstack(tables), list(numbers)
    comparable = values.copy()
    if not is_for.all():
        at = 0
        for shared, table in zip(texts, tables, strict=True):
            part = comparable[:, at : at + table.shape[1]]
            for i, voice in shared.voices.items():
                part[i][_is_beyond(voice, i, table, label_sets)] = MISSING
            at += table.shape[1]
    return TokenValues(values, comparable, np.concatenate(places), is_for, label_sets)


def _edges(doc: Doc) -> tuple[np.ndarray, np.ndarray]:
    """Where tokens start and end, but for those of white space."""
    solid = [(token.idx, token.idx + len(token)) for token in doc if not token.text.isspace()]
    edges = np.array(solid, dtype=np.int64).reshape(-1, 2)
    return edges[:, 0], edges[:, 1]


def _values(
    voice: Voice, starts: np.ndarray, ends: np.ndarray, numbers: dict[frozenset[str], int]
) -> np.ndarray:
    """(n_tokens,) int; new sets of labels get the next number."""
    found = np.full(len(starts), OUTSIDE, dtype=np.int32)
    for first, last in _touched(voice.unknown, starts, ends):
        found[first:last] = MISSING
    sets: dict[int, set[str]] = {}
    places = [(start, end) for start, end, _ in voice.spans]
    for (first, last), span in zip(_touched(places, starts, ends), voice.spans, strict=True):
        for token in range(first, last):
            sets.setdefault(token, set()).add(span[2])
    for token, labels in sets.items():
        found[token] = numbers.setdefault(frozenset(labels), len(numbers))
    return found


def _touched(
    stretches: Sequence[tuple[int, int]], starts: np.ndarray, ends: np.ndarray
) -> Iterable[tuple[int, int]]:
    """The tokens that share a character with each stretch, end exclusive."""
    edges = np.array(stretches, dtype=np.int64).reshape(-1, 2)
    firsts = np.searchsorted(ends, edges[:, 0], side="right")
    lasts = np.searchsorted(starts, edges[:, 1], side="left")
    return zip(firsts.tolist(), lasts.tolist(), strict=True)


def _is_beyond(
    voice: Voice, row: int, table: np.ndarray, label_sets: Sequence[frozenset[str]]
) -> np.ndarray:
    """(n_tokens,) bool: outside for an annotator, but of a label for others that they don't know.

    table: (n_annotators, n_tokens) int.
    """
    foreign = np.array([any(not voice.is_for(label) for label in one) for one in label_sets])
    others = np.delete(table, row, axis=0)
    has_foreign = (foreign[others] & (others != MISSING)).any(axis=0)
    return np.asarray((table[row] == OUTSIDE) & has_foreign)
