"""A pipeline as the batcher's thread uses it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain

from spacy.language import Language
from spacy.tokens import Doc

from ...annotation.doc_records import place_record, span_records
from ...pipeline.capabilities import GivesReadings, only_component
from ...prediction.doc_run import DocRun
from ...prediction.predicted import sentence_row
from ...prediction.predictor import check_length
from ...prediction.sentence_readings import SentenceReader
from ...records import TextRecord
from ...support.pauses import pausing
from .asked_text import AskedText, FoundEntities, RecordFaultError
from .model_info import ModelInfo, describe

_SAMPLE = "The patient was given 20 mg of it in May 1998, and came back to Leeds with a headache. "
_SAMPLE_TEXTS, _SAMPLE_SENTENCES = 16, 4


class PipelineEngine:
    """Finds entities in texts.

    nlp (Language): The pipeline. Its error handlers are replaced.
    name, version (str): What requests call it; None for those of its meta.json.
    warms_up (bool): Whether it is tried, and its speed measured, before it is used.
    RAISES ValueError: See describe.
    """

    def __init__(
        self, nlp: Language, name: str | None, version: str | None, *, warms_up: bool = True
    ) -> None:
        self.info: ModelInfo = describe(nlp, name, version)
        self._nlp = nlp
        self._docs = DocRun(nlp, self._make_doc)
        self._warms_up = warms_up
        self._is_in_zone = False

    def samples(self) -> list[list[AskedText]]:
        """A sentence, which tells what fails and loads what is loaded late, and a batch."""
        if not self._warms_up:
            return []
        texts = [f"{number} {_SAMPLE * _SAMPLE_SENTENCES}" for number in range(_SAMPLE_TEXTS)]
        return [
            [AskedText.of(TextRecord(_SAMPLE))],
            [AskedText.of(TextRecord(text)) for text in texts],
        ]

    def run(
        self, asks: Sequence[AskedText], between: Callable[[], None] | None = None
    ) -> list[FoundEntities | Exception]:
        """The entities of some texts. Nothing of them is kept.

        between (Callable[[], None]): Is called at pauses, and may run others.
        """
        with ExitStack() as stack:
            stack.enter_context(self._zone())
            if between is not None:
                stack.enter_context(pausing(between))
            outcomes = self._docs.run(asks, lambda _: None)
            return [
                self._found(ask, outcome) if isinstance(outcome, Doc) else outcome
                for ask, outcome in zip(asks, outcomes, strict=True)
            ]

    @contextmanager
    def _zone(self) -> Iterator[None]:
        """A memory zone, or the one that there is at a pause of others: they don't nest."""
        if self._is_in_zone:
            yield
            return
        self._is_in_zone = True
        try:
            with self._nlp.memory_zone():
                yield
        finally:
            self._is_in_zone = False

    def _found(self, ask: AskedText, doc: Doc) -> FoundEntities | Exception:
        try:
            sentences = self._sentences(doc, ask.alternatives) if ask.alternatives else None
            return FoundEntities(span_records(doc, self.info.source), sentences)
        except Exception as error:  # a component's, of any kind
            return error

    def _sentences(self, doc: Doc, k: int) -> tuple[dict[str, object], ...]:
        can = "gives readings"
        reader = SentenceReader(self._nlp, only_component(self._nlp, GivesReadings, can, ""), k)
        return tuple(map(sentence_row, chain.from_iterable(reader.read([doc]))))

    def _make_doc(self, ask: AskedText) -> Doc:
        """RAISES RecordFaultError: If the pipeline's tokens don't fit what is given."""
        check_length(ask.text, self._nlp)
        if not ask.annotation:
            return self._nlp.make_doc(ask.text)
        try:
            placed = place_record(ask.record, self._nlp)
        except ValueError as error:
            raise RecordFaultError("spans", str(error)) from error
        numbers = [i for i, span in enumerate(ask.record.spans or ()) if span.is_accepted]
        for number, placement in zip(numbers, placed.fitted.placements, strict=False):
            if placement.placed is None:
                reason = str(placement.misfit) if placement.misfit else placement.message
                raise RecordFaultError(f"spans[{number}]", reason)
        return placed.doc
