"""How expected the label of a place is: a count model of surface forms and their neighbours.

A place is expected to have the label that the other places of its form have, those of the same
document before those of others, and those with the same words on both sides before all; and the
label for which the words on either side speak: the labels of the other forms beside them, of which
each counts once, so that one frequent form says no more than another. Nothing is counted of the
place itself. Parts of it:

- The same words with the same neighbours but another label are nearly always an error: variation
  n-grams, Dickinson and Meurers, "Detecting Errors in Part-of-Speech Annotation" (EACL 2003).
- A word mostly keeps its sense within a document: Gale, Church and Yarowsky, "One Sense Per
  Discourse" (HLT 1992).
- What is counted little is smoothed by what is less specific, the more the more different labels
  follow: Witten and Bell, "The Zero-Frequency Problem" (IEEE Transactions on Information Theory
  37(4), 1991), interpolated.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from math import sqrt

from .form_places import AuditedPlace, FormPlaces

LONGEST_LENGTH = 3

Key = Hashable
Counts = defaultdict[Key, list[int]]


class LabelModel:
    """Counts of labels over all forms.

    forms (Sequence[FormPlaces]): All of them.
    """

    def __init__(self, forms: Sequence[FormPlaces]) -> None:
        totals = Counter(label for its in forms for label in its.counts)
        self.labels: list[str | None] = sorted(totals, key=lambda label: (label is None, label))
        """All labels, and None if any place is unlabelled."""
        self._index = {label: i for i, label in enumerate(self.labels)}
        n = totals.total()
        self._prior = [totals[label] / n for label in self.labels]
        self._general: Counts = self._no_counts()
        for its in forms:
            for key, at in self._of_others(its):
                self._general[key][at] += 1

    def probabilities(self, its: FormPlaces, *, with_documents: bool = True) -> list[list[float]]:
        """Of each place of a form: the probability of each of the labels, from all other places.

        with_documents (bool): Whether those of the same document count more.
        """
        own, same = self._no_counts(), self._no_counts()
        for key, at in self._of_others(its):
            own[key][at] += 1
        for place in its.places:
            for key in _alike(place):
                same[key][self._index[place.label]] += 1
        start = self._smoothed_by_others(_of_form(its), own, self._prior)
        return [self._of_place(place, start, own, same, with_documents) for place in its.places]

    def _of_place(
        self,
        place: AuditedPlace,
        start: list[float],
        own: Counts,
        same: Counts,
        with_documents: bool,
    ) -> list[float]:
        at = self._index[place.label]

        def without_it(key: Key) -> list[int]:
            counts = list(same[key])
            counts[at] -= 1
            return counts

        whole, document, neighbours = _alike(place)
        expected = smoothed(without_it(whole), start)
        if with_documents:
            expected = smoothed(without_it(document), expected)
        sides = [self._smoothed_by_others(keys, own, self._prior) for keys in _sides(place)]
        # The two sides are not independent, so each gets half the weight that naive Bayes gives.
        weighed = [
            p * sqrt(left * right) / prior
            for p, left, right, prior in zip(expected, *sides, self._prior, strict=True)
        ]
        total = sum(weighed)
        expected = [weight / total for weight in weighed]
        if place.neighbours == (None, None):
            return expected
        return smoothed(without_it(neighbours), expected)

    def _smoothed_by_others(
        self, keys: Iterable[Key], own: Counts, prior: list[float]
    ) -> list[float]:
        """What other forms say, the least specific key first."""
        for key in keys:
            counts = self._general[key]
            if key in own:
                counts = [n - n_own for n, n_own in zip(counts, own[key], strict=True)]
            prior = smoothed(counts, prior)
        return prior

    def _of_others(self, its: FormPlaces) -> set[tuple[Key, int]]:
        """What a form counts for other forms: keys with the index of a label, each once."""
        return {
            (key, self._index[place.label])
            for place in its.places
            for key in (*_of_form(its), *_around(place))
        }

    def _no_counts(self) -> Counts:
        return defaultdict(lambda: [0] * len(self.labels))


def smoothed(counts: Sequence[int], prior: Sequence[float]) -> list[float]:
    """Shares of counts, smoothed by Witten and Bell.

    prior (Sequence[float]): What is expected without the counts.
    """
    n = sum(counts)
    if not n:
        return list(prior)
    n_types = sum(1 for count in counts if count)
    return [(count + n_types * p) / (n + n_types) for count, p in zip(counts, prior, strict=True)]


def _of_form(its: FormPlaces) -> list[Key]:
    """What it has in common with other forms."""
    return [("form", min(len(its.form), LONGEST_LENGTH), its.casing)]


def _sides(place: AuditedPlace) -> tuple[list[Key], list[Key]]:
    """The words on either side, each by its casing and by itself."""
    return (
        [("left casing", place.left_casing), ("left", place.left)],
        [("right casing", place.right_casing), ("right", place.right)],
    )


def _around(place: AuditedPlace) -> list[Key]:
    left, right = _sides(place)
    return left + right


def _alike(place: AuditedPlace) -> tuple[Key, Key, Key]:
    """In what other places of the form are like it: at all, the document, both neighbours."""
    return "form", ("document", place.document), ("neighbours", place.neighbours)
