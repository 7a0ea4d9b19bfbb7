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
