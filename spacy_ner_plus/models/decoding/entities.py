"""From emissions to entities with probabilities."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch

from ...nn.crf import CRF, Lattice, SpanTags, TagDecoder
from ...nn.crf.transfer import to_device
from ...tags import TagScheme
from .calibration import Calibration
from .emissions import Emissions, SequenceGroup


@dataclass(frozen=True)
class Entities:
    """The entities found in one Doc, from left to right.

    starts, ends: (n,) int64 tokens, end exclusive.
    labels: (n,) int64, indices into the labels of what found them: a scheme or a component.
    probabilities: (n,) float64, P(exactly this span with this label) in [0, 1], after a calibration
        if there is one; NaN where that is not known; a Tagger's always is.
    """

    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def some(self, is_kept: np.ndarray) -> "Entities":
        """Those of a mask or of indices. is_kept: (n,) bool, or (n_kept,) int64."""
        columns = (self.starts, self.ends, self.labels, self.probabilities)
        return Entities(*(column[is_kept] for column in columns))


UNCALIBRATED = Calibration()
_NONE = np.zeros(0, dtype=np.int64)
NO_ENTITIES = Entities(_NONE, _NONE, _NONE, np.zeros(0))


@dataclass(frozen=True)
class Tagger:
    """What emissions mean.

    decoder (TagDecoder): The distribution over tag sequences that they make.
    scheme (TagScheme): The tags.
    calibration (Calibration): How scores become probabilities.
    """

    decoder: TagDecoder
    scheme: TagScheme
    calibration: Calibration = UNCALIBRATED

    def decode(self, emissions: Emissions) -> list[Entities]:
        """The best valid tag sequence of each Doc, read as entities with exact probabilities.

        emissions (Emissions): Scores; tags that score -inf (see `constrain`) are not used, and the
            probabilities are conditional on that, as on spans that score -inf.
        """
        found = [NO_ENTITIES] * len(emissions.row_tokens)
        with torch.no_grad():
            for group in emissions.groups():
                scores = emissions.scores[group.rows]  # (N, n_tags)
                tags = self.decoder.decode(scores, group.layout, spans=group.spans)  # (N,)
                spans = _spans_of(tags.cpu().numpy(), group, self.scheme)
                if emissions.excluded:
                    spans = spans.without(emissions.excluded)
                if not len(spans.starts):
                    continue
                probabilities = _probabilities_of(spans, group, emissions, self)  # (n_spans,)
                for doc, entities in _by_doc(spans, probabilities, emissions.row_tokens):
                    found[doc] = entities
        return found

    def lattice(self, emissions: Emissions, group: SequenceGroup) -> Lattice:
        """The distribution over the tag sequences of some Docs, at the calibrated temperature."""
        temperature = self.calibration.temperature
        scores = emissions.scores[group.rows]  # (N, n_tags)
        return self.decoder.lattice(
            scores, group.layout, temperature=temperature, spans=group.spans
        )


def make_decoder(scheme: TagScheme, *, use_crf: bool) -> TagDecoder:
    """The CRF of a scheme, or the softmax with the same hard constraints."""
    return (CRF if use_crf else TagDecoder).from_scheme(scheme)


def constrain(emissions: Emissions, permitted: Sequence[np.ndarray]) -> Emissions:
    """Rule out tags: their scores become -inf.

    permitted: for each Doc (n_rows_of_doc, n_tags) bool; they must leave a valid sequence.
    """
    if not any(map(len, permitted)):
        return emissions
    forbidden = ~np.concatenate([rows for rows in permitted if len(rows)])  # (n_rows, n_tags)
    scores = emissions.scores.masked_fill(to_device(forbidden, emissions.scores.device), -torch.inf)
    return replace(emissions, scores=scores)


@dataclass(frozen=True)
class _Spans:
    """Entities of some documents, one document after the other.

    docs: (n_spans,) int64, the document's position in the batch. starts, ends: (n_spans,) int64
    rows of the document. labels: (n_spans,) int64.
    """

    docs: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray

    def without(self, excluded: frozenset[tuple[int, int, int, int]]) -> "_Spans":
        """All but some. excluded (FrozenSet): Document, start, end and label of each."""
        columns = (self.docs, self.starts, self.ends, self.labels)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        kept = np.array([row not in excluded for row in rows], dtype=bool)
        return _Spans(*(column[kept] for column in columns))


def _spans_of(tags: np.ndarray, group: SequenceGroup, scheme: TagScheme) -> _Spans:
    """tags: (N,) int64, those of all rows of a group."""
    # Valid sequences one after the other are a valid sequence, whose spans stay within each.
    starts, ends, labels = scheme.decode(tags)  # (n_spans,) each, in rows of the group
    lengths = group.layout.lengths.numpy()  # (n_docs,)
    stops = np.cumsum(lengths)  # (n_docs,)
    sequence = np.searchsorted(stops, starts, side="right")  # (n_spans,)
    firsts = (stops - lengths)[sequence]  # (n_spans,)
    return _Spans(group.docs[sequence], starts - firsts, ends - firsts, labels)


def _probabilities_of(
    spans: _Spans, group: SequenceGroup, emissions: Emissions, tagger: Tagger
) -> np.ndarray:
    """(n_spans,) float64: P(exactly this span with this label), calibrated."""
    is_first = np.diff(spans.docs, prepend=-1) != 0  # (n_spans,)
    # the lattice is run for the documents that have spans alone
    if is_first.sum() < len(group.docs):
        group = emissions.group(spans.docs[is_first])
    lattice = tagger.lattice(emissions, group)
    scheme = tagger.scheme
    tags = [ids[spans.labels] for ids in (scheme.first, scheme.inside, scheme.last, scheme.unit)]
    log_probabilities = lattice.span_log_probs(
        sequence=torch.from_numpy(np.cumsum(is_first) - 1),
        start=torch.from_numpy(spans.starts),
        end=torch.from_numpy(spans.ends),
        tags=SpanTags(*map(torch.from_numpy, tags)),
    )  # (n_spans,)
    probabilities = log_probabilities.double().exp().clamp(0.0, 1.0).cpu().numpy()
    return tagger.calibration.of_entities(probabilities)


def _by_doc(
    spans: _Spans, probabilities: np.ndarray, row_tokens: Sequence[np.ndarray]
) -> Iterator[tuple[int, Entities]]:
    """Each document that has spans, and its entities."""
    splits = np.flatnonzero(np.diff(spans.docs)) + 1  # (n_docs - 1,) where another one begins
    columns = (spans.docs, spans.starts, spans.ends, spans.labels, probabilities)
    for first, stop in pairwise([0, *splits.tolist(), len(spans.docs)]):  # np.split is slow
        docs, starts, ends, labels, own = (column[first:stop] for column in columns)
        tokens = row_tokens[docs[0]]  # (n_rows_of_doc,)
        yield int(docs[0]), Entities(tokens[starts], tokens[ends - 1] + 1, labels, own)
