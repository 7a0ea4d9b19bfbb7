"""Annotated documents that can be divided: .spacy files to .spacy files, nothing lost."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from ...annotation.entity_source import DOC_ENTS, EntitySource
from ..doc_files import find_files, parse_file
from .stratification import stratify


@dataclass(frozen=True)
class AnnotatedCorpus:
    """Documents as they are stored, and what entities they have.

    docs (DocBin): The documents.
    labels (Tuple[str, ...]): The entity types, sorted.
    counts: (n_docs, n_labels) int64, entities of each type in each document.
    sha256 (str): Of the content of the file; of a folder's files, one after the other by name.
    path (Path): The file or folder that they are from.
    source (EntitySource): Where their entities are.
    """

    docs: DocBin
    labels: tuple[str, ...]
    counts: np.ndarray
    sha256: str
    path: Path
    source: EntitySource = DOC_ENTS

    def __len__(self) -> int:
        return len(self.docs)

    def n_entities(self, indices: Iterable[int]) -> int:
        """How many entities these documents have."""
        return int(self.counts[list(indices)].sum())

    def write(self, indices: Iterable[int], path: Path) -> None:
        """Write some of the documents to a .spacy file, as they were read."""
        part, whole = DocBin(), self.docs
        part.attrs = list(whole.attrs)
        part.strings = whole.strings
        part.store_user_data = any(data is not None for data in whole.user_data)
        for i in indices:
            part.tokens.append(whole.tokens[i])
            part.spaces.append(whole.spaces[i])
            part.cats.append(whole.cats[i])
            part.span_groups.append(whole.span_groups[i])
            part.flags.append(whole.flags[i])
            part.user_data.append(whole.user_data[i])
        part.to_disk(path)

    def rare_labels(self, n: int) -> dict[str, int]:
        """The labels that fewer than n documents have, and how many have them."""
        n_docs = np.count_nonzero(self.counts, axis=0).tolist()
        return {label: k for label, k in zip(self.labels, n_docs, strict=True) if k < n}

    def carve(self, indices: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Take a share of documents out of others, balanced by labels.

        RETURNS: The documents that are left, and those taken: at least one of each.
        RAISES ValueError: If the share is not between 0 and 1, or the documents are too few.
        """
        if not 0 < share < 1:
            raise ValueError(f"--dev-share must be between 0 and 1, got {share}.")
        if len(indices) < 2:
            raise ValueError(
                f"{len(indices)} documents of {self.path} to train with are too few: there must be "
                "2 at least, one of them for the choice of the checkpoint."
            )
        share = min(max(share, 1 / len(indices)), 1 - 1 / len(indices))
        taken = stratify(self.counts[indices], [1 - share, share], seed) == 1
        return indices[~taken], indices[taken]


def read_corpus(path: Path, source: EntitySource = DOC_ENTS) -> AnnotatedCorpus:
    """Read annotated documents.

    path (Path): A .spacy file, or a folder of such files.
    source (EntitySource): Where their entities are.
    RAISES ValueError: If there is no such file, it is another format's, or no document has an
        entity.
    """
    docs, digest = DocBin(attrs=[]), hashlib.sha256()
    for file in find_files(path):
        content = file.read_bytes()
        digest.update(content)
        part = parse_file(file, content)
        _widen(docs, part.attrs)
        _widen(part, docs.attrs)
        docs.merge(part)
    found = [Counter(label for _, _, label in source.spans(doc)) for doc in docs.get_docs(Vocab())]
    labels = tuple(sorted(set().union(*found)))
    if not labels:
        raise ValueError(
            f"{path} has no annotated entities in {source.where}: there is nothing to "
            "learn or score."
        )
    counts = np.array([[counter[label] for label in labels] for counter in found], dtype=np.int64)
    return AnnotatedCorpus(docs, labels, counts, digest.hexdigest(), path, source)


def _widen(docs: DocBin, attrs: list[Any]) -> None:
    """Store more attributes of tokens, which are not set. ORTH stays the first, as in all files."""
    orth, *others = docs.attrs
    wider: list[Any] = [orth, *sorted({*others, *attrs} - {orth})]
    for i, tokens in enumerate(docs.tokens):
        docs.tokens[i] = np.zeros((len(tokens), len(wider)), dtype=tokens.dtype)
        docs.tokens[i][:, [wider.index(attr) for attr in docs.attrs]] = tokens
    docs.attrs = wider
