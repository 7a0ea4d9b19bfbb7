"""A candidate beside a baseline, on the same documents: docs/compare.md lists what is compared."""

import gc
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..documents import Document
from ..errors import CORRECT, ERRORS
from ..intervals import LEVEL, MEASURES, document_counts
from ..predictions import Predictions, predict
from .differences import (
    ComparedDocument,
    compare_documents,
    kind_of_gold,
    kind_of_wrong,
)
from .significance import Randomisation, difference_intervals, holm, randomisation, score_table

SCHEMA = "spacy_ner_plus.comparison"
SCHEMA_VERSION = 1
# How often documents are swapped for p-values, and drawn for intervals.
SWAPS = 10_000
SAMPLES = 2000


@dataclass(frozen=True)
class System:
    """One of the two models, after it has run.

    found (Predictions): Its entities; the pipeline itself is gone.
    components (List[str]): Names of the pipeline's; none if predictions were read.
    """

    found: Predictions
    components: list[str]


def run_both(
    model_a: str,
    model_b: str,
    data: Path,
    *,
    tokens: str = "reference",
    spans_key: str | None = None,
) -> tuple[System, System]:
    """Run two models over the same annotated data, one after the other: the first is let go of
    before the second is loaded.

    Arguments are those of predictions.predict; model_a is the baseline, model_b the candidate.
    RAISES ValueError: As predictions.predict does, with the model that it is about.
    """
    systems = []
    for side, model in zip("AB", (model_a, model_b), strict=True):
        try:
            found = predict(model, data, tokens=tokens, spans_key=spans_key, uncalibrated=False)
        except ValueError as error:
            raise ValueError(f"{side} ({model}): {error}") from error
        components = list(found.nlp.pipe_names) if found.nlp is not None else []
        systems.append(System(replace(found, nlp=None), components))
        del found
        gc.collect()  # a pipeline refers to itself
    return systems[0], systems[1]


def compare_all(a: Sequence[Document], b: Sequence[Document]) -> list[ComparedDocument]:
    """Compare the predictions of two systems for the same documents."""
    return [compare_documents(*pair) for pair in zip(a, b, strict=True)]


def compare(
    a: System,
    b: System,
    documents: Sequence[ComparedDocument],
    *,
    data: str,
    tokens: str = "reference",
    spans_key: str | None = None,
    samples: int = SAMPLES,
    swaps: int = SWAPS,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare two systems.

    a, b (System): The baseline and the candidate.
    documents (Sequence[ComparedDocument]): Their documents, see compare_all.
    data, tokens, spans_key (str): What they ran on, to tell in the result.
    samples, seed (int): See significance.difference_intervals.
    swaps, seed (int): See significance.randomisation.
    RETURNS: The content of comparison.json.
    """
    of_a, of_b = a.found.documents, b.found.documents
    labels = sorted(
        {e.label for doc in (*of_a, *of_b) for group in (doc.gold, doc.predicted) for e in group}
    )
    _, counts_a = document_counts(of_a, labels)
    _, counts_b = document_counts(of_b, labels)
    test = randomisation(counts_a, counts_b, swaps, seed)
    intervals = difference_intervals(counts_a, counts_b, samples, seed)
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "data": data,
        "tokens": tokens,
        "spans_key": spans_key,
        "a": _system(a),
        "b": _system(b),
        "counts": {
            "documents": len(of_a),
            "documents_that_differ": int((counts_a != counts_b).any(axis=(1, 2)).sum()),
            "documents_without_annotation": a.found.n_without_annotation,
            "words": a.found.n_words,
            "gold": sum(len(doc.gold) for doc in of_a),
        },
        "significance": {
            "method": "approximate randomisation over documents, two-sided",
            "swaps": test.swaps,
            "exact": test.exact,
            "seed": seed,
            "correction": "Holm, over the types",
        },
        "bootstrap": None
        if intervals is None
        else {"level": LEVEL, "samples": samples, "seed": seed},
        "exact": _exact(labels, counts_a.sum(axis=0), counts_b.sum(axis=0), test, intervals),
        "entities": _entities(labels, documents),
        "errors": _errors(documents),
    }


def _system(system: System) -> dict[str, Any]:
    found = system.found
    speed = found.speed
    return {
        "model": found.name,
        "components": system.components,
        "predicted": sum(len(doc.predicted) for doc in found.documents),
        "not_judged": sum(len(doc.not_judged) for doc in found.documents),
        "speed": None
        if speed is None
        else {
            "words_per_second": speed.words_per_second,
            "seconds": speed.seconds,
            "words": speed.words,
        },
    }


def _exact(
    labels: Sequence[str],
    counts_a: np.ndarray,
    counts_b: np.ndarray,
    test: Randomisation,
    intervals: np.ndarray | None,
) -> dict[str, Any]:
    """Scores of exact matches. counts_a, counts_b: (n_labels, 3), see score_table for the rows."""
    a, b = score_table(counts_a), score_table(counts_b)

    def row(i: int) -> dict[str, Any]:
        return {
            "a": _named(a[i]),
            "b": _named(b[i]),
            "difference": _named(b[i] - a[i]),
            "interval": None if intervals is None else _named(intervals[i]),
            "p": _named(test.p[i]),
        }

    corrected = holm(test.p[2:])
    types = {}
    for i, label in enumerate(labels):
        counted = _with_counts(row(2 + i), counts_a[i], counts_b[i])
        types[label] = {**counted, "p_corrected": _named(corrected[i])}
    micro = _with_counts(row(0), counts_a.sum(axis=0), counts_b.sum(axis=0))
    return {"micro": micro, "macro": row(1), "types": types}


def _with_counts(row: dict[str, Any], a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    for side, counts in (("a", a), ("b", b)):
        tp, fp, fn = counts.tolist()
        row[side] |= {"tp": tp, "fp": fp, "fn": fn, "support": tp + fn}
    return row


def _named(values: np.ndarray) -> dict[str, Any]:
    return dict(zip(MEASURES, values.tolist(), strict=True))


def _entities(labels: Sequence[str], documents: Sequence[ComparedDocument]) -> dict[str, Any]:
    """Who finds the gold entities, and who predicts the wrong ones, by their label."""
    gold = Counter((v.entity.label, kind_of_gold(v)) for doc in documents for v in doc.gold)
    wrong = Counter((v.entity.label, kind_of_wrong(v)) for doc in documents for v in doc.wrong)

    def counts(of: Sequence[str]) -> dict[str, dict[str, int]]:
        def total(table: Counter[tuple[str, str]], kind: str) -> int:
            return sum(table[label, kind] for label in of)

        return {
            "gold": {
                "both": total(gold, "both"),
                "a_only": total(gold, "found_by_a_only"),
                "b_only": total(gold, "found_by_b_only"),
                "neither": total(gold, "neither"),
            },
            "wrong": {
                "both": total(wrong, "both"),
                "a_only": total(wrong, "wrong_in_a_only"),
                "b_only": total(wrong, "wrong_in_b_only"),
            },
        }

    return {**counts(labels), "types": {label: counts([label]) for label in labels}}


def _errors(documents: Sequence[ComparedDocument]) -> dict[str, Any]:
    """Errors by their kind, and the gold entities of each that the other system finds."""
    a = Counter(error.kind for doc in documents for error in doc.errors_a)
    b = Counter(error.kind for doc in documents for error in doc.errors_b)
    # what each gold entity is part of, in A and in B
    gold = Counter((v.a.kind, v.b.kind) for doc in documents for v in doc.gold if v.a and v.b)
    kinds = [
        {
            "kind": kind,
            "name": name,
            "a": a[kind],
            "b": b[kind],
            "difference": b[kind] - a[kind],
            "found_by_b": gold[kind, CORRECT],
            "found_by_a": gold[CORRECT, kind],
        }
        for kind, name in ERRORS.items()
    ]
    return {"kinds": kinds, "a": a.total(), "b": b.total()}
