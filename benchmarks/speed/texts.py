"""What is read: annotated texts, as whole documents and as single sentences."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotation.doc_records import to_doc
from spacy_ner_plus.data.formats.record_files import read
from spacy_ner_plus.metrics.spans import count_spans, scores_of

Entity = tuple[int, int, str]
"""First character, last character + 1, label."""

SPLITS = {
    "train": ("train.spacy", "train.tsv", "train.conll", "eng.train"),
    "dev": ("dev.spacy", "dev.tsv", "dev.conll", "eng.testa"),
    "test": ("test.spacy", "test.tsv", "test.conll", "eng.testb"),
}
SHAPES = ("documents", "sentences")


@dataclass(frozen=True)
class Text:
    """A text as a system gets it, and its annotated entities."""

    text: str
    entities: tuple[Entity, ...]


@dataclass(frozen=True)
class Counted:
    """Some texts and how much there is to read.

    n_words (int): Tokens that spaCy's tokenizer makes of them.
    n_pieces (int): Wordpieces of the encoder, each once, without special tokens.
    """

    texts: tuple[Text, ...]
    n_words: int
    n_pieces: int

    @property
    def raw(self) -> list[str]:
        return [text.text for text in self.texts]

    @property
    def n_entities(self) -> int:
        return sum(len(text.entities) for text in self.texts)

    def f1(self, found: Sequence[Iterable[Entity]]) -> float:
        """Micro F1 of exact character spans with the right label."""
        _, counts = count_spans([text.entities for text in self.texts], found)
        return float(scores_of(counts.sum(axis=0)).micro[2])


def read_docs(folder: Path, split: str, nlp: Language, *, group: int) -> list[Doc]:
    """The documents of one part of the data.

    folder (Path): Holds one of the files in SPLITS for each part.
    group (int): Sentences that make a document, where a column file does not mark documents.
    RAISES ValueError: If there is no such file.
    """
    for name in SPLITS[split]:
        path = folder / name
        if path.suffix == ".spacy" and path.is_file():
            return [doc for doc in DocBin().from_disk(path).get_docs(nlp.vocab) if len(doc)]
        if path.is_file():
            return [to_doc(record, nlp)[0] for record in read(path, "columns", group=group)]
    raise ValueError(
        f"There is no {split} data in {folder}: it must be in one of {', '.join(SPLITS[split])}."
    )


def in_shape(docs: Iterable[Doc], shape: str) -> list[Text]:
    """Whole documents, or their sentences one by one; "documents" or "sentences"."""
    if shape == "documents":
        return [_as_text(doc[:]) for doc in docs]
    return [_as_text(sentence) for doc in docs for sentence in _sentences(doc)]


def _sentences(doc: Doc) -> Iterator[Span]:
    return doc.sents if doc.has_annotation("SENT_START") else iter([doc[:]])


def _as_text(span: Span) -> Text:
    start = span.start_char
    entities = tuple((e.start_char - start, e.end_char - start, e.label_) for e in span.ents)
    return Text(span.text, entities)


def sample(
    texts: Sequence[Text], n_words: int, nlp: Language, *, again: bool = False
) -> list[Text]:
    """Texts of about so many words together, taken at random.

    again (bool): Take texts again and again if there are too few; else the sample is smaller.
    """
    chosen: list[Text] = []
    taken = 0
    order = Random(0).sample(texts, len(texts))
    for text in cycle(order) if again else order:
        if taken >= n_words:
            break
        chosen.append(text)
        taken += len(nlp.make_doc(text.text))
    return chosen


def one_document(sentences: Sequence[str], n_words: int, nlp: Language) -> str:
    """A text of at least so many words: the sentences, again and again."""
    parts: list[str] = []
    for sentence, length in cycle([(s, len(nlp.make_doc(s))) for s in sentences]):
        if n_words <= 0:
            return " ".join(parts)
        parts.append(sentence)
        n_words -= length
    raise ValueError("There are no sentences to make a document of.")


def blank(lang: str) -> Language:
    """A tokenizer for texts of any length."""
    nlp = spacy.blank(lang)
    nlp.max_length = 1 << 40
    return nlp
