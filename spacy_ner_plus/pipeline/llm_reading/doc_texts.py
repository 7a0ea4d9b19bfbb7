"""Docs as what prompts, grounding and examples need of them."""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from spacy.tokens import Doc, Span

from ...annotation.entity_source import DOC_ENTS, EntitySource
from .grounding.mentions import TokenBounds
from .prompting.worked_examples import AnnotatedPiece, WorkedExample, worked_examples
from .text_chunks import TokenisedText

NO_ANNOTATION, CUT_ENTITY = "not_annotated", "cut_entity"
DOC_LEFT_OUT = {
    NO_ANNOTATION: "nothing is known of its entities, or not of all",
    CUT_ENTITY: "an entity goes on in another sentence",
}
"""Why a sentence can't be an example, beside worked_examples.LEFT_OUT."""


def tokenised(doc: Doc) -> TokenisedText:
    """The text of a Doc with its tokens, and sentences if they are known."""
    solid = np.array([not token.text.isspace() for token in doc], dtype=bool)  # (n_tokens,)
    places = [(token.idx, token.idx + len(token)) for token in doc if not token.text.isspace()]
    if not doc.has_annotation("SENT_START"):
        return TokenisedText(doc.text, TokenBounds.of(places))
    starts = np.array([bool(token.is_sent_start) for token in doc], dtype=bool)  # (n_tokens,)
    # a sentence may begin with white space: its first solid token is where it starts
    sentences = np.cumsum(starts)[solid]  # (n_solid,)
    return TokenisedText(doc.text, TokenBounds.of(places), np.diff(sentences, prepend=-1) != 0)


def examples_of(
    docs: Iterable[Doc], labels: Iterable[str], max_tokens: int, source: EntitySource = DOC_ENTS
) -> tuple[list[WorkedExample], Counter[str]]:
    """The sentences of annotated Docs as examples; whole Docs where sentences are not known.

    source (EntitySource): Where their entities are.
    RETURNS: The examples, and how many sentences were left out, by reason.
    """
    left_out = Counter[str]()
    texts = (text for doc in docs for text in _annotated_texts(doc, source, left_out))
    examples, others = worked_examples(texts, set(labels), max_tokens=max_tokens)
    return examples, left_out + others


def _annotated_texts(
    doc: Doc, source: EntitySource, left_out: Counter[str]
) -> Iterator[AnnotatedPiece]:
    is_missing = source.missing(doc)  # (n_tokens,)
    entities = [span for span, _ in source.scored(doc)]
    for sentence in _sentences(doc):
        first, last = sentence.start, sentence.end
        own = [one for one in entities if one.start < last and first < one.end]
        if not source.is_set(doc) or is_missing[first:last].any():
            left_out[NO_ANNOTATION] += 1
        elif any(one.start < first or last < one.end for one in own):
            left_out[CUT_ENTITY] += 1
        else:
            yield _annotated_text(sentence, own)


def _annotated_text(sentence: Span, entities: Iterable[Span]) -> AnnotatedPiece:
    start = sentence.start_char
    places = (
        (token.idx - start, token.idx + len(token) - start)
        for token in sentence
        if not token.text.isspace()
    )
    own = tuple(((e.start_char - start, e.end_char - start), e.label_) for e in entities)
    return AnnotatedPiece(sentence.text, TokenBounds.of(places), own)


def _sentences(doc: Doc) -> Iterator[Span]:
    if not len(doc):
        return iter(())
    return iter(doc.sents) if doc.has_annotation("SENT_START") else iter([doc[:]])
