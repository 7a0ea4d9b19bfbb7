"""Our prompts, answers and grounding as a task of spacy-llm, whose own models and cache ask.

Nothing of spacy-llm is imported: it finds the task by its entry point. It compares the hints of the
two methods with its own, and knows those of `typing` only.
"""

from collections.abc import Iterable as AnyIterable
from collections.abc import Iterator
from itertools import chain
from typing import Any, Iterable, Tuple  # noqa: UP035

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example

from ...annotation.offsets import TokenEdges
from ..llm_reading.answer_confidence import without_overlaps
from ..llm_reading.asking.completions_protocol import LlmAnswer
from ..llm_reading.chunk_answers import ChunkReading, GroundingSettings, read_chunk
from ..llm_reading.doc_texts import examples_of, tokenised
from ..llm_reading.grounding.ground_mentions import IN_ORDER, LEAST_SIMILARITY
from ..llm_reading.prompting.example_choice import NEAREST, ExampleChoice
from ..llm_reading.prompting.label_guides import LabelSettings, read_label_guides
from ..llm_reading.prompting.prompt_writing import write_prompt
from ..llm_reading.prompting.worked_examples import WorkedExample
from ..llm_reading.text_chunks import TextChunk, text_chunks


class SpacyLlmNer:
    """A task of spacy-llm: see make_ner_task_v1."""

    def __init__(
        self,
        labels: LabelSettings,
        n_shots: int,
        shots_by: str,
        max_example_tokens: int,
        chunk_tokens: int,
        chunk_overlap: int,
        grounding: GroundingSettings,
    ) -> None:
        self.guides = read_label_guides(labels)
        self._n_shots = n_shots
        self._shots_by = shots_by
        self._max_example_tokens = max_example_tokens
        self._chunking = chunk_tokens, chunk_overlap
        self._grounding = grounding
        self._choice = ExampleChoice([], shots_by, n_shots)

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of entities."""
        return tuple(guide.label for guide in self.guides)

    def initialize(
        self, get_examples: Any = None, nlp: Any = None, n_prompt_examples: int = -1
    ) -> None:
        """Take annotated documents as examples.

        n_prompt_examples (int): How many sentences at most; -1 for all.
        """
        examples: AnyIterable[Example] = get_examples() if get_examples is not None else ()
        docs = (example.reference for example in examples)
        found, _ = examples_of(docs, self.labels, self._max_example_tokens)
        self.add_examples(found if n_prompt_examples < 0 else found[:n_prompt_examples])

    def add_examples(self, examples: list[WorkedExample]) -> None:
        """Add to those that a prompt may show."""
        every = [*self._choice.examples, *examples]
        self._choice = ExampleChoice(every, self._shots_by, self._n_shots)

    def generate_prompts(
        self, docs: Iterable[Doc], context_length: int | None = None
    ) -> Iterable[Tuple[Iterable[Any], Iterable[Doc]]]:  # noqa: UP006
        """A prompt for each piece of each Doc.

        context_length (int): Is not used: pieces are of `chunk_tokens`.
        """
        for doc in docs:
            chunks = self._chunks(doc)
            texts = [doc.text[chunk.start : chunk.end] for chunk in chunks]
            yield [self._prompt(text) for text in texts], [doc] * len(texts)

    def parse_responses(
        self, shards: Iterable[Iterable[Doc]], responses: Iterable[Iterable[Any]]
    ) -> Iterable[Doc]:
        """Put what answers say on the Docs.

        Tokens of pieces whose answers are cut, empty or refusals are missing.
        """
        for own, answers in zip(shards, responses, strict=True):
            docs = list(own)
            doc = docs[0]
            readings = [
                self._read(doc, chunk, str(answer))
                for chunk, answer in zip(self._chunks(doc), answers, strict=True)
            ]
            _annotate(doc, readings)
            yield doc

    def _chunks(self, doc: Doc) -> list[TextChunk]:
        """The pieces of a Doc; of one without tokens a single one, as spacy-llm wants a prompt."""
        text = tokenised(doc)
        empty = TextChunk(0, len(doc.text), text.tokens, (0, len(doc.text)))
        return text_chunks(text, *self._chunking) or [empty]

    def _prompt(self, text: str) -> str:
        return write_prompt(self.guides, text, self._choice.shots(text)).plain()

    def _read(self, doc: Doc, chunk: TextChunk, answer: str) -> ChunkReading:
        outcome = [LlmAnswer(answer)]
        return read_chunk(doc.text, chunk, 0, outcome, self.labels, self._grounding)


def _annotate(doc: Doc, readings: list[ChunkReading]) -> None:
    edges = TokenEdges(doc)
    found = [(span.key, 1.0) for one in readings for span in one.spans]
    kept, _ = without_overlaps(found)
    is_unknown = np.zeros(len(doc), dtype=bool)
    for start, end in chain.from_iterable(one.unknown for one in readings):
        is_unknown |= edges.touched(start, end)
    entities = list(_spans(doc, edges, kept))
    for entity in entities:
        is_unknown[entity.start : entity.end] = False
    missing = [doc[i : i + 1] for i in np.flatnonzero(is_unknown).tolist()]
    doc.set_ents(entities, missing=missing, default="outside")


def _spans(doc: Doc, edges: TokenEdges, found: AnyIterable[tuple[int, int, str]]) -> Iterator[Span]:
    for start, end, label in found:
        tokens = edges.tokens(start, end)
        if tokens is not None:
            yield Span(doc, *tokens, label=label)


def make_ner_task_v1(
    labels: dict[str, Any] | list[str],
    n_shots: int = 5,
    shots_by: str = NEAREST,
    max_example_tokens: int = 100,
    chunk_tokens: int = 400,
    chunk_overlap: int = 40,
    repeats: str = IN_ORDER,
    fuzzy: float | None = LEAST_SIMILARITY,
) -> SpacyLlmNer:
    """The task `spacy_ner_plus.NER.v1` for spacy-llm's factory `llm`.

    labels, n_shots, shots_by, max_example_tokens, chunk_tokens, chunk_overlap, repeats, fuzzy: See
        LlmSettings.
    """
    return SpacyLlmNer(
        labels,
        n_shots,
        shots_by,
        max_example_tokens,
        chunk_tokens,
        chunk_overlap,
        GroundingSettings(repeats=repeats, least_similarity=fuzzy),
    )
