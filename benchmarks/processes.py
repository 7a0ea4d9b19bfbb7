"""Worker processes beside one process with as many threads: speed, and whether they find the same.

    python benchmarks/processes.py MODEL TEXTS.spacy --workers 2

One process has all cores, each worker has one thread. Texts are repeated until there are --words of
them. Systems take turns; what starting the workers costs is part of their time.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import time
from itertools import chain, islice, repeat
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import DocBin

Entities = list[tuple[int, int, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", help="name or folder of a trained pipeline")
    parser.add_argument("data", type=Path, help=".spacy file whose texts are read")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--words", type=int, default=100_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=multiprocessing.get_all_start_methods())
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    args = parser.parse_args()
    nlp = spacy.load(args.model)
    docs = list(DocBin().from_disk(args.data).get_docs(nlp.vocab))
    n_passes = -(-args.words // sum(map(len, docs)))
    texts = [doc.text for doc in chain.from_iterable(repeat(docs, n_passes))]
    systems: dict[str, int] = {"one process": 1} | dict.fromkeys(args.methods, args.workers)
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    expected: list[Entities] | None = None
    n_words = 0
    for _ in range(args.rounds):
        for name, n_process in systems.items():
            if n_process > 1:
                multiprocessing.set_start_method(name, force=True)
            took, n_words, found = run(nlp, texts, n_process, args.batch_size)
            expected = expected or found
            different = sum(a != b for a, b in zip(found, expected, strict=True))
            seconds[name].append(took)
            print(f"{name}: {n_words / took:,.0f} words/s, {different} texts differ", flush=True)
            if different:
                raise SystemExit(f"{name} finds other entities in {different} texts")
    report(seconds, n_words, args)


def run(
    nlp: Language, texts: list[str], n_process: int, batch_size: int
) -> tuple[float, int, list[Entities]]:
    """Seconds, words, and the entities of each text."""
    list(nlp.pipe(islice(texts, 8)))  # so that threads are running, as they would be
    started = time.perf_counter()
    found: list[Entities] = []
    n_words = 0
    for doc in nlp.pipe(texts, n_process=n_process, batch_size=batch_size):
        found.append([(ent.start, ent.end, ent.label_) for ent in doc.ents])
        n_words += len(doc)
    return time.perf_counter() - started, n_words, found


def report(seconds: dict[str, list[float]], n_words: int, args: argparse.Namespace) -> None:
    baseline = seconds["one process"]
    figures = {}
    print(f"\n{'system':16}{'words/s':>10}{'of one process':>16}")
    for name, times in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(baseline, times, strict=True))
        speed = n_words / statistics.median(times)
        figures[name] = {"words_per_second": speed, "ratio": ratio, "seconds": times}
        print(f"{name:16}{speed:10,.0f}{ratio:16.2f}")
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps({"words": n_words, "systems": figures}, indent=2))


if __name__ == "__main__":
    main()
