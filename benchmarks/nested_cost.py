"""Time and memory of ner_plus_spans by the length of a document, beside those of flat ner_plus.

    python benchmarks/nested_cost.py GENIA.jsonlines --lengths 1000 10000 100000

The file is as that of benchmarks/nested.py. Each system learns for some steps, so that it finds
about as many entities as there are; then a process of its own reads documents of so many tokens,
made of the sentences of the file: the median of some readings each, shortest first. Peaks are those
of the process when it has read the longest, and how much of it came after the pipeline was loaded.

What is found must not depend on where batches and chunks of the band begin: sentences are read one
by one and all at once, and a document with chunks of other sizes. Entities that differ are counted.

All runs are one after the other. Runs whose results are in the output folder are not repeated.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

import spacy
from model_runs import initialized
from nested_data import Division, fold_divisions, read_docs, write_folds
from nested_runs import bare_docs
from nested_systems import FLAT, SPANCAT, SYSTEMS, TRANSFORMER, Steps, System, make_config
from runs import Run, batches, learn, run_all
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.data.corpus import make_corpus_v1
from spacy_ner_plus.models.runtime.span_shim import span_shim_of
from spacy_ner_plus.nn.heads.span_band import SpanBandHead
from spacy_ner_plus.pages.figures import NONE
from spacy_ner_plus.support.peak_memory import peak_memory

ROOT = Path(__file__).parent.parent
NAMES = [
    name
    for name, system in SYSTEMS.items()
    if system.encoder == TRANSFORMER and system.form != SPANCAT
]
N_FOLDS, SEED, BATCH_WORDS = 5, 0, 1000
# Readings of a length: as many as give so many tokens, within these limits.
TOKENS, LEAST_READINGS, MOST_READINGS = 50_000, 3, 20
# Chunks of the band are tried with so many rows, beside the usual number.
CHUNKS = (97, 1_000_000)
# The longest document that is read with them.
CHUNKED = 10_000
MIB = 1 << 20
Found = dict[tuple[int, int, int, str], float]
"""Probabilities of entities by document, start, end and label."""
Scores = dict[str, float]
"""What a process has measured, by name."""


@dataclass(frozen=True)
class Changes:
    """How what is found in one way differs from what is found in others.

    found (int): Entities in the first way.
    differing (int): Entities that are not found in all ways.
    probability (float): The largest difference of an entity's probabilities.
    """

    found: int
    differing: int
    probability: float

    def as_scores(self, name: str) -> dict[str, float]:
        return {f"{name}-{key}": value for key, value in vars(self).items()}


def main() -> None:
    args = parse_args()
    division = fold_divisions(args.output, N_FOLDS, [0])[0]
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        system, step = run.name.split(".")
        carry_out = {"learn": learn_some, "read": read_all}[step]
        run.save(args.output, carry_out(args, division, system))
        return
    write_folds(args.data, args.output, N_FOLDS, SEED)
    for name in args.systems:
        learning = Run(f"{name}.learn", SEED)
        runs = [learning, reading_of(name)]
        run_all(runs[:1], args.output, jobs=1, threads=args.threads)
        run_all(runs[1:], args.output, jobs=1, threads=args.threads)
    print_tables(args)


def reading_of(system: str) -> Run:
    return Run(f"{system}.read", SEED)


# Learning


def learn_some(args: argparse.Namespace, division: Division, name: str) -> dict[str, float]:
    """A pipeline that has seen a little; it stays in the folder."""
    steps = Steps(BATCH_WORDS, args.steps, args.steps)
    config = make_config(SYSTEMS[name], division, steps, encoder=args.encoder, lang="en", seed=SEED)
    nlp = initialized(config)
    examples = list(make_corpus_v1(division.corpus("train"))(nlp))
    stream = batches(examples, words=BATCH_WORDS, steps=args.steps, seed=SEED)
    seconds = learn(nlp, nlp.create_optimizer(), stream)
    nlp.to_disk(args.output / name)
    return {"seconds": seconds}


# Reading


def read_all(args: argparse.Namespace, division: Division, name: str) -> dict[str, float]:
    """Seconds and peak memory by length, and what changes with borders of batches and chunks."""
    nlp, system = spacy.load(args.output / name), SYSTEMS[name]
    scores = {"loaded": float(peak_memory()["memory"])}
    words = [token.text for doc in read_docs(division.corpus("train"), nlp.vocab) for token in doc]
    list(nlp.pipe([document(nlp, words, min(args.lengths))]))  # threads and buffers are there now
    for length in sorted(args.lengths):
        scores[f"seconds-{length}"] = reading_seconds(nlp, words, length)
        scores[f"peak-{length}"] = peak_memory()["memory"]
    sentences = division.corpus("test")
    scores |= batch_changes(nlp, system, lambda: bare_docs(nlp, sentences)).as_scores("batches")
    if system.form != FLAT and (heads := bands_of(nlp, system)):
        length = min(CHUNKED, max(args.lengths))
        changes = chunk_changes(nlp, system, heads, lambda: [document(nlp, words, length)])
        scores |= changes.as_scores("chunks")
    return scores


def document(nlp: Language, words: Sequence[str], length: int) -> Doc:
    """So many tokens, from the first on, and again if there are fewer."""
    return Doc(nlp.vocab, words=list(islice(cycle(words), length)))


def reading_seconds(nlp: Language, words: Sequence[str], length: int) -> float:
    """The median of some readings of a document."""
    seconds = []
    for _ in range(max(LEAST_READINGS, min(MOST_READINGS, TOKENS // length))):
        doc = document(nlp, words, length)
        started = time.perf_counter()
        list(nlp.pipe([doc]))
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def batch_changes(nlp: Language, system: System, make: Callable[[], list[Doc]]) -> Changes:
    """Documents one by one; all at once; and in another order, some at a time."""
    alone = found_in(system, nlp.pipe(make(), batch_size=1))
    docs = make()
    together = found_in(system, nlp.pipe(docs, batch_size=len(docs)))
    docs = make()
    order = random.Random(SEED).sample(range(len(docs)), len(docs))
    mixed = list(nlp.pipe([docs[i] for i in order], batch_size=7))
    back = [mixed[order.index(i)] for i in range(len(docs))]
    return changes_of([alone, together, found_in(system, back)])


def bands_of(nlp: Language, system: System) -> list[SpanBandHead]:
    pipe: Any = nlp.get_pipe(system.component)
    module = span_shim_of(pipe.model).module
    return [one for one in module.modules() if isinstance(one, SpanBandHead)]


def chunk_changes(
    nlp: Language, system: System, heads: Iterable[SpanBandHead], make: Callable[[], list[Doc]]
) -> Changes:
    """The usual chunks of the band, and others."""
    ways = [found_in(system, nlp.pipe(make()))]
    for max_rows in CHUNKS:
        for head in heads:
            head.max_rows = max_rows
        ways.append(found_in(system, nlp.pipe(make())))
    return changes_of(ways)


def found_in(system: System, docs: Iterable[Doc]) -> Found:
    source = EntitySource.named(system.where)
    return {
        (i, span.start, span.end, span.label_): probability or 0.0
        for i, doc in enumerate(docs)
        for span, probability in source.scored(doc)
    }


def changes_of(ways: Sequence[Found]) -> Changes:
    first = ways[0]
    differing = set(chain.from_iterable(first.keys() ^ way.keys() for way in ways[1:]))
    gaps = [abs(first[key] - way[key]) for way in ways[1:] for key in first.keys() & way.keys()]
    return Changes(len(first), len(differing), max(gaps, default=0.0))


# Tables


def print_tables(args: argparse.Namespace) -> None:
    lengths = sorted(args.lengths)
    scores = {name: reading_of(name).scores(args.output) for name in args.systems}
    for table in (time_table, memory_table, change_table):
        print("\n" + "\n".join(table(scores, lengths)))


def time_table(scores: Mapping[str, Scores], lengths: Sequence[int]) -> Iterator[str]:
    yield "Microseconds a token by tokens of a document"
    yield f"{'':32}" + "".join(f"{length:>11,}" for length in lengths) + f"{'range %':>11}"
    for name, its in scores.items():
        times = [1e6 * its[f"seconds-{length}"] / length for length in lengths]
        spread = 100 * (max(times) / min(times) - 1)
        cells = "".join(f"{value:11.1f}" for value in times)
        yield f"{SYSTEMS[name].title:32}{cells}{spread:11.1f}"


def memory_table(scores: Mapping[str, Scores], lengths: Sequence[int]) -> Iterator[str]:
    yield f"MiB at most with {lengths[-1]:,} tokens, and how many of them came after the pipeline"
    yield "was loaded, each beside those of the first system"
    yield f"{'':32}{'at most':>11}{'of first':>11}{'grown by':>11}{'of first':>11}"
    first_peak, first_growth = memory_of(next(iter(scores.values())), lengths[-1])
    for name, its in scores.items():
        peak, growth = memory_of(its, lengths[-1])
        cells = f"{peak:11,.0f}{peak / first_peak:11.2f}"
        cells += f"{growth:11,.0f}{growth / max(1.0, first_growth):11.2f}"
        yield f"{SYSTEMS[name].title:32}{cells}"


def change_table(scores: Mapping[str, Scores], lengths: Sequence[int]) -> Iterator[str]:
    yield "Entities that are found, those of them that other borders change, and the largest change"
    yield "of a probability: with borders of batches, and of chunks of the band"
    yield f"{'':32}" + 2 * f"{'found':>11}{'changed':>11}{'by':>11}"
    for name, its in scores.items():
        cells = change_cells(its, "batches") + change_cells(its, "chunks")
        yield f"{SYSTEMS[name].title:32}{cells}"


def memory_of(scores: Scores, length: int) -> tuple[float, float]:
    """The peak in MiB, and how much of it is since the pipeline was loaded."""
    peak = scores[f"peak-{length}"]
    return peak / MIB, (peak - scores["loaded"]) / MIB


def change_cells(scores: Scores, name: str) -> str:
    if f"{name}-found" not in scores:
        return 3 * f"{NONE:>11}"
    found, differing, change = (scores[f"{name}-{key}"] for key in Changes.__annotations__)
    return f"{found:11,.0f}{differing:11,.0f}{change:11.7f}"


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="FILE")
    parser.add_argument("--encoder", type=Path, default=ROOT / "assets" / "encoder")
    parser.add_argument(
        "--systems",
        nargs="+",
        choices=NAMES,
        default=["flat", "biaffine", "no-convolution", "crf_per_label", "both"],
    )
    parser.add_argument("--lengths", nargs="+", type=int, default=[1000, 10_000, 100_000])
    parser.add_argument("--steps", type=int, default=60, help=f"of {BATCH_WORDS} words, to learn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("training/nested_cost"))
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
