"""A toy component that finds entities inside of others, and says which key they are under."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.annotation.scored_group import ScoredGroup
from spacy_ner_plus.pipeline.scorer import nested_score_weights, score_nested
from spacy_ner_plus.tags import Span as EntitySpan

# Words, label and probability.
Phrase = tuple[str, str, float]
TEXT = "University of California at Berkeley in California"
GOLD: list[EntitySpan] = [
    (0, 5, "ORG"),
    (0, 3, "ORG"),
    (2, 3, "LOC"),
    (4, 5, "LOC"),
    (6, 7, "LOC"),
]
# It knows no campus, and takes Berkeley for two things.
PHRASES: list[Phrase] = [
    ("University of California at Berkeley", "ORG", 0.9),
    ("California", "LOC", 0.8),
    ("Berkeley", "LOC", 0.7),
    ("Berkeley", "PER", 0.2),
]
KEY = "nested"


class NestedLookup:
    """Writes all phrases that it knows to doc.spans[nested_key]."""

    def __init__(self, vocab: Vocab, name: str, nested_key: str) -> None:
        self.vocab, self.name = vocab, name
        self._key = nested_key
        self.phrases: list[Phrase] = []

    @property
    def nested_key(self) -> str:
        return self._key

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({label for _, label, _ in self.phrases}))

    def __call__(self, doc: Doc) -> Doc:
        words = [token.text for token in doc]
        found = []
        for text, label, probability in self.phrases:
            phrase = text.split()
            for start in range(len(words) - len(phrase) + 1):
                if words[start : start + len(phrase)] == phrase:
                    span = Span(doc, start, start + len(phrase), label)
                    found.append((span, probability))
        doc.spans[self._key] = ScoredGroup(
            doc,
            name=self._key,
            spans=[span for span, _ in found],
            scores=[probability for _, probability in found],
            component=self.name,
        )
        return doc

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        return score_nested(examples, source=EntitySource(self._key))

    def to_disk(self, path: Path, *, exclude: Any = ()) -> None:
        Path(path).write_text(json.dumps(self.phrases), encoding="utf8")

    def from_disk(self, path: Path, *, exclude: Any = ()) -> "NestedLookup":
        self.phrases = [tuple(row) for row in json.loads(Path(path).read_text(encoding="utf8"))]
        return self

    def to_bytes(self, *, exclude: Any = ()) -> bytes:
        return json.dumps(self.phrases).encode("utf8")


@Language.factory(
    "test_nested_lookup",
    default_config={"nested_key": KEY},
    assigns=["doc.spans"],
    default_score_weights=nested_score_weights(KEY),
)
def make_nested_lookup(nlp: Language, name: str, nested_key: str) -> NestedLookup:
    return NestedLookup(nlp.vocab, name, nested_key)


def add_nested(nlp: Language, phrases: list[Phrase] = PHRASES, **settings: Any) -> NestedLookup:
    name = settings.pop("name", "nested_lookup")
    toy: Any = nlp.add_pipe("test_nested_lookup", name=name, config=settings)
    toy.phrases = list(phrases)
    return toy  # type: ignore[no-any-return]


def outermost(spans: Iterable[EntitySpan]) -> list[EntitySpan]:
    spans = list(spans)
    return [
        span
        for span in spans
        if not any(
            other[:2] != span[:2] and other[0] <= span[0] and span[1] <= other[1] for other in spans
        )
    ]


def nested_doc(
    vocab: Vocab, text: str = TEXT, spans: list[EntitySpan] = GOLD, key: str = KEY
) -> Doc:
    """A Doc with spans in a group, and the outermost of them in doc.ents."""
    doc = Doc(vocab, words=text.split())
    doc.spans[key] = [Span(doc, *span) for span in spans]
    doc.set_ents([Span(doc, *span) for span in outermost(spans)], default="outside")
    return doc


def write_nested(path: Path, n: int = 4, *, n_bare: int = 1, key: str = KEY) -> Path:
    """Write documents with nested gold, and behind them some that are not annotated at all."""
    vocab = Vocab()
    docs = [nested_doc(vocab, key=key) for _ in range(n)]
    docs += [Doc(vocab, words=["Nothing", "here"]) for _ in range(n_bare)]
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path
