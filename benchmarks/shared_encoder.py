"""One encoder for ner_plus and a tagger, beside ner_plus with an encoder of its own.

    python benchmarks/shared_encoder.py FOLDER --output metrics/shared_encoder

FOLDER holds eng.train, eng.testa and eng.testb of CoNLL-2003 (the corpus may not be redistributed,
so it does not come with this project); its part-of-speech column is what the tagger learns.

    private  ner_plus alone: configs/cpu.cfg
    shared   a tok2vec component with spacy_ner_plus.Transformer.v1, and on it ner_plus and spaCy's
             tagger: configs/shared.cfg with a tagger added

Both are trained by `spacy train` on the same documents for the same number of steps with the same
batches and rates, and the last checkpoint is scored on exact entities and on tags. One process per
run, `--jobs` at once with one thread each; runs whose results are there are not repeated.
"""

import argparse
import statistics
import time
from itertools import chain
from pathlib import Path

import spacy
from runs import Run, run_all
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import load_config
from thinc.api import Config

from spacy_ner_plus.annotation.doc_records import to_doc
from spacy_ner_plus.data.corpus import make_corpus_v1
from spacy_ner_plus.data.formats.record_files import read

ROOT = Path(__file__).parent.parent
SYSTEMS = {"private": "cpu.cfg", "shared": "shared.cfg"}
SPLITS = {"train": "eng.train", "dev": "eng.testa", "test": "eng.testb"}
TAGGER = {
    "factory": "tagger",
    "model": {
        "@architectures": "spacy.Tagger.v2",
        "nO": None,
        "normalize": False,
        "tok2vec": {
            "@architectures": "spacy.Tok2VecListener.v1",
            "width": "${components.tok2vec.model.width}",
            "upstream": "*",
        },
    },
}


def main() -> None:
    args = parse_args()
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        run.save(args.output, run_one(args, run))
        return
    args.output.mkdir(parents=True, exist_ok=True)
    for split, name in SPLITS.items():
        if not corpus(args, split).exists():
            write_corpus(args.folder / name, corpus(args, split))
    run_all(wanted_runs(args), args.output, args.jobs)
    print_table(args)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--width", type=int, default=384, help="hidden_size of the encoder")
    parser.add_argument("--systems", nargs="+", choices=tuple(SYSTEMS), default=tuple(SYSTEMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--epochs", type=float, default=4)
    parser.add_argument("--batch-words", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=2e-4, help="of the encoder")
    parser.add_argument(
        "--grad-factor", type=float, default=16.0, help="weight of ner_plus beside the tagger"
    )
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, one thread each")
    parser.add_argument("--output", type=Path, default=Path("metrics/shared_encoder"))
    parser.add_argument("--run", nargs=2, metavar=("SYSTEM", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


def wanted_runs(args: argparse.Namespace) -> list[Run]:
    return [Run(system, seed) for seed in args.seeds for system in args.systems]


# Data


def corpus(args: argparse.Namespace, split: str) -> Path:
    path: Path = args.output / f"{split}.spacy"
    return path


def write_corpus(source: Path, target: Path) -> None:
    """The documents of a file, with their entities and part-of-speech tags."""
    nlp = spacy.blank("en")
    docs = [to_doc(record, nlp)[0] for record in read(source, "columns")]
    lines = source.read_text(encoding="utf8").splitlines()
    rows = [line.split() for line in lines if line.strip() and not line.startswith("-DOCSTART-")]
    for token, (word, tag, *_) in zip(chain.from_iterable(docs), rows, strict=True):
        assert token.text == word, f"{source}: '{token.text}' is not '{word}'"
        token.tag_ = tag
    DocBin(attrs=("ENT_IOB", "ENT_TYPE", "SENT_START", "TAG"), docs=docs).to_disk(target)


# Training


def make_config(args: argparse.Namespace, run: Run) -> Config:
    config = load_config(ROOT / "configs" / SYSTEMS[run.name])
    if run.name == "shared":
        config["nlp"]["pipeline"] = ["tok2vec", "tagger", "ner_plus"]
        config["components"]["tagger"] = TAGGER
        config["components"]["tok2vec"]["model"]["width"] = args.width
        config["components"]["ner_plus"]["model"]["grad_factor"] = args.grad_factor
        config["training"]["score_weights"]["tag_acc"] = 0.0
    return config


def run_one(args: argparse.Namespace, run: Run) -> dict[str, float]:
    folder = args.output / f"model-{run.name}-{run.seed}"
    folder.mkdir(exist_ok=True)
    config = make_config(args, run)
    config.to_disk(folder / "config.cfg")
    # the optimizer's rate is that of the encoder if it is private, of the heads if it is shared
    lr_scale = config["components"].get("tok2vec", {"model": {"lr_scale": 1.0}})["model"][
        "lr_scale"
    ]
    docs: list[Doc] = list(
        DocBin().from_disk(corpus(args, "train")).get_docs(spacy.blank("en").vocab)
    )
    n_steps = round(args.epochs * sum(map(len, docs)) / args.batch_words)
    started = time.perf_counter()
    train(
        folder / "config.cfg",
        folder,
        overrides={
            "paths.train": str(corpus(args, "train")),
            "paths.dev": str(corpus(args, "dev")),
            "paths.encoder": args.encoder,
            "system.seed": run.seed,
            "training.max_steps": n_steps,
            "training.eval_frequency": n_steps,
            "training.batcher.size": args.batch_words,
            "training.optimizer.learn_rate.initial_rate": args.learning_rate / lr_scale,
            "training.optimizer.learn_rate.warmup_steps": n_steps // 10,
            "training.optimizer.learn_rate.total_steps": n_steps,
        },
    )
    scores = {"train_seconds": time.perf_counter() - started, "steps": n_steps}
    nlp = spacy.load(folder / "model-last")
    for split in ("dev", "test"):
        scores |= score(args, nlp, split)
    return scores


def score(args: argparse.Namespace, nlp: Language, split: str) -> dict[str, float]:
    found = nlp.evaluate(list(make_corpus_v1(corpus(args, split))(nlp)))
    scores = {"f": found["ents_f"], "words_per_second": found["speed"]}
    if "tagger" in nlp.pipe_names:
        scores["tag_acc"] = found["tag_acc"]
    return {f"{split}_{name}": value for name, value in scores.items()}


def print_table(args: argparse.Namespace) -> None:
    n_steps = Run(args.systems[0], args.seeds[0]).scores(args.output)["steps"]
    print(f"\n{n_steps} steps of {args.batch_words} words, seeds {args.seeds}")
    columns = ("F1 dev", "F1 test", "tags dev", "tags test", "words/s", "minutes")
    print(f"{'':10}" + "".join(f"{column:>11}" for column in columns))
    for system in args.systems:
        runs = [Run(system, seed).scores(args.output) for seed in args.seeds]
        values = [
            100 * mean(runs, key) for key in ("dev_f", "test_f", "dev_tag_acc", "test_tag_acc")
        ]
        values += [mean(runs, "test_words_per_second"), mean(runs, "train_seconds") / 60]
        print(f"{system:10}" + "".join(f"{value:11.2f}" for value in values))


def mean(runs: list[dict[str, float]], key: str) -> float:
    """Over the runs; nan where they have no such score."""
    return statistics.mean(run.get(key, float("nan")) for run in runs)


if __name__ == "__main__":
    main()
