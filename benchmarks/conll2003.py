"""CoNLL-2003 English through `spacy train` with the shipped defaults, on whole documents.

    python benchmarks/conll2003.py FOLDER --encoder assets/encoder

FOLDER holds eng.train, eng.testa and eng.testb (the corpus may not be redistributed, so it does
not come with this project). Three variants of configs/cpu.cfg are trained for four passes each,
`--jobs` at a time with one thread each; the checkpoint that is best on eng.testa is scored.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import spacy
from spacy.tokens import DocBin

ROOT = Path(__file__).parent.parent
COMPONENT = "--components.ner_plus"
VARIANTS = {
    "BIO, no CRF, no casing": [
        f"{COMPONENT}.tag_scheme", "BIO",
        f"{COMPONENT}.model.use_crf", "false",
        f"{COMPONENT}.model.word_forms", "null",
    ],
    "BIO, CRF, casing": [f"{COMPONENT}.tag_scheme", "BIO"],
    "BILOU, CRF, casing": [],
}  # fmt: skip
EPOCHS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--batch-words", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("training/conll2003"))
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    for split in ("train", "testa", "testb"):
        spacy_command("ner-plus", "convert", args.folder / f"eng.{split}", corpus(args, split))
    n_words = sum(len(doc) for doc in DocBin().from_disk(corpus(args, "train")).get_docs(
        spacy.blank("en").vocab
    ))  # fmt: skip
    steps_per_epoch = n_words // args.batch_words
    waiting, running = list(VARIANTS), {}
    while waiting or running:
        while waiting and len(running) < args.jobs:
            name = waiting.pop(0)
            running[name] = start_training(args, name, steps_per_epoch)
        time.sleep(1)
        for name, process in list(running.items()):
            if process.poll() is not None:
                del running[name]
                if process.returncode:
                    raise SystemExit(f"{name}: exit status {process.returncode}")
                print(f"done: {name}", flush=True)
    print(f"\n{'F1':26}{'dev':>8}{'test':>8}")
    for name in VARIANTS:
        print(f"{name:26}{score(args, name, 'testa'):8.2f}{score(args, name, 'testb'):8.2f}")


def spacy_command(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "spacy", *map(str, words)], check=True)


def corpus(args: argparse.Namespace, split: str) -> Path:
    path: Path = args.output / f"{split}.spacy"
    return path


def folder_of(args: argparse.Namespace, name: str) -> Path:
    path: Path = args.output / name.replace(", ", "-").replace(" ", "-").lower()
    return path


def start_training(
    args: argparse.Namespace, name: str, steps_per_epoch: int
) -> subprocess.Popen[bytes]:
    n_steps = EPOCHS * steps_per_epoch
    overrides = {
        "--paths.train": corpus(args, "train"),
        "--paths.dev": corpus(args, "testa"),
        "--paths.encoder": args.encoder,
        "--system.seed": args.seed,
        "--training.max_steps": n_steps,
        "--training.eval_frequency": steps_per_epoch,
        "--training.batcher.size": args.batch_words,
        "--training.optimizer.learn_rate.initial_rate": args.learning_rate,
        "--training.optimizer.learn_rate.warmup_steps": n_steps // 10,
        "--training.optimizer.learn_rate.total_steps": n_steps,
    }
    words = [str(word) for pair in overrides.items() for word in pair]
    config = ROOT / "configs" / "cpu.cfg"
    output = folder_of(args, name)
    command = ["train", str(config), "--output", str(output), *words, *VARIANTS[name]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    with (args.output / f"{output.name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "spacy", *command], env=environment, stdout=log, stderr=log
        )


def score(args: argparse.Namespace, name: str, split: str) -> float:
    output = folder_of(args, name) / f"{split}.json"
    model = folder_of(args, name) / "model-best"
    spacy_command("ner-plus", "evaluate", model, corpus(args, split), "--output", output)
    return 100 * float(json.loads(output.read_text())["scores"]["ents_f"])


if __name__ == "__main__":
    main()
