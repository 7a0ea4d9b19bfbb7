"""The component itself: a language model that finds entities, as others do."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ...annotation.offsets import TokenEdges
from ...models.decoding.calibration import Calibration
from ...models.decoding.entities import Entities
from ...models.decoding.log_odds import LogOddsLine
from ...models.storage.files import Unsaved, read_json
from ...models.storage.manifest import Content, damage
from ..calibrated import CalibratedPipe
from ..entity_sources import source_of_component
from ..judged_entities import JudgedEntities, can_be_judged
from ..llm_reading.asking.spending import Spending
from ..llm_reading.doc_texts import examples_of, tokenised
from ..llm_reading.encoder_similarity import load_similarity
from ..llm_reading.grounding.mentions import Mention
from ..llm_reading.llm_reader import LlmReader
from ..llm_reading.llm_settings import LlmSettings
from ..llm_reading.prompting.label_guides import read_label_guides
from ..llm_reading.prompting.tf_idf import TfIdf
from ..llm_reading.prompting.worked_examples import WorkedExample
from ..llm_reading.read_text import ReadText
from .llm_annotator import LlmAnnotator, LlmEntities, register_report, report_of

EXAMPLES = "examples.json"


class NerPlusLlm(CalibratedPipe):
    """Entities by a language model behind an OpenAI-compatible server.

    Sets doc.ents, and doc._.llm_report. Tokens of which nothing is known, as an answer was cut or
    refused, are missing. A document with a request that failed goes to the error handler.

    nlp (Language): The pipeline, whose tokenizer an encoder needs.
    name (str): The component's name in the pipeline.
    llm (LlmSettings): What is asked, and where.
    encoder (str): A folder with a transformer, by whose vectors examples are chosen; None to choose
        them by their words.
    settings: See make_ner_plus_llm.
    RAISES ValueError: If a setting is unknown or out of range.

    Attributes:
        counts (Counter[str]): Of groundings, reasons and faults, in this process.
        spending (Spending): Of requests and tokens, in this process.
    """

    file_names = (EXAMPLES,)

    def __init__(
        self,
        nlp: Language,
        name: str = "ner_plus_llm",
        *,
        llm: LlmSettings,
        encoder: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(nlp.vocab, name, **settings)
        self.nlp = nlp
        self.llm = llm
        self.encoder = encoder
        self.counts: Counter[str] = Counter()
        self.examples: list[WorkedExample] = []
        self.spending: Spending = llm.reader().client.spending
        self._reader: LlmReader | None = None
        register_report()
        for label in self.labels:
            self.vocab.strings.add(label)

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of its entities."""
        return tuple(guide.label for guide in read_label_guides(self.llm.labels))

    @property
    def reader(self) -> LlmReader:
        """What asks the model, made when it is first needed."""
        if self._reader is None:
            encoder = self.encoder
            self._reader = self.llm.reader(
                self.examples,
                TfIdf if encoder is None else lambda ts: load_similarity(encoder, self.nlp, ts),
                self.spending,
            )
        return self._reader

    # Examples

    def add_examples(self, docs: Iterable[Doc]) -> Counter[str]:
        """Add the sentences of annotated Docs to those that the model may be shown.

        They are saved with the pipeline.

        RETURNS (Counter[str]): How many sentences were left out, by reason: an example's answer
            must lead back to its entities.
        """
        found, left_out = examples_of(docs, self.labels, self.llm.max_example_tokens)
        self._take_examples([*self.examples, *found])
        return left_out

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]] | None = None,
        *,
        nlp: Language | None = None,
        use_examples: bool = True,
    ) -> None:
        """Take the training data as examples, in place of those that there are.

        get_examples (Callable): Gives annotated documents.
        nlp (Language): The pipeline.
        use_examples (bool): Whether to take them.
        """
        self.nlp = nlp or self.nlp
        if get_examples is not None and use_examples:
            found, _ = examples_of(
                (example.reference for example in get_examples()),
                self.labels,
                self.llm.max_example_tokens,
            )
            if found:
                self._take_examples(found)

    def _take_examples(self, examples: list[WorkedExample]) -> None:
        self.examples = examples
        self._reader = None

    # Finding

    def read(self, docs: Iterable[Doc]) -> list[ReadText]:
        """What the model says of some Docs, with characters for places. The Docs stay as they are.

        RAISES ValueError: If the server answers nothing at all.
        """
        return self.reader.read([tokenised(doc) for doc in docs])

    def predict_under(self, docs: Iterable[Doc], calibration: Calibration) -> list[Entities]:
        """Find the entities of some Docs, without changing them.

        RETURNS (List[Entities]): Per Doc, LlmEntities: with what is unknown, and a report.
        RAISES ValueError: If a document has a request that failed, or whose budget is spent.
        """
        return [_calibrated(one, calibration) for one in self._predicted(list(docs))]

    def _predicted(self, docs: list[Doc]) -> list[LlmEntities]:
        reads = self.read(docs)
        for read in reads:
            _check_answered(read)
        return [self._entities(*one) for one in zip(docs, reads, strict=True)]

    def judge(self, examples: Iterable[Example]) -> JudgedEntities:
        """See CalibratedPipe.judge. The model is asked once."""
        gold = source_of_component(self)
        examples = can_be_judged(examples, gold)
        docs = [example.predicted for example in examples]
        found = self._predicted(docs)
        return JudgedEntities(
            lambda under: [_calibrated(one, under) for one in found], self.labels, examples, gold
        )

    def _find(self, docs: list[Doc]) -> Iterator[tuple[Doc, Entities]]:
        """See EntityPipe: a Doc that fails is not asked about again."""
        handle_error: Callable[..., object] = self.get_error_handler()
        for doc, read in zip(docs, self.read(docs), strict=True):
            try:
                _check_answered(read)
                entities = _calibrated(self._entities(doc, read), self.calibration)
            except Exception as error:
                handle_error(self.name, self, [doc], error)
            else:
                self.counts += read.counts
                yield doc, entities

    def _entities(self, doc: Doc, read: ReadText) -> LlmEntities:
        edges = TokenEdges(doc)
        labels = {label: i for i, label in enumerate(self.labels)}
        rows = [
            (*tokens, labels[span.label], np.nan if span.probability is None else span.probability)
            for span in read.spans
            if (tokens := edges.tokens(span.start, span.end)) is not None  # they always are
        ]
        columns = np.array(rows, dtype=np.float64).reshape(-1, 4)  # (n, 4)
        starts, ends, ids = columns[:, :3].astype(np.int64).T
        is_unknown = np.zeros(len(doc), dtype=bool)
        for start, end in read.unknown:
            is_unknown |= edges.touched(start, end)
        return LlmEntities(starts, ends, ids, columns[:, 3], is_unknown, report_of(read))

    def annotator(self) -> LlmAnnotator:
        """See EntityPipe.annotator."""
        self.check_settings()
        return LlmAnnotator(
            self.name,
            [self.vocab.strings.add(label) for label in self.labels],
            self.thresholds(),
            overwrites=self.existing_ents == "overwrite",
            spans_key=self.spans_key,
            checks=self.checks(),
            refused=self.refused,
        )

    # What is saved of it

    def to_files(self) -> dict[str, Unsaved]:
        """See SavedPipe.to_files. They are the examples: settings are the config's."""
        rows = [
            {
                "text": one.text,
                "entities": [[mention.text, mention.label] for mention in one.mentions],
            }
            for one in self.examples
        ]
        return {EXAMPLES: json.dumps({"examples": rows}, ensure_ascii=False).encode("utf8")}

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Callable[[], None]:
        """See SavedPipe.read_files."""
        if EXAMPLES not in files:
            raise ValueError(f"The saved pipeline lacks {EXAMPLES}.")
        saved = read_json(EXAMPLES, files[EXAMPLES])
        try:
            examples = [_read_example(row) for row in saved["examples"]]
        except (KeyError, TypeError, ValueError) as error:
            raise damage(EXAMPLES, files[EXAMPLES], "holds no examples") from error
        return lambda: self._take_examples(examples)

    def __getstate__(self) -> dict[str, Any]:
        """Its state without what is made of the examples anew."""
        return {**self.__dict__, "_reader": None}


def _check_answered(read: ReadText) -> None:
    """RAISES ValueError: If a request about a text failed, or was not sent."""
    if read.errors:
        n_others = len(read.errors) - 1
        more = f" (and {n_others:,} more)" if n_others else ""
        raise ValueError(f"The language model was not heard: {read.errors[0]}{more}")


def _calibrated(entities: LlmEntities, calibration: Calibration) -> LlmEntities:
    """Entities with the probabilities that there are under a calibration; NaN stays."""
    cooled = LogOddsLine(1 / calibration.temperature).of(entities.probabilities)
    return replace(entities, probabilities=calibration.of_entities(cooled))


def _read_example(row: Mapping[str, Any]) -> WorkedExample:
    mentions = tuple(Mention(text, label) for text, label in row["entities"])
    texts = [row["text"], *(part for one in mentions for part in (one.text, one.label))]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("no text")
    return WorkedExample(row["text"], mentions)
