"""How many errors of each kind there are, and what each kind costs."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from ..metrics.spans import precision_recall_f1
from .errors import CORRECT, Finding, shown_errors
from .schema import Confusion, ErrorKind, ErrorSummary, SideCounts


def summarise_errors(findings: Sequence[Finding]) -> ErrorSummary:
    """Counts and costs of errors and the confusion of types.

    findings (Sequence[Finding]): Of all documents, the correct ones too.
    """
    return ErrorSummary(
        kinds=_kinds(findings),
        correct=sum(finding.kind == CORRECT for finding in findings),
        types=_by_type(findings),
        confusion=_confusion(findings),
    )


def _kinds(findings: Sequence[Finding]) -> list[ErrorKind]:
    """Errors by kind with their cost.

    The cost is what micro F1 gains if errors of this kind alone are mended, so that their gold
    entities are found and their predicted ones go.

    Gains need not add up to the whole loss, because F1 is no sum (Bolya et al. 2020, "TIDE",
    section 2.3).
    """
    errors, gold, predicted = Counter[str](), Counter[str](), Counter[str]()
    for finding in findings:
        errors[finding.kind] += 1
        gold[finding.kind] += len(finding.gold)
        predicted[finding.kind] += len(finding.predicted)
    right = errors[CORRECT]
    now = np.array([right, predicted.total() - right, gold.total() - right])  # (3,)
    names = shown_errors(errors)
    mending = np.array([[gold[kind], -predicted[kind], -gold[kind]] for kind in names])
    f1 = float(precision_recall_f1(now)[2])
    gains = (precision_recall_f1(now + mending)[:, 2] - f1).tolist()  # (n_kinds,)
    return [
        ErrorKind(
            kind=kind,
            name=name,
            errors=errors[kind],
            gold=gold[kind],
            predicted=predicted[kind],
            f1_gain=gain,
            share=gain / (1.0 - f1) if f1 < 1.0 else 0.0,
        )
        for (kind, name), gain in zip(names.items(), gains, strict=True)
    ]


def _by_type(findings: Sequence[Finding]) -> dict[str, dict[str, SideCounts]]:
    gold: dict[str, Counter[str]] = defaultdict(Counter)
    predicted: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in findings:
        for entity in finding.gold:
            gold[entity.label][finding.kind] += 1
        for entity in finding.predicted:
            predicted[entity.label][finding.kind] += 1
    kinds = (CORRECT, *shown_errors(finding.kind for finding in findings))
    return {
        label: {kind: SideCounts(gold[label][kind], predicted[label][kind]) for kind in kinds}
        for label in sorted(gold.keys() | predicted.keys())
    }


def _confusion(findings: Sequence[Finding]) -> Confusion:
    """Gold types by row, predicted ones by column; the last of both stands for no entity."""
    pairs = Counter(
        (None if g is None else g.label, None if p is None else p.label)
        for finding in findings
        for g, p in finding.pairs
    )
    labels: list[str | None] = [*sorted({x for pair in pairs for x in pair if x is not None}), None]
    place = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for (g_label, p_label), n in pairs.items():
        counts[place[g_label], place[p_label]] = n
    return Confusion(labels=labels, counts=counts.tolist())
