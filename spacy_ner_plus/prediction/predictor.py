"""A pipeline over a chunk of documents, of which some may fail."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import ignore_error, raise_error

from ..data.sources.rows import SourceDocument
from .predicted import Predicted
from .sentence_readings import SentenceReader

# Of a component's name, the component, the Docs that it fails on, and the error.
ErrorHandler = Callable[[str, Any, list[Doc], Exception], Any]


class Predictor:
    """Processes documents.

    nlp (Language): The pipeline. Its error handlers are replaced.
    reader (SentenceReader): Finds readings; None if none are wanted.
    """

    def __init__(self, nlp: Language, reader: SentenceReader | None = None) -> None:
        self._nlp = nlp
        self._reader = reader

    def run(
        self, documents: Sequence[SourceDocument], tick: Callable[[Doc], None]
    ) -> list[Predicted | str]:
        """Process documents, best within nlp.memory_zone().

        tick: Called with each Doc that is done.
        RETURNS (List[Predicted | str]): For each document the result, or why it has none.
        """
        docs = self._together(documents, tick)
        outcomes: list[Doc | str] = []
        for number, document in enumerate(documents):
            if number in docs:
                outcomes.append(docs[number])
                continue
            outcome = self._alone(document)
            if isinstance(outcome, Doc):
                tick(outcome)
            outcomes.append(outcome)
        whole = (outcome for outcome in outcomes if isinstance(outcome, Doc))
        sentences = self._reader.read(whole) if self._reader is not None else None
        return [
            Predicted(document, outcome, next(sentences) if sentences is not None else None)
            if isinstance(outcome, Doc)
            else outcome
            for document, outcome in zip(documents, outcomes, strict=True)
        ]

    def _together(
        self, documents: Sequence[SourceDocument], tick: Callable[[Doc], None]
    ) -> dict[int, Doc]:
        """The Docs by number, without those that failed and what failed with them."""
        self._handle_errors(ignore_error)
        found: dict[int, Doc] = {}
        # Whatever a component may raise: what is not found is tried again, alone.
        with suppress(Exception):
            for doc, number in self._nlp.pipe(self._made(documents), as_tuples=True):
                found[number] = doc
                tick(doc)
        return found

    def _handle_errors(self, handler: ErrorHandler) -> None:
        """Give each component an error handler, as nlp.set_error_handler does.

        That one fails on spaCy's own parser and ner of some versions (3.8.18 for one): they have
        the method, but no place for the handler, and raise.
        """
        self._nlp.default_error_handler = handler
        for _, component in self._nlp.pipeline:
            if hasattr(component, "set_error_handler"):
                with suppress(AttributeError):
                    component.set_error_handler(handler)

    def _made(self, documents: Sequence[SourceDocument]) -> Iterator[tuple[Doc, int]]:
        for number, document in enumerate(documents):
            try:
                doc = self._make_doc(document)
            except Exception:  # tried again, alone
                continue
            yield doc, number

    def _alone(self, document: SourceDocument) -> Doc | str:
        self._handle_errors(raise_error)
        try:
            return self._nlp(self._make_doc(document))
        except Exception as error:  # a component's, of any kind
            return f"{type(error).__name__}: {error}"

    def _make_doc(self, document: SourceDocument) -> Doc:
        n_chars = len(document.text)
        if n_chars > self._nlp.max_length:
            raise ValueError(
                f"the text has {n_chars:,} characters, more than nlp.max_length = "
                f"{self._nlp.max_length:,}"
            )
        if document.tokens is None:
            return self._nlp.make_doc(document.text)
        return Doc(self._nlp.vocab, words=document.tokens.words, spaces=document.tokens.spaces)
