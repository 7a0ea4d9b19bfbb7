"""What is left of Disease after Chemical has been learned from documents without Disease.

    python benchmarks/forgetting.py assets/bc5cdr-columns --seeds 0 1 2 --output metrics/forgetting

FOLDER holds train.tsv and test.tsv of BC5CDR. Stage 1 learns Disease from the first half of the
training documents, of which the Chemical annotation is taken away. Stage 2 adds Chemical with
add_label, and learns from the other half, of which the Disease annotation is taken away: it sees
no document of the first half and no Disease. Both types are scored on the whole test set, by exact
entities. Stage 2 is done in several ways, all from the same stage 1:

    ner_plus.plain               what is not annotated is O
    ner_plus.rehearse            the same, and each step rehearses on its own batch
    ner_plus.annotated           the documents say that they are annotated for Chemical only
    ner_plus.annotated+rehearse  both: the recipe of docs/learning.md
    spacy.plain                  spaCy's `ner` with its own network, what is not annotated is O
    spacy.rehearse               the same with nlp.rehearse on each batch

ner_plus is made with configs/cpu.cfg and learns at a rate that rises over the first tenth of the
steps and falls to zero. spaCy's ner has its default network and optimizer, smaller batches and
more passes, as it learns from nothing. One process per run, `--jobs` at once with one thread each;
runs whose results are there are not repeated.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import spacy
from runs import Run, batches, learn, run_all
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed, load_config, load_model_from_config
from thinc.api import Adam, warmup_linear

ROOT = Path(__file__).parent.parent
OLD, NEW = "Disease", "Chemical"
WAYS = {
    "ner_plus": ("annotated+rehearse", "annotated", "rehearse", "plain"),
    "spacy": ("rehearse", "plain"),
}
SENTENCES_A_DOC = 8


def main() -> None:
    args = parse_args()
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        run.save(args.output, run_one(args, run))
        return
    run_all(wanted_runs(args), args.output, args.jobs)
    print_table(args)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "assets" / "bc5cdr-columns")
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--systems", nargs="+", choices=tuple(WAYS), default=tuple(WAYS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", nargs=2, type=int, default=[180, 120], metavar=("ONE", "TWO"))
    parser.add_argument(
        "--rates", nargs=2, type=float, default=[2e-4, 2e-4], metavar=("ONE", "TWO")
    )
    parser.add_argument("--batch-words", type=int, default=1000)
    parser.add_argument("--spacy-steps", type=int, default=800, help="of each stage")
    parser.add_argument("--spacy-batch-words", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, one thread each")
    parser.add_argument("--output", type=Path, default=Path("metrics/forgetting"))
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


def wanted_runs(args: argparse.Namespace) -> list[Run]:
    runs = []
    for seed in args.seeds:
        for system in args.systems:
            first = Run(f"{system}.stage1", seed)
            runs += [first, *(Run(f"{system}.{way}", seed, first) for way in WAYS[system])]
    return runs


def run_one(args: argparse.Namespace, run: Run) -> dict[str, float]:
    system, way = run.name.split(".", 1)
    fix_random_seed(run.seed)
    model = args.output / f"{system}.stage1-{run.seed}"
    if way == "stage1":
        nlp, seconds = learn_old(args, system, run.seed)
        nlp.to_disk(model)
        labels = [OLD]
    else:
        nlp = spacy.load(model)
        seconds = learn_new(args, nlp, system, way.split("+"), run.seed)
        labels = [OLD, NEW]
    per_type = nlp.evaluate(read(args, nlp, "test", labels))["ents_per_type"]
    return {"train_seconds": seconds} | {
        f"{label}_{key}": per_type[label][key] for label in labels for key in "prf"
    }


def read(args: argparse.Namespace, nlp: Language, split: str, labels: list[str]) -> list[Example]:
    """The documents of a split, annotated with entities of some types only."""
    from spacy_ner_plus.data.conversion import convert
    from spacy_ner_plus.data.doc_files import read_file

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "docs.spacy"
        convert(args.folder / f"{split}.tsv", output, options={"group": SENTENCES_A_DOC})
        docs = read_file(output).get_docs(nlp.vocab)
    examples = []
    for doc in docs:
        doc.ents = [ent for ent in doc.ents if ent.label_ in labels]
        words = [token.text for token in doc]
        spaces = [bool(token.whitespace_) for token in doc]
        examples.append(Example(Doc(nlp.vocab, words=words, spaces=spaces), doc))
    return examples


def learn_old(args: argparse.Namespace, system: str, seed: int) -> tuple[Language, float]:
    nlp = make_nlp(args, system)
    examples = read(args, nlp, "train", [OLD])
    half = examples[: len(examples) // 2]
    optimizer = nlp.initialize(lambda: half)
    if system == "spacy":
        stream = batches(half, words=args.spacy_batch_words, steps=args.spacy_steps, seed=seed)
        return nlp, learn(nlp, optimizer, stream, drop=0.1)
    steps = args.steps[0]
    stream = batches(half, words=args.batch_words, steps=steps, seed=seed)
    return nlp, learn(nlp, make_optimizer(args.rates[0], steps), stream)


def make_nlp(args: argparse.Namespace, system: str) -> Language:
    if system == "spacy":
        nlp = spacy.blank("en")
        nlp.add_pipe("ner", config={"scorer": {"@scorers": "spacy_ner_plus.ner_scorer.v1"}})
        return nlp
    config = load_config(ROOT / "configs" / "cpu.cfg", {"paths.encoder": args.encoder})
    return load_model_from_config(config, auto_fill=True)


def make_optimizer(rate: float, steps: int) -> Adam:
    return Adam(warmup_linear(rate, steps // 10, steps), L2=0.01, grad_clip=1.0)


def learn_new(
    args: argparse.Namespace, nlp: Language, system: str, way: list[str], seed: int
) -> float:
    examples = read(args, nlp, "train", [NEW])
    half = examples[len(examples) // 2 :]
    if "annotated" in way:
        for example in half:
            example.reference._.annotated_labels = [NEW]
    component: Any = nlp.get_pipe("ner" if system == "spacy" else "ner_plus")
    component.add_label(NEW)
    if system == "spacy":
        optimizer = nlp.resume_training()
        stream = batches(half, words=args.spacy_batch_words, steps=args.spacy_steps, seed=seed)
        if "rehearse" in way:
            stream = rehearsing(nlp, stream)
        return learn(nlp, optimizer, stream, drop=0.1)
    steps = args.steps[1]
    optimizer = nlp.resume_training(sgd=make_optimizer(args.rates[1], steps))
    stream = batches(half, words=args.batch_words, steps=steps, seed=seed)
    if "rehearse" in way:
        # its gradient is added to that of the update, for one step of the optimizer
        stream = rehearsing(component, stream)
    return learn(nlp, optimizer, stream)


def rehearsing(rehearses: Any, stream: Any) -> Any:
    """Batches that have been rehearsed on: by the pipeline or by a component."""
    for batch in stream:
        rehearses.rehearse(batch)
        yield batch


def print_table(args: argparse.Namespace) -> None:
    print(f"\nF1 on the test set, mean and standard deviation of seeds {args.seeds}")
    columns = (f"{OLD} before", f"{OLD} after", "change", f"{NEW} after", "minutes")
    print(f"{'':30}" + "".join(f"{column:>18}" for column in columns))
    for system in args.systems:
        for way in WAYS[system][::-1]:
            pairs = [
                (Run(f"{system}.stage1", seed), Run(f"{system}.{way}", seed)) for seed in args.seeds
            ]
            scores = [tuple(run.scores(args.output) for run in pair) for pair in pairs]
            values = [
                [100 * first[f"{OLD}_f"] for first, _ in scores],
                [100 * second[f"{OLD}_f"] for _, second in scores],
                [100 * (second[f"{OLD}_f"] - first[f"{OLD}_f"]) for first, second in scores],
                [100 * second[f"{NEW}_f"] for _, second in scores],
                [second["train_seconds"] / 60 for _, second in scores],
            ]
            print(f"{system}.{way:<{29 - len(system)}}" + "".join(map(shown, values)))


def shown(values: list[float]) -> str:
    spread = f" ({statistics.stdev(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}".rjust(18)


if __name__ == "__main__":
    main()
