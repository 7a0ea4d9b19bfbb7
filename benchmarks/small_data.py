"""How many steps small data want: what is behind the least `max_steps` that a plan gives.

    python benchmarks/small_data.py assets/bc5cdr --texts 160 --group 8 --steps 152 400 800
    python benchmarks/small_data.py assets/bc5cdr --texts 100 --group 1 --steps 40 150 300 600

FOLDER holds train.tsv and test.tsv. The first TEXTS documents, of GROUP sentences each, are learned
with the config that `init_config` makes for them, of which only the number of steps is changed, and
with it the learning rate's schedule. One training each, scored by exact entities on the first
TEST_TEXTS documents of the test set, after the last step.
"""

import argparse
import tempfile
from itertools import islice
from pathlib import Path

import spacy_ner_plus
from spacy_ner_plus.training.project.planning import TrainingPlan


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        for name, n_texts in (("train", args.texts), ("test", args.test_texts)):
            records = spacy_ner_plus.read(args.folder / f"{name}.tsv", group=args.group)
            spacy_ner_plus.write(islice(records, n_texts), folder / f"{name}.spacy")
        config = folder / "config.cfg"
        plan = spacy_ner_plus.init_config(
            folder / "train.spacy", config, dev=folder / "test.spacy", encoder=args.encoder
        )
        planned, n_words = plan.max_steps.value, plan.batch_words.value
        rows = [
            (steps, score(folder, steps, planned_warmup(plan, steps)))
            for steps in sorted({*args.steps, planned})
        ]
    print(f"\n{args.texts} texts of {args.folder.name}, batches of {n_words:,} words:\n")
    print("| steps | F1 |\n|---|---|")
    for steps, f1 in rows:
        print(f"| {steps}{' (planned)' if steps == planned else ''} | {100 * f1:.1f} |")


def planned_warmup(plan: TrainingPlan, steps: int) -> int:
    """As large a share of the steps as in the plan."""
    return round(steps * plan.warmup_steps.value / plan.max_steps.value)


def score(folder: Path, steps: int, warmup_steps: int) -> float:
    """F1 on the test texts after so many steps."""
    schedule = "training.optimizer.learn_rate"
    overrides = {
        "training.max_steps": steps,
        "training.eval_frequency": steps,
        f"{schedule}.total_steps": steps,
        f"{schedule}.warmup_steps": warmup_steps,
    }
    output = folder / str(steps)
    spacy_ner_plus.train(folder / "config.cfg", output, overrides=overrides)
    return spacy_ner_plus.evaluate(output / "model-last", folder / "test.spacy").f1


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default="assets/encoder")
    parser.add_argument("--texts", type=int, default=160)
    parser.add_argument("--test-texts", type=int, default=400)
    parser.add_argument("--group", type=int, default=8, help="sentences in a text")
    parser.add_argument("--steps", type=int, nargs="+", default=[152, 400])
    return parser.parse_args()


if __name__ == "__main__":
    main()
