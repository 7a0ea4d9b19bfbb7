"""Metrics and errors in the shape of metrics.json and errors.jsonl, made up."""

import random
from typing import Any

from spacy_ner_plus.evaluation.errors import ERRORS

WORDS = ["the", "patient", "received", "drug", "and", "fever", "after", "acute", "renal", "failure"]
Row = dict[str, Any]


def make_sample(
    labels: tuple[str, ...] = ("Chemical", "Disease"), n_errors: int = 120, seed: int = 0
) -> tuple[Row, list[Row]]:
    """Metrics and rows of errors that agree about kinds, types and the confusion matrix."""
    rng = random.Random(seed)
    kinds = list(ERRORS)
    errors = [make_error(i, kinds[i % len(kinds)], labels, rng) for i in range(n_errors)]
    types = {label: _scores(rng) for label in labels}
    micro = _scores(rng) | {"support": sum(scores["support"] for scores in types.values())}
    mean = {key: sum(t[key] for t in types.values()) / len(types) for key in micro}
    average = {key: mean[key] for key in ("precision", "recall", "f1")}
    metrics: Row = {
        "schema": "spacy_ner_plus.metrics",
        "schema_version": 1,
        "model": "training/model-best",
        "data": "corpus/test.spacy",
        "train": "corpus/train.spacy",
        "spans_key": None,
        "tokens": "reference",
        "components": ["ner_plus"],
        "counts": {
            "documents": 500,
            "documents_without_annotation": 3,
            "words": 124_750,
            "gold": micro["support"],
            "predicted": micro["tp"] + micro["fp"],
            "not_judged": 2,
        },
        "speed": {
            "words_per_second": 8123.4,
            "seconds": 15.4,
            "words": 124_750,
            "peak_memory": {"memory": 1_930_000_000},
        },
        "exact": {"micro": micro, "macro": average, "weighted": average, "types": types},
        "intervals": {
            "level": 0.95,
            "samples": 2000,
            "seed": 0,
            **{key: _interval(scores) for key, scores in (("micro", micro), ("macro", average))},
            "weighted": _interval(average),
            "types": {label: _interval(scores) for label, scores in types.items()},
        },
        "partial": {
            **{scheme: _partial(micro, rng) for scheme in SCHEMES},
            "types": {
                label: {scheme: _partial(scores, rng) for scheme in SCHEMES}
                for label, scores in types.items()
            },
        },
        "errors": {
            "kinds": [_kind(kind, errors, rng) for kind in kinds],
            "correct": micro["tp"],
            "types": {label: _of_type(label, errors) for label in labels},
            "confusion": _confusion(labels, types, errors),
        },
        "slices": {
            "seen": _groups(["same label", "another label only", "unseen"], rng),
            "ambiguity": _groups(["one label", "several labels or no entity", "unseen"], rng),
            "length": _groups(["1", "2", "3", "4", "5-6", "7+"], rng),
            "position": _groups(["0-63", "64-127", "128-255", "256-511"], rng),
            "pieces": _groups(["1", "1-2", "2-3", "over 3"], rng),
        },
        "confidence": _confidence(labels),
        "tokenisation": {"gold": 9809, "lost": 3, "examples": ["anti-<b>X</b>", "5-HT3", "IL-2"]},
    }
    return metrics, errors


SCHEMES = ("strict", "exact", "partial", "type")


def make_error(i: int, kind: str, labels: tuple[str, ...], rng: random.Random) -> Row:
    """An error of this kind in a sentence of its own, before and after entities that are right."""
    words = rng.choices(WORDS, k=rng.randint(18, 30))
    text = " ".join(words)
    starts = [sum(len(word) + 1 for word in words[:j]) for j in range(len(words))]

    def entity(first: int, last: int, label: str, probability: float | None = None) -> Row:
        row: Row = {"start": starts[first], "end": starts[last] + len(words[last]), "label": label}
        return row if probability is None else row | {"probability": probability}

    a, b = labels[i % len(labels)], labels[(i + 1) % len(labels)]
    p = round(rng.random(), 4)
    cases = {
        "too_short": ([(6, 8, a)], [(7, 8, a)]),
        "too_long": ([(6, 7, a)], [(6, 9, a)]),
        "shifted": ([(6, 7, a)], [(7, 8, a)]),
        "type": ([(6, 7, a)], [(6, 7, b)]),
        "boundary_and_type": ([(6, 8, a)], [(7, 9, b)]),
        "split": ([(6, 9, a)], [(6, 7, a), (9, 9, b)]),
        "merged": ([(6, 6, a), (8, 9, a)], [(6, 9, a)]),
        "nested_inside": ([(6, 7, a)], []),
        "missed": ([(6, 8, a)], []),
        "spurious": ([], [(6, 8, a)]),
    }
    gold = [entity(*span) for span in cases[kind][0]]
    predicted = [entity(*span, p) for span in cases[kind][1]]
    right = (1, 2, a)
    return {
        "text": text,
        "spans": [entity(*right), *gold],
        "predicted": [entity(*right, 0.98), *predicted],
        "meta": {
            "id": f"{i}-0",
            "kind": kind,
            "name": ERRORS[kind],
            "document": i,
            "offset": 40,
            "gold": [g | {"text": text[g["start"] : g["end"]]} for g in gold],
            "predicted": [g | {"text": text[g["start"] : g["end"]]} for g in predicted],
        },
    }


def _scores(rng: random.Random) -> Row:
    tp, fp, fn = rng.randint(100, 900), rng.randint(5, 90), rng.randint(5, 90)
    precision, recall = tp / (tp + fp), tp / (tp + fn)
    f1 = 2 * tp / (2 * tp + fp + fn)
    scores = {"precision": precision, "recall": recall, "f1": f1}
    return scores | {"tp": tp, "fp": fp, "fn": fn, "support": tp + fn}


def _interval(scores: Row) -> Row:
    return {
        key: [max(0.0, scores[key] - 0.017), min(1.0, scores[key] + 0.013)]
        for key in ("precision", "recall", "f1")
    }


def _partial(scores: Row, rng: random.Random) -> Row:
    share = {key: min(1.0, scores[key] + 0.03 * rng.random()) for key in ("precision", "recall")}
    n = {"correct": 90, "incorrect": 4, "partial": 3, "missed": 2, "spurious": 5}
    return n | {"possible": 99, "actual": 102, "f1": scores["f1"], **share}


def _kind(kind: str, errors: list[Row], rng: random.Random) -> Row:
    found = [row["meta"] for row in errors if row["meta"]["kind"] == kind]
    gain = rng.random() * 0.04
    return {
        "kind": kind,
        "name": ERRORS[kind],
        "errors": len(found),
        "gold": sum(len(meta["gold"]) for meta in found),
        "predicted": sum(len(meta["predicted"]) for meta in found),
        "f1_gain": gain,
        "share": gain / 0.14,
    }


def _of_type(label: str, errors: list[Row]) -> Row:
    def n(kind: str, side: str) -> int:
        metas = [row["meta"] for row in errors if row["meta"]["kind"] == kind]
        return sum(entity["label"] == label for meta in metas for entity in meta[side])

    return {
        "correct": {"gold": 100, "predicted": 100},
        **{kind: {side: n(kind, side) for side in ("gold", "predicted")} for kind in ERRORS},
    }


def _confusion(labels: tuple[str, ...], types: Row, errors: list[Row]) -> Row:
    every = [*labels, None]
    counts = [[types[a]["tp"] if a == b and a else 0 for b in every] for a in every]
    for row in errors:
        for gold, predicted in pairs_of(row):
            counts[every.index(gold)][every.index(predicted)] += 1
    return {"labels": every, "counts": counts}


def pairs_of(row: Row) -> list[tuple[str | None, str | None]]:
    """Labels of gold and predicted entities that stand for each other: those of largest overlap."""
    gold, predicted = list(row["meta"]["gold"]), list(row["meta"]["predicted"])
    pairs: list[tuple[str | None, str | None]] = []
    if gold and predicted:
        _, i, j = max(
            (min(g["end"], p["end"]) - max(g["start"], p["start"]), -i, -j)
            for i, g in enumerate(gold)
            for j, p in enumerate(predicted)
        )
        pairs.append((gold.pop(-i)["label"], predicted.pop(-j)["label"]))
    pairs += [(g["label"], None) for g in gold]
    pairs += [(None, p["label"]) for p in predicted]
    return pairs


def _groups(names: list[str], rng: random.Random) -> list[Row]:
    groups = []
    for name in names:
        gold, predicted = rng.randint(20, 4000), rng.randint(20, 4000)
        found, correct = int(gold * rng.random()), int(predicted * rng.random())
        groups.append(
            {
                "group": name, "gold": gold, "found": found, "recall": found / gold,
                "predicted": predicted, "correct": correct, "precision": correct / predicted,
            }
        )  # fmt: skip
    return groups


def _confidence(labels: tuple[str, ...]) -> Row:
    xs = [1 - 0.7 * (1 - i / 14) ** 3 for i in range(15)]
    curves = {label: _curve(i) for i, label in enumerate(labels, start=1)}
    best = {
        label: {
            "f1": _point(curves[label], 20),
            "precision": _point(curves[label], 60),
            "labels": [label],
        }
        for label in labels
    }
    best[labels[-1]]["precision"] = None
    return {
        "without_probability": 0,
        "reliability": {
            "after": _reliability([(x, x - 0.02) for x in xs], 0.015),
            "before": _reliability([(x, x - 0.1) for x in xs], 0.095),
        },
        "curves": {"micro": _curve(0), "types": curves},
        "thresholds": {
            "wanted_precision": 0.9,
            "types": best,
            "config": {
                "f1": f'threshold = {{"{labels[0]}": 0.2}}',
                "precision": f'threshold = {{"{labels[0]}": 0.6}}',
            },
        },
    }


def _curve(shift: int) -> Row:
    thresholds = [i / 100 for i in range(100)]
    precision = [0.75 + 0.24 * t for t in thresholds]
    recall = [0.92 - (0.6 + 0.01 * (shift % 10)) * t**3 for t in thresholds]
    f1 = [2 * p * r / (p + r) for p, r in zip(precision, recall, strict=True)]
    return {"threshold": thresholds, "precision": precision, "recall": recall, "f1": f1}


def _point(curve: Row, i: int) -> Row:
    return {key: values[i] for key, values in curve.items()}


def _reliability(bins: list[tuple[float, float]], ece: float) -> Row:
    return {
        "n": 15 * 570,
        "ece": ece,
        "log_loss": 0.41,
        "mean_probability": 0.91,
        "precision": 0.9,
        "bins": [{"n": 570, "probability": x, "accuracy": y} for x, y in bins],
    }
