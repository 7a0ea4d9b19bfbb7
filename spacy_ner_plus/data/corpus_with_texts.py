"""`spacy_ner_plus.CorpusWithTexts.v1`: raw texts among the examples of an annotated corpus.

Nothing is known about the entities of such a text: it teaches what teachers say about it, see
docs/distillation.md, and nothing to components without a teacher, if they know missing annotation
from none.
"""

import logging
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..support.numbers import as_float
from .corpus import unannotated
from .sources.document_batches import document_batches
from .sources.inputs import open_input
from .sources.rows import Fields, SourceDocument

logger = logging.getLogger("spacy_ner_plus")

_BATCH = 256
_One = TypeVar("_One")


@registry.readers("spacy_ner_plus.CorpusWithTexts.v1")
def make_corpus_with_texts_v1(
    corpus: Callable[[Language], Iterable[Example]],
    texts: list[str],
    share: float | None = None,
    input_format: str | None = None,
    text_field: str = "text",
) -> Callable[[Language], Iterator[Example]]:
    """Create a reader of an annotated corpus and of raw texts, evenly mixed.

    corpus (Callable): The reader of the annotated corpus, such as spacy_ner_plus.Corpus.v1.
    texts (List[str]): Files or folders of texts, in any form that `predict` reads. Those of .spacy
        files keep their tokens and lose their annotation. Empty ones are left out.
    share (float): The share of texts among all documents, over 0 and less than 1: so many are drawn
        each time that the corpus is read, which is once in a training unless `max_epochs` is -1.
        None for all texts each time.
    input_format (str): "text", "jsonl", "csv", "tsv", "parquet" or "spacy", if the suffixes do not
        tell.
    text_field (str): The field or column with the text.
    RETURNS (Callable[[Language], Iterator[Example]]): Gives the examples.
    RAISES ValueError: If the share is out of range or no text is named; on reading, if there is no
        such file, or rows can't be read.
    """
    if share is not None:
        share = as_float(share, "share")
        if not 0.0 < share < 1.0:
            raise ValueError(f"share = {share} must be over 0 and less than 1, or null for all.")
    if not texts:
        raise ValueError("texts = [] must name at least one file or folder.")
    paths = [Path(one) for one in texts]
    return CorpusWithTexts(corpus, paths, share, input_format, Fields(text_field))


@dataclass
class CorpusWithTexts:
    """See make_corpus_with_texts_v1."""

    corpus: Callable[[Language], Iterable[Example]]
    paths: list[Path]
    share: float | None
    input_format: str | None
    fields: Fields
    _told: bool = field(default=False, init=False)

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """The documents, and the texts that are drawn now."""
        return self._read(nlp, self.share)

    def every(self, nlp: Language) -> Iterator[Example]:
        """As when it is called, with all texts, whatever the share is."""
        return self._read(nlp, None)

    def _read(self, nlp: Language, share: float | None) -> Iterator[Example]:
        sources = [open_input(path, self.input_format, self.fields) for path in self.paths]
        annotated = list(self.corpus(nlp))
        n_texts = sum(source.count() for source in sources)
        wanted = self._wanted(len(annotated), n_texts, share)
        chosen = None if wanted == n_texts else set(random.sample(range(n_texts), wanted))
        batches = chain.from_iterable(
            document_batches(source, _BATCH, has_bar=False) for source in sources
        )
        examples = _examples(nlp, batches, chosen)
        yield from _evenly(annotated, examples, wanted)

    def _wanted(self, n_annotated: int, n_texts: int, share: float | None) -> int:
        """How many texts are read."""
        if share is None:
            return n_texts
        wanted = round(n_annotated * share / (1.0 - share))
        if wanted > n_texts and not self._told:
            self._told = True
            logger.warning(
                "share = %s asks for %s texts beside %s documents, but there are %s: all are read.",
                *(share, f"{wanted:,}", f"{n_annotated:,}", f"{n_texts:,}"),
            )
        return min(wanted, n_texts)


def _examples(
    nlp: Language, batches: Iterable[Sequence[SourceDocument]], chosen: Collection[int] | None
) -> Iterator[Example]:
    """Of texts without annotation.

    chosen (Collection[int]): The numbers of the documents that are wanted; None for all.
    """
    number = 0
    for batch in batches:
        for document in batch:
            if (chosen is None or number in chosen) and document.text:
                reference = _made(nlp, document)
                yield Example(unannotated(nlp, reference), reference)
            number += 1


def _made(nlp: Language, document: SourceDocument) -> Doc:
    if document.tokens is None:
        return nlp.make_doc(document.text)
    return Doc(nlp.vocab, words=document.tokens.words, spaces=document.tokens.spaces)


def _evenly(some: Sequence[_One], others: Iterator[_One], n_others: int) -> Iterator[_One]:
    """All of both, so that each beginning has about as large a share of others as the whole.

    n_others (int): About how many they are.
    """
    given = 0
    for i, one in enumerate(some, start=1):
        yield one
        due = i * n_others // len(some)
        yield from islice(others, due - given)
        given = due
    yield from others
