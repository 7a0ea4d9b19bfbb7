"""What scores of whole spans, such as hits of rules, cost the decoding.

    python benchmarks/span_scores.py [--threads 1] [--hits 2] [--output metrics/span_scores.json]

Words/s of decoding with the probabilities of what is found, on random scores under which most words
are O: without scores of spans, and with some in each sentence, at random places, of spans of 1 to 3
words. Both take turns in every round (A B A B ...). All seconds are the process's CPU seconds,
which other load on the machine leaves alone; the table has medians. It is the one in docs/crf.md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from speed.machine import describe

from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import Tagger, make_decoder
from spacy_ner_plus.nn.crf import SpanFactors
from spacy_ner_plus.tags import TagScheme

SCHEMES = [("BIO", 4), ("BILOU", 4), ("BILOU", 18)]  # and how many labels
LONGEST = 3
WEIGHT = 2.0
OUTSIDE = 6.0  # what O scores more than others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--sentences", type=int, default=128)
    parser.add_argument("--words", type=int, default=25, help="of a sentence")
    parser.add_argument("--hits", type=int, default=2, help="spans with a score in each sentence")
    parser.add_argument("--output", type=Path, help="JSON")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    machine = describe("cpu", args.threads)
    print(f"{machine['cpu']}, {args.threads} threads; {args.sentences} sentences of {args.words} "
          f"words, {args.hits} spans with a score in each; medians of {args.rounds} rounds, words/s"
          f"\n\n{'':16}{'without':>12}{'with':>12}")  # fmt: skip
    rows = []
    for row in measure(args):
        name = f"{row['scheme']}, {row['labels']} labels"
        print(f"{name:16}", *(f"{row[way]:11,.0f}" for way in ("without", "with")), flush=True)
        rows.append(row)
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2))


def measure(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Words/s of each scheme."""
    for name, n_labels in SCHEMES:
        tagger, plain = make_problem(TagScheme(name, [f"L{i}" for i in range(n_labels)]), args)
        emissions = {"without": plain, "with": with_spans(plain, tagger.scheme, args)}
        seconds: dict[str, list[float]] = {way: [] for way in emissions}
        for i in range(args.rounds + 1):
            for way, own in emissions.items():
                started = time.process_time()
                tagger.decode(own)
                if i > 0:  # the first round warms up
                    seconds[way].append(time.process_time() - started)
        n_words = args.sentences * args.words
        speeds = {way: n_words / statistics.median(times) for way, times in seconds.items()}
        yield {"scheme": name, "labels": n_labels, **speeds, "seconds": seconds}


def make_problem(scheme: TagScheme, args: argparse.Namespace) -> tuple[Tagger, Emissions]:
    """A CRF and emissions, both random."""
    torch.manual_seed(0)
    decoder = make_decoder(scheme, use_crf=True)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.normal_()
    scores = 3 * torch.randn(args.sentences * args.words, scheme.n_tags)
    scores[:, 0] += OUTSIDE
    rows = [np.arange(args.words)] * args.sentences
    return Tagger(decoder, scheme), Emissions(scores, rows)


def with_spans(plain: Emissions, scheme: TagScheme, args: argparse.Namespace) -> Emissions:
    """The same emissions with scores of random spans in each sentence."""
    random = np.random.default_rng(0)
    n = args.sentences * args.hits
    lengths = random.integers(1, min(LONGEST, args.words) + 1, n)  # (n,)
    starts = random.integers(0, args.words - lengths + 1)  # (n,)
    spans = SpanFactors(
        scheme,
        np.repeat(np.arange(args.sentences), args.hits),
        starts,
        starts + lengths,
        random.integers(0, len(scheme.labels), n),
        torch.full((n,), WEIGHT, dtype=torch.float64),
    )
    return replace(plain, spans=spans)


if __name__ == "__main__":
    main()
