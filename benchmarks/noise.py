"""Does training with typing errors help on text with other errors, and does it cost anything?

    python benchmarks/noise.py assets/bc5cdr-columns assets/wnut17 --seeds 0 1 2

Each FOLDER holds train.tsv and test.tsv. All runs are made with configs/cpu.cfg and differ in the
augmenter of the training data only, which makes other errors in each pass:

    plain    none
    typos    spacy_ner_plus.KeyboardTypos.v1 without swapped letters: `--level` of the sentences
             have an error at `--p` of their letters

Scored by exact entities, micro F1, on the test set as it is ("clean"), and with errors of kinds
that the augmenter does not make, and by another seed, at three shares of the places where one can
be: characters that look alike (OcrErrors.v1), and swapped letters ("swap" of KeyboardTypos.v1).
WNUT-17 is noisy as it is. One process per run, `--jobs` at once with one thread each; runs whose
results are there are not repeated.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from runs import Run, fresh_batches, learn, run_all
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed, load_config, load_model_from_config, registry
from thinc.api import Adam, warmup_linear

ROOT = Path(__file__).parent.parent
DATA = [ROOT / "assets" / "bc5cdr-columns", ROOT / "assets" / "wnut17"]
PLAIN, TYPOS = "plain", "typos"
CLEAN = "clean"
NOISES = ("OCR", "swap")
SHARES = (0.02, 0.05, 0.1)
TEST_SEED = 20_000  # of the errors in test data, for no training to have
COLUMNS = [CLEAN, *(f"{noise} {100 * share:.0f} %" for noise in NOISES for share in SHARES)]


def main() -> None:
    args = parse_args()
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        run.save(args.output, run_one(args, run))
        return
    runs = [
        Run(f"{folder.name}.{system}", seed)
        for seed in args.seeds
        for folder in args.folders
        for system in (PLAIN, TYPOS)
    ]
    run_all(runs, args.output, args.jobs)
    print_table(args)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", default=DATA)
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--level", type=float, default=0.5, help="share of sentences with errors")
    parser.add_argument("--p", type=float, default=0.05, help="share of letters with errors")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=480)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--batch-words", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, one thread each")
    parser.add_argument("--output", type=Path, default=Path("metrics/noise"))
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


def run_one(args: argparse.Namespace, run: Run) -> dict[str, float]:
    from spacy_ner_plus.data.conversion import convert

    name, _, system = run.name.rpartition(".")
    [data] = [folder for folder in args.folders if folder.name == name]
    with tempfile.TemporaryDirectory() as temp:
        paths = {split: Path(temp) / f"{split}.spacy" for split in ("train", "test")}
        for split, path in paths.items():
            convert(data / f"{split}.tsv", path)
        overrides = {
            "paths.encoder": args.encoder,
            "paths.train": str(paths["train"]),
            "paths.dev": str(paths["test"]),
        }
        config = load_config(ROOT / "configs" / "cpu.cfg", overrides)
        if system == TYPOS:
            config["corpora"]["train"]["augmenter"] = {
                "@augmenters": "spacy_ner_plus.KeyboardTypos.v1",
                "level": args.level,
                "p": args.p,
                "kinds": ["replace", "insert", "omit"],
            }
        fix_random_seed(run.seed)
        nlp = load_model_from_config(config, auto_fill=True)
        corpora = registry.resolve(config.interpolate()["corpora"])
        nlp.initialize(lambda: list(corpora["train"](nlp)))
        schedule = warmup_linear(args.rate, args.steps // 10, args.steps)
        stream = fresh_batches(
            lambda: list(corpora["train"](nlp)),
            words=args.batch_words,
            steps=args.steps,
            seed=run.seed,
        )
        seconds = learn(nlp, Adam(schedule, L2=0.01, grad_clip=1.0), stream)
        gold = [example.reference for example in corpora["dev"](nlp)]
    scores = {CLEAN: micro_f(nlp, gold)}
    for noise in NOISES:
        for share in SHARES:
            column = f"{noise} {100 * share:.0f} %"
            scores[column] = micro_f(nlp, noisy(nlp, gold, noise, share))
    return scores | {"train_seconds": seconds}


def noisy(nlp: Language, gold: list[Doc], noise: str, share: float) -> list[Doc]:
    """The same documents with errors, in all of them."""
    from spacy_ner_plus.data.augmenters import make_keyboard_typos_v1, make_ocr_errors_v1

    if noise == "swap":
        augmenter = make_keyboard_typos_v1(1.0, share, TEST_SEED, kinds=["swap"])
    else:
        augmenter = make_ocr_errors_v1(1.0, share, TEST_SEED)
    return [made for doc in gold for made in augmenter.references(nlp, doc)]


def micro_f(nlp: Language, gold: list[Doc]) -> float:
    from spacy_ner_plus.data.corpus import unannotated

    ner = nlp.get_pipe("ner_plus")
    examples = [Example(unannotated(nlp, doc), doc) for doc in gold]
    for example, read in zip(examples, ner.pipe(eg.predicted for eg in examples), strict=True):
        example.predicted = read
    return float(ner.score(examples)["ents_micro_f"] or 0.0)


def print_table(args: argparse.Namespace) -> None:
    print(f"\nMicro F1 on test sets, in percent, mean and standard deviation of seeds {args.seeds}")
    print(f"{'':24}" + "".join(f"{column:>16}" for column in COLUMNS))
    for folder in args.folders:
        for system in (PLAIN, TYPOS):
            runs = [Run(f"{folder.name}.{system}", seed).scores(args.output) for seed in args.seeds]
            cells = [shown([100 * run[column] for run in runs]) for column in COLUMNS]
            print(f"{folder.name + ' ' + system:24}" + "".join(cells))


def shown(values: list[float]) -> str:
    spread = f" ({statistics.stdev(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}".rjust(16)


if __name__ == "__main__":
    main()
