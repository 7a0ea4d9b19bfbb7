"""GermEval 2014: outer and inner entities by the official metric, with a transformer and a BiLSTM.

    python benchmarks/germeval.py FOLDER --sentences 6000

FOLDER holds NER-de-train.tsv (or germ.train.iob2, the same without numbers), NER-de-dev.tsv and
NER-de-test.tsv. Every sentence is a text. ner_plus_spans with each of its heads, and ner_plus on
the outer entities, learn with the batches and steps that `init-config` plans for so many words. The
BiLSTM learns its vectors. MiniLM is an encoder of English: this project has no German one.

The official metric ("strict, combined") counts outer and inner entities together, with all 12
labels. An entity is right if its span and label are, and if it is on the level that the data have
it on, which is its column: "predicting the correct label-span combination on the wrong level will
not count as a true positive for any of the evaluation metrics"
(https://sites.google.com/site/germeval2014ner/evaluation). What a system finds inside of another
entity that it finds is on the second level, all else on the first. Scores of each level alone are
the official "per-level evaluation".

Intervals are those of the bootstrap over sentences, which are from texts of their own. All else is
as in benchmarks/nested.py. The output folder gets germeval.txt and germeval.json.
"""

import argparse
from pathlib import Path

from nested_data import PARTS, Division, write_parts
from nested_plan import Wanted
from nested_runs import Setup
from nested_stages import run_job, run_stages, shared_parser, take_over
from nested_systems import SYSTEMS

FILES = {
    "train": ("NER-de-train.tsv", "germ.train.iob2"),
    "dev": ("NER-de-dev.tsv",),
    "test": ("NER-de-test.tsv",),
}
NAMES = [name for name, system in SYSTEMS.items() if not system.is_searched]
FORMS = ("flat", "biaffine", "crf_per_label", "layers", "both")
DEFAULT = [f"{encoder}{form}" for encoder in ("", "bilstm-") for form in FORMS]


def main() -> None:
    args = parse_args()
    size = "all" if args.sentences is None else str(args.sentences)
    division = Division(args.output, f"sentences-{size}")
    wanted = Wanted([division], args.systems, [], 0, args.seed, args.output)
    setup = Setup(wanted, args.encoder, "de", args.quick)
    if args.run:
        run_job(setup, *args.run)
        return
    if args.known:
        take_over(args.known, args.output)
    write_parts({part: find(args.folder, part) for part in PARTS}, division, args.sentences)
    run_stages(
        setup,
        name="germeval",
        jobs=args.jobs,
        only_plan=args.plan,
        against=("flat", "bilstm-flat"),
    )


def find(folder: Path, part: str) -> Path:
    """The file of a part."""
    found = [folder / name for name in FILES[part] if (folder / name).is_file()]
    if not found:
        raise SystemExit(f"There is no {part} data in {folder}: {' or '.join(FILES[part])}.")
    return found[0]


def parse_args() -> argparse.Namespace:
    parser = shared_parser(__doc__, systems=NAMES, default=DEFAULT, output="training/germeval")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--sentences", type=int, help="to learn from; else all")
    return parser.parse_args()


if __name__ == "__main__":
    main()
