"""What a shorter window costs in F1 and gains in speed, and what a precision does to both.

    python -m benchmarks.windows MODEL assets/bc5cdr-columns/test.tsv

MODEL is a trained pipeline with ner_plus, TEXTS an annotated file, read in whole documents. The
first row is the pipeline's own window and overlap in fp32; speeds are ratios to it within a round,
in which all rows read the texts in turn. Scores are of exact entities.
"""

import argparse
import statistics
import time
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import spacy
import torch
from spacy.language import Language
from spacy.util import load_config

import spacy_ner_plus
from spacy_ner_plus.metrics.reliability import expected_calibration_error
from spacy_ner_plus.metrics.spans import count_spans, scores_of
from spacy_ner_plus.models.runtime.device import has_fast_bf16
from spacy_ner_plus.nn.encoders import packed

Span = tuple[int, int, str]
Text = tuple[str, list[Span]]
UNPACKED = " unpacked"


@dataclass(frozen=True)
class Form:
    """How a pipeline reads. precision (str): With UNPACKED behind it, as torch itself does."""

    window: int
    overlap: int
    precision: str


def main() -> None:
    args = parse_args()
    options = {"group": args.group} if args.texts.suffix == ".tsv" else {}
    texts = [
        (record.text, [(span.start, span.end, span.label) for span in record.spans or ()])
        for record in spacy_ner_plus.read(args.texts, **options)
    ]
    forms = forms_of(args)
    pipelines = [load(args.model, form, args.component) for form in forms]
    seconds: list[list[float]] = [[] for _ in forms]
    measures: list[list[float]] = [[] for _ in forms]
    for _ in range(1 + args.rounds):  # the first one is not counted
        for i, (form, nlp) in enumerate(zip(forms, pipelines, strict=True)):
            is_packed = not form.precision.endswith(UNPACKED)
            with nullcontext() if is_packed else patch.object(packed, "can_pack", cannot_pack):
                started = time.perf_counter()
                measures[i] = read(nlp, texts)
                seconds[i].append(time.perf_counter() - started)
    head = ("window", "overlap", "precision", "P", "R", "F1", "ECE", "speed")
    print("{:>6}{:>9}  {:<14}{:>7}{:>7}{:>7}{:>9}{:>7}".format(*head))
    for form, own, found in zip(forms, seconds, measures, strict=True):
        speed = statistics.median(a / b for a, b in zip(seconds[0][1:], own[1:], strict=True))
        scores = "".join(f"{100 * value:>7.2f}" for value in found[:3])
        print(
            f"{form.window:>6}{form.overlap:>9}  {form.precision:<14}{scores}{found[3]:>9.4f}"
            f"{speed:>7.2f}"
        )


def cannot_pack(dtype: torch.dtype) -> bool:
    return False


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.windows", description=__doc__.split("\n")[0]
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--windows", type=int, nargs="*", default=[64, 96, 128, 192])
    parser.add_argument("--overlaps", type=int, nargs="*", default=[8, 16, 32])
    parser.add_argument("--group", type=int, default=8, help="sentences in a text")
    parser.add_argument("--component", default="ner_plus")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def forms_of(args: argparse.Namespace) -> list[Form]:
    """The pipeline's own window in each precision, and shorter ones in the fastest."""
    model = load_config(args.model / "config.cfg")["components"][args.component]["model"]
    window, overlap = model["window"], model["overlap"]
    fast = "bf16" if has_fast_bf16(torch.device("cpu")) else "fp32"
    precisions = dict.fromkeys(["fp32", f"fp32{UNPACKED}", fast, f"{fast}{UNPACKED}"])
    own = [Form(window, overlap, precision) for precision in precisions]
    shorter = product((n for n in args.windows if n < window), args.overlaps)
    return own + [Form(n, shared, fast) for n, shared in shorter if shared < n // 2]


def load(model: Path, form: Form, component: str) -> Language:
    settings: dict[str, Any] = {
        "window": form.window,
        "overlap": form.overlap,
        "precision": form.precision.removesuffix(UNPACKED),
        "device": "cpu",
    }
    start = f"components.{component}.model"
    return spacy.load(model, config={f"{start}.{name}": value for name, value in settings.items()})


def read(nlp: Language, texts: list[Text]) -> list[float]:
    """Precision, recall, F1 and the expected calibration error of all entities found."""
    predicted: list[list[Span]] = []
    probabilities, is_right = [], []
    for doc, (_, gold) in zip(nlp.pipe(text for text, _ in texts), texts, strict=True):
        found = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
        predicted.append(found)
        probabilities += [ent._.probability for ent in doc.ents]
        is_right += [span in gold for span in found]
    _, counts = count_spans([spans for _, spans in texts], predicted)
    ece = expected_calibration_error(np.array(probabilities), np.array(is_right))
    return [*map(float, scores_of(counts.sum(axis=0)).micro), ece]


if __name__ == "__main__":
    main()
