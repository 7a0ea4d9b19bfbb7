"""CoNLL-2003 English through `spacy train` with the shipped defaults, on whole documents.

    python benchmarks/conll2003.py FOLDER --encoder assets/encoder

FOLDER holds eng.train, eng.testa and eng.testb (the corpus may not be redistributed, so it does
not come with this project). Three variants of configs/cpu.cfg are trained for four passes each; the
checkpoint that is best on eng.testa is scored. One process per run, `--jobs` at once with one
thread each; runs whose results are there are not repeated.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import spacy
from runs import Run, run_all
from spacy.cli.train import train
from spacy.tokens import DocBin

import spacy_ner_plus

ROOT = Path(__file__).parent.parent
COMPONENT = "components.ner_plus"
VARIANTS: dict[str, dict[str, Any]] = {
    "BIO, no CRF, no casing": {
        f"{COMPONENT}.tag_scheme": "BIO",
        f"{COMPONENT}.model.use_crf": False,
        f"{COMPONENT}.model.word_forms": None,
    },
    "BIO, CRF, casing": {f"{COMPONENT}.tag_scheme": "BIO"},
    "BILOU, CRF, casing": {},
}
SPLITS = {"train": "eng.train", "dev": "eng.testa", "test": "eng.testb"}


def main() -> None:
    args = parse_args()
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        run.save(args.output, run_one(args, run))
        return
    args.output.mkdir(parents=True, exist_ok=True)
    for split, name in SPLITS.items():
        if not corpus(args, split).exists():
            spacy_ner_plus.convert(args.folder / name, corpus(args, split))
    run_all([Run(name, args.seed) for name in VARIANTS], args.output, args.jobs)
    print_table(args)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-words", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, one thread each")
    parser.add_argument("--output", type=Path, default=Path("training/conll2003"))
    parser.add_argument("--run", nargs=2, metavar=("VARIANT", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


def corpus(args: argparse.Namespace, split: str) -> Path:
    path: Path = args.output / f"{split}.spacy"
    return path


def run_one(args: argparse.Namespace, run: Run) -> dict[str, float]:
    docs = DocBin().from_disk(corpus(args, "train")).get_docs(spacy.blank("en").vocab)
    steps_per_epoch = sum(map(len, docs)) // args.batch_words
    n_steps = args.epochs * steps_per_epoch
    folder = args.output / f"{run.name}-{run.seed}".replace(", ", "-").replace(" ", "-").lower()
    started = time.perf_counter()
    train(
        ROOT / "configs" / "cpu.cfg",
        folder,
        overrides={
            "paths.train": str(corpus(args, "train")),
            "paths.dev": str(corpus(args, "dev")),
            "paths.encoder": args.encoder,
            "system.seed": run.seed,
            "training.max_steps": n_steps,
            "training.eval_frequency": steps_per_epoch,
            "training.batcher.size": args.batch_words,
            "training.optimizer.learn_rate.initial_rate": args.learning_rate,
            "training.optimizer.learn_rate.warmup_steps": n_steps // 10,
            "training.optimizer.learn_rate.total_steps": n_steps,
            **VARIANTS[run.name],
        },
    )
    scores = {"train_seconds": time.perf_counter() - started, "steps": n_steps}
    for split in ("dev", "test"):
        found = spacy_ner_plus.evaluate(folder / "model-best", corpus(args, split))
        scores[split] = found.f1
    return scores


def print_table(args: argparse.Namespace) -> None:
    print(f"\n{'F1':26}{'dev':>8}{'test':>8}{'minutes':>10}")
    for name in VARIANTS:
        scores = Run(name, args.seed).scores(args.output)
        dev, test, minutes = 100 * scores["dev"], 100 * scores["test"], scores["train_seconds"] / 60
        print(f"{name:26}{dev:8.2f}{test:8.2f}{minutes:10.1f}")


if __name__ == "__main__":
    main()
