"""Made-up texts with character offsets, from which even a tiny encoder learns something."""

import json
import random
from pathlib import Path
from typing import Any

NAMES = {
    "Drug": ["Aspirin", "Codeine", "Lithium", "Naloxone", "Warfarin", "Morphine"],
    "Disease": ["headache", "nausea", "seizures", "gout", "asthma", "angina pectoris"],
}
PATTERNS = [
    "{Drug} is given for {Disease}.",
    "After {Drug} the patient had {Disease} and {Disease}.",
    "{Disease} is rare with {Drug}, but not with {Drug}.",
    "No entity is in this text.",
]


def make_rows(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Texts with their entities, all of them different."""
    rng = random.Random(seed)
    return [_make_row(f"Case {seed}.{i}: {rng.choice(PATTERNS)}", rng) for i in range(n)]


def write_rows(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf8")
    return path


def _make_row(pattern: str, rng: random.Random) -> dict[str, Any]:
    text, spans = "", []
    for piece in pattern.replace("}", "{").split("{"):
        label = piece if piece in NAMES else None
        piece = rng.choice(NAMES[label]) if label else piece
        if label:
            spans.append({"start": len(text), "end": len(text) + len(piece), "label": label})
        text += piece
    return {"text": text, "spans": spans}


CITIES = ["Bonn", "Jena", "Trier", "Ulm", "Kiel", "Mainz"]
# Within others, within their own label, and in no other; {} is a city.
NESTED = [
    "[[{}](City) University](Org) has opened",
    "they left [{}](City) for [the [Institute](Org) of [{}](City)](Org)",
    "nobody was in [{}](City)",
    "nothing is in this text",
]


def make_nested_rows(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Texts with entities within entities, all of them different."""
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        pieces = rng.choice(NESTED).split("{}")
        filled = "".join(piece + rng.choice(CITIES) for piece in pieces[:-1]) + pieces[-1]
        rows.append(read_brackets(f"Case {seed}.{i}: {filled}."))
    return rows


def read_brackets(marked: str) -> dict[str, Any]:
    """A text with its entities, which are written as [text](label) and may be within each other."""
    text, at, starts, spans = "", 0, [], []
    while at < len(marked):
        if marked[at] == "[":
            starts.append(len(text))
        elif marked[at] == "]":
            label, _, _ = marked[at + 2 :].partition(")")
            spans.append({"start": starts.pop(), "end": len(text), "label": label})
            at += len(label) + 2
        else:
            text += marked[at]
        at += 1
    return {"text": text, "spans": spans}
