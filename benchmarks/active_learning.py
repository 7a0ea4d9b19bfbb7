"""How much annotation active learning saves: rounds of `ner-plus rank` on data that is annotated.

    python benchmarks/active_learning.py assets/bc5cdr-columns CONLL --seeds 0 1 2

Each FOLDER holds train and test data: train.tsv and test.tsv, or the eng.train and eng.testb of
CoNLL-2003 (which may not be redistributed, so they do not come with this project). What is
annotated at once is a sentence; what it costs is its tokens.

All strategies of a seed begin with the same sentences, drawn at random, of `--start` tokens. A
round learns `ner_plus_features` from what is annotated, has `rank` choose among the other sentences
by a budget of tokens, and annotates these as the data say. Budgets grow: after the last of
`--rounds` rounds, `--share` of all tokens are annotated. "random" is `rank --strategy random`,
which leaves out near duplicates, too; "diverse" is `--diverse` with mnlp. `rank` sees no test data.

A curve is F1 of exact entities on test data by annotated tokens. What is compared is how many
tokens it takes to reach `--target` of the F1 that is learned from all of the data, between two
rounds by the logarithm of their tokens; the saving is 1 - that of a strategy / that of random, both
means over the seeds. Intervals are of the bootstrap over test sentences and seeds, 95 %. A curve
that ends before counts with the tokens at its end, which is said.

`--student` learns a BiLSTM-CRF (the config that `init-config` makes) from what the CRF over
features chose with some strategies, in every second round, with the first seed.

One process per run, `--jobs` at once with one thread each; runs whose results are there are not
repeated. The output folder gets tables and a picture of the curves of each corpus.
"""

import argparse
import json
import os
import random
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, pairwise
from pathlib import Path

import spacy
from active_curves import Point, print_tables, save_points
from model_runs import new_folder
from runs import Run, run_all
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import fix_random_seed
from spacy.vocab import Vocab

import spacy_ner_plus
from spacy_ner_plus.metrics.spans import count_spans
from spacy_ner_plus.ranking.strategies import NAMES, RANDOM

ROOT = Path(__file__).parent.parent
FILES = {"train": ("train.tsv", "eng.train"), "test": ("test.tsv", "eng.testb")}
DIVERSE = "diverse"  # mnlp, of unlike sentences
STRATEGIES = (*NAMES, DIVERSE)
ALL = "all"
STUDENT = "bilstm"
QUICK = 120  # sentences


def main() -> None:
    args = parse_args()
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        run.save(args.output, run_one(args, run))
        return
    for folder in args.folders:
        write_corpora(folder, args.output / folder.name)
    names = [folder.name for folder in args.folders]
    runs = [
        Run(f"{name}.{strategy}", seed)
        for seed in args.seeds
        for name in names
        for strategy in dict.fromkeys([ALL, RANDOM, *args.strategies])
        if strategy != ALL or seed == args.seeds[0]
    ]
    runs += list(student_runs(args, runs))
    run_all(runs, args.output, args.jobs)
    for name in names:
        print_tables(args.output, name, args.strategies, args.seeds, args.target)
        print_students(args, name)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=STRATEGIES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--start", type=int, default=2000, help="tokens")
    parser.add_argument("--share", type=float, default=0.5, help="of all tokens, in the end")
    parser.add_argument("--target", type=float, default=0.95, help="of the F1 of all data")
    parser.add_argument(
        "--student", nargs="*", choices=STRATEGIES, default=[], help="whose choices it learns from"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--output", type=Path, default=Path("training/active-learning"))
    parser.add_argument("--quick", action="store_true", help="few sentences, to see that it runs")
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


def student_runs(args: argparse.Namespace, runs: Sequence[Run]) -> Iterator[Run]:
    """A BiLSTM for every second round of a strategy, and one for all of the data."""
    seed = args.seeds[0]
    choices = {run.name: run for run in runs if run.seed == seed}
    for name in (folder.name for folder in args.folders if args.student):
        yield Run(f"{name}.{STUDENT}.{ALL}.0", seed)
        for strategy in args.student:
            for number in range(2, args.rounds + 1, 2):
                chosen = choices[f"{name}.{strategy}"]
                yield Run(f"{name}.{STUDENT}.{strategy}.{number}", seed, after=chosen)


def write_corpora(source: Path, folder: Path) -> None:
    """The sentences of a corpus, each a Doc with an id."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, names in FILES.items():
        found = [source / name for name in names if (source / name).exists()]
        if not found:
            raise SystemExit(f"{source} has no {' or '.join(names)}.")
        if not (folder / f"{part}.spacy").exists():
            records = spacy_ner_plus.read(found[0], group=1, ignore_markers=True)
            numbered = (replace(one, id=str(i)) for i, one in enumerate(records))
            spacy_ner_plus.write(numbered, folder / f"{part}.spacy")


# A run


def run_one(args: argparse.Namespace, run: Run) -> dict[str, float]:
    """Simulate all rounds of a strategy, or learn from all of the data, or as a student."""
    fix_random_seed(run.seed)
    started = time.perf_counter()
    name, what, *choice = run.name.split(".")
    pool, test = (read_docs(args.output / name / f"{part}.spacy", args.quick) for part in FILES)
    work = new_folder(args.output / f"{run.name}-{run.seed}.work")
    if what in (ALL, STUDENT):
        learn = partial(learn_bilstm, quick=args.quick) if what == STUDENT else learn_features
        ids = chosen_ids(args.output, name, run.seed, *choice) or pool.keys()
        annotated = [pool[id] for id in ids]
        points = [point_of(learn(annotated, work), annotated, test)]
    else:
        points, rounds = simulate(args, pool, test, what, run.seed, work)
        rounds_file(args.output, run).write_text(json.dumps(rounds), encoding="utf8")
    save_points(points, args.output, run)
    shutil.rmtree(work)
    last = points[-1]
    return {"tokens": last.tokens, "f1": last.f1, "seconds": time.perf_counter() - started}


def chosen_ids(
    folder: Path, name: str, seed: int, strategy: str = ALL, number: str = "0"
) -> list[str]:
    """What a strategy had annotated after a round; nothing for ALL."""
    if strategy == ALL:
        return []
    path = rounds_file(folder, Run(f"{name}.{strategy}", seed))
    rounds: list[list[str]] = json.loads(path.read_text(encoding="utf8"))
    return list(chain.from_iterable(rounds[: int(number) + 1]))


def simulate(
    args: argparse.Namespace,
    pool: dict[str, Doc],
    test: dict[str, Doc],
    strategy: str,
    seed: int,
    work: Path,
) -> tuple[list[Point], list[list[str]]]:
    """The curve of a strategy, and the sentences that each round annotated, the first at random."""
    points, rounds = [], [start_of(pool, args.start, seed)]
    for budget in budgets(args, sum(map(len, pool.values()))):
        known = list(chain.from_iterable(rounds))
        annotated = [pool[id] for id in known]
        nlp = learn_features(annotated, work)
        points.append(point_of(nlp, annotated, test))
        if budget is not None:
            others = {id: pool[id] for id in pool.keys() - set(known)}
            rounds.append(ask(nlp, others, strategy, budget, seed, work))
    return points, rounds


def print_students(args: argparse.Namespace, name: str) -> None:
    """F1 of the BiLSTMs, and how many tokens they have learned from."""
    numbers = range(2, args.rounds + 1, 2)
    for strategy, rounds in [(ALL, [0]), *((one, numbers) for one in args.student)]:
        runs = [Run(f"{name}.{STUDENT}.{strategy}.{i}", args.seeds[0]) for i in rounds]
        for run in runs if args.student else ():
            its = run.scores(args.output)
            what = f"BiLSTM, {strategy}" + (f" {run.name.split('.')[-1]}" if len(runs) > 1 else "")
            print(f"{what:32}{its['tokens']:10,.0f}{its['f1']:9.2f}", flush=True)


def read_docs(path: Path, quick: bool) -> dict[str, Doc]:
    """The sentences of a corpus by their ids."""
    docs = list(DocBin().from_disk(path).get_docs(Vocab()))
    return {doc.user_data["id"]: doc for doc in docs[: QUICK if quick else None]}


def budgets(args: argparse.Namespace, n_tokens: int) -> Iterator[int | None]:
    """The tokens that each round may choose: all that is annotated grows by the same factor.

    None after the last one.
    """
    factor = (args.share * n_tokens / args.start) ** (1 / args.rounds)
    sizes = [round(args.start * factor**i) for i in range(args.rounds + 1)]
    yield from (after - before for before, after in pairwise(sizes))
    yield None


def start_of(pool: dict[str, Doc], n_tokens: int, seed: int) -> list[str]:
    """Sentences that are drawn at random, of so many tokens at least."""
    ids, total = [], 0
    for id in random.Random(seed).sample(list(pool), len(pool)):
        ids.append(id)
        total += len(pool[id])
        if total >= n_tokens:
            break
    return ids


def ask(
    nlp: Language, others: dict[str, Doc], strategy: str, budget: int, seed: int, work: Path
) -> list[str]:
    """What `rank` chooses among sentences that are not annotated, of which it sees the tokens."""
    ids = sorted(others, key=int)
    bare = [bare_doc(others[id], nlp.vocab) for id in ids]
    for id, doc in zip(ids, bare, strict=True):
        doc.user_data["id"] = id
    texts, tasks = work / "texts.spacy", work / "tasks.jsonl"
    DocBin(docs=bare, store_user_data=True).to_disk(texts)
    is_diverse = strategy == DIVERSE
    spacy_ner_plus.rank(
        nlp,
        texts,
        tasks,
        n=None,
        tokens=budget,
        strategy="mnlp" if is_diverse else strategy,
        diverse=is_diverse,
        seed=seed,
    )
    return [str(record.id) for record in spacy_ner_plus.read(tasks)]


def learn_features(annotated: Sequence[Doc], work: Path) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_plus_features", name="ner_plus")
    examples = [Example(bare_doc(doc, nlp.vocab), doc) for doc in annotated]
    nlp.initialize(lambda: examples)
    return nlp


def learn_bilstm(annotated: Sequence[Doc], work: Path, *, quick: bool = False) -> Language:
    """One in five sentences chooses among the checkpoints."""
    overrides = {"training.max_steps": 2, "training.eval_frequency": 2} if quick else {}
    parts = {"dev": annotated[::5], "train": [doc for i, doc in enumerate(annotated) if i % 5]}
    paths = {part: work / f"{part}.spacy" for part in parts}
    for part, docs in parts.items():
        DocBin(docs=docs, store_user_data=True).to_disk(paths[part])
    config = work / "config.cfg"
    spacy_ner_plus.init_config(paths["train"], config, dev=paths["dev"], model="bilstm")
    if not spacy_ner_plus.train(config, work / "training", overrides=overrides):
        raise SystemExit(f"{work}: training was stopped.")
    return spacy.load(work / "training" / "model-best")


def point_of(nlp: Language, annotated: Sequence[Doc], test: dict[str, Doc]) -> Point:
    gold = list(test.values())
    found = nlp.pipe([bare_doc(doc, nlp.vocab) for doc in gold])
    _, counts = count_spans(spans_of(gold), spans_of(found))  # (n_docs, n_labels, 3)
    return Point(sum(map(len, annotated)), counts.sum(axis=1))


def bare_doc(doc: Doc, vocab: Vocab) -> Doc:
    """Its tokens."""
    words = [token.text for token in doc]
    return Doc(vocab, words=words, spaces=[bool(token.whitespace_) for token in doc])


def spans_of(docs: Iterable[Doc]) -> list[list[tuple[int, int, str]]]:
    return [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs]


def rounds_file(folder: Path, run: Run) -> Path:
    """The sentences that each round annotated."""
    return run.path(folder).with_suffix(".rounds")


if __name__ == "__main__":
    main()
