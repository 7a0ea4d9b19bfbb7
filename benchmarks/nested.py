"""Entities inside of others: our heads, the flat component and spaCy's `spancat` on one encoder.

    python benchmarks/nested.py GENIA.jsonlines --folds 0 1 --lengthenings 1

The file holds sentences with `tokens`, `entity_mentions` and `doc_id`, as those of GENIA that Yan
et al. (2022) used. GENIA may not be redistributed, so it does not come with this project.

It is a cross-validation by documents, with the same folds for all systems; development documents
are from within those that are not tested. Each sentence is a text. All have the same transformer,
batches and steps, those that `init-config` plans for so many words:

    flat           ner_plus, which learns the outermost entities
    biaffine, ...  ner_plus_spans with each of its heads; `no-convolution` is a biaffine one, too
    spancat        spaCy's, with a suggester of 1 to 12 tokens

Nothing of ours is tuned. For `spancat` the learning rate is chosen, and then training is made three
times as long for as long as that helps, both by the development data of the first fold; and its
threshold by those of each. (Documents that tune it in the first fold are test documents of others:
if that has any effect, it is in favour of `spancat`.) Our probabilities are calibrated with the
development data before test data are read.

F1 of exact spans with their labels is of all folds together: all entities; outermost ones; and
those inside of others, see docs/evaluation.md. Differences have intervals of the paired bootstrap
over the documents of all folds. Speeds are those of the first fold, with all cores.

One process per run; runs whose results are there are not repeated. `--plan` only says what would be
run, and how long it takes by short trials. The output folder gets nested.txt and nested.json.
"""

import argparse
from pathlib import Path

from nested_data import fold_divisions, write_folds
from nested_plan import Wanted
from nested_runs import Setup
from nested_stages import run_job, run_stages, shared_parser, take_over
from nested_systems import SYSTEMS, TRANSFORMER

NAMES = [name for name, system in SYSTEMS.items() if system.encoder == TRANSFORMER]
DEFAULT = ["flat", "biaffine", "crf_per_label", "both", "spancat"]
# Whatever the seed of the trainings, so that folds are the same.
FOLD_SEED = 0


def main() -> None:
    args = parse_args()
    folds = sorted(range(args.n_folds) if args.folds is None else args.folds)
    wanted = Wanted(
        divisions=fold_divisions(args.output, args.n_folds, folds),
        systems=args.systems,
        rates=args.rates,
        lengthenings=args.lengthenings,
        seed=args.seed,
        folder=args.output,
    )
    setup = Setup(wanted, args.encoder, "en", args.quick)
    if args.run:
        run_job(setup, *args.run)
        return
    if args.known:
        take_over(args.known, args.output)
    write_folds(args.data, args.output, args.n_folds, FOLD_SEED)
    run_stages(
        setup,
        name="nested",
        jobs=args.jobs,
        only_plan=args.plan,
        against=("spancat", "flat"),
    )


def parse_args() -> argparse.Namespace:
    parser = shared_parser(__doc__, systems=NAMES, default=DEFAULT, output="training/nested")
    parser.add_argument("data", type=Path, metavar="FILE")
    parser.add_argument("--n-folds", type=int, default=5)
    parser.add_argument("--folds", nargs="+", type=int, help="those to run, from 0; else all")
    parser.add_argument("--rates", nargs="+", type=int, default=[50, 100, 200], help="percent")
    parser.add_argument("--lengthenings", type=int, default=2, help="of spancat, at most")
    return parser.parse_args()


if __name__ == "__main__":
    main()
