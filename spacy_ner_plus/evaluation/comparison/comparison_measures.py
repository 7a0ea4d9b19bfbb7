"""The figures of a comparison: docs/compare.md says what they mean."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...metrics.bootstrap import LEVEL
from ..errors import CORRECT, shown_errors
from ..exact import counted_measures, document_counts
from ..intervals import measure_intervals
from ..predictions import Predictions
from ..schema import EntityTypes, Throughput
from ..score_types import MeasureIntervals, Measures
from .comparison_schema import (
    SCHEMA,
    SCHEMA_VERSION,
    BootstrapSettings,
    ComparedCounts,
    ComparisonMetrics,
    EntityComparison,
    EntityComparisons,
    ErrorComparison,
    ExactComparison,
    FoundCounts,
    KindComparison,
    MeanComparison,
    SharedCounts,
    SignificanceTest,
    SumComparison,
    SystemSummary,
    TypeComparison,
)
from .differences import ComparedDocument, kind_of_gold, kind_of_wrong
from .nesting_comparison import compare_nesting
from .significance import Randomisation, difference_intervals, holm, randomisation, score_table

METHOD = "approximate randomisation over documents, two-sided"
CORRECTION = "Holm, over the types"


@dataclass(frozen=True)
class System:
    """One of the two models, after it has run.

    found (Predictions): Its entities that count; the pipeline itself is gone.
    components (List[str]): Names of the pipeline's; none if predictions were read.
    types (EntityTypes): Which types these are of.
    """

    found: Predictions
    components: list[str]
    types: EntityTypes = field(default_factory=EntityTypes)


def compare_systems(
    a: System,
    b: System,
    documents: Sequence[ComparedDocument],
    *,
    data: str,
    tokens: str = "reference",
    samples: int,
    swaps: int,
    seed: int,
) -> ComparisonMetrics:
    """Compare what two systems found.

    a, b (System): The baseline and the candidate.
    documents (Sequence[ComparedDocument]): Their documents, see differences.compare_documents.
    data, tokens (str): What they ran on, to tell in the result.
    samples, seed (int): See significance.difference_intervals.
    swaps, seed (int): See significance.randomisation.
    """
    of_a, of_b = a.found.documents, b.found.documents
    labels = sorted(
        {e.label for doc in (*of_a, *of_b) for group in (doc.gold, doc.predicted) for e in group}
    )
    _, counts_a = document_counts(of_a, labels)  # (n_docs, n_labels, 3)
    _, counts_b = document_counts(of_b, labels)
    test = randomisation(counts_a, counts_b, swaps, seed)
    ends = difference_intervals(counts_a, counts_b, samples, seed)
    return ComparisonMetrics(
        schema=SCHEMA,
        schema_version=SCHEMA_VERSION,
        data=data,
        tokens=tokens,
        spans_key=a.found.sources.gold.spans_key,
        a=_summary(a),
        b=_summary(b),
        counts=_counts(a.found, n_differing=int((counts_a != counts_b).any(axis=(1, 2)).sum())),
        significance=SignificanceTest(METHOD, test.swaps, test.exact, seed, CORRECTION),
        bootstrap=None if ends is None else BootstrapSettings(LEVEL, samples, seed),
        exact=_exact(labels, counts_a.sum(axis=0), counts_b.sum(axis=0), test, ends),
        entities=_entities(labels, documents),
        errors=_errors(documents),
        gate=None,
        nesting=compare_nesting(of_a, of_b, samples, seed),
        gold_in_ents=a.found.sources.gold.with_ents,
    )


def _counts(found: Predictions, n_differing: int) -> ComparedCounts:
    """The counts of one system.

    found (Predictions): Of either system: both have the same documents.
    """
    return ComparedCounts(
        documents=len(found.documents),
        documents_that_differ=n_differing,
        documents_without_annotation=found.n_without_annotation,
        words=found.n_words,
        gold=sum(len(document.gold) for document in found.documents),
        gold_not_judged=sum(len(document.gold_not_judged) for document in found.documents),
    )


def _summary(system: System) -> SystemSummary:
    found, speed = system.found, None
    if found.speed is not None:
        speed = Throughput(found.speed.words_per_second, found.speed.seconds, found.speed.words)
    return SystemSummary(
        model=found.name,
        components=system.components,
        predicted=sum(len(doc.predicted) for doc in found.documents),
        not_judged=sum(len(doc.not_judged) for doc in found.documents),
        speed=speed,
        types=system.types,
        spans_key=found.sources.predicted.spans_key,
    )


def _exact(
    labels: Sequence[str],
    counts_a: np.ndarray,
    counts_b: np.ndarray,
    test: Randomisation,
    ends: np.ndarray | None,
) -> ExactComparison:
    """Scores of exact matches.

    counts_a, counts_b: (n_labels, 3).
    ends: (2 + n_labels, 3, 2), rows as in score_table; None for a single document.
    """
    a, b = score_table(counts_a), score_table(counts_b)  # (2 + n_labels, 3)

    def differences(row: int) -> tuple[Measures, MeasureIntervals | None, Measures]:
        """B minus A, its interval and its p-values."""
        return (
            Measures(*(b[row] - a[row]).tolist()),
            None if ends is None else measure_intervals(ends[row]),
            Measures(*test.p[row].tolist()),
        )

    micro = SumComparison(
        counted_measures(a[0], counts_a.sum(axis=0)),
        counted_measures(b[0], counts_b.sum(axis=0)),
        *differences(0),
    )
    macro = MeanComparison(Measures(*a[1].tolist()), Measures(*b[1].tolist()), *differences(1))
    # no system can be better at a type without gold, so there is nothing to test of it
    corrected = np.ones((len(labels), 3))
    has_gold = counts_a[:, 0] + counts_a[:, 2] > 0  # (n_labels,)
    corrected[has_gold] = holm(test.p[2:][has_gold])
    types = {
        label: TypeComparison(
            counted_measures(a[2 + i], counts_a[i]),
            counted_measures(b[2 + i], counts_b[i]),
            *differences(2 + i),
            p_corrected=Measures(*corrected[i].tolist()),
        )
        for i, label in enumerate(labels)
    }
    return ExactComparison(micro=micro, macro=macro, types=types)


def _entities(labels: Sequence[str], documents: Sequence[ComparedDocument]) -> EntityComparisons:
    """Who finds the gold entities, and who predicts the wrong ones, by their label."""
    gold = Counter((v.entity.label, kind_of_gold(v)) for doc in documents for v in doc.gold)
    wrong = Counter((v.entity.label, kind_of_wrong(v)) for doc in documents for v in doc.wrong)

    def total(table: Counter[tuple[str, str]], kind: str, of: Sequence[str]) -> int:
        return sum(table[label, kind] for label in of)

    def counts(of: Sequence[str]) -> tuple[FoundCounts, SharedCounts]:
        return FoundCounts(
            both=total(gold, "both", of),
            a_only=total(gold, "found_by_a_only", of),
            b_only=total(gold, "found_by_b_only", of),
            neither=total(gold, "neither", of),
        ), SharedCounts(
            both=total(wrong, "both", of),
            a_only=total(wrong, "wrong_in_a_only", of),
            b_only=total(wrong, "wrong_in_b_only", of),
        )

    types = {label: EntityComparison(*counts([label])) for label in labels}
    return EntityComparisons(*counts(labels), types=types)


def _errors(documents: Sequence[ComparedDocument]) -> ErrorComparison:
    """Errors by their kind, and the gold entities of each that the other system finds."""
    a = Counter(error.kind for doc in documents for error in doc.errors_a)
    b = Counter(error.kind for doc in documents for error in doc.errors_b)
    # what each gold entity is part of, in A and in B
    gold = Counter((v.a.kind, v.b.kind) for doc in documents for v in doc.gold if v.a and v.b)
    kinds = [
        KindComparison(
            kind=kind,
            name=name,
            a=a[kind],
            b=b[kind],
            difference=b[kind] - a[kind],
            found_by_b=gold[kind, CORRECT],
            found_by_a=gold[CORRECT, kind],
        )
        for kind, name in shown_errors([*a, *b]).items()
    ]
    return ErrorComparison(kinds=kinds, a=a.total(), b=b.total())
