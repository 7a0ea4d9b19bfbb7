"""All figures of an agreement, and the records to decide on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from ...metrics.bootstrap import LEVEL
from ...records import TextRecord
from .adjudication import adjudication_record
from .agreement_schema import (
    KINDS,
    SCHEMA,
    SCHEMA_VERSION,
    AgreementMetrics,
    AnnotatorCounts,
    ConfusedLabels,
    Dispute,
    LabelConfusion,
    PairAgreement,
    SpanAgreement,
)
from .disagreements import LabelPair, PairDifferences, find_differences
from .pair_spans import N_COUNTS, judged, pair_counts, span_agreements
from .places import count_votes, find_places
from .shared_texts import SharedText, SharedTexts
from .token_alpha import pair_alpha, token_alphas
from .token_values import TokenValues, token_values


@dataclass
class _Pair:
    """What is counted of two annotators.

    counts: (n_texts, n_labels, N_COUNTS) int.
    """

    first: int
    second: int
    counts: np.ndarray
    n_texts: int = 0
    n_not_judged: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    labels: Counter[LabelPair] = field(default_factory=Counter)

    def compare(self, shared: SharedText, labels: Sequence[str]) -> PairDifferences | None:
        """Compare them in a text, if both have it."""
        if not {self.first, self.second} <= shared.voices.keys():
            return None
        voices = shared.voices[self.first], shared.voices[self.second]
        spans = judged(*voices)
        self.n_texts += 1
        self.n_not_judged += sum(len(one.spans) for one in voices) - sum(map(len, spans))
        self.counts[shared.text.number] = pair_counts(*spans, labels)
        found = find_differences(*spans)
        self.kinds.update(one.kind for one in found.differences)
        self.labels.update(found.labels)
        return found


def measure_agreement(
    shared: SharedTexts, warnings: Sequence[str], samples: int, seed: int
) -> tuple[AgreementMetrics, list[TextRecord]]:
    """Measure how far annotators agree.

    warnings (Sequence[str]): Of the readers.
    samples, seed (int): Of the bootstrap.
    RETURNS: The figures, and a record for each text on which annotators disagree.
    """
    texts, names = shared.texts, [one.name for one in shared.annotators]
    labels = sorted({s[2] for one in texts for voice in one.voices.values() for s in voice.spans})
    pairs = [
        _Pair(i, j, np.zeros((len(texts), len(labels), N_COUNTS), dtype=np.int64))
        for i, j in combinations(range(len(names)), 2)
    ]
    places: list[Dispute] = []
    records: list[TextRecord] = []
    for one in texts:
        found = [differing for pair in pairs if (differing := pair.compare(one, labels))]
        votes = count_votes(one)
        if votes.disputed:
            differences = [each for its in found for each in its.differences]
            places += find_places(one, votes, names, differences)
            records.append(adjudication_record(one, votes, names))
    pairs = [pair for pair in pairs if pair.n_texts]
    tokens = token_values(texts, len(names), labels)
    micro, of_labels, of_pairs = _spans(pairs, labels, samples, seed)
    metrics = AgreementMetrics(
        schema=SCHEMA,
        schema_version=SCHEMA_VERSION,
        annotators=_annotators(shared),
        matched_by=shared.matched_by,
        texts=len(texts),
        texts_that_differ=len(records),
        tokens=len(tokens.texts),
        tokenized=sum(one.is_tokenized for one in texts),
        samples=samples,
        seed=seed,
        level=LEVEL,
        alphas=token_alphas(tokens, labels, len(texts), samples, seed),
        micro=micro,
        labels=of_labels,
        pairs=[
            _pair(pair, tokens, names, labels, *its)
            for pair, its in zip(pairs, of_pairs, strict=True)
        ],
        kinds=_kinds(pair.kinds for pair in pairs),
        confused=_confused(pair.labels for pair in pairs),
        disagreements=places,
        warnings=[*warnings, *shared.warnings()],
    )
    return metrics, records


def _spans(
    pairs: Sequence[_Pair], labels: Sequence[str], samples: int, seed: int
) -> tuple[
    SpanAgreement,
    dict[str, SpanAgreement],
    list[tuple[SpanAgreement, dict[str, SpanAgreement]]],
]:
    """Over all labels and of each, of all pairs and of each."""
    counts = np.stack([pair.counts for pair in pairs], axis=1)
    counts = np.concatenate([counts.sum(axis=1, keepdims=True), counts], axis=1)
    counts = np.concatenate([counts.sum(axis=2, keepdims=True), counts], axis=2)
    # (n_texts, 1 + n_pairs, 1 + n_labels, N_COUNTS)
    n_columns = counts.shape[2]
    found = span_agreements(counts.reshape(len(counts), -1, N_COUNTS), samples, seed)
    rows = [found[at : at + n_columns] for at in range(0, len(found), n_columns)]
    whole, *of_pairs = [(micro, dict(zip(labels, rest, strict=True))) for micro, *rest in rows]
    return *whole, of_pairs


def _annotators(shared: SharedTexts) -> list[AnnotatorCounts]:
    compared, entities = Counter[int](), Counter[int]()
    for one in shared.texts:
        for i, voice in one.voices.items():
            compared[i] += 1
            entities[i] += len(voice.spans)
    return [
        AnnotatorCounts(
            one.name,
            one.source,
            len(one.texts) - shared.repeated[i],
            compared[i],
            entities[i],
            shared.repeated[i],
        )
        for i, one in enumerate(shared.annotators)
    ]


def _pair(
    pair: _Pair,
    tokens: TokenValues,
    names: Sequence[str],
    labels: Sequence[str],
    micro: SpanAgreement,
    of_labels: dict[str, SpanAgreement],
) -> PairAgreement:
    alpha, n_tokens = pair_alpha(tokens, pair.first, pair.second)
    rows = [*labels, None]
    return PairAgreement(
        first=names[pair.first],
        second=names[pair.second],
        texts=pair.n_texts,
        tokens=n_tokens,
        alpha=alpha,
        micro=micro,
        labels=of_labels,
        not_judged=pair.n_not_judged,
        kinds=_kinds([pair.kinds]),
        confusion=LabelConfusion(rows, [[pair.labels[a, b] for b in rows] for a in rows]),
    )


def _kinds(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    given = list(counts)
    return {kind: sum(one.get(kind, 0) for one in given) for kind in KINDS}


def _confused(counts: Iterable[Mapping[LabelPair, int]]) -> list[ConfusedLabels]:
    """Labels that are not the same, whoever has which."""
    found = Counter[tuple[str, str | None]]()
    for one in counts:
        for pair, n in one.items():
            known = sorted(label for label in pair if label is not None)
            if pair[0] != pair[1]:
                found[known[0], known[1] if len(known) > 1 else None] += n
    order = sorted(found.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
    return [ConfusedLabels(labels, n) for labels, n in order]
