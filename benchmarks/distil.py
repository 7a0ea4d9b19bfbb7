"""What does a small model gain from a big one, and from which raw text?

    python benchmarks/distil.py FOLDER --texts news=news.txt --texts wiki=wiki.jsonl

FOLDER holds the training, development and test data: train, dev and test as .spacy or .tsv, or
eng.train, eng.testa and eng.testb of CoNLL-2003. These are trained, and scored on the test data:

    teacher         `--teacher-config` on the annotated data; `--teacher PIPELINE` for one that is
                    there
    student         `--student-config` on the annotated data alone
    distil, data    the same, and what the teacher says about these data
    distil, NAME    the same, and what the teacher says about the texts of this name, each apart

All students have the same number of steps and of words in a batch, so that those with texts see the
annotated data less often. The checkpoint that is best on the development data is scored. One
process per run, `--jobs` at once with one thread each; runs whose results are there are not
repeated.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from runs import Run, run_all

import spacy_ner_plus
from spacy_ner_plus import convert, distil, train

ROOT = Path(__file__).parent.parent
PARTS = {"train": "eng.train", "dev": "eng.testa", "test": "eng.testb"}
TEACHER, STUDENT, DATA = "teacher", "student", "data"
RATE = "training.optimizer.learn_rate"


def main() -> None:
    args = parse_args()
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        run.save(args.output, run_one(args, run))
        return
    args.output.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        prepare(args, part)
    teacher = Run(TEACHER, 0)
    students = [Run(name, seed, after=teacher) for seed in args.seeds for name in systems(args)]
    run_all([teacher, *students], args.output, args.jobs)
    print_table(args)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument(
        "--texts", action="append", default=[], metavar="NAME=PATH", help="raw texts; repeatable"
    )
    parser.add_argument("--teacher", help="name or folder of a pipeline, to train none")
    parser.add_argument("--teacher-config", type=Path, default=ROOT / "configs" / "cpu.cfg")
    parser.add_argument("--student-config", type=Path, default=ROOT / "configs" / "bilstm_crf.cfg")
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--weight", type=float, default=0.5)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--share", type=float, help="of texts among all documents, to read fewer")
    parser.add_argument("--steps", type=int, help="of students, if not the config's")
    parser.add_argument("--teacher-steps", type=int, help="of the teacher, if not the config's")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, one thread each")
    parser.add_argument("--output", type=Path, default=Path("training/distil"))
    parser.add_argument("--quick", action="store_true", help="two steps each, to see that it runs")
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.quick:
        args.steps = args.teacher_steps = 2
        args.seeds = args.seeds[:1]
    for entry in args.texts:
        if "=" not in entry:
            parser.error(f"--texts wants NAME=PATH, got {entry!r}")
    return args


def systems(args: argparse.Namespace) -> list[str]:
    return [STUDENT, *(f"distil-{name}" for name in (DATA, *sources(args)))]


def sources(args: argparse.Namespace) -> dict[str, str]:
    """The paths of texts by the names of their sources."""
    return dict(entry.split("=", 1) for entry in args.texts)


def corpus(args: argparse.Namespace, part: str) -> Path:
    path = args.folder / f"{part}.spacy"
    return path if path.exists() else args.output / f"{part}.spacy"


def prepare(args: argparse.Namespace, part: str) -> None:
    """Convert a part of the corpus, if it is not in .spacy yet."""
    if not corpus(args, part).exists():
        names = (f"{part}.tsv", PARTS[part])
        found = [args.folder / name for name in names if (args.folder / name).exists()]
        if not found:
            raise SystemExit(f"{args.folder} has none of {part}.spacy, {', '.join(names)}.")
        convert(found[0], args.output / f"{part}.spacy")


def run_one(args: argparse.Namespace, run: Run) -> dict[str, float]:
    started = time.perf_counter()
    folder = args.output / f"{run.name}-{run.seed}"
    if run.name == TEACHER and args.teacher is not None:
        return scores(args, args.teacher) | {"seconds": 0.0}
    if run.name == TEACHER:
        config, overrides = args.teacher_config, settings(args, run, args.teacher_steps)
    else:
        config, overrides = args.student_config, settings(args, run, args.steps)
    if not run.name.startswith("distil-"):
        train(config, folder, overrides=overrides, overwrite=True)
    else:
        path = sources(args).get(run.name.removeprefix("distil-"))
        distil(
            args.teacher or args.output / f"{TEACHER}-0" / "model-best",
            config,
            folder,
            texts=None if path is None else [path],
            share=None if path is None else args.share,
            weight=args.weight,
            temperature=args.temperature,
            cache=args.output / "lessons",
            overrides=overrides,
            overwrite=True,
        )
    return scores(args, folder / "model-best") | {"seconds": time.perf_counter() - started}


def settings(args: argparse.Namespace, run: Run, n_steps: int | None) -> dict[str, Any]:
    overrides: dict[str, Any] = {
        "paths.train": str(corpus(args, "train")),
        "paths.dev": str(corpus(args, "dev")),
        "paths.encoder": args.encoder,
        "system.seed": run.seed,
    }
    if n_steps is not None:
        overrides |= {
            "training.max_steps": n_steps,
            "training.eval_frequency": max(1, n_steps // 10),
            f"{RATE}.warmup_steps": max(1, n_steps // 20),
            f"{RATE}.total_steps": n_steps,
        }
    return overrides


def scores(args: argparse.Namespace, pipeline: str | Path) -> dict[str, float]:
    parts = {part: corpus(args, part) for part in ("dev", "test")}
    return {part: spacy_ner_plus.evaluate(pipeline, path).f1 for part, path in parts.items()}


def print_table(args: argparse.Namespace) -> None:
    print(f"\nF1, mean and standard deviation of seeds {args.seeds} (the teacher: one run)")
    print(f"{'':24}{'dev':>16}{'test':>16}{'minutes':>10}")
    for name in (TEACHER, *systems(args)):
        seeds = [0] if name == TEACHER else args.seeds
        runs = [Run(name, seed).scores(args.output) for seed in seeds]
        cells = [shown([100 * run[part] for run in runs]) for part in ("dev", "test")]
        minutes = statistics.mean(run["seconds"] for run in runs) / 60
        title = name.replace("distil-", "distil, ")
        print(f"{title:24}{''.join(cells)}{minutes:10.1f}")


def shown(values: list[float]) -> str:
    spread = f" ({statistics.stdev(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}".rjust(16)


if __name__ == "__main__":
    main()
