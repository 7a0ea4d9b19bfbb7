"""A million phrases in ner_plus_rules: building, memory, loading, speed, worker processes.

    python -m benchmarks.gazetteer
    python -m benchmarks.gazetteer --list drugs.csv --label Drug
    python -m benchmarks.gazetteer --mesh descriptors.tsv.gz supplementary.tsv.gz

Without a list, phrases are made of letters: each of one to four words, one of them from --words
rare ones, the others from 20,000 frequent ones (Zipf). Texts are of 25 words, frequent ones but for
--planted phrases in each: a column of the speeds for each number. spaCy's PhraseMatcher and
entity_ruler get --matcher-phrases of the list, those that are planted, and the same texts.

Speeds are by the processor's time (time.process_time), as all but the workers is one thread: what
else the machine does then counts for little. Systems take turns; the median of --rounds is shown.
Memory is looked up in /proc, so that it is Linux's only.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

from benchmarks.gazetteer.lists import (
    ATTRIBUTE,
    COMPONENT,
    Words,
    docs_of,
    prepare_list,
    table_of,
    texts,
)
from benchmarks.gazetteer.loading import resident
from benchmarks.gazetteer.naive import check
from benchmarks.gazetteer.reading import measure_speeds
from benchmarks.gazetteer.workers import show_workers, table_file
from spacy_ner_plus.support.peak_memory import peak_memory
from spacy_ner_plus.text.phrases.phrase_table import PhraseTable


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = prepare_list(args, Path(folder))
        run(source, Path(folder), args)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--list", type=Path, help="CSV, TSV or JSONL with a column phrase")
    parser.add_argument("--label", default="X", help="of rows of --list that have none")
    parser.add_argument("--mesh", type=Path, nargs="+", help="id, name, other names with | between")
    parser.add_argument("--phrases", type=int, default=1_000_000)
    parser.add_argument("--words", type=int, default=600_000, help="rare ones")
    parser.add_argument("--planted", type=int, nargs="+", default=[0, 1], help="phrases a text")
    parser.add_argument("--docs", type=int, default=8_000)
    parser.add_argument("--checked", type=int, default=1_000, help="texts that are read naively")
    parser.add_argument("--matcher-phrases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--methods", nargs="+", default=multiprocessing.get_all_start_methods())
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def run(source: dict[str, Any], folder: Path, args: argparse.Namespace) -> None:
    nlp = spacy.blank("en")
    build(nlp, source)
    model = folder / "model"
    nlp.to_disk(model)
    show_disk(model, table_of(nlp))
    load(model)
    nlp = spacy.load(model)  # so that the table is mapped from the file
    words = [list(texts(nlp, planted, args)) for planted in args.planted]
    show_hits(nlp, words)
    for method in args.methods:
        show_workers(model, method, words[-1])
    measure_speeds(nlp, words, args)
    check(nlp, words[-1][: args.checked])


def build(nlp: Language, source: dict[str, Any]) -> None:
    before, megabytes = (len(nlp.vocab), len(nlp.vocab.strings)), resident()
    started, worked = time.perf_counter(), time.process_time()
    component: Any = nlp.add_pipe(COMPONENT, config={"phrase_matcher_attr": ATTRIBUTE})
    component.add_rules([source])
    took, worked = time.perf_counter() - started, time.process_time() - worked
    table = table_of(nlp)
    print(f"{'phrases, entries':40}{table.n_phrases:12,}{table.n_entries:12,}")
    print(f"{'build s, by the clock and processor':40}{took:12.1f}{worked:12.1f}")
    after = len(nlp.vocab), len(nlp.vocab.strings)
    for what, first, last in zip(("words", "strings"), before, after, strict=True):
        print(f"{f'{what} in nlp.vocab, before and after':40}{first:12,}{last:12,}")
    if peak := peak_memory().get("memory"):
        more = peak / 1e6 - (megabytes or 0.0)
        print(f"{'MB more than before, at most':40}{more:12.0f}", flush=True)


def show_disk(model: Path, table: PhraseTable) -> None:
    strings = len(table.texts.content) + len(table.ids.content)
    whole = table_file(model).stat().st_size
    print(f"{'MB on the disk, and strings of these':40}{whole / 1e6:12.1f}{strings / 1e6:12.1f}")


def load(model: Path) -> None:
    """Load in a new process and look what it costs."""
    command = [sys.executable, "-m", "benchmarks.gazetteer.loading", str(model / COMPONENT)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = json.loads(output.splitlines()[-1])
    seconds, worked = found["seconds"], found["worked"]
    print(f"{'load s, by the clock and processor':40}{seconds:12.2f}{worked:12.2f}")
    if "loaded" in found:
        print(
            f"{'MB more after loading, after use':40}{found['loaded']:12.1f}{found['used']:12.1f}"
        )


def show_hits(nlp: Language, words: list[Words]) -> None:
    hits = (len(table_of(nlp).find(docs_of(nlp, some))[0]) for some in words)
    print(f"{'texts of each kind':40}{len(words[0]):12,}")
    print(f"{'hits in them':40}" + "".join(f"{n:12,}" for n in hits), flush=True)


if __name__ == "__main__":
    main()
