"""`ner-plus train` for some steps, and F1 on the test data: words/s, peak memory."""

import json
import time
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import DocBin
from spacy.training import Example

from benchmarks.gpu.results import parser_of, save
from benchmarks.speed.texts import read_docs
from spacy_ner_plus import train
from spacy_ner_plus.support.peak_memory import peak_memory

CONFIG = Path(__file__).parents[2] / "configs" / "cpu.cfg"
GROUP = 8  # sentences a document, where the data mark none
DEV_DOCS = TEST_DOCS = 100


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--steps", type=int, required=True)
    args = parser.parse_args()
    corpus = write_corpus(args.data, args.work / "corpus")
    overrides = {
        "paths.train": str(corpus / "train.spacy"),
        "paths.dev": str(corpus / "dev.spacy"),
        "paths.encoder": args.encoder,
        "training.max_steps": args.steps,
        "training.eval_frequency": args.steps // 2 or 1,
        "training.optimizer.learn_rate.total_steps": args.steps,
        "training.optimizer.learn_rate.warmup_steps": args.steps // 10,
        "training.logger.output_file": str(args.work / "train.jsonl"),
        "components.ner_plus.model.device": args.device,
    }
    started = time.perf_counter()
    train(CONFIG, args.work / "trained", overrides=overrides)
    figures = {
        "steps": args.steps,
        "seconds": time.perf_counter() - started,
        "rows": [json.loads(line) for line in (args.work / "train.jsonl").read_text().splitlines()],
        "test_f1": score(args.work / "trained" / "model-best", corpus / "test.spacy", args.device),
        "peak_memory": peak_memory(),
    }
    save(args.work, "train", figures, table_of(figures))


def write_corpus(data: Path, folder: Path) -> Path:
    """The data as .spacy files; small parts for development and test."""
    folder.mkdir(parents=True, exist_ok=True)
    nlp = spacy.blank("en")
    for split, most in (("train", None), ("dev", DEV_DOCS), ("test", TEST_DOCS)):
        docs = read_docs(data, split, nlp, group=GROUP)[:most]
        path = folder / f"{split}.spacy"
        DocBin(attrs=("ENT_IOB", "ENT_TYPE", "SENT_START"), docs=docs).to_disk(path)
    return folder


def score(model: Path, test: Path, device: str) -> float:
    nlp = spacy.load(model, config={"components.ner_plus.model.device": device})
    docs = list(DocBin().from_disk(test).get_docs(nlp.vocab))
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    return float(nlp.evaluate(examples)["ents_f"])


def table_of(figures: dict[str, Any]) -> str:
    speeds = [row["words_per_second"] for row in figures["rows"] if row.get("words_per_second")]
    peaks = ", ".join(f"{name} {n >> 20:,} MiB" for name, n in figures["peak_memory"].items())
    return (
        f"{figures['steps']} steps in {figures['seconds']:.1f} s with start and evaluation; "
        f"{speeds[-1] if speeds else 0:,.0f} words/s of training; "
        f"F1 {100 * figures['test_f1']:.2f} on {TEST_DOCS} test documents; peak {peaks}"
    )


if __name__ == "__main__":
    main()
