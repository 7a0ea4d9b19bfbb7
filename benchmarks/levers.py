"""What each setting that may raise accuracy does by itself, on any corpus.

    python benchmarks/levers.py assets/wnut17 --seeds 0 1 2 --jobs 2 --output metrics/levers

FOLDER holds train, dev and test: .spacy files, or files that `ner-plus convert` reads, of whose
columns `--group` sentences make a document. All trainings are made with configs/cpu.cfg, for so
many passes over the data, and differ in one setting only:

    default      as configs/cpu.cfg has it
    averages     AveragedAdam, over a tenth of the steps so far
    consistency  consistency = 1.0: two passes with different dropout; twice the time
    lr-decay     lr_decay = 0.9, from each layer of the encoder to the one below
    mix          mix_layers = "all"
    context      context = 32, of a window of 256
    characters   characters = "cnn"

Each keeps its best checkpoint by F1 on the development data, which is scored on development and
test data: exact entities, micro F1. One process a run, `--jobs` at once with one thread each; runs
whose results are there are not repeated.
"""

import argparse
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import spacy
from model_runs import new_folder, test_scores
from runs import Run, run_all
from spacy.tokens import DocBin
from spacy.util import load_config
from spacy.vocab import Vocab
from thinc.api import Config

import spacy_ner_plus

ROOT = Path(__file__).parent.parent
PARTS = ("train", "dev", "test")
MODEL, OPTIMIZER = "components.ner_plus.model", "training.optimizer"
BATCH_WORDS = "training.batcher.size"
LEVERS: dict[str, dict[str, Any]] = {
    "default": {},
    "averages": {
        f"{OPTIMIZER}.@optimizers": "spacy_ner_plus.AveragedAdam.v1",
        f"{OPTIMIZER}.use_averages": None,  # it has none
        f"{OPTIMIZER}.average_over": 0.1,
    },
    "consistency": {"components.ner_plus.consistency": 1.0},
    "lr-decay": {f"{MODEL}.lr_decay": 0.9},
    "mix": {f"{MODEL}.mix_layers": "all"},
    "context": {f"{MODEL}.context": 32},
    "characters": {f"{MODEL}.characters": "cnn"},
}
EVALUATIONS = 8
# The share of the steps in which the learning rate rises.
WARM_UP = 10
COLUMNS = {"dev": "dev F1", "test": "test F1", "gain": "test, ahead", "minutes": "minutes"}


def main() -> None:
    args = parse_args()
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        run.save(args.output, run_one(args, run))
        return
    convert_all(args)
    levers = list(dict.fromkeys(["default", *args.levers]))
    runs = [Run(lever, seed) for seed in args.seeds for lever in levers]
    run_all(runs, args.output, args.jobs)
    print_table(args, levers)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "assets" / "wnut17")
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--levers", nargs="+", choices=tuple(LEVERS), default=tuple(LEVERS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--passes", type=float, default=4.0, help="over the training data")
    parser.add_argument("--batch-words", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=2e-4, help="of the encoder, at most")
    parser.add_argument("--group", type=int, default=8, help="sentences of a document in columns")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, one thread each")
    parser.add_argument("--output", type=Path, default=Path("metrics/levers"))
    parser.add_argument("--quick", action="store_true", help="two steps, to see that it runs")
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


def corpus(args: argparse.Namespace, part: str) -> Path:
    return args.output / "corpus" / f"{part}.spacy"


def convert_all(args: argparse.Namespace) -> None:
    """The data as .spacy files, before a training starts."""
    for part in PARTS:
        found = sorted(args.folder.glob(f"{part}.*"))
        if len(found) != 1:
            raise SystemExit(
                f"{args.folder} must hold one file {part}.*, and has "
                f"{', '.join(path.name for path in found) or 'none'}."
            )
        [path] = found
        corpus(args, part).parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".spacy":
            shutil.copyfile(path, corpus(args, part))
        else:
            is_columns = path.suffix in (".tsv", ".conll", ".iob", ".bio", ".txt")
            options = {"group": args.group} if is_columns else None
            spacy_ner_plus.convert(path, corpus(args, part), options=options)


def run_one(args: argparse.Namespace, run: Run) -> dict[str, float]:
    folder = new_folder(args.output / f"{run.name}-{run.seed}")
    started = time.perf_counter()
    if not spacy_ner_plus.train(make_config(args, run), folder):
        raise SystemExit(f"{folder}: training was stopped.")
    minutes = (time.perf_counter() - started) / 60
    nlp = spacy.load(folder / "model-best")
    scores = {part: test_scores(nlp, corpus(args, part))["f1"] for part in ("dev", "test")}
    shutil.rmtree(folder)
    return {**scores, "minutes": minutes}


def make_config(args: argparse.Namespace, run: Run) -> Config:
    docs = DocBin().from_disk(corpus(args, "train")).get_docs(Vocab())
    n_steps = max(EVALUATIONS, round(args.passes * sum(map(len, docs)) / args.batch_words))
    every = 1 if args.quick else -(-n_steps // EVALUATIONS)
    max_steps = 2 if args.quick else every * EVALUATIONS
    config = load_config(
        ROOT / "configs" / "cpu.cfg",
        {
            "system.seed": run.seed,
            "paths.encoder": str(args.encoder),
            "paths.train": str(corpus(args, "train")),
            "paths.dev": str(corpus(args, "dev")),
            "training.max_steps": max_steps,
            "training.eval_frequency": every,
            BATCH_WORDS: args.batch_words,
            f"{OPTIMIZER}.learn_rate.initial_rate": args.rate,
            f"{OPTIMIZER}.learn_rate.total_steps": max_steps,
            f"{OPTIMIZER}.learn_rate.warmup_steps": max(1, max_steps // WARM_UP),
        },
    )
    for name, value in LEVERS[run.name].items():
        *blocks, key = name.split(".")
        block: Any = config
        for inner in blocks:
            block = block[inner]
        block.pop(key, None)
        if value is not None:
            block[key] = value
    return config


def print_table(args: argparse.Namespace, levers: list[str]) -> None:
    print(f"\nIn percent, mean and standard deviation of seeds {args.seeds}; {args.folder.name}")
    print(f"{'':12}" + "".join(f"{title:>16}" for title in COLUMNS.values()))
    default = [Run("default", seed).scores(args.output) for seed in args.seeds]
    for lever in levers:
        runs = [Run(lever, seed).scores(args.output) for seed in args.seeds]
        cells = [shown([100 * run[part] for run in runs]) for part in ("dev", "test")]
        pairs = zip(runs, default, strict=True)
        cells.append(shown([100 * (run["test"] - other["test"]) for run, other in pairs]))
        cells.append(shown([run["minutes"] for run in runs]))
        print(f"{lever:12}" + "".join(cells))


def shown(values: list[float]) -> str:
    spread = f" ({statistics.stdev(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}".rjust(16)


if __name__ == "__main__":
    main()
