"""Documents of an evaluation, made of spans."""

import random
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from spacy_ner_plus.evaluation.documents import Document, Entity
from spacy_ner_plus.tags import Span
from tests.whole_columns import read_columns

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "bc5cdr": ROOT / "assets/bc5cdr-columns",
    "wnut17": ROOT / "assets/wnut17",
    "crossner": ROOT / "tests/corpora/crossner",
}
LABELS = ("A", "B", "C")
N_TOKENS = 12

_spans = st.tuples(st.integers(0, N_TOKENS - 1), st.integers(1, 5), st.sampled_from(LABELS)).map(
    lambda span: (span[0], min(N_TOKENS, span[0] + span[1]), span[2])
)

overlapping_spans = st.lists(_spans, max_size=7, unique=True)


def without_overlap(spans: Iterable[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in spans:
        if all(span[1] <= start or end <= span[0] for start, end, _ in kept):
            kept.append(span)
    return kept


flat_spans = overlapping_spans.map(without_overlap)


def make_document(
    gold: Iterable[Span],
    predicted: Iterable[Span],
    *,
    n_tokens: int = N_TOKENS,
    index: int = 0,
    probability: float | None = None,
) -> Document:
    """A document of tokens "t" with spaces between."""
    return Document(
        index=index,
        text=" ".join("t" * n_tokens),
        token_starts=tuple(range(0, 2 * n_tokens, 2)),
        sentence_starts=(),
        gold=tuple(_entity(span, None) for span in sorted(gold)),
        predicted=tuple(_entity(span, probability) for span in sorted(predicted)),
        not_judged=(),
    )


def _entity(span: Span, probability: float | None) -> Entity:
    start, end, label = span
    return Entity(start, end, label, 2 * start, 2 * end - 1, probability)


@cache
def real_documents(corpus: str, n: int = 300, *, nested: bool = False) -> list[Document]:
    """Sentences of one of FOLDERS with its gold entities, and what an untidy annotator makes
    of them: some lost, cut, moved, split, merged, of another type, and some from nowhere.

    nested (bool): Add the words of longer entities as entities within them, to both sides.
    """
    rng = random.Random(0)
    sentences = read_columns(FOLDERS[corpus] / "test.tsv").sentences[:n]
    labels = sorted({label for s in sentences for _, _, label in s.spans})
    documents = []
    for i, sentence in enumerate(sentences):
        n_tokens = len(sentence.tokens)
        gold = list(sentence.spans)
        if nested:
            gold = [*gold, *_inner(gold, labels, rng)]
        predicted = _untidy(gold, n_tokens, labels, rng)
        if not nested:
            predicted = without_overlap(predicted)
        documents.append(make_document(set(gold), set(predicted), n_tokens=n_tokens, index=i))
    return documents


def _inner(gold: list[Span], labels: list[str], rng: random.Random) -> list[Span]:
    return [
        (start + 1, end, rng.choice(labels))
        for start, end, _ in gold
        if end - start > 1 and rng.random() < 0.7
    ]


def _untidy(gold: list[Span], n: int, labels: list[str], rng: random.Random) -> list[Span]:
    found: list[Span] = []
    for start, end, label in gold:
        change = rng.choice(["", "", "", "", "lost", "cut", "longer", "moved", "split", "type"])
        if change == "lost":
            continue
        if change == "cut" and end - start > 1:
            end -= 1
        elif change == "longer":
            end = min(n, end + 2)
        elif change == "moved":
            start, end = min(n - 1, start + 1), min(n, end + 1)
        elif change == "split" and end - start > 2:
            found.append((start, start + 1, label))
            start += 2
        elif change == "type":
            label = rng.choice(labels)
        found.append((start, end, label))
    if rng.random() < 0.2:
        start = rng.randrange(n)
        found.append((start, min(n, start + 2), rng.choice(labels)))
    return found
