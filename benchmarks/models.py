"""Rules, a feature CRF, a BiLSTM-CRF, a transformer and spaCy's `ner`: what each takes and finds.

    python benchmarks/models.py conll2003-en assets/bc5cdr-columns --whole assets/wnut17 \\
        --vectors vectors/glove --output training/models --jobs 2

Each folder holds column files: train.tsv, dev.tsv and test.tsv, or eng.train, eng.testa and
eng.testb (CoNLL-2003 may not be redistributed, so it does not come with this project). Every
sentence is a document, and all systems get the same tokens and the config that `ner-plus
init-config --model` makes for so many words (spaCy's `ner`: what its quickstart makes, with half
its patience where it learns from parts). They learn
from 50, 200 and 1,000 sentences with each seed, and from all sentences with the first; from the
folders after `--whole` from all only, and the BiLSTM's ablations from 1,000 of the first folder.
The checkpoint is chosen, and probabilities are calibrated, by a quarter as many development
sentences, or all; test data are scored whole.

The threads of each system are those that are faster in a trial, in learning and in reading, each by
itself. All whose time is shown runs alone; other trainings have one thread, `--jobs` at once.
One process per run; runs whose results are there are not repeated. `--plan` only says what would be
run, and how long it takes by the trials. `models.svg` shows F1 by the number of sentences.
"""

import argparse
import os
from pathlib import Path

from model_plan import ALL, Job, Kind, Wanted, learning_threads, plan_lines
from model_runs import Setup, speeds, train_and_score, trial
from model_systems import ABLATIONS, ALL_SYSTEMS, SYSTEMS
from model_tables import write_tables
from runs import run_all
from spacy.tokens import DocBin
from spacy.vocab import Vocab

import spacy_ner_plus

ROOT = Path(__file__).parent.parent
CORES = os.cpu_count() or 1
SPLITS = {
    "train": ("train.tsv", "eng.train"),
    "dev": ("dev.tsv", "eng.testa"),
    "test": ("test.tsv", "eng.testb"),
}


def main() -> None:
    args = parse_args()
    setup = Setup(args.output, args.encoder, args.vectors, args.seeds[0], args.quick)
    if args.run:
        job = Job.read(args.run[0], int(args.run[1]))
        job.run.save(args.output, carry_out(setup, job))
        return
    for folder in (*args.folders, *args.whole):
        convert(folder, setup)
    wanted = what_is_wanted(args)
    run_all([job.run for job in wanted.trials()], args.output, jobs=1)
    words = {data: count(setup, data) for data in wanted.data}
    print("\n".join(plan_lines(wanted, words, args.output, args.jobs)), flush=True)
    if not args.plan:
        run_trainings(wanted, args)
        run_speeds(wanted, args)
        write_tables(wanted, args.output)


def what_is_wanted(args: argparse.Namespace) -> Wanted:
    """The ablations are those of the BiLSTM, and nothing without it."""
    return Wanted(
        partly=[folder.name for folder in args.folders],
        whole=[folder.name for folder in args.whole],
        systems=[name for name in args.systems if name in SYSTEMS],
        ablations=[name for name in args.systems if name in ABLATIONS],
        sizes=args.sizes,
        seeds=args.seeds,
        threads=args.threads,
    )


def convert(folder: Path, setup: Setup) -> None:
    """Every sentence becomes a document."""
    for part, names in SPLITS.items():
        found = [folder / name for name in names if (folder / name).is_file()]
        if not found:
            raise SystemExit(f"There is no {part} data in {folder}: {' or '.join(names)}.")
        output = setup.corpus(folder.name, part)
        if not output.exists():
            output.parent.mkdir(parents=True, exist_ok=True)
            spacy_ner_plus.convert(found[0], output, options={"ignore_markers": True})


def count(setup: Setup, data: str) -> dict[str, int]:
    docs = {
        part: list(DocBin().from_disk(setup.corpus(data, part)).get_docs(Vocab()))
        for part in ("train", "dev")
    }
    words = {part: sum(map(len, its)) for part, its in docs.items()}
    return {**words, "train_sentences": len(docs["train"])}


def run_trainings(wanted: Wanted, args: argparse.Namespace) -> None:
    """As many at once as there are jobs; then those whose time is shown, each by itself."""
    jobs = wanted.trainings()
    run_all([job.run for job in jobs if not wanted.is_timed(job)], args.output, args.jobs)
    for job in filter(wanted.is_timed, jobs):
        run_all([job.run], args.output, 1, learning_threads(wanted, job, args.output))


def run_speeds(wanted: Wanted, args: argparse.Namespace) -> None:
    """By itself each: trials with each number of threads, then the rest."""
    for find in (wanted.speed_trials, lambda: wanted.speeds(args.output)):
        for threads in wanted.threads:
            runs = [job.run for job in find() if job.amount == str(threads)]
            run_all(runs, args.output, 1, threads)


def carry_out(setup: Setup, job: Job) -> dict[str, float]:
    if job.kind is Kind.TRIAL:
        return trial(setup, job.data, job.system)
    if job.kind is Kind.SPEED:
        return speeds(setup, job.data, job.system)
    return train_and_score(setup, job.data, job.system, job.amount, job.seed)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--whole", type=Path, nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--encoder", type=Path, default=ROOT / "assets" / "encoder")
    parser.add_argument("--vectors", type=Path, help="for the BiLSTM, as ner-plus vectors writes")
    parser.add_argument("--systems", nargs="+", choices=tuple(ALL_SYSTEMS), default=[*ALL_SYSTEMS])
    parser.add_argument("--sizes", nargs="+", default=["50", "200", "1000", ALL])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", nargs="+", type=int, default=sorted({1, CORES}))
    parser.add_argument("--jobs", type=int, default=CORES, help="threads at once")
    parser.add_argument("--output", type=Path, default=Path("training/models"))
    parser.add_argument("--plan", action="store_true", help="trials, and what is to be run")
    parser.add_argument("--quick", action="store_true", help="two steps each, to see that it runs")
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
