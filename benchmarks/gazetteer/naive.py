"""Whether all that is found is what a dictionary of tuples of strings finds."""

from collections.abc import Iterator

import numpy as np
import spacy
from spacy.language import Language
from tqdm import tqdm

from benchmarks.gazetteer.lists import Words, docs_of, table_of


def check(nlp: Language, words: Words) -> None:
    """Compare all matches in some texts with those of a dictionary of tuples of strings."""
    table, docs = table_of(nlp), docs_of(nlp, words)
    hits, bounds = table.find(docs)
    which = np.searchsorted(bounds, hits.starts, side="right") - 1
    found = set(
        zip(
            which.tolist(),
            (hits.starts - bounds[which]).tolist(),
            (hits.ends - bounds[which]).tolist(),
            strict=True,
        )
    )
    lowered = [[word.lower() for word in some] for some in words]
    grams = {tuple(some[i:j]) for some in lowered for i, j in spans_of(some, table.max_tokens)}
    naive = spacy.blank("en")
    phrases = set()
    for i in tqdm(range(table.n_entries), desc="naive", leave=False):
        phrase = tuple(token.lower_ for token in naive.make_doc(table.texts[i]))
        if phrase in grams:
            phrases.add(phrase)
    expected = {
        (n, i, j)
        for n, some in enumerate(lowered)
        for i, j in spans_of(some, table.max_tokens)
        if tuple(some[i:j]) in phrases
    }
    print(f"{'hits in checked texts, of them wrong':40}{len(found):12,}{len(found ^ expected):12,}")
    if found != expected:
        raise SystemExit("A dictionary of tuples finds others.")


def spans_of(words: list[str], most: int) -> Iterator[tuple[int, int]]:
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + most) + 1):
            yield start, end
