"""How many errors of each kind there are, and what each kind costs."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..metrics.spans import Counts
from .errors import CORRECT, ERRORS, Finding


def summarise_errors(findings: Sequence[Finding]) -> dict[str, Any]:
    """Counts and costs of errors and the confusion of types, as metrics.json has them.

    findings (Sequence[Finding]): Of all documents, the correct ones too.

    An error's cost is what micro F1 gains if errors of its kind alone are mended: their gold
    entities are found, their predicted ones go. Gains need not add up to the whole loss, because
    F1 is no sum (Bolya et al. 2020, "TIDE", section 2.3).
    """
    gold: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for finding in findings:
        errors[finding.kind] += 1
        gold[finding.kind] += len(finding.gold)
        predicted[finding.kind] += len(finding.predicted)
    right = errors[CORRECT]
    now = Counts(right, predicted.total() - right, gold.total() - right)
    kinds = []
    for kind, name in ERRORS.items():
        mended = now + Counts(gold[kind], -predicted[kind], -gold[kind])
        gain = mended.f1 - now.f1
        kinds.append(
            {
                "kind": kind,
                "name": name,
                "errors": errors[kind],
                "gold": gold[kind],
                "predicted": predicted[kind],
                "f1_gain": gain,
                "share": gain / (1.0 - now.f1) if now.f1 < 1.0 else 0.0,
            }
        )
    return {
        "kinds": kinds,
        "correct": right,
        "types": _by_type(findings),
        "confusion": _confusion(findings),
    }


def _by_type(findings: Sequence[Finding]) -> dict[str, Any]:
    counts: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for finding in findings:
        for side in ("gold", "predicted"):
            for entity in getattr(finding, side):
                counts[entity.label][finding.kind, side] += 1
    return {
        label: {
            kind: {side: counts[label][kind, side] for side in ("gold", "predicted")}
            for kind in (CORRECT, *ERRORS)
        }
        for label in sorted(counts)
    }


def _confusion(findings: Sequence[Finding]) -> dict[str, Any]:
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
    return {"labels": labels, "counts": counts.tolist()}
