"""Where a model reads annotated documents otherwise than they are annotated, and how sure it is.

Both readings of such a stretch, the annotation's and the model's own, get their exact probability:
that all tokens of the stretch have the tags that the reading gives them, and that no entity goes on
across its edges, whatever is around it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.training import Example

from ...annotation.gold import aligned_entities, annotated_labels
from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Entities, Tagger
from ...models.decoding.stretches import Stretch, stretch_log_probs, tag_marginals
from ...tags import Span as EntitySpan
from ...tags import TagScheme
from ..capabilities import Disagreement, SecondReading, TypeConfidence


def second_readings(
    tagger: Tagger, emissions: Emissions, examples: Sequence[Example]
) -> list[SecondReading]:
    """Compare the annotation of some documents with the model's reading.

    emissions (Emissions): Of the examples' predicted Docs.
    RETURNS (List[SecondReading]): One a document.
    """
    rows = zip(examples, emissions.row_tokens, tagger.decode(emissions), strict=True)
    compared = [_compare(AnnotatedRows(e, r, tagger.scheme), found) for e, r, found in rows]
    stretches = [list(one.stretches(doc)) for doc, one in enumerate(compared)]
    log_probs = stretch_log_probs(tagger, emissions, [one for own in stretches for one in own])
    splits = np.cumsum([len(own) for own in stretches])[:-1]
    return [
        one.judged(own, marginals)
        for one, own, marginals in zip(
            compared, np.split(log_probs, splits), tag_marginals(tagger, emissions), strict=True
        )
    ]


class AnnotatedRows:
    """What is known about a document, on the rows that its model tags.

    example (Example): The document.
    tokens: (n_rows,) int64, the token of each row, ascending.
    scheme (TagScheme): The model's tags. Where an entity has a type that is not among them, nothing
        is known.

    Attributes:
        spans (List[Span]): The entities: first row, row after the last one, type.
        is_known: (n_rows,) bool, whether the annotation says what a row is.
        labels (Set[str]): The model's types that the document is annotated for.
    """

    def __init__(self, example: Example, tokens: np.ndarray, scheme: TagScheme) -> None:
        entities, known = aligned_entities(example)
        annotated = annotated_labels(example.reference)
        self.tokens, self.scheme = tokens, scheme
        self.labels = set(scheme.labels) if annotated is None else annotated & set(scheme.labels)
        self.is_known = known[tokens]  # (n_rows,)
        self.spans: list[EntitySpan] = []
        for entity in entities:
            start, end = np.searchsorted(tokens, [entity.start, entity.end]).tolist()
            if entity.label_ not in self.labels:
                self.is_known[start:end] = False
            elif start < end:
                self.spans.append((start, end, entity.label_))
        others = set(scheme.labels) - self.labels
        ids = [i for i, label in enumerate(scheme.labels) if label in others]
        columns = (scheme.first, scheme.inside, scheme.last, scheme.unit)
        self._is_other = np.zeros(scheme.n_tags, dtype=bool)  # (n_tags,)
        self._is_other[np.concatenate([column[ids] for column in columns])] = True

    @property
    def is_outside(self) -> np.ndarray:
        """(n_rows,) bool, whether a row is known to be in no entity."""
        is_outside = self.is_known.copy()
        for start, end, _ in self.spans:
            is_outside[start:end] = False
        return is_outside

    def predicted(self, entities: Entities) -> list[EntitySpan]:
        """Those entities of a model, in rows, that have a type that is annotated here."""
        starts = np.searchsorted(self.tokens, entities.starts).tolist()
        ends = np.searchsorted(self.tokens, entities.ends).tolist()
        labels = [self.scheme.labels[label] for label in entities.labels]
        return [one for one in zip(starts, ends, labels, strict=True) if one[2] in self.labels]

    def reading(self, doc: int, start: int, end: int, spans: Sequence[EntitySpan]) -> Stretch:
        """Some rows as these entities and none besides, but such as are not annotated.

        The row after them is in it: it must carry on none of them.
        """
        own = [(first - start, last - start, label) for first, last, label in spans]
        tags = self.scheme.encode(own, end - start)
        allowed = np.zeros((end - start + 1, self.scheme.n_tags), dtype=bool)
        allowed[np.arange(end - start), tags] = True
        allowed[:-1][tags == 0] |= self._is_other
        allowed[-1] = self.scheme.starts | self._is_other
        return Stretch(doc, start, allowed[: len(self.tokens) - start])

    def outside(self, marginals: np.ndarray) -> np.ndarray:
        """The probability of each row outside of entities that it is there, (n_outside,).

        marginals: (n_rows, n_tags) float64.
        """
        is_none = self._is_other.copy()
        is_none[0] = True
        return np.asarray(marginals[self.is_outside][:, is_none].sum(axis=1))

    def in_tokens(self, spans: Sequence[EntitySpan]) -> list[EntitySpan]:
        """Spans of rows as spans of tokens."""
        return [(*self.tokens_of(start, end), label) for start, end, label in spans]

    def tokens_of(self, start: int, end: int) -> tuple[int, int]:
        """The tokens of rows: the first one and that after the last one."""
        return int(self.tokens[start]), int(self.tokens[end - 1]) + 1


@dataclass(frozen=True)
class _Compared:
    """Two annotations of a document, on rows.

    differences: start, end, entities of the annotation, entities of the model.
    n_not_judged (int): Further differences, where something is not annotated.
    """

    annotated: AnnotatedRows
    differences: list[tuple[int, int, list[EntitySpan], list[EntitySpan]]]
    n_not_judged: int

    def stretches(self, doc: int) -> Iterator[Stretch]:
        """Whose probabilities are wanted: each entity, then both readings of each difference."""
        for span in self.annotated.spans:
            yield self.annotated.reading(doc, span[0], span[1], [span])
        for start, end, *readings in self.differences:
            for spans in readings:
                yield self.annotated.reading(doc, start, end, spans)

    def judged(self, log_probs: np.ndarray, marginals: np.ndarray) -> SecondReading:
        """With the probabilities, (n_stretches,), and those of the tags, (n_rows, n_tags)."""
        its = self.annotated
        n = len(its.spans)
        outside = its.outside(marginals)
        confidences = [TypeConfidence(None, float(outside.sum()), len(outside))]
        for label in sorted(its.labels):
            own = [p for p, span in zip(log_probs[:n], its.spans, strict=True) if span[2] == label]
            confidences.append(TypeConfidence(label, float(np.exp(own).sum()), len(own)))
        pairs = log_probs[n:].reshape(-1, 2).tolist()
        found = [
            Disagreement(
                *its.tokens_of(start, end),
                its.in_tokens(annotated),
                its.in_tokens(predicted),
                *pair,
            )
            for (start, end, annotated, predicted), pair in zip(
                self.differences, pairs, strict=True
            )
        ]
        possible = [one for one in found if np.isfinite(one.annotated_log_prob)]
        n_impossible = len(found) - len(possible)
        return SecondReading(possible, confidences, self.n_not_judged + n_impossible)


def _compare(annotated: AnnotatedRows, found: Entities) -> _Compared:
    differences = list(differing(annotated.spans, annotated.predicted(found)))
    known = [one for one in differences if annotated.is_known[one[0] : one[1]].all()]
    return _Compared(annotated, known, len(differences) - len(known))


def differing(
    one: Sequence[EntitySpan], other: Sequence[EntitySpan]
) -> Iterator[tuple[int, int, list[EntitySpan], list[EntitySpan]]]:
    """Where two annotations differ: connected spans of both, if they are not the same.

    one, other (Sequence[Span]): From left to right, flat.
    YIELDS: Start and end of the stretch, and the spans of each in it.
    """
    spans = sorted([(*span, 0) for span in one] + [(*span, 1) for span in other])
    at = 0
    while at < len(spans):
        start, end = spans[at][:2]
        sides: tuple[list[EntitySpan], list[EntitySpan]] = ([], [])
        while at < len(spans) and spans[at][0] < end:
            first, last, label, side = spans[at]
            sides[side].append((first, last, label))
            end, at = max(end, last), at + 1
        if sides[0] != sides[1]:
            yield start, end, *sides
