"""Where the CRF is faster, on the GPU or on the CPU: best tags, and probabilities."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.results import parser_of, save
from benchmarks.speed.machine import synchronise
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import Tagger, make_decoder
from spacy_ner_plus.tags import TagScheme

# Tokens of each document; the batches of all have about as many.
LENGTHS = {"sentences": 25, "documents": 250, "long documents": 4000}
TIMES = 3


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--words", type=int, required=True)
    args = parser.parse_args()
    figures: dict[str, Any] = {}
    for name, length in LENGTHS.items():
        lengths = [length] * max(1, min(args.words, 16_000) // length)
        figures[name] = {
            place: microseconds(tagging(lengths, torch.device(place))) / sum(lengths)
            for place in dict.fromkeys(("cpu", args.device))
        }
    lines = [
        f"{name}: " + ", ".join(f"{us:.2f} us a token on {place}" for place, us in row.items())
        for name, row in figures.items()
    ]
    save(args.work, "crf", figures, "\n".join(lines))


def tagging(lengths: list[int], device: torch.device) -> Callable[[], object]:
    """Scores of which about a token in ten is in an entity, on a device, and their decoding."""
    scheme = TagScheme("BILOU", ["Chemical", "Disease"])
    torch.manual_seed(0)
    scores = torch.randn(sum(lengths), scheme.n_tags)
    scores[:, 0] += 3.0
    tagger = Tagger(make_decoder(scheme, use_crf=True).to(device), scheme)
    emissions = Emissions(scores.to(device), [np.arange(n) for n in lengths])
    return lambda: tagger.decode(emissions)


def microseconds(work: Callable[[], object]) -> float:
    """The least of some times."""
    work()
    took = []
    for _ in range(TIMES):
        synchronise()
        started = time.perf_counter()
        work()
        synchronise()
        took.append(time.perf_counter() - started)
    return 1e6 * min(took)


if __name__ == "__main__":
    main()
