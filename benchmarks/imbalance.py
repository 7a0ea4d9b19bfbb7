"""What there is for rare types does to them and to probabilities, on WNUT-17.

    python benchmarks/imbalance.py assets/wnut17 --seeds 0 1 2 --output metrics/imbalance

FOLDER holds train.tsv and test.tsv. All runs are made with configs/cpu.cfg and differ in one
setting only:

    default      no weights, no smoothing
    balanced     label_weights = "balanced"
    smoothing    label_smoothing = 0.1
    focal        focal_gamma = 2.0
    oversampling oversample = 0.1 of the corpus reader: types in fewer than a tenth of the documents
    mentions     half of the mentions in half of the documents are others of their type

Scored by exact entities on the test set: micro F1 over all, macro F1 over the types, and the
expected calibration error of the predicted entities' probabilities (15 bins of equal mass), without
`calibrate`. One process per run, `--jobs` at once with one thread each; runs whose results are
there are not repeated.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np
from runs import Run, fresh_batches, learn, run_all
from spacy.training import Example
from spacy.util import fix_random_seed, load_config, load_model_from_config, registry
from thinc.api import Adam, warmup_linear

ROOT = Path(__file__).parent.parent
MENTIONS = "mentions"
AUGMENTER = {
    "@augmenters": "spacy_ner_plus.MentionReplacement.v1",
    "level": 0.5,
    "p": 0.5,
    "corpus": "${corpora.train.path}",
}
SYSTEMS: dict[str, dict[str, str | float]] = {
    "default": {},
    "balanced": {"components.ner_plus.label_weights": "balanced"},
    "smoothing": {"components.ner_plus.label_smoothing": 0.1},
    "focal": {"components.ner_plus.focal_gamma": 2.0},
    "oversampling": {"corpora.train.oversample": 0.1},
    MENTIONS: {},
}
COLUMNS = {"micro": "micro F1", "macro": "macro F1", "precision": "P", "recall": "R", "ece": "ECE"}
BINS = 15


def main() -> None:
    args = parse_args()
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        run.save(args.output, run_one(args, run))
        return
    runs = [Run(system, seed) for seed in args.seeds for system in args.systems]
    run_all(runs, args.output, args.jobs)
    print_table(args)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "assets" / "wnut17")
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--systems", nargs="+", choices=tuple(SYSTEMS), default=tuple(SYSTEMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--batch-words", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, one thread each")
    parser.add_argument("--output", type=Path, default=Path("metrics/imbalance"))
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


def run_one(args: argparse.Namespace, run: Run) -> dict[str, float]:
    from spacy_ner_plus.data.conversion import convert

    with tempfile.TemporaryDirectory() as temp:
        paths = {split: Path(temp) / f"{split}.spacy" for split in ("train", "test")}
        for split, path in paths.items():
            convert(args.folder / f"{split}.tsv", path)
        overrides = {"paths.encoder": args.encoder, "paths.train": str(paths["train"])}
        overrides |= {"paths.dev": str(paths["test"]), **SYSTEMS[run.name]}
        config = load_config(ROOT / "configs" / "cpu.cfg", overrides)
        if run.name == MENTIONS:
            config["corpora"]["train"]["augmenter"] = AUGMENTER
        fix_random_seed(run.seed)
        nlp = load_model_from_config(config, auto_fill=True)
        corpora = registry.resolve(config.interpolate()["corpora"])
        nlp.initialize(lambda: list(corpora["train"](nlp)))
        schedule = warmup_linear(args.rate, args.steps // 10, args.steps)
        optimizer = Adam(schedule, L2=0.01, grad_clip=1.0)
        stream = fresh_batches(
            lambda: list(corpora["train"](nlp)),
            words=args.batch_words,
            steps=args.steps,
            seed=run.seed,
        )
        seconds = learn(nlp, optimizer, stream)
        test = list(corpora["dev"](nlp))
    for example in test:
        example.predicted = nlp.get_pipe("ner_plus")(example.predicted)
    scores = nlp.get_pipe("ner_plus").score(test)
    return {
        "micro": scores["ents_micro_f"],
        "macro": scores["ents_macro_f"],
        "precision": scores["ents_p"],
        "recall": scores["ents_r"],
        "ece": calibration_error(test),
        "train_seconds": seconds,
    } | {f"{label}_f": score["f"] for label, score in scores["ents_per_type"].items()}


def calibration_error(examples: list[Example]) -> float:
    """Mean distance, over bins of equally many predicted entities, between the mean probability
    and the share that is right.
    """
    judged: list[tuple[float, bool]] = []
    for example in examples:
        gold = {(ent.start, ent.end, ent.label_) for ent in example.reference.ents}
        judged += [
            (ent._.probability, (ent.start, ent.end, ent.label_) in gold)
            for ent in example.predicted.ents
        ]
    columns = np.array(sorted(judged), dtype=float)  # (entities, 2)
    bins = [part for part in np.array_split(columns, BINS) if len(part)]
    gaps = [abs(part[:, 0].mean() - part[:, 1].mean()) * len(part) for part in bins]
    return float(sum(gaps) / max(1, len(columns)))


def print_table(args: argparse.Namespace) -> None:
    print(f"\nTest set, in percent, mean and standard deviation of seeds {args.seeds}")
    print(f"{'':12}" + "".join(f"{title:>16}" for title in COLUMNS.values()))
    for system in args.systems:
        runs = [Run(system, seed).scores(args.output) for seed in args.seeds]
        cells = [shown([100 * run[column] for run in runs]) for column in COLUMNS]
        print(f"{system:12}" + "".join(cells))


def shown(values: list[float]) -> str:
    spread = f" ({statistics.stdev(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}".rjust(16)


if __name__ == "__main__":
    main()
