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


@dataclass
class System:
    """Something that reads Docs. prepare: makes of Docs what it reads; read: reads that."""

    read: Callable[[Any], object]
    prepare: Callable[[list[Doc]], Any] = list


def measure_speeds(nlp: Language, words: list[Words], args: argparse.Namespace) -> None:
    """Print the speed of each system, with a column for each of some lists of texts."""
    spacys, matcher, seconds = spacy_matchers(nlp, args.matcher_phrases)
    table, component = table_of(nlp), nlp.get_pipe(COMPONENT)
    ruler = spacys.get_pipe("entity_ruler")
    systems = {
        "table, of hashes": System(lambda some: [table.matches(*pair) for pair in some], hashes_of),
        "table, of Docs": System(lambda docs: [table.find(some) for some in batches(docs)]),
        "pipe of ner_plus_rules": System(lambda docs: list(component.pipe(docs))),
        "nlp.pipe": System(lambda docs: list(nlp.pipe(docs))),
        "PhraseMatcher": System(lambda docs: [matcher(doc) for doc in docs]),
        "pipe of entity_ruler": System(lambda docs: list(ruler.pipe(docs))),
    }
    speeds: dict[str, list[list[float]]] = {name: [[] for _ in words] for name in systems}
    gc.collect()
    gc.freeze()  # what is only here for the measurement is not what the collector should look at
    for _ in tqdm(range(args.rounds), desc="rounds", leave=False):
        for name, system in systems.items():
            its_nlp = spacys if name in ("PhraseMatcher", "pipe of entity_ruler") else nlp
            for number, some in enumerate(words):
                ready = system.prepare(docs_of(its_nlp, some))
                started = time.process_time()
                system.read(ready)
                speed = sum(map(len, some)) / (time.process_time() - started)
                speeds[name][number].append(speed)
    gc.unfreeze()
    n = min(args.matcher_phrases, table.n_entries)
    print(f"{'PhraseMatcher phrases, build s':40}{n:12,}{seconds:12.1f}")
    for name, found in speeds.items():
        figures = "".join(f"{statistics.median(some):12,.0f}" for some in found)
        print(f"{f'words/s, {name}':40}{figures}", flush=True)


def spacy_matchers(nlp: Language, n: int) -> tuple[Language, PhraseMatcher, float]:
    """spaCy's two, with the first phrases of the table; and seconds to build the first."""
    table = table_of(nlp)
    entries = [table.entry(i) for i in range(min(n, table.n_entries))]
    spacys = spacy.blank("en")
    started = time.process_time()
    matcher = PhraseMatcher(spacys.vocab, attr=ATTRIBUTE)
    by_label = defaultdict(list)
    for entry in entries:
        by_label[entry.label].append(entry.phrase)
    for label, phrases in by_label.items():
        matcher.add(label, list(spacys.tokenizer.pipe(phrases)))
    seconds = time.process_time() - started
    ruler: Any = spacys.add_pipe("entity_ruler", config={"phrase_matcher_attr": ATTRIBUTE})
    ruler.add_patterns(
        [{"label": one.label, "pattern": one.phrase, "id": one.id} for one in entries]
    )
    return spacys, matcher, seconds


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
