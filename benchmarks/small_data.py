"""How many steps small data want, and batches of how many words: what is behind a plan's least
`max_steps` and most passes.

    python benchmarks/small_data.py TRAIN TEST --seeds 0 1
    python benchmarks/small_data.py TRAIN TEST --texts 1000 --steps 200 --seeds 0

TRAIN and TEST are column files (train.tsv, test.tsv in assets/bc5cdr-columns). So many texts of
TRAIN, drawn by the seed, of `--group` sentences each, are learned with the config that
`init_config` makes for them, of which only the number of steps is changed, and with it the learning
rate's schedule; the planned number is among them. With `--batch-words`, the size of the batches
too: a number of steps is then one of batches of that size. One training each, scored by exact
entities on TEST_TEXTS texts of TEST, the same for all, after the last step: mean over the seeds,
and standard deviation.
"""

import argparse
import random
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import spacy_ner_plus
from spacy_ner_plus import TextRecord
from spacy_ner_plus.training.project.planning import TrainingPlan

SCHEDULE = "training.optimizer.learn_rate"


def main() -> None:
    args = parse_args()
    train, test = (
        list(spacy_ner_plus.read(path, group=args.group, ignore_markers=True))
        for path in (args.train, args.test)
    )
    print(f"{args.train}: {len(train):,} texts; scored on {min(args.test_texts, len(test)):,}\n")
    print("| texts | words | batch | steps | passes | F1 |\n|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        test_file = folder / "test.spacy"
        spacy_ner_plus.write(sample(test, args.test_texts, seed=0), test_file)
        for n_texts in args.texts:
            drawn = [draw(train, n_texts, seed, test_file, args.encoder) for seed in args.seeds]
            for row in table_rows(drawn, n_texts, args.steps, args.batch_words):
                print(row, flush=True)


@dataclass(frozen=True)
class Drawn:
    """Texts that a seed drew, with the config that is planned for them.

    folder (Path): Holds train.spacy and config.cfg.
    """

    folder: Path
    seed: int
    n_words: int
    plan: TrainingPlan
    test_file: Path

    @property
    def planned(self) -> tuple[int, int]:
        """Words in a batch, and steps."""
        return int(self.plan.batch_words.value), int(self.plan.max_steps.value)

    def score(self, batch_words: int, steps: int) -> float:
        """F1 in percent on the test texts after so many steps."""
        share = float(self.plan.warmup_steps.value) / self.planned[1]
        overrides = {
            "system.seed": self.seed,
            "training.batcher.size": batch_words,
            "training.max_steps": steps,
            "training.eval_frequency": steps,
            f"{SCHEDULE}.total_steps": steps,
            f"{SCHEDULE}.warmup_steps": round(steps * share),
        }
        output = self.folder / f"{batch_words}-{steps}"
        config = self.folder / "config.cfg"
        if not spacy_ner_plus.train(config, output, overrides=overrides):
            raise SystemExit(f"{output}: training was stopped.")
        f1 = 100 * spacy_ner_plus.evaluate(output / "model-last", self.test_file).f1
        shutil.rmtree(output)
        return f1


def draw(
    train: Sequence[TextRecord], n_texts: int, seed: int, test_file: Path, encoder: str
) -> Drawn:
    """Take some texts, and plan a training on them."""
    folder = test_file.parent / f"{n_texts}-{seed}"
    folder.mkdir()
    records = sample(train, n_texts, seed)
    spacy_ner_plus.write(records, folder / "train.spacy")
    plan = spacy_ner_plus.init_config(
        folder / "train.spacy", folder / "config.cfg", dev=test_file, encoder=encoder
    )
    n_words = sum(len(record.tokens or ()) for record in records)
    return Drawn(folder, seed, n_words, plan, test_file)


def sample(records: Sequence[TextRecord], n_texts: int, seed: int) -> list[TextRecord]:
    return random.Random(seed).sample(records, min(n_texts, len(records)))


def table_rows(
    drawn: Sequence[Drawn], n_texts: int, steps: Sequence[int], sizes: Sequence[int]
) -> Iterator[str]:
    """A line for each size of batches and number of steps, once it was measured."""
    n_words = statistics.mean(one.n_words for one in drawn)
    planned = drawn[0].planned
    asked = product(sizes or [planned[0]], steps)
    for batch_words, n_steps in sorted({*asked, planned}):
        scores = [one.score(batch_words, n_steps) for one in drawn]
        spread = f" ({statistics.stdev(scores):.1f})" if len(scores) > 1 else ""
        mark = " (planned)" if (batch_words, n_steps) == planned else ""
        yield (
            f"| {n_texts} | {n_words:,.0f} | {batch_words} | {n_steps}{mark} "
            f"| {n_steps * batch_words / n_words:.0f} | {statistics.mean(scores):.1f}{spread} |"
        )


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--encoder", default="assets/encoder")
    parser.add_argument("--texts", type=int, nargs="+", default=[50, 100, 200, 1000])
    parser.add_argument("--test-texts", type=int, default=300)
    parser.add_argument("--group", type=int, default=1, help="sentences in a text")
    parser.add_argument("--steps", type=int, nargs="+", default=[60, 150, 300])
    parser.add_argument("--batch-words", type=int, nargs="+", default=[], help="planned if none")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    return parser.parse_args()


if __name__ == "__main__":
    main()
