"""Lists of phrases, found or made, and texts with some of them."""

import argparse
import csv
import gzip
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.text.phrases.phrase_table import PhraseTable

# By what tokens are compared.
ATTRIBUTE = "LOWER"
COMPONENT = "ner_plus_rules"
N_FREQUENT, WORDS_A_DOC = 20_000, 25
LABELS = ("Chemical", "Disease", "Gene", "Organism", "Place")
Words = list[list[str]]


def prepare_list(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The list as the component takes it: its path, and what all rows have."""
    source = {"kind": "hard", "label": args.label}
    if args.list:
        return {**source, "path": str(args.list)}
    path = folder / "phrases.csv"
    rows = mesh_rows(args.mesh) if args.mesh else made_rows(args)
    with path.open("w", encoding="utf8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["phrase", "label", "id"])
        writer.writerows(rows)
    return {**source, "path": str(path)}


def mesh_rows(paths: Iterable[Path]) -> Iterator[tuple[str, str, str]]:
    for path in paths:
        with gzip.open(path, "rt", encoding="utf8") as lines:
            for line in lines:
                id_, name, others, *_ = line.rstrip("\n").split("\t")
                for phrase in filter(None, [name, *others.split("|")]):
                    yield phrase, "MeSH", id_


def made_rows(args: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    rng = random.Random(args.seed)
    rare = list(made_words(rng, args.words, range(5, 13)))
    draw = zipf_words(args.seed)
    for i in range(args.phrases):
        n_words = rng.choices((1, 2, 3, 4), weights=(25, 35, 25, 15))[0]
        words = draw(n_words - 1)
        words.insert(rng.randrange(n_words), rare[i % len(rare)])
        yield " ".join(words), LABELS[i % len(LABELS)], f"C{i:07}"


def made_words(rng: random.Random, n: int, lengths: range) -> Iterator[str]:
    """Different words of letters."""
    seen: set[str] = set()
    while len(seen) < n:
        word = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.choice(lengths)))
        if word not in seen:
            seen.add(word)
            yield word


def zipf_words(seed: int) -> Callable[[int], list[str]]:
    """Draws frequent words."""
    rng = random.Random(seed + 1)
    words = list(made_words(rng, N_FREQUENT, range(2, 5)))
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    return lambda n: rng.choices(words, cum_weights=weights, k=n) if n else []


def texts(nlp: Language, planted: int, args: argparse.Namespace) -> Iterator[list[str]]:
    """The words of texts, each with some of the phrases that spaCy's components get, too."""
    rng = random.Random(args.seed + 2)
    draw = zipf_words(args.seed)
    table = table_of(nlp)
    n_entries = min(args.matcher_phrases, table.n_entries)
    for _ in range(args.docs):
        words = draw(WORDS_A_DOC)
        for _ in range(planted):
            phrase = nlp.make_doc(table.texts[rng.randrange(n_entries)])
            if len(phrase) < WORDS_A_DOC:
                start = rng.randrange(WORDS_A_DOC - len(phrase))
                words[start : start + len(phrase)] = [token.text for token in phrase]
        yield words


def docs_of(nlp: Language, words: Words) -> list[Doc]:
    return [Doc(nlp.vocab, words=some) for some in words]


def table_of(nlp: Language) -> PhraseTable:
    """The table of the component of rules."""
    component: Any = nlp.get_pipe(COMPONENT)
    [table] = component.search.rules.tables.values()
    return table
