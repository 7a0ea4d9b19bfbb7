"""Sentences with entities inside of entities, divided into what is learned from and what is tested.

Every sentence is a Doc, whose entities are in doc.spans[KEY] and, the outermost ones, in doc.ents.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

import spacy_ner_plus
from spacy_ner_plus.annotation.scored_group import layers_of
from spacy_ner_plus.data.splitting.stratification import stratify
from spacy_ner_plus.nesting.span_relations import PlacedSpan, depths

KEY = "sc"
PARTS = ("train", "dev", "test")
# Of the documents that are not tested.
DEV_SHARE = 0.15
# What rows of nested JSON call the document of a sentence.
DOCUMENT = "doc_id"


@dataclass(frozen=True)
class Division:
    """Training, development and test data as .spacy files.

    folder (Path): Where all divisions are.
    name (str): Of this one.
    """

    folder: Path
    name: str

    def corpus(self, part: str) -> Path:
        return self.folder / self.name / f"{part}.spacy"

    def is_there(self) -> bool:
        return all(self.corpus(part).exists() for part in PARTS)

    def words(self, part: str) -> int:
        return sum(map(len, read_docs(self.corpus(part), Vocab())))

    def write(self, parts: Mapping[str, Iterable[Doc]]) -> None:
        self.corpus(PARTS[0]).parent.mkdir(parents=True, exist_ok=True)
        for part, docs in parts.items():
            DocBin(docs=docs, store_user_data=True).to_disk(self.corpus(part))


@dataclass(frozen=True)
class GoldSentence:
    """What is annotated in a sentence.

    document (str): Where it is from. Sentences of a document are not independent.
    layers (Optional[Tuple[int, ...]]): The layer of each span, 1 for outer ones; None where there
        are none.
    """

    document: str
    spans: tuple[PlacedSpan, ...]
    layers: tuple[int, ...] | None


def fold_divisions(folder: Path, n_folds: int, folds: Sequence[int]) -> list[Division]:
    return [Division(folder, f"fold-{fold}-of-{n_folds}") for fold in folds]


def write_folds(source: Path, folder: Path, n_folds: int, seed: int) -> None:
    """Write the divisions of a cross-validation by documents.

    Each fold is tested once; of the documents of the others, DEV_SHARE are development data. All
    parts have about the same share of each label, and of entities inside of others.

    source (Path): A file of any format that holds nested entities.
    """
    divisions = fold_divisions(folder, n_folds, range(n_folds))
    if all(division.is_there() for division in divisions):
        return
    docs = _convert(source, folder / "all.spacy", "en")
    sources = [document_of(doc, i) for i, doc in enumerate(docs)]
    documents = np.unique(sources)  # ascending
    counts = _counts_by_document(docs, sources)  # (n_documents, n_labels + 1)
    fold_of = stratify(counts, [1 / n_folds] * n_folds, seed)  # (n_documents,)
    for fold, division in enumerate(divisions):
        others = np.flatnonzero(fold_of != fold)
        is_dev = stratify(counts[others], [1 - DEV_SHARE, DEV_SHARE], seed) == 1
        chosen = {
            "train": documents[others[~is_dev]],
            "dev": documents[others[is_dev]],
            "test": documents[fold_of == fold],
        }
        division.write({part: _of(docs, sources, names) for part, names in chosen.items()})


def write_parts(sources: Mapping[str, Path], division: Division, sentences: int | None) -> None:
    """Write a division that the data have already, in German.

    sources (Mapping[str, Path]): The file of each part.
    sentences (Optional[int]): How many to learn from, drawn at random; None for all.
    """
    if division.is_there():
        return
    parts = {}
    for part, source in sources.items():
        whole = division.folder / f"{part}.spacy"
        parts[part] = _convert(source, whole, "de", lenient=True)  # a line has a tab too many
    if sentences is not None:
        parts["train"] = Random(0).sample(parts["train"], len(parts["train"]))[:sentences]
    division.write(parts)


def read_docs(path: Path, vocab: Vocab) -> list[Doc]:
    return list(DocBin().from_disk(path).get_docs(vocab))


def read_gold(path: Path) -> list[GoldSentence]:
    """The annotation of a part."""
    return [_gold_of(doc, i) for i, doc in enumerate(read_docs(path, Vocab()))]


def document_of(doc: Doc, place: int) -> str:
    """The document of a sentence: itself, where nothing is said."""
    return str(doc.user_data.get(DOCUMENT, place))


def _convert(source: Path, output: Path, lang: str, *, lenient: bool = False) -> list[Doc]:
    output.parent.mkdir(parents=True, exist_ok=True)
    if not output.exists():
        spacy_ner_plus.convert(source, output, spans_key=KEY, lang=lang, lenient=lenient)
    return read_docs(output, Vocab())


def _of(docs: Sequence[Doc], sources: Sequence[str], wanted: np.ndarray) -> list[Doc]:
    names = set(wanted.tolist())
    return [doc for doc, source in zip(docs, sources, strict=True) if source in names]


def _counts_by_document(docs: Sequence[Doc], sources: Sequence[str]) -> np.ndarray:
    """By document, ascending, its entities of each label, and those inside of others."""
    gold = [_gold_of(doc, i) for i, doc in enumerate(docs)]
    labels = sorted({label for sentence in gold for _, _, label in sentence.spans})
    counts = np.zeros((len(gold), len(labels) + 1), dtype=np.int64)
    for row, sentence in zip(counts, gold, strict=True):
        depth_of = depths(span[:2] for span in sentence.spans)
        for start, end, label in sentence.spans:
            row[labels.index(label)] += 1
            row[-1] += depth_of[start, end] > 0
    return summed_by(counts, sources)


def summed_by(of_sentences: np.ndarray, documents: Sequence[str]) -> np.ndarray:
    """(n_sentences, ...) -> (n_documents, ...), the documents ascending."""
    names, places = np.unique(documents, return_inverse=True)  # (n_documents,), (n_sentences,)
    sums = np.zeros((len(names), *of_sentences.shape[1:]), dtype=of_sentences.dtype)
    np.add.at(sums, places, of_sentences)
    return sums


def _gold_of(doc: Doc, place: int) -> GoldSentence:
    group = doc.spans[KEY]
    known = [layer for layer in layers_of(group) if layer is not None]
    return GoldSentence(
        document_of(doc, place),
        tuple((span.start, span.end, span.label_) for span in group),
        tuple(known) if known and len(known) == len(group) else None,
    )
