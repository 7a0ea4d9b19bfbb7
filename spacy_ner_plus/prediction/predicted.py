"""What was found in a document, as a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc, Span

from ..annotation.doc_records import span_records
from ..annotation.entity_source import DOC_ENTS, EntitySource
from ..data.sources.rows import SourceDocument
from ..pipeline.capabilities import Reading
from ..records import TextRecord


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

    source (EntitySource): Where they are.
    """

    source: EntitySource = DOC_ENTS

    def check(self, docs: Sequence[Doc]) -> None:
        """RAISES ValueError: If nothing has set entities in any Doc."""
        docs = [doc for doc in docs if len(doc)]
        if not docs or any(map(self.source.is_set, docs)):
            return
        keys = sorted({name for doc in docs for name in doc.spans})
        raise ValueError(
            f"No component of the pipeline sets {self.source.where} in the first {len(docs):,} "
            f"documents. Keys of doc.spans for --spans-key: {', '.join(map(repr, keys)) or 'none'}."
            " If it is set in few documents only, take a larger --chunk-size."
        )

    def count(self, doc: Doc) -> int:
        """How many entities a Doc has."""
        return sum(1 for _ in self.source.scored(doc))

    def record(self, predicted: Predicted) -> TextRecord:
        """The text with the entities that were found.

        Beside them, under `row`, where it stands in the input, and under `sentences` the readings,
        if there are any.

        RAISES ValueError: If a span has no label.
        """
        document, doc = predicted.document, predicted.doc
        other: dict[str, Any] = {"row": document.row}
        if predicted.sentences is not None:
            other["sentences"] = [sentence_row(sentence) for sentence in predicted.sentences]
        try:
            spans = span_records(doc, self.source)
        except ValueError as error:
            raise ValueError(
                f"Row {document.row}: what was found can't be written: {error}"
            ) from error
        return TextRecord(doc.text, id=document.id, spans=spans, other=other)


def _place(span: Span) -> dict[str, Any]:
    return {
        "text": span.text,
        "label": span.label_,
        "start": span.start_char,
        "end": span.end_char,
    }


def sentence_row(sentence: ReadSentence) -> dict[str, Any]:
    """A sentence and its readings, as plain JSON data."""
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
