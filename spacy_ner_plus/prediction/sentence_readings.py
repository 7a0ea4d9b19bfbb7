"""The k best readings of each sentence, from one pass of the encoder over a batch."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span

from ..pipeline.capabilities import GivesReadings, find_component
from ..pipeline.look_ahead import look_ahead
from .predicted import ReadSentence

MAX_DOCS = 128


class SentenceReader:
    """Reads the sentences of Docs in the k most probable ways.

    component (str): The name of the component that reads.
    RAISES ValueError: If the pipeline has no component of this name that gives readings, or k is
        less than 1.
    """

    def __init__(self, nlp: Language, component: str, k: int) -> None:
        can = "gives readings: leave --k-best out, or name one with --component"
        self._ner: GivesReadings = find_component(nlp, component, GivesReadings, can)
        if k < 1:
            raise ValueError(f"--k-best {k} must be at least 1.")
        self._k = k
        self._sentencizer = Sentencizer()

    def read(self, docs: Iterable[Doc]) -> Iterator[list[ReadSentence]]:
        """The sentences of each Doc."""
        for batch in look_ahead(docs, max_docs=MAX_DOCS):
            parts = [self._sentences(doc) for doc in batch]
            found = self._ner.readings(batch, parts, self._k)
            for spans, readings in zip(parts, found, strict=True):
                yield [ReadSentence(*pair) for pair in zip(spans, readings, strict=True)]

    def _sentences(self, doc: Doc) -> list[Span]:
        """Those of the pipeline, else by spaCy's rules, which leave no mark on the Doc."""
        if doc.has_annotation("SENT_START"):
            return list(doc.sents)
        [is_start] = self._sentencizer.predict([doc])
        bounds = [*np.flatnonzero(is_start[: len(doc)]).tolist(), len(doc)]
        return [doc[start:end] for start, end in pairwise(bounds)]
