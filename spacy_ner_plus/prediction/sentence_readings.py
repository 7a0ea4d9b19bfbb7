"""The k best readings of each sentence, from one pass of the encoder over a batch."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span

from ..models.runtime.tagger_shim import shim_of
from ..pipeline.look_ahead import look_ahead
from ..pipeline.ner_plus.factory import NerPlus
from ..pipeline.ner_plus.readings import readings_of_parts
from .predicted import ReadSentence

MAX_DOCS = 128


class SentenceReader:
    """Reads the sentences of Docs in the k most probable ways.

    component (str): The name of the ner_plus component that reads.
    RAISES ValueError: If the pipeline has no such component, or k is less than 1.
    """

    def __init__(self, nlp: Language, component: str, k: int) -> None:
        ner = nlp.get_pipe(component) if component in nlp.pipe_names else None
        if not isinstance(ner, NerPlus):
            raise ValueError(
                f"Only ner_plus gives readings, and the pipeline has no ner_plus component "
                f"'{component}': leave --k-best out or name it with --component. Components: "
                f"{', '.join(nlp.pipe_names) or 'none'}."
            )
        if k < 1:
            raise ValueError(f"--k-best {k} must be at least 1.")
        self._ner = ner
        self._k = k
        self._sentencizer = Sentencizer()

    def read(self, docs: Iterable[Doc]) -> Iterator[list[ReadSentence]]:
        """The sentences of each Doc."""
        for batch in look_ahead(docs, max_docs=MAX_DOCS):
            emissions = self._ner.emissions(batch)
            parts = [self._sentences(doc) for doc in batch]
            tagger = shim_of(self._ner.model).tagger
            found = readings_of_parts(tagger, emissions, parts, self._k)
            for spans, readings in zip(parts, found, strict=True):
                yield [ReadSentence(*pair) for pair in zip(spans, readings, strict=True)]

    def _sentences(self, doc: Doc) -> list[Span]:
        """Those of the pipeline, else by spaCy's rules, which leave no mark on the Doc."""
        if doc.has_annotation("SENT_START"):
            return list(doc.sents)
        [is_start] = self._sentencizer.predict([doc])
        bounds = [*np.flatnonzero(is_start[: len(doc)]).tolist(), len(doc)]
        return [doc[start:end] for start, end in pairwise(bounds)]

