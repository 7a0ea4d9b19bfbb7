"""A text or one of its sentences, as a stretch of characters with its entities."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..annotation.token_states import MISSING
from .audited import AuditedCorpus, AuditedText

Entity = tuple[int, int, str]
"""First character, end character (exclusive) and label, in the whole text."""


@dataclass(frozen=True, slots=True)
class AuditedUnit:
    """A text, or a sentence of it.

    within (AuditedText): The text.
    start, end (int): Its characters.
    """

    within: AuditedText
    start: int
    end: int

    @property
    def text(self) -> str:
        """Its characters as they are."""
        return self.within.record.text[self.start : self.end]

    @property
    def entities(self) -> list[Entity]:
        """Its entities, as AuditedText.spans; one that goes over its end is none of it."""
        return [
            (span.start_char, span.end_char, span.label_)
            for span in self.within.spans
            if self.start <= span.start_char and span.end_char <= self.end
        ]

    def is_known(self, start: int, end: int, label: str) -> bool:
        """Whether the annotation says if these characters are an entity of this label."""
        labels = self.within.record.annotated_labels
        if labels is not None and label not in labels:
            return False
        stretch = self.within.doc.char_span(start, end, alignment_mode="expand")
        missing = [token.i for token in stretch or () if token.ent_iob == MISSING]
        # those of a span that overlaps a longer one are missing in doc.ents
        return all(any(s.start <= i < s.end for s in self.within.spans) for i in missing)


def texts_as_units(corpus: AuditedCorpus) -> list[AuditedUnit]:
    """The annotated texts, but for those of white space."""
    return [
        AuditedUnit(text, 0, len(text.record.text))
        for text in corpus.texts()
        if text.record.text.strip()
    ]


def sentences_as_units(corpus: AuditedCorpus, shortest: int) -> list[AuditedUnit]:
    """The sentences of at least so many tokens, where they are marked.

    None if no text has more than one: then they are the texts.
    """
    found, has_several = [], False
    for text in corpus.texts():
        sentences = list(_marked(text))
        has_several |= len(sentences) > 1
        found += [one for one, n_tokens in sentences if n_tokens >= shortest]
    return found if has_several else []


def _marked(text: AuditedText) -> Iterator[tuple[AuditedUnit, int]]:
    if text.doc.has_annotation("SENT_START"):
        for sentence in text.sentences():
            if sentence.text.strip():
                yield AuditedUnit(text, sentence.start_char, sentence.end_char), len(sentence)
