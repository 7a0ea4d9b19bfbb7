"""Corpora of test documents with untidy predictions: three flat, one nested."""

from functools import cache

from spacy_ner_plus.evaluation.documents import Document
from tests.evaluation.docs import real_documents

CORPORA = ("bc5cdr", "wnut17", "crossner", "nested")


@cache
def corpus(name: str) -> list[Document]:
    if name == "nested":
        return real_documents("bc5cdr", nested=True)
    return real_documents(name)
