"""`spacy_ner_plus.Corpus.v1`: .spacy files to training examples, in the corpus's own tokens."""

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..annotation.gold import ANNOTATED_LABELS, lost_entities, register_annotated_labels
from ..annotation.unknown_group import entity_keys
from .augmenters.doc_augmenter import SpacyAugmenter, varied
from .doc_files import find_files, read_file
from .oversampling import draw_repeats, effect_of, read_oversampling, repeat_factors

logger = logging.getLogger("spacy_ner_plus")

TOKENS = ("reference", "pipeline")

Reader = Callable[[Language], Iterator[Example]]


@registry.readers("spacy_ner_plus.Corpus.v1")
def make_corpus_v1(
    path: Path,
    tokens: str = "reference",
    labels: list[str] | None = None,
    augmenter: SpacyAugmenter | None = None,
    oversample: float | None = None,
    max_repeats: float = 5.0,
    shuffle: bool = False,
) -> Reader:
    """Create a reader of annotated documents.

    path (Path): A .spacy file, or a folder that is searched for such files.
    tokens (str): Which tokens the pipeline gets to tag. "reference": those of the corpus, as
        published results on tokenised corpora are scored, so no entity is lost to tokens that
        differ. "pipeline": what the pipeline's tokenizer makes of the text, as spacy.Corpus.v1
        does. They are the same where the corpus was made with the pipeline's tokenizer.
    labels (List[str]): The entity types that the corpus is annotated for, if there are others in
        the pipeline: where no entity is, there may be one of another type, so the corpus neither
        teaches nor proves anything about those. None: for all types, or as the documents
        themselves say (doc._.annotated_labels).
    augmenter (Callable): Changes documents, by spaCy's protocol; the tokens of what it makes are
        those that `tokens` says. With `max_epochs` of 0 or more, spaCy reads the corpus once, so
        that each epoch has the same changes; with -1 each has its own.
    oversample (float): The share of documents below which a type counts as rare: documents with
        entities of rare types are read several times, see `oversampling`. None: each is read once.
    max_repeats (float): How often at most.
    shuffle (bool): Read the documents in another order each time, which spaCy does by itself unless
        `max_epochs` is -1.
    RETURNS (Callable[[Language], Iterator[Example]]): Gives the examples; empty documents, from
        which nothing can be learned, are left out.
    RAISES ValueError: If a setting is out of range, or there is no such file.
    """
    if tokens not in TOKENS:
        raise ValueError(f"tokens = {tokens!r} is unknown: use one of {TOKENS}.")
    oversample, max_repeats = read_oversampling(oversample, max_repeats)
    register_annotated_labels()
    return _Corpus(Path(path), tokens, labels, augmenter, oversample, max_repeats, shuffle)


@dataclass
class _Corpus:
    """See make_corpus_v1."""

    path: Path
    tokens: str
    labels: list[str] | None
    augmenter: SpacyAugmenter | None
    oversample: float | None
    max_repeats: float
    shuffle: bool
    _told: set[str] = field(default_factory=set, init=False)

    def __call__(self, nlp: Language) -> Iterator[Example]:
        n_read, n_losing, n_lost = 0, 0, 0
        for reference in self._chosen(nlp):
            predicted = unannotated(nlp, reference, self.tokens)
            if self.augmenter is None:
                yield Example(predicted, reference)
                continue
            for changed in varied(self.augmenter, nlp, reference, predicted):
                if changed is reference:
                    yield Example(predicted, reference)
                    continue
                if not len(changed):
                    continue
                example = Example(unannotated(nlp, changed, self.tokens), changed)
                if self.tokens == "pipeline":
                    n_read += 1
                    lost = len(lost_entities(example))
                    n_losing, n_lost = n_losing + (lost > 0), n_lost + lost
                yield example
        if n_lost:
            self._tell(
                f"Of {n_read:,} documents that the augmenter has changed, {n_losing:,} have "
                f"{n_lost:,} entities that don't start and end where the tokens of the pipeline "
                'do: these count as not annotated. With tokens = "reference" there are none.'
            )

    def _chosen(self, nlp: Language) -> Iterable[Doc]:
        """The documents, some perhaps several times."""
        if self.oversample is None and not self.shuffle:
            return self._docs(nlp)
        docs = list(self._docs(nlp))
        if self.oversample is not None:
            docs = self._repeated(docs, self.oversample)
        if self.shuffle:
            random.shuffle(docs)
        return docs

    def _docs(self, nlp: Language) -> Iterator[Doc]:
        for file in find_files(self.path):
            for reference in read_file(file).get_docs(nlp.vocab):
                if self.labels is not None:
                    reference._.set(ANNOTATED_LABELS, self.labels)
                if len(reference):
                    yield reference

    def _repeated(self, docs: Sequence[Doc], threshold: float) -> list[Doc]:
        labels = [labels_of(doc) for doc in docs]
        factors = repeat_factors(labels, threshold, self.max_repeats)  # (n_docs,)
        repeats = draw_repeats(factors, random.random())  # (n_docs,)
        shown = ", ".join(
            f"{label} {n:,} -> {n_read:.0f}"
            for label, (n, n_read) in effect_of(labels, factors).items()
        )
        self._tell(
            f"Oversampling {self.path}: {len(docs):,} documents are read about "
            f"{np.sum(factors):,.0f} times; documents by type: {shown}",
            level=logging.INFO,
        )
        return [doc for doc, n in zip(docs, repeats.tolist(), strict=True) for _ in range(n)]

    def _tell(self, message: str, level: int = logging.WARNING) -> None:
        """Say something once, and not again at each pass."""
        if message not in self._told:
            self._told.add(message)
            logger.log(level, "%s", message)


def labels_of(doc: Doc) -> set[str]:
    """The types of the entities of a Doc, in doc.ents and all groups of doc.spans."""
    groups = (doc.spans[key] for key in entity_keys(doc))
    return {span.label_ for group in (doc.ents, *groups) for span in group}


def unannotated(nlp: Language, reference: Doc, tokens: str = "reference") -> Doc:
    """A Doc of the same text of which nothing is known yet.

    tokens (str): See make_corpus_v1.
    """
    if tokens == "pipeline":
        return nlp.make_doc(reference.text)
    words = [token.text for token in reference]
    spaces = [bool(token.whitespace_) for token in reference]
    return Doc(nlp.vocab, words=words, spaces=spaces)
