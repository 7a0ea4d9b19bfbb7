"""How fast Docs are read, beside spaCy's own components."""

import argparse
import gc
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from tqdm import tqdm

from benchmarks.gazetteer.lists import ATTRIBUTE, COMPONENT, Words, docs_of, table_of
from benchmarks.gazetteer.loading import resident


@dataclass
class System:
    """Something that reads Docs. prepare: makes of Docs what it reads; read: reads that."""

    read: Callable[[Any], object]
    prepare: Callable[[list[Doc]], Any] = list


def show_hits(nlp: Language, words: Words) -> None:
    hits, _ = table_of(nlp).find(docs_of(nlp, words))
    print(f"{'texts, hits':40}{len(words):12,}{len(hits):12,}", flush=True)


def measure_speeds(nlp: Language, words: Words, args: argparse.Namespace) -> None:
    spacys, matcher, seconds, megabytes = spacy_matchers(nlp, args.matcher_phrases)
    table, component = table_of(nlp), nlp.get_pipe(COMPONENT)
    systems = {
        "table, of hashes": System(lambda some: [table.matches(*pair) for pair in some], hashes_of),
        "table, of Docs": System(lambda docs: [table.find(some) for some in batches(docs)]),
        "pipe of ner_plus_rules": System(lambda docs: list(component.pipe(docs))),
        "nlp.pipe": System(lambda docs: list(nlp.pipe(docs))),
        "PhraseMatcher": System(lambda docs: [matcher(doc) for doc in docs]),
        "pipe of entity_ruler": System(
            lambda docs: list(spacys.get_pipe("entity_ruler").pipe(docs))
        ),
    }
    speeds: dict[str, list[float]] = defaultdict(list)
    gc.collect()
    gc.freeze()  # what is only here for the measurement is not what the collector should look at
    for _ in tqdm(range(args.rounds), desc="rounds", leave=False):
        for name, system in systems.items():
            is_ours = name not in ("PhraseMatcher", "pipe of entity_ruler")
            ready = system.prepare(docs_of(nlp if is_ours else spacys, words))
            started = time.process_time()
            system.read(ready)
            speeds[name].append(sum(map(len, words)) / (time.process_time() - started))
    gc.unfreeze()
    n = min(args.matcher_phrases, table.n_entries)
    print(f"{'PhraseMatcher phrases, build s, MB':40}{n:12,}{seconds:12.1f}{megabytes:12.0f}")
    for name, found in speeds.items():
        print(f"{f'words/s, {name}':40}{statistics.median(found):12,.0f}", flush=True)


def spacy_matchers(nlp: Language, n: int) -> tuple[Language, PhraseMatcher, float, float]:
    """spaCy's two, with some of the phrases; and what the first one's building took."""
    table = table_of(nlp)
    entries = [table.entry(i) for i in range(min(n, table.n_entries))]
    spacys = spacy.blank("en")
    before, started = resident() or 0.0, time.process_time()
    matcher = PhraseMatcher(spacys.vocab, attr=ATTRIBUTE)
    by_label = defaultdict(list)
    for entry in entries:
        by_label[entry.label].append(entry.phrase)
    for label, phrases in by_label.items():
        matcher.add(label, list(spacys.tokenizer.pipe(phrases)))
    seconds, megabytes = time.process_time() - started, (resident() or 0.0) - before
    ruler: Any = spacys.add_pipe("entity_ruler", config={"phrase_matcher_attr": ATTRIBUTE})
    ruler.add_patterns([{"label": entry.label, "pattern": entry.phrase} for entry in entries])
    return spacys, matcher, seconds, megabytes


def batches(docs: list[Doc]) -> Iterator[list[Doc]]:
    some = iter(docs)
    while batch := list(islice(some, 128)):
        yield batch


def hashes_of(docs: list[Doc]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (
            np.concatenate([doc.to_array(ATTRIBUTE) for doc in some]),
            np.array([len(doc) for doc in some]),
        )
        for some in batches(docs)
    ]
