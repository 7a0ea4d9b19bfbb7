"""A model of 100 annotated documents with a gazetteer: alone, together, and how together.

    python benchmarks/hybrid.py assets/bc5cdr --names descriptors.tsv.gz --output training/hybrid

FOLDER holds train, dev and test as .pubtator. NAMES is MeSH as a table: id, name, synonyms parted
by "|", tree numbers parted by "|"; branch D is for chemicals, C for diseases. Gazetteers, in which
words are compared without capitals:

    own        the entities of the annotated documents themselves
    training   those of all training documents: a list that somebody kept while annotating
    mesh       the names of MeSH

Ways, each with every gazetteer:

    rules      ner_plus_rules alone
    hard       what it finds is fixed, and the model (that of "alone") finds the rest around it
    soft       it adds --weight to the log score of exactly this span, in the same model
    learned    the same while the model learns, which learns the weights, too; a feature CRF has
               features of the hits instead

All are scored by exact entities on the test documents. F1 is a mean over the seeds, which also draw
the documents; its interval, and that of what is gained over the model alone, are from 2,000
bootstrap samples of test documents, the same for all (metrics/bootstrap.py). One process per run,
`--jobs` at once with one thread each; runs whose results are there are not repeated.
"""

import argparse
import gzip
import json
import random
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from runs import Run, run_all
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.util import load_config
from spacy.vocab import Vocab
from thinc.api import Config

import spacy_ner_plus
from spacy_ner_plus.data.blank_pipeline import blank_pipeline
from spacy_ner_plus.data.corpus import make_corpus_v1
from spacy_ner_plus.metrics.bootstrap import bootstrap, percentile_interval
from spacy_ner_plus.metrics.spans import count_spans, scores_of
from spacy_ner_plus.text.token_exceptions import read_exceptions
from spacy_ner_plus.training.project.phrase_list import phrases_of

ROOT = Path(__file__).parent.parent
ALONE, RULES, HARD, SOFT, LEARNED = "alone", "rules", "hard", "soft", "learned"
WAYS = (RULES, HARD, SOFT, LEARNED)
GAZETTEERS = ("own", "training", "mesh")
COMPONENT = "ner_plus"
MODELS = ("features", "bilstm", "transformer")
BRANCHES = {"C": "Disease", "D": "Chemical"}
# Shorter names of MeSH are mostly abbreviations, which mean something else in most texts.
SHORTEST = 4
SAMPLES = 2000


@dataclass(frozen=True)
class Setup:
    """What all runs share. weight (float): Of soft rules."""

    folder: Path
    names: Path | None
    encoder: Path
    model: str
    documents: int
    weight: float
    settings: dict[str, Any]

    @property
    def exceptions(self) -> Path:
        """Of the tokenizer."""
        return self.folder / "exceptions.json"

    def corpus(self, part: str) -> Path:
        return self.folder / f"{part}.spacy"

    def part(self, part: str, seed: int) -> Path:
        """The documents that a seed draws."""
        return self.folder / f"{part}-{seed}.spacy"

    def base_model(self, seed: int) -> Path:
        return self.folder / f"model-{seed}"

    def counts(self, run: Run) -> Path:
        return run.path(self.folder).with_suffix(".npy")


def main() -> None:
    args = parse_args()
    settings = json.loads(args.settings)
    setup = Setup(args.output, args.names, args.encoder, args.model, args.documents, args.weight,
                  settings)  # fmt: skip
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        run.save(args.output, carry_out(setup, run))
        return
    convert(args.folder, setup)
    for seed in args.seeds:
        draw(setup, seed)
    gazetteers = [name for name in args.gazetteers if name != "mesh" or args.names]
    run_all(list(wanted(gazetteers, args.seeds)), args.output, args.jobs)
    print_table(setup, gazetteers, args.seeds)


def wanted(gazetteers: Iterable[str], seeds: Iterable[int]) -> Iterator[Run]:
    gazetteers = list(gazetteers)
    for seed in seeds:
        alone = Run(ALONE, seed)
        yield alone
        for gazetteer in gazetteers:
            for way in WAYS:
                after = alone if way in (HARD, SOFT) else None
                yield Run(f"{way}.{gazetteer}", seed, after)


def convert(folder: Path, setup: Setup) -> None:
    """Natural texts; tokens are cut where entities of the training data start and end."""
    setup.folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "dev", "test"):
        if setup.corpus(part).exists():
            continue
        misaligned = "split" if part == "train" else "missing"
        spacy_ner_plus.convert(
            folder / f"{part}.pubtator", setup.corpus(part), misaligned=misaligned,
            exceptions=setup.exceptions, max_refused=1.0,
        )  # fmt: skip


def draw(setup: Setup, seed: int) -> None:
    """So many training documents, and a quarter as many to choose the checkpoint by."""
    for part, n in (("train", setup.documents), ("dev", max(1, setup.documents // 4))):
        if not setup.part(part, seed).exists():
            docs = list(DocBin().from_disk(setup.corpus(part)).get_docs(Vocab()))
            chosen = random.Random(seed).sample(docs, min(n, len(docs)))
            DocBin(docs=chosen, store_user_data=True).to_disk(setup.part(part, seed))


# Gazetteers


def gazetteer(setup: Setup, name: str, seed: int) -> list[dict[str, Any]]:
    """Rules as rows."""
    if name == "mesh":
        assert setup.names is not None
        pairs = mesh_phrases(setup.names)
    else:
        path = setup.part("train", seed) if name == "own" else setup.corpus("train")
        docs = list(DocBin().from_disk(path).get_docs(Vocab()))
        pairs = ((its.phrase, its.label) for its in phrases_of(docs))
    return [
        {"phrase": phrase, "label": label, "rule": name, "attribute": "LOWER"}
        for phrase, label in dict.fromkeys(pairs)
    ]


def mesh_phrases(table: Path) -> Iterator[tuple[str, str]]:
    """The names of descriptors of one of the branches, each with its label."""
    with gzip.open(table, "rt", encoding="utf8") as lines:
        for line in lines:
            _, name, synonyms, trees = line.rstrip("\n").split("\t")[:4]
            labels = {BRANCHES[tree[0]] for tree in trees.split("|") if tree[:1] in BRANCHES}
            if len(labels) == 1:
                for phrase in [name, *synonyms.split("|")]:
                    if len(phrase) >= SHORTEST:
                        yield phrase, min(labels)


# Runs


def carry_out(setup: Setup, run: Run) -> dict[str, float]:
    way, _, name = run.name.partition(".")
    rows = gazetteer(setup, name, run.seed) if name else []
    nlp = make_pipeline(setup, way, rows, run.seed)
    test = list(make_corpus_v1(setup.corpus("test"))(nlp))
    gold = [[(e.start, e.end, e.label_) for e in eg.reference.ents] for eg in test]
    docs = nlp.pipe([example.predicted for example in test])
    found = [[(e.start, e.end, e.label_) for e in doc.ents] for doc in docs]
    _, counts = count_spans(gold, found, sorted(BRANCHES.values()))  # (n_docs, 2, 3)
    np.save(setup.counts(run), counts)
    precision, recall, f1 = scores_of(counts.sum(axis=0)).micro
    return {"precision": precision, "recall": recall, "f1": f1, "phrases": len(rows)}


def make_pipeline(setup: Setup, way: str, rows: list[dict[str, Any]], seed: int) -> Language:
    if way == RULES:
        nlp = blank_pipeline("en", read_exceptions(setup.exceptions))
        nlp.add_pipe("ner_plus_rules").add_rules(rows, kind="hard")
        return nlp
    if way == ALONE:
        learn(setup, setup.base_model(seed), None, seed)
        return spacy.load(setup.base_model(seed))
    if way == LEARNED:
        return learn(setup, setup.folder / f"learned-{rows[0]['rule']}-{seed}", rows, seed)
    nlp = spacy.load(setup.base_model(seed))
    values = {"kind": "hard"} if way == HARD else {"kind": "soft", "weight": setup.weight}
    nlp.add_pipe("ner_plus_rules", before=COMPONENT).add_rules(rows, **values)
    return nlp


def learn(setup: Setup, folder: Path, rows: list[dict[str, Any]] | None, seed: int) -> Language:
    """Train; with rules, which then are soft and have learned weights.

    folder (Path): Where the pipeline goes.
    """
    work = folder.with_name(f"{folder.name}-training")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    further = {"encoder": setup.encoder} if setup.model == "transformer" else {}
    spacy_ner_plus.init_config(
        setup.part("train", seed), work / "config.cfg", dev=setup.part("dev", seed),
        model=setup.model, exceptions=setup.exceptions, **further,
    )  # fmt: skip
    config = load_config(work / "config.cfg", {"system.seed": seed, **setup.settings})
    if rows is not None:
        (work / "rules.jsonl").write_text(
            "".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf8"
        )
        with_rules(config, work / "rules.jsonl", setup)
    if not spacy_ner_plus.train(config, work):
        raise SystemExit(f"{work}: training was stopped.")
    nlp = spacy.load(work / "model-best")
    nlp.to_disk(folder)
    shutil.rmtree(work)
    return nlp


def with_rules(config: Config, rules: Path, setup: Setup) -> None:
    """Put the rules before the component, in training too."""
    name = "ner_plus_rules"
    config["nlp"]["pipeline"] = [name, COMPONENT]
    config["components"][name] = {"factory": name}
    values = {"path": str(rules), "kind": "soft", "weight": setup.weight}
    config["initialize"]["components"][name] = {"rules": values}
    config["training"]["annotating_components"] = [name]
    if setup.model != "features":  # whose features see the hits
        config["components"][COMPONENT]["learn_rule_weights"] = True


# Table


def print_table(setup: Setup, gazetteers: list[str], seeds: list[int]) -> None:
    alone = tables(setup, ALONE, seeds)
    print(f"\n{setup.model} of {setup.documents} documents, seeds {seeds}: F1 on test documents")
    titles = ("P", "R", "F1", "from", "to", "gain", "from", "to")
    print(f"{'':24}{'phrases':>9}" + "".join(f"{title:>8}" for title in titles))
    rows = [ALONE, *(f"{way}.{name}" for name in gazetteers for way in WAYS)]
    for row in rows:
        own = tables(setup, row, seeds)
        n = Run(row, seeds[0]).scores(setup.folder)["phrases"]
        cells = [*mean_scores(own)[:2], *f1_with_interval(own), *gain_with_interval(own, alone)]
        title = " ".join(reversed(row.split(".")))
        print(f"{title:24}{n:>9,.0f}" + "".join(f"{100 * cell:8.2f}" for cell in cells))


def tables(setup: Setup, name: str, seeds: list[int]) -> list[np.ndarray]:
    """Counts of each seed, (n_docs, 2, 3)."""
    return [np.load(setup.counts(Run(name, seed))) for seed in seeds]


def sampled_f1(tables: list[np.ndarray]) -> np.ndarray:
    """(SAMPLES,) mean micro F1 of the seeds, on the same documents for all."""
    samples = [bootstrap(counts, SAMPLES, 0).micro[:, 2] for counts in tables]
    mean: np.ndarray = np.mean(samples, axis=0)
    return mean


def mean_scores(tables: list[np.ndarray]) -> list[float]:
    """Micro precision, recall and F1, each the mean of the seeds."""
    scores = [scores_of(counts.sum(axis=0)).micro for counts in tables]  # (3,) each
    means: list[float] = np.mean(scores, axis=0).tolist()
    return means


def f1_with_interval(own: list[np.ndarray]) -> tuple[float, float, float]:
    low, high = percentile_interval(sampled_f1(own)).tolist()
    return mean_scores(own)[2], low, high


def gain_with_interval(
    own: list[np.ndarray], alone: list[np.ndarray]
) -> tuple[float, float, float]:
    low, high = percentile_interval(sampled_f1(own) - sampled_f1(alone)).tolist()
    return mean_scores(own)[2] - mean_scores(alone)[2], low, high


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--names", type=Path, help="a table of MeSH; without it there is no mesh")
    parser.add_argument("--encoder", type=Path, default=ROOT / "assets" / "encoder")
    parser.add_argument("--model", choices=MODELS, default="transformer")
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--gazetteers", nargs="+", choices=GAZETTEERS, default=GAZETTEERS)
    parser.add_argument("--weight", type=float, default=2.0)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--settings", default="{}", help="of the config, JSON by dotted names")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, one thread each")
    parser.add_argument("--output", type=Path, default=Path("training/hybrid"))
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
