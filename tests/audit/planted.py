"""Real slices with planted errors."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from spacy_ner_plus import TextRecord, read

ASSETS = Path(__file__).parents[2] / "assets"
# The text and the characters of an entity.
Stretch = tuple[int, int, int]


def real_records(name: str, n: int) -> list[TextRecord]:
    """The first texts of a part of a real corpus."""
    return list(islice(read(ASSETS / name), n))


def plant(
    records: Sequence[TextRecord], n: int, *, least: int, seed: int
) -> tuple[list[TextRecord], set[Stretch]]:
    """Drop or relabel n entities whose text is an entity at least so many times, all alike."""
    rng = random.Random(seed)
    labels: dict[str, Counter[str]] = {}
    for record in records:
        for span in record.spans or ():
            labels.setdefault(record.text[span.start : span.end], Counter())[span.label] += 1
    usual = {text for text, its in labels.items() if its.total() >= least and len(its) == 1}
    places = [
        (i, span.start, span.end)
        for i, record in enumerate(records)
        for span in record.spans or ()
        if record.text[span.start : span.end] in usual
    ]
    chosen = set(rng.sample(places, n))
    all_labels = sorted({label for its in labels.values() for label in its})
    changed = []
    for i, record in enumerate(records):
        spans = []
        for span in record.spans or ():
            if (i, span.start, span.end) not in chosen:
                spans.append(span)
            elif rng.random() < 0.5:
                others = [label for label in all_labels if label != span.label]
                spans.append(replace(span, label=rng.choice(others)))
        changed.append(replace(record, spans=tuple(spans)))
    return changed, chosen
