"""A pipeline over documents at once, and alone over those that fail."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import ignore_error, raise_error

# Of a component's name, the component, the Docs that it fails on, and the error.
ErrorHandler = Callable[[str, Any, list[Doc], Exception], Any]
Source = TypeVar("Source")


class DocRun(Generic[Source]):
    """Makes Docs of what is given, and processes them.

    nlp (Language): The pipeline. Its error handlers are replaced.
    make (Callable): Makes a Doc, each time a new one: one that a component has failed on is of no
        use any more.
    """

    def __init__(self, nlp: Language, make: Callable[[Source], Doc]) -> None:
        self._nlp = nlp
        self._make = make

    def run(self, sources: Sequence[Source], tick: Callable[[Doc], None]) -> list[Doc | Exception]:
        """Process documents, best within nlp.memory_zone().

        tick: Called with each Doc that is done.
        RETURNS (List[Doc | Exception]): For each the Doc, or why there is none.
        """
        docs = self._together(sources, tick)
        outcomes: list[Doc | Exception] = []
        for number, source in enumerate(sources):
            if number in docs:
                outcomes.append(docs[number])
                continue
            outcome = self._alone(source)
            if isinstance(outcome, Doc):
                tick(outcome)
            outcomes.append(outcome)
        return outcomes

    def _together(self, sources: Sequence[Source], tick: Callable[[Doc], None]) -> dict[int, Doc]:
        """The Docs by number, without those that failed and what failed with them."""
        self._handle_errors(ignore_error)
        found: dict[int, Doc] = {}
        # Whatever a component may raise: what is not found is tried again, alone.
        with suppress(Exception):
            for doc, number in self._nlp.pipe(self._made(sources), as_tuples=True):
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

    def _made(self, sources: Sequence[Source]) -> Iterator[tuple[Doc, int]]:
        for number, source in enumerate(sources):
            try:
                doc = self._make(source)
            except Exception:  # tried again, alone
                continue
            yield doc, number

    def _alone(self, source: Source) -> Doc | Exception:
        self._handle_errors(raise_error)
        try:
            return self._nlp(self._make(source))
        except Exception as error:  # a component's, of any kind
            return error
