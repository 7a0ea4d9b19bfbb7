"""The entities of training data as a list of phrases: what rules begin with."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spacy.tokens import Doc

from ...annotation.existing import entity_spans
from ...tags import Span as EntitySpan

# A phrase that is more often no entity, or one of another type, does more harm than good.
LEAST_PRECISION = 0.5


@dataclass(frozen=True)
class MentionPhrase:
    """A text that is an entity in the training data.

    phrase (str): As it stands there.
    label (str): What it mostly is.
    right (int): How often it is that.
    seen (int): How often its words stand there, as an entity or not.
    """

    phrase: str
    label: str
    right: int
    seen: int

    @property
    def precision(self) -> float:
        """How often it would have been right to call it an entity of that type."""
        return self.right / self.seen


def phrases_of(
    docs: Sequence[Doc],
    *,
    least_precision: float = LEAST_PRECISION,
    entities: Sequence[Iterable[EntitySpan]] | None = None,
) -> list[MentionPhrase]:
    """The texts of the entities of some documents that are right often enough, sorted.

    Words are compared as they are written. What is not annotated counts as no entity.

    least_precision (float): From 0 to 1.
    entities (Sequence[Iterable[Span]]): Those of each Doc, which may nest and overlap; None for
        doc.ents.
    """
    labels: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    texts: dict[tuple[str, ...], str] = {}
    of_docs = map(entity_spans, docs) if entities is None else entities
    for doc, spans in zip(docs, of_docs, strict=True):
        for start, end, of_span in spans:
            words = tuple(token.text for token in doc[start:end])
            labels[words][of_span] += 1
            texts.setdefault(words, doc[start:end].text)
    seen = _count(docs, labels)
    found = []
    for words, counts in labels.items():
        label, right = min(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        phrase = MentionPhrase(texts[words], label, right, seen[words])
        if phrase.precision >= least_precision:
            found.append(phrase)
    return sorted(found, key=lambda phrase: (phrase.label, phrase.phrase))


def _count(
    docs: Iterable[Doc], phrases: Mapping[tuple[str, ...], object]
) -> Counter[tuple[str, ...]]:
    """How often the words of each phrase stand in the documents."""
    lengths: defaultdict[str, set[int]] = defaultdict(set)  # of the phrases that begin so
    for words in phrases:
        lengths[words[0]].add(len(words))
    seen: Counter[tuple[str, ...]] = Counter()
    for doc in docs:
        tokens = [token.text for token in doc]
        for start, first in enumerate(tokens):
            for length in lengths.get(first, ()):
                words = tuple(tokens[start : start + length])  # shorter at the end of the document
                if len(words) == length and words in phrases:
                    seen[words] += 1
    return seen


def phrases_text(phrases: Iterable[MentionPhrase]) -> str:
    """The lines of a .jsonl file of phrases, as ner_plus_rules reads it."""
    rows = ({"phrase": its.phrase, "label": its.label} for its in phrases)
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
