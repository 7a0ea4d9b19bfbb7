"""A pipeline over a chunk of documents, of which some may fail."""

from collections.abc import Callable, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from ..data.sources.rows import SourceDocument
from .doc_run import DocRun
from .predicted import Predicted
from .sentence_readings import SentenceReader


class Predictor:
    """Processes documents.

    nlp (Language): The pipeline. Its error handlers are replaced.
    reader (SentenceReader): Finds readings; None if none are wanted.
    """

    def __init__(self, nlp: Language, reader: SentenceReader | None = None) -> None:
        self._nlp = nlp
        self._reader = reader
        self._docs = DocRun(nlp, self._make_doc)

    def run(
        self, documents: Sequence[SourceDocument], tick: Callable[[Doc], None]
    ) -> list[Predicted | str]:
        """Process documents, best within nlp.memory_zone().

        tick: Called with each Doc that is done.
        RETURNS (List[Predicted | str]): For each document the result, or why it has none.
        """
        outcomes = self._docs.run(documents, tick)
        whole = (outcome for outcome in outcomes if isinstance(outcome, Doc))
        sentences = self._reader.read(whole) if self._reader is not None else None
        return [
            Predicted(document, outcome, next(sentences) if sentences is not None else None)
            if isinstance(outcome, Doc)
            else f"{type(outcome).__name__}: {outcome}"
            for document, outcome in zip(documents, outcomes, strict=True)
        ]

    def _make_doc(self, document: SourceDocument) -> Doc:
        check_length(document.text, self._nlp)
        if document.tokens is None:
            return self._nlp.make_doc(document.text)
        return Doc(self._nlp.vocab, words=document.tokens.words, spaces=document.tokens.spaces)


def check_length(text: str, nlp: Language) -> None:
    """RAISES ValueError: If a text is longer than the pipeline takes."""
    if len(text) > nlp.max_length:
        raise ValueError(
            f"the text has {len(text):,} characters, more than nlp.max_length = {nlp.max_length:,}"
        )
