"""What was found in a document, as a row of plain data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc, Span

from ..data.sources.rows import SourceDocument
from ..pipeline.capabilities import Reading

PROBABILITY = "probability"


@dataclass(frozen=True)
class ReadSentence:
    """A sentence and the k most probable ways to read it, best first."""

    span: Span
    readings: list[Reading]


@dataclass(frozen=True)
class Predicted:
    """A document after the pipeline.

    sentences (List[ReadSentence]): None if no readings are wanted.
    """

    document: SourceDocument
    doc: Doc
    sentences: list[ReadSentence] | None = None


@dataclass(frozen=True)
class Found:
    """Takes the entities from Docs.

    spans_key (str): Where they are in doc.spans; None for doc.ents.
    """

    spans_key: str | None = None

    def check(self, docs: Sequence[Doc]) -> None:
        """RAISES ValueError: If nothing has set entities in any Doc."""
        key = self.spans_key
        docs = [doc for doc in docs if len(doc)]
        if key is None:
            n_set = sum(doc.has_annotation("ENT_IOB") for doc in docs)
        else:
            n_set = sum(key in doc.spans for doc in docs)
        if n_set or not docs:
            return
        where = "doc.ents" if key is None else f"doc.spans['{key}']"
        keys = sorted({name for doc in docs for name in doc.spans})
        raise ValueError(
            f"No component of the pipeline sets {where} in the first {len(docs):,} documents. Keys "
            f"of doc.spans for --spans-key: {', '.join(map(repr, keys)) or 'none'}. If it is set "
            "in few documents only, take a larger --chunk-size."
        )

    def count(self, doc: Doc) -> int:
        return sum(1 for _ in self._spans(doc))

    def row(self, predicted: Predicted) -> dict[str, Any]:
        """The id, the row, the text, the entities with their place in it, and sentences with
        their readings if there are any.
        """
        document, doc = predicted.document, predicted.doc
        row = {
            "id": document.id,
            "row": document.row,
            "text": doc.text,
            "entities": [
                {**_place(span), "probability": probability}
                for span, probability in self._spans(doc)
            ],
        }
        if predicted.sentences is not None:
            row["sentences"] = [_sentence(sentence) for sentence in predicted.sentences]
        return row

    def _spans(self, doc: Doc) -> Iterator[tuple[Span, float | None]]:
        if self.spans_key is None:
            for ent in doc.ents:
                yield ent, _probability(ent)
        elif self.spans_key in doc.spans:
            group = doc.spans[self.spans_key]
            scores = group.attrs.get("scores")
            numbers = [None] * len(group) if scores is None else [float(s) for s in scores]
            pairs = zip(group, numbers, strict=True)
            yield from sorted(pairs, key=lambda pair: (pair[0].start, pair[0].end))


def _probability(ent: Span) -> float | None:
    """Only ner_plus gives one."""
    value = ent._.get(PROBABILITY) if Span.has_extension(PROBABILITY) else None
    return value if isinstance(value, float) else None


def _place(span: Span) -> dict[str, Any]:
    return {
        "text": span.text,
        "label": span.label_,
        "start": span.start_char,
        "end": span.end_char,
    }


def _sentence(sentence: ReadSentence) -> dict[str, Any]:
    return {
        "start": sentence.span.start_char,
        "end": sentence.span.end_char,
        "readings": [
            {
                "probability": reading.probability,
                "entities": [_place(entity) for entity in reading.entities],
            }
            for reading in sentence.readings
        ],
    }
