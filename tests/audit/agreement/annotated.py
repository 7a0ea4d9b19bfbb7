"""Annotators for the tests: small ones by hand, and one who differs from real annotation."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy_ner_plus import SpanRecord, TextRecord, read, write

WNUT = Path(__file__).parents[3] / "assets" / "wnut17" / "dev.tsv"
TEXT = "Anna Ek works for the Bank of America in New York ."


def record(*spans: tuple[int, int, str], text: str = TEXT, **other: Any) -> TextRecord:
    """A text with entities."""
    return TextRecord(text, spans=tuple(SpanRecord(*span) for span in spans), **other)


def write_annotators(folder: Path, **texts: list[TextRecord]) -> list[Path]:
    """A file for each annotator."""
    for name, records in texts.items():
        write(records, folder / f"{name}.jsonl")
    return [folder / f"{name}.jsonl" for name in texts]


def real_texts(n: int = 150) -> list[TextRecord]:
    """Tweets and posts with their entities."""
    return list(read(WNUT))[:n]


def second_annotator(records: list[TextRecord], seed: int, rate: float = 0.15) -> list[TextRecord]:
    """Somebody who misses entities, labels some otherwise, makes some longer and adds some."""
    chance = random.Random(seed)
    labels = sorted({span.label for one in records for span in one.spans or ()})
    return [_differing(one, labels, chance, rate) for one in records]


def _differing(
    one: TextRecord, labels: list[str], chance: random.Random, rate: float
) -> TextRecord:
    tokens = [(token.start, token.end) for token in one.tokens or ()]
    spans: list[SpanRecord] = []
    for span in one.spans or ():
        start, end, label = span.start, span.end, span.label
        draw = chance.random()
        if draw < rate:
            continue
        if draw < 2 * rate:
            label = chance.choice(labels)
        elif draw < 3 * rate:
            end = next((at_end for at, at_end in tokens if at > end), end)
        spans.append(SpanRecord(start, end, label))
    if tokens and chance.random() < rate:
        spans.append(SpanRecord(*chance.choice(tokens), chance.choice(labels)))
    return replace(one, spans=tuple(spans))
