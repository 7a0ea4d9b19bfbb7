"""ner_plus beside a plain Hugging Face token classifier: same encoder, data, epochs and seeds.

    python benchmarks/against_hf.py FOLDER --encoder assets/encoder --seeds 0 1 2

FOLDER holds train.spacy, dev.spacy and test.spacy (made with `ner-plus convert`). The baseline is
AutoModelForTokenClassification on the gold tokens, labels on the first piece of each token, argmax
decoding. ner_plus is trained by `spacy train` with configs/cpu.cfg, on the same tokens. Both see
the same documents for the same number of passes in batches of about the same number of words, with
AdamW (weight decay 0.01, global clipping at 1.0), 10% warm-up, linear decay and bf16 autocast;
neither uses the development set to choose a checkpoint. Both are scored on exact entities. One
process per run, `--jobs` at once with one thread each; runs whose results are there are not
repeated.
"""

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import spacy
from runs import Run, run_all
from spacy.tokens import Doc, DocBin

ROOT = Path(__file__).parent.parent
SYSTEMS = ("huggingface", "ner_plus")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-words", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, one thread each")
    parser.add_argument("--output", type=Path, default=Path("metrics/against_hf"))
    parser.add_argument("--run", nargs=2, metavar=("SYSTEM", "SEED"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        run = Run(args.run[0], int(args.run[1]))
        learn = run_huggingface if run.name == "huggingface" else run_ner_plus
        run.save(args.output, learn(args, run.seed))
        return
    wanted = [Run(system, seed) for seed in args.seeds for system in args.systems]
    run_all(wanted, args.output, args.jobs)
    print_table(args)


def print_table(args: argparse.Namespace) -> None:
    print(f"\nEntity F1, {args.epochs} epochs, learning rate {args.learning_rate:g}")
    print(f"{'':14}{'dev':>8}{'test':>8}{'test, each seed':>28}{'minutes':>10}")
    for system in args.systems:
        runs = [Run(system, seed).scores(args.output) for seed in args.seeds]
        each = " ".join(f"{100 * run['test']:.2f}" for run in runs)
        dev, test = (100 * statistics.mean(run[split] for run in runs) for split in ("dev", "test"))
        minutes = statistics.mean(run["train_seconds"] for run in runs) / 60
        print(f"{system:14}{dev:8.2f}{test:8.2f}{each:>28}{minutes:10.1f}")


def read(path: Path) -> list[Doc]:
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def batches(docs: list[Doc], words: int) -> Iterator[list[Doc]]:
    """Documents in batches of at least `words` tokens, but for the last."""
    batch: list[Doc] = []
    for doc in docs:
        batch.append(doc)
        if sum(map(len, batch)) >= words:
            yield batch
            batch = []
    if batch:
        yield batch


def run_ner_plus(args: argparse.Namespace, seed: int) -> dict[str, float]:
    from spacy.cli.train import train

    from spacy_ner_plus.data.corpus import make_corpus_v1

    docs = read(args.folder / "train.spacy")
    n_steps = args.epochs * sum(1 for _ in batches(docs, args.batch_words))
    folder = args.output / f"model-{seed}"
    started = time.perf_counter()
    train(
        ROOT / "configs" / "cpu.cfg",
        folder,
        overrides={
            "paths.train": str(args.folder / "train.spacy"),
            "paths.dev": str(args.folder / "dev.spacy"),
            "paths.encoder": args.encoder,
            "system.seed": seed,
            "training.max_steps": n_steps,
            "training.eval_frequency": n_steps,
            "training.batcher.size": args.batch_words,
            "training.optimizer.learn_rate.initial_rate": args.learning_rate,
            "training.optimizer.learn_rate.warmup_steps": n_steps // 10,
            "training.optimizer.learn_rate.total_steps": n_steps,
        },
    )
    seconds = time.perf_counter() - started
    nlp = spacy.load(folder / "model-last")
    scores = {"train_seconds": seconds, "steps": n_steps}
    for split in ("dev", "test"):
        examples = list(make_corpus_v1(args.folder / f"{split}.spacy")(nlp))
        scores[split] = nlp.evaluate(examples)["ents_f"]
    return scores


def run_huggingface(args: argparse.Namespace, seed: int) -> dict[str, float]:
    import torch
    from transformers import (
        AutoModelForTokenClassification,
        AutoTokenizer,
        get_linear_schedule_with_warmup,
        set_seed,
    )

    from spacy_ner_plus.tags import TagScheme

    docs = read(args.folder / "train.spacy")
    scheme = TagScheme("BIO", sorted({ent.label_ for doc in docs for ent in doc.ents}))
    tokenizer = AutoTokenizer.from_pretrained(args.encoder)
    set_seed(seed)
    model = AutoModelForTokenClassification.from_pretrained(args.encoder, num_labels=scheme.n_tags)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": 0.01},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=args.learning_rate, fused=True)
    n_steps = args.epochs * sum(1 for _ in batches(docs, args.batch_words))
    schedule = get_linear_schedule_with_warmup(optimizer, n_steps // 10, n_steps)

    def encode(batch: list[Doc]) -> Any:
        words = [[token.text for token in doc] for doc in batch]
        return tokenizer(
            words,
            is_split_into_words=True,
            truncation=True,
            max_length=512,
            padding=True,
            return_tensors="pt",
        )

    def first_pieces(encoded: Any, i: int) -> list[tuple[int, int]]:
        """(piece, word) for the first piece of each word that has one."""
        first: dict[int, int] = {}
        for piece, word in enumerate(encoded.word_ids(i)):
            if word is not None:
                first.setdefault(word, piece)
        return [(piece, word) for word, piece in first.items()]

    started = time.perf_counter()
    model.train()
    order = random.Random(seed)
    for _ in range(args.epochs):
        order.shuffle(docs)
        for batch in batches(docs, args.batch_words):
            encoded = encode(batch)
            labels = torch.full(encoded["input_ids"].shape, -100)
            for i, doc in enumerate(batch):
                tags = scheme.encode([(e.start, e.end, e.label_) for e in doc.ents], len(doc))
                for piece, word in first_pieces(encoded, i):
                    labels[i, piece] = int(tags[word])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(**encoded).logits
            loss = torch.nn.functional.cross_entropy(
                logits.float().flatten(0, 1), labels.flatten(), ignore_index=-100
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    scores: dict[str, float] = {
        "train_seconds": time.perf_counter() - started,
        "steps": n_steps,
    }
    model.eval()
    for split in ("dev", "test"):
        pairs = []
        for batch in batches(read(args.folder / f"{split}.spacy"), args.batch_words):
            encoded = encode(batch)
            with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
                best = model(**encoded).logits.argmax(-1)
            for i, doc in enumerate(batch):
                tags = ["O"] * len(doc)
                for piece, word in first_pieces(encoded, i):
                    tags[word] = scheme.tags[int(best[i, piece])]
                pairs.append((doc, tags))
        scores[split] = entity_f1(pairs)
    return scores


def entity_f1(pairs: list[tuple[Doc, list[str]]]) -> float:
    """Micro F1, tags read by the rules of conlleval (an I- without a B- opens an entity)."""
    from spacy_ner_plus.metrics.spans import count_spans, scores_of
    from spacy_ner_plus.tags import Span

    gold, predicted = [], []
    for doc, tags in pairs:
        found: list[Span] = []
        for i, tag in enumerate([*tags, "O"]):
            prefix, _, label = tag.partition("-")
            going_on = bool(found) and found[-1][1] == i and prefix == "I" and found[-1][2] == label
            if going_on:
                found[-1] = (found[-1][0], i + 1, label)
            elif prefix in ("B", "I"):
                found.append((i, i + 1, label))
        gold.append([(ent.start, ent.end, ent.label_) for ent in doc.ents])
        predicted.append(found)
    _, counts = count_spans(gold, predicted)
    return float(scores_of(counts.sum(axis=0)).micro[2])


if __name__ == "__main__":
    main()
