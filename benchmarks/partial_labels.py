"""What partial annotation is worth: halves for one type each, and accepted and rejected spans.

    python benchmarks/partial_labels.py assets/bc5cdr-columns --seeds 0 1 2 --output metrics/partial

FOLDER holds train.tsv and test.tsv of BC5CDR. All runs are made with configs/cpu.cfg, and scored by
exact entities on the whole test set.

Halves. The first half of the training sentences has its Chemical annotation alone, the other half
its Disease annotation:

    halves.joined    the sentences say which type was looked for: annotated_labels
    halves.outside   they don't: what is not annotated is O
    halves.full      both types are annotated in all sentences

Decisions. A model is trained on `--start` sentences with all their annotation (decisions.start). It
reads the others, and of each the span that it is least sure of, among its five best readings, is
decided by its annotation: accepted if it is an entity, else rejected. `--decisions` of them, those
with a probability nearest to one half, are learned along with the first sentences, by a new model
that begins where that one ended; of the rest of their sentences nothing is known:

    decisions.none      no decision: as many further steps with the first sentences
    decisions.accepted  the accepted ones alone
    decisions.rejected  the rejected ones alone
    decisions.both      all of them

The difference to decisions.none has an interval of 95 %, by the bootstrap over test sentences, with
all seeds together. One process per run, `--jobs` at once with one thread each; runs whose results
are there are not repeated.
"""

import argparse
import json
import statistics
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from runs import Run, batches, learn, run_all
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed, load_config, load_model_from_config
from thinc.api import Adam, warmup_linear

ROOT = Path(__file__).parent.parent
TYPES = ("Chemical", "Disease")
HALVES = ("joined", "outside", "full")
DECISIONS = ("none", "accepted", "rejected", "both")
READINGS = 5
SAMPLES = 2000


def main() -> None:
    args = parse_args()
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        run.save(args.output, run_one(args, run))
        return
    run_all(wanted_runs(args), args.output, args.jobs)
    print_tables(args)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "assets" / "bc5cdr-columns")
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--parts", nargs="+", choices=("halves", "decisions"),
                        default=["halves", "decisions"])  # fmt: skip
    parser.add_argument("--steps", type=int, default=240, help="of halves and of decisions.start")
    parser.add_argument("--further-steps", type=int, default=120, help="with decisions")
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--start", type=int, default=400, help="sentences of decisions.start")
    parser.add_argument("--decisions", type=int, default=1000)
    parser.add_argument("--batch-words", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, one thread each")
    parser.add_argument("--output", type=Path, default=Path("metrics/partial"))
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


def wanted_runs(args: argparse.Namespace) -> list[Run]:
    runs = []
    for seed in args.seeds:
        if "halves" in args.parts:
            runs += [Run(f"halves.{way}", seed) for way in HALVES]
        if "decisions" in args.parts:
            start = Run("decisions.start", seed)
            runs += [start, *(Run(f"decisions.{way}", seed, start) for way in DECISIONS)]
    return runs


def run_one(args: argparse.Namespace, run: Run) -> dict[str, float]:
    part, way = run.name.split(".")
    fix_random_seed(run.seed)
    if part == "halves":
        nlp = make_nlp(args)
        train = halves(read(args, nlp, "train"), way)
        learn_all(args, nlp, train, args.steps, run.seed)
    elif way == "start":
        nlp = make_nlp(args)
        learn_all(args, nlp, first_of(args, nlp, run.seed)[0], args.steps, run.seed)
        nlp.to_disk(start_folder(args, run.seed))
    else:
        nlp = spacy.load(start_folder(args, run.seed))
        first, others = first_of(args, nlp, run.seed)
        made = decided(nlp, others, args.decisions)
        kept = {"none": [], "accepted": made.accepted, "rejected": made.rejected}
        kept["both"] = [*made.accepted, *made.rejected]
        train = [*first, *kept[way]]
        optimizer = make_optimizer(args, args.further_steps)
        stream = batches(train, words=args.batch_words, steps=args.further_steps, seed=run.seed)
        learn(nlp, optimizer, stream)
        return score(args, nlp, run) | {
            "accepted": len(made.accepted),
            "rejected": len(made.rejected),
        }
    return score(args, nlp, run)


def start_folder(args: argparse.Namespace, seed: int) -> Path:
    folder: Path = args.output / f"decisions.start-{seed}"
    return folder


def make_nlp(args: argparse.Namespace) -> Language:
    config = load_config(ROOT / "configs" / "cpu.cfg", {"paths.encoder": args.encoder})
    return load_model_from_config(config, auto_fill=True)


def make_optimizer(args: argparse.Namespace, steps: int) -> Adam:
    return Adam(warmup_linear(args.rate, steps // 10, steps), L2=0.01, grad_clip=1.0)


def learn_all(
    args: argparse.Namespace, nlp: Language, train: list[Example], steps: int, seed: int
) -> None:
    nlp.initialize(lambda: train)
    stream = batches(train, words=args.batch_words, steps=steps, seed=seed)
    learn(nlp, make_optimizer(args, steps), stream)


def read(args: argparse.Namespace, nlp: Language, split: str) -> list[Example]:
    from spacy_ner_plus.data.conversion import convert
    from spacy_ner_plus.data.corpus import make_corpus_v1

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "docs.spacy"
        convert(args.folder / f"{split}.tsv", file)
        return list(make_corpus_v1(file)(nlp))


def halves(examples: list[Example], way: str) -> list[Example]:
    """The sentences with the annotation of one type each, unless they are to have all."""
    middle = len(examples) // 2
    for i, example in enumerate(examples):
        own = TYPES[i >= middle]
        if way != "full":
            doc = example.reference
            doc.ents = [ent for ent in doc.ents if ent.label_ == own]
        if way == "joined":
            example.reference._.annotated_labels = [own]
    return examples


def first_of(
    args: argparse.Namespace, nlp: Language, seed: int
) -> tuple[list[Example], list[Example]]:
    """Some sentences drawn by the seed, and the others."""
    examples = read(args, nlp, "train")
    order = np.random.default_rng(seed).permutation(len(examples))
    chosen = [examples[i] for i in order]
    return chosen[: args.start], chosen[args.start :]


@dataclass(frozen=True)
class Decided:
    """Sentences with one decision each, of which nothing else is known."""

    accepted: list[Example]
    rejected: list[Example]


def decided(nlp: Language, examples: list[Example], n: int) -> Decided:
    """Decide the spans that the pipeline is least sure of, one a sentence."""
    read = ((least_sure(nlp, example.reference), example.reference) for example in examples)
    suggestions = [(*found, gold) for found, gold in read if found is not None]
    suggestions.sort(key=lambda one: one[0])
    made = Decided([], [])
    for _, place, gold in suggestions[:n]:
        words, spaces = [t.text for t in gold], [bool(t.whitespace_) for t in gold]
        reference = Doc(nlp.vocab, words=words, spaces=spaces)
        span = Span(reference, *place)
        example = Example(Doc(nlp.vocab, words=words, spaces=spaces), reference)
        if place in {(ent.start, ent.end, ent.label_) for ent in gold.ents}:
            reference.set_ents([span], default="missing")
            made.accepted.append(example)
        else:
            reference.spans["incorrect_spans"] = [span]
            made.rejected.append(example)
    return made


def least_sure(nlp: Language, gold: Doc) -> tuple[float, tuple[int, int, str]] | None:
    """The span nearest to a probability of one half, and how far it is from that."""
    ner: Any = nlp.get_pipe("ner_plus")
    words, spaces = [t.text for t in gold], [bool(t.whitespace_) for t in gold]
    doc = Doc(nlp.vocab, words=words, spaces=spaces)
    probabilities: Counter[tuple[int, int, str]] = Counter()
    for reading in ner.alternatives(doc, k=READINGS):
        for ent in reading.entities:
            probabilities[ent.start, ent.end, ent.label_] += reading.probability
    ordered = sorted((abs(p - 0.5), place) for place, p in probabilities.items())
    return ordered[0] if ordered else None


def score(args: argparse.Namespace, nlp: Language, run: Run) -> dict[str, float]:
    """F1 on the test set. The counts of each sentence are kept beside the scores."""
    test = read(args, nlp, "test")
    counts = np.zeros((len(test), 3))  # right, found, there
    docs = nlp.pipe(example.predicted for example in test)
    for i, (doc, example) in enumerate(zip(docs, test, strict=True)):
        found = {(ent.start, ent.end, ent.label_) for ent in doc.ents}
        gold = {(ent.start, ent.end, ent.label_) for ent in example.reference.ents}
        counts[i] = len(found & gold), len(found), len(gold)
    counts_file(args, run).write_text(json.dumps(counts.tolist()), encoding="utf8")
    return {"f1": float(f1(counts.sum(axis=0)))}


def counts_file(args: argparse.Namespace, run: Run) -> Path:
    return run.path(args.output).with_suffix(".counts")


def f1(counts: np.ndarray) -> np.ndarray:
    """counts: (..., 3), right, found and there. RETURNS: (...)."""
    right, found, there = np.moveaxis(counts, -1, 0)
    return np.asarray(2 * right / np.maximum(found + there, 1))


def difference(args: argparse.Namespace, way: str) -> tuple[float, float]:
    """The interval of the difference to decisions.none, in points of F1."""
    from spacy_ner_plus.metrics.bootstrap import percentile_interval, resample

    pairs = []
    for seed in args.seeds:
        own = [Run(f"decisions.{one}", seed) for one in ("none", way)]
        pairs.append([json.loads(counts_file(args, run).read_text()) for run in own])
    # (seeds, 2, n_docs, 3) -> (n_docs, 2, seeds, 3): the same documents of all
    counts = np.moveaxis(np.array(pairs), 2, 0).transpose(0, 2, 1, 3)
    scores = f1(resample(counts, SAMPLES, seed=0)).mean(axis=2)  # (samples, 2)
    low, high = percentile_interval(100 * (scores[:, 1] - scores[:, 0])).tolist()
    return low, high


def print_tables(args: argparse.Namespace) -> None:
    print(f"\nF1 on the test set, mean and standard deviation of seeds {args.seeds}")
    if "halves" in args.parts:
        for way in HALVES:
            print(f"{f'halves.{way}':22}{scores_shown(args, f'halves.{way}')}")
    if "decisions" in args.parts:
        for way in ("start", *DECISIONS):
            line = f"{f'decisions.{way}':22}{scores_shown(args, f'decisions.{way}')}"
            if way not in ("start", "none"):
                low, high = difference(args, way)
                line += f"   against none {low:+.2f} to {high:+.2f}"
            print(line)
        n = Run("decisions.both", args.seeds[0]).scores(args.output)
        print(f"of the first seed, accepted {n['accepted']}, rejected {n['rejected']}")


def scores_shown(args: argparse.Namespace, name: str) -> str:
    values = [100 * Run(name, seed).scores(args.output)["f1"] for seed in args.seeds]
    spread = f" ({statistics.stdev(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}".rjust(16)


if __name__ == "__main__":
    main()
