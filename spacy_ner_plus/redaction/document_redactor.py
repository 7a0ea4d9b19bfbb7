"""A pipeline and a Redactor over documents, some of which may fail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotation.entity_source import EntitySource
from ..data.sources.rows import InputRow, Reject, SourceDocument
from ..pipeline.entity_sources import source_of
from ..pipeline.thresholds import Threshold
from ..prediction.predicted import Found, Predicted
from ..prediction.predictor import Predictor
from .likely import LabelledTokens, TokenReader, likely_stretches
from .redacted_text import RedactedText
from .redaction_rows import RedactionRows
from .redactor import Redactor, entities_of

# What is told of a row that is no document: what is wrong with it may quote it.
UNREADABLE = "no text can be read in it: `ner-plus predict` with the same input says why"


@dataclass(frozen=True)
class RedactedDocument:
    """A document without its entities.

    document (SourceDocument): What was given. doc (Doc): After the pipeline.
    redacted (RedactedText): The text.
    """

    document: SourceDocument
    doc: Doc
    redacted: RedactedText


class DocumentRedactor:
    """Finds entities and takes them out. It is the work of a run: see ChunkWork.

    nlp (Language): The pipeline. Its error handlers are replaced.
    redactor (Redactor): What goes, and what comes in its place.
    rows (RedactionRows): Writes the results.
    spans_key (str): Where the entities are, as a user says it; None for what the pipeline says. If
        that is a group of doc.spans, those of doc.ents go as well.
    """

    def __init__(
        self,
        nlp: Language,
        redactor: Redactor,
        rows: RedactionRows | None = None,
        spans_key: str | None = None,
    ) -> None:
        self.redactor = redactor
        self.source = all_entities(nlp, spans_key)
        self._rows = rows or RedactionRows()
        self._predictor = Predictor(nlp)
        self._tokens = TokenReader(nlp)
        self._is_checked = False
        self._least = least_of(redactor.threshold)

    def redact(self, documents: Sequence[SourceDocument]) -> list[RedactedDocument | str]:
        """What becomes of each document; the kind of error of one that fails, without its text."""
        return self.results(documents, lambda _: None)

    def results(
        self, documents: Sequence[SourceDocument], tick: Callable[[Doc], None]
    ) -> list[RedactedDocument | str]:
        """See ChunkWork.results."""
        outcomes = self._predictor.run(documents, tick)
        found = [one for one in outcomes if isinstance(one, Predicted)]
        redacted = iter(self._redacted(found))
        # of the message of an error nothing but its kind is sure to be no text
        return [
            next(redacted) if isinstance(one, Predicted) else one.partition(":")[0]
            for one in outcomes
        ]

    def _redacted(self, found: Sequence[Predicted]) -> list[RedactedDocument | str]:
        docs = [one.doc for one in found]
        if self._least is None or not self._tokens.is_able:
            return [self._one(one, []) for one in found]
        read = self._tokens.read(docs, self._least)
        return [
            tables if isinstance(tables, str) else self._one(one, tables)
            for one, tables in zip(found, read, strict=True)
        ]

    def _one(self, its: Predicted, tables: Sequence[LabelledTokens]) -> RedactedDocument | str:
        try:
            entities, cuts = entities_of(its.doc, self.source)
            likely = likely_stretches(its.doc, tables, self.redactor, entities)
            hidden = self.redactor.hidden_of(its.doc.text, [*entities, *likely], cuts)
            redacted = self.redactor.replaced(its.doc.text, hidden)
        except Exception as error:  # such as of a label that nobody can write
            return type(error).__name__
        return RedactedDocument(its.document, its.doc, redacted)

    def check(self, results: Sequence[RedactedDocument]) -> None:
        """See ChunkWork.check. It is done of the first chunk with any words: see write."""

    def write(self, path: Path, results: Sequence[RedactedDocument]) -> None:
        """See ChunkWork.write. RAISES ValueError: Nobody has looked for entities in any text."""
        docs = [one.doc for one in results if len(one.doc)]
        if docs and not self._is_checked:
            Found(self.source).check(docs)
            self._is_checked = True
        self._rows.write(path, [(one.document, one.redacted) for one in results])

    def sizes(self, result: RedactedDocument) -> tuple[int, int]:
        """See ChunkWork.sizes. Entities are stretches that were replaced."""
        return len(result.doc), len(result.redacted.replacements)

    def reject(self, row: InputRow, reason: str) -> Reject:
        """See ChunkWork.reject. The row itself is not told, nor a reason that may quote it."""
        is_kind = reason.isidentifier()
        return Reject(row.file, row.row, reason if is_kind else UNREADABLE, "")

    def join(self, parts: Sequence[Path], path: Path) -> None:
        """See ChunkWork.join."""
        self._rows.join(parts, path)

    def warnings(self) -> list[str]:
        """What is to be known of what goes."""
        return [
            f"{name} leaves out entities of {', '.join(map(repr, labels))} below its own "
            "threshold, which is higher than that of redaction: lower it"
            for name, labels in self._tokens.higher_thresholds(self.redactor).items()
        ]


def all_entities(nlp: Language, spans_key: str | None = None) -> EntitySource:
    """Where the entities of a pipeline are, wherever it writes any, if no user says where."""
    source = source_of(nlp, spans_key)
    return replace(source, with_ents=True) if spans_key is None and source.may_nest else source


def least_of(threshold: Threshold) -> float | None:
    """The least of the thresholds; None without any."""
    return min(threshold.values(), default=None) if isinstance(threshold, Mapping) else threshold
