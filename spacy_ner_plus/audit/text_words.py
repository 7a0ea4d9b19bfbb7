"""The words of a text without white space, with what the sections about spelling need of each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Span

from ..annotation.token_states import MISSING
from ..text.word_forms import word_forms
from .audited import AuditedCorpus, AuditedText

ATTRIBUTES: list[int | str] = ["LENGTH", "SPACY", "IS_SPACE", "SENT_START", "ENT_IOB"]


@dataclass(frozen=True, slots=True)
class TextWords:
    """The words of a text.

    text (AuditedText): Where they are.
    words (List[str]): All tokens but white space.
    starts, ends (List[int]): Their characters, end exclusive.
    casing (List[int]): Their classes, indices into WORD_FORMS.
    opens (List[bool]): Whether a sentence starts with them.
    entities (List[Tuple[int, int, str]]): First word, end (exclusive) and label of each; they may
        nest and overlap.
    flat_entities (List[Tuple[int, int, str]]): Likewise, of those that overlap the longest.
    is_missing (List[bool]): Whether nothing is known about them.
    """

    text: AuditedText
    words: list[str]
    starts: list[int]
    ends: list[int]
    casing: list[int]
    opens: list[bool]
    entities: list[tuple[int, int, str]]
    flat_entities: list[tuple[int, int, str]]
    is_missing: list[bool]

    def left(self, start: int) -> int | None:
        """The word before one in its sentence."""
        return None if start == 0 or self.opens[start] else start - 1

    def right(self, end: int) -> int | None:
        """The word at an end (exclusive), if the sentence goes on there."""
        return None if end == len(self.words) or self.opens[end] else end

    def split_entities(self) -> set[tuple[int, int]]:
        """Entities with one of the same label right beside them, across a sentence boundary.

        Perhaps they are one, which a boundary in the wrong place cuts.
        """
        beginning: defaultdict[tuple[int, str], set[int]] = defaultdict(set)  # their ends
        for start, end, label in self.entities:
            beginning[start, label].add(end)
        found = set()
        for start, end, label in self.entities:
            if (end, label) in beginning and self.opens[end]:
                found |= {(start, end), *((end, until) for until in beginning[end, label])}
        return found

    def form(self, start: int, end: int) -> tuple[str, ...]:
        """Words."""
        return tuple(self.words[start:end])


def words_of(text: AuditedText, labels: Collection[str] = ()) -> TextWords:
    """The words of a text.

    labels (Collection[str]): The entity types that words may have. If the text is not annotated for
        all of these, nothing is known about words that are in no entity.
    """
    doc = text.doc
    annotated = text.record.annotated_labels
    is_partial = annotated is not None and not set(labels) <= set(annotated)
    # (n_tokens, n_attributes): in one go, for a Token made for each takes most of an audit's time
    values = doc.to_array(ATTRIBUTES).reshape(len(doc), len(ATTRIBUTES)).astype(np.int64)
    lengths, has_space, is_space, sentence_start, ent_iob = values.T
    ends = np.cumsum(lengths + has_space) - has_space  # (n_tokens,) characters
    starts = ends - lengths
    kept = np.flatnonzero(is_space == 0)
    up_to = np.concatenate([[0], np.cumsum(is_space == 0)]).tolist()  # words before each token
    whole = text.record.text

    def in_words(spans: Iterable[Span]) -> list[tuple[int, int, str]]:
        return [
            (first, last, span.label_)
            for span in spans
            if (first := up_to[span.start]) < (last := up_to[span.end])
        ]

    bounds = list(zip(starts[kept].tolist(), ends[kept].tolist(), strict=True))
    return TextWords(
        text=text,
        words=[whole[start:end] for start, end in bounds],
        starts=[start for start, _ in bounds],
        ends=[end for _, end in bounds],
        casing=word_forms(whole, starts[kept], ends[kept]).tolist(),
        opens=(sentence_start[kept] == 1).tolist(),
        entities=in_words(text.spans),
        flat_entities=in_words(text.flat_entities),
        is_missing=((ent_iob[kept] == MISSING) | is_partial).tolist(),
    )


def corpus_words(corpus: AuditedCorpus) -> Iterator[TextWords]:
    """The words of all annotated texts."""
    labels = corpus.labels
    return (words_of(text, labels) for text in corpus.texts())
