"""Docs to what augmenters see, and the Doc of a changed text with all annotation moved to it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from spacy.attrs import DEP, HEAD, LEMMA, MORPH, POS, TAG
from spacy.tokens import Doc, Span, SpanGroup

from ...annotation.entity_source import DOC_ENTS, EntitySource
from ...annotation.existing import existing
from ...annotation.offsets import set_flat_ents
from ...annotation.scored_group import ScoredGroup
from ...annotation.token_states import MISSING
from ...annotation.unknown_group import (
    INCORRECT_SPANS,
    entity_keys,
    set_unknown,
    unknown_key,
    unknown_tokens,
)
from ..doc_files import RECORD
from .token_rewriting import MovedTokens, NewToken, Passage, Rewriting

_WORD_ATTRIBUTES = {"TAG": TAG, "POS": POS, "MORPH": MORPH, "LEMMA": LEMMA}
_STARTS, _GOES_ON = 1, -1  # values of token.sent_start; 0 is not known
_IS_START = {_STARTS: True, _GOES_ON: False, 0: None}
# What a changed Doc lacks, as counts call it.
PARSE = "documents whose parse was left out"
WORD_ATTRIBUTES = "added tokens without tag, lemma and the like"
DETAILS = "documents whose details of annotations were left out"
USER_DATA = "values of user data left out"
REJECTED = "spans known to be wrong that were left out, as they are of other words now"


def passage_of(doc: Doc) -> Passage:
    """What augmenters see of a Doc: the entities of doc.ents and of all groups of doc.spans."""
    spans = [(ent.start, ent.end, ent.label_) for ent in doc.ents]
    unknown = set()
    for key in entity_keys(doc):
        spans += [(span.start, span.end, span.label_) for span in doc.spans[key] if len(span)]
        unknown.update(np.flatnonzero(unknown_tokens(doc, key)).tolist())
    if doc.has_annotation("ENT_IOB"):
        unknown.update(np.flatnonzero(DOC_ENTS.missing(doc)).tolist())
    elif not entity_keys(doc):  # nothing is known about any token
        unknown.update(range(len(doc)))
    unknown.update(existing(doc).blocked.tolist())
    starts = _sentence_starts(doc)
    return Passage(
        words=tuple(token.text for token in doc),
        spaces=tuple(bool(token.whitespace_) for token in doc),
        spans=tuple(dict.fromkeys(spans)),
        unknown=frozenset(unknown),
        sentence_starts=tuple(np.flatnonzero(starts == _STARTS).tolist()),
    )


def _sentence_starts(doc: Doc) -> np.ndarray:
    """(n_tokens,) int64, values of token.sent_start; all 0 if nobody has set them."""
    if not doc.has_annotation("SENT_START"):
        return np.zeros(len(doc), dtype=np.int64)
    starts = doc.to_array("SENT_START").astype(np.int64)
    starts[:1] = _STARTS
    return starts


def rewritten_doc(doc: Doc, rewriting: Rewriting, lost: Counter[str]) -> Doc | None:
    """The Doc of a changed text, with the annotation of the original.

    Entities (also those of all groups of doc.spans), missing and blocked tokens, sentence starts,
    doc.cats and values of doc._. stay, as do those of tokens and spans where these do, and what is
    known to be wrong. A parse
    stays if the tokens are as many as before; tags, lemmas and the like stay with their tokens.

    lost (Counter[str]): What is left out is counted here.
    RETURNS (Optional[Doc]): None if an entity would be lost.
    """
    tokens = rewriting.tokens
    moved = MovedTokens(tokens, len(doc))
    made = Doc(
        doc.vocab,
        words=[token.word for token in tokens],
        spaces=[token.has_space for token in tokens],
        sent_starts=[_IS_START[value] for value in _moved_starts(doc, tokens)],
    )
    made.has_unknown_spaces = doc.has_unknown_spaces
    _move_word_attributes(doc, made, tokens, moved, lost)
    if not _move_ents(doc, made, rewriting, moved) or not _move_groups(doc, made, rewriting, moved):
        return None
    _move_rejected(doc, made, rewriting, moved, lost)
    made.cats = dict(doc.cats)
    _move_user_data(doc, made, rewriting, moved, lost)
    return made


def _moved_starts(doc: Doc, tokens: list[NewToken]) -> list[int]:
    """Where a token is gone that began a sentence, the next one that is left begins it."""
    starts = _sentence_starts(doc)
    if not starts.any():
        return [0] * len(tokens)
    values: list[int] = []
    before = 0
    for token in tokens:
        value = _GOES_ON
        if token.first < token.end and not (values and token.first < before <= token.end):
            value = int(starts[token.first])
            if (starts[before : token.first] == _STARTS).any():
                value = _STARTS
        if token.first < token.end:
            before = token.end
        values.append(value)
    values[:1] = [_STARTS]
    return values


def _move_word_attributes(
    doc: Doc, made: Doc, tokens: list[NewToken], moved: MovedTokens, lost: Counter[str]
) -> None:
    """Tags and the like of tokens that stand for one token each, and the parse if all do."""
    # the token of the original that each stands for alone, else -1: (n_new,)
    sources = np.full(len(tokens), -1, dtype=np.int64)
    for i, token in enumerate(tokens):
        if token.end == token.first + 1 and moved.place(token.first) == (i, i + 1):
            sources[i] = token.first
    attributes = [attr for name, attr in _WORD_ATTRIBUTES.items() if doc.has_annotation(name)]
    is_whole = np.array_equal(sources, np.arange(len(doc)))
    if doc.has_annotation("DEP"):
        if is_whole:
            attributes += [HEAD, DEP]
        else:
            lost[PARSE] += 1
    if not attributes or not len(made):
        return
    values = doc.to_array(attributes).reshape(len(doc), -1)  # (n_tokens, n_attributes)
    rows: Any = values[np.maximum(sources, 0)]  # (n_new, n_attributes)
    rows[sources < 0] = 0
    lost[WORD_ATTRIBUTES] += int((sources < 0).sum())
    made.from_array(attributes, rows)


def _moved_spans(
    made: Doc, spans: Iterator[Span] | SpanGroup, rewriting: Rewriting, moved: MovedTokens
) -> list[Span] | None:
    found = []
    for span in spans:
        place = moved.span(span.start, span.end)
        if place is None:
            return None
        other = rewriting.replaced.get((span.start, span.end))
        kb_id, id = (span.kb_id_, span.id_) if other is None else (other, "")
        found.append(Span(made, *place, label=span.label_, kb_id=kb_id, span_id=id))
    return found


def _touched(is_chosen: np.ndarray, tokens: list[NewToken]) -> np.ndarray:
    """(n_new,) bool, tokens that stand for one of the chosen, or are added beside one.

    is_chosen: (n_tokens,) bool
    """
    return np.array(
        [
            is_chosen[token.first : token.end].any()
            if token.first < token.end
            else is_chosen[max(token.first - 1, 0) : token.first + 1].any()
            for token in tokens
        ],
        dtype=bool,
    )


def _move_ents(doc: Doc, made: Doc, rewriting: Rewriting, moved: MovedTokens) -> bool:
    """RETURNS (bool): Whether all of doc.ents have a place."""
    states = doc.to_array(["ENT_IOB", "ENT_TYPE"]).reshape(-1, 2)[:, 0]  # (n_tokens,)
    blocked = existing(doc).blocked
    if not doc.has_annotation("ENT_IOB") and not len(blocked):
        return True
    ents = _moved_spans(made, iter(doc.ents), rewriting, moved)
    if ents is None:
        return False
    is_blocked = np.zeros(len(doc), dtype=bool)
    is_blocked[blocked] = True
    tokens = rewriting.tokens
    set_flat_ents(
        made,
        ents,
        is_missing=_touched(states == MISSING, tokens),
        is_blocked=np.array([is_blocked[t.first : t.end].any() for t in tokens], dtype=bool),
    )
    return True


def _move_groups(doc: Doc, made: Doc, rewriting: Rewriting, moved: MovedTokens) -> bool:
    """RETURNS (bool): Whether all spans of doc.spans have a place."""
    keys = entity_keys(doc)
    for key in keys:
        group = doc.spans[key]
        spans = _moved_spans(made, group, rewriting, moved)
        if spans is None:
            return False
        kind = ScoredGroup if isinstance(group, ScoredGroup) else SpanGroup
        made.spans[key] = kind(made, name=group.name, spans=spans, attrs=dict(group.attrs))
        if unknown_key(key) in doc.spans and unknown_key(key) not in keys:
            is_unknown = EntitySource(key).missing(doc)  # (n_tokens,)
            set_unknown(made, key, _touched(is_unknown, rewriting.tokens))
    return True


def _move_rejected(
    doc: Doc, made: Doc, rewriting: Rewriting, moved: MovedTokens, lost: Counter[str]
) -> None:
    """Spans that are known to be wrong, where all their tokens are still there.

    Nobody has said of a shorter one, or of one with another entity in it, that it is none.
    """
    if INCORRECT_SPANS not in doc.spans:
        return
    kept = []
    for span in doc.spans[INCORRECT_SPANS]:
        is_whole = all(moved.place(i) for i in range(span.start, span.end)) and not any(
            start < span.end and span.start < end for start, end in rewriting.replaced
        )
        place = moved.span(span.start, span.end) if is_whole else None
        if place is None:
            lost[REJECTED] += 1
        else:
            kept.append(Span(made, *place, label=span.label_))
    made.spans[INCORRECT_SPANS] = ScoredGroup(made, name=INCORRECT_SPANS, spans=kept)


def _move_user_data(
    doc: Doc, made: Doc, rewriting: Rewriting, moved: MovedTokens, lost: Counter[str]
) -> None:
    """Values of doc._. as they are; those of tokens and spans go with these."""
    before: dict[Any, Any] = doc.user_data
    user_data: dict[Any, Any] = made.user_data
    for key, value in before.items():
        if key == RECORD:
            kept = {name: one for name, one in value.items() if name == "meta"}
            lost[DETAILS] += len(kept) < len(value)
            if kept:
                user_data[key] = kept
        elif not isinstance(key, tuple) or len(key) < 4 or key[2] is None:
            user_data[key] = value
        elif (place := _moved_key(doc, made, key, rewriting, moved)) is not None:
            user_data[place] = value
        else:
            lost[USER_DATA] += 1


def _moved_key(
    doc: Doc, made: Doc, key: tuple[Any, ...], rewriting: Rewriting, moved: MovedTokens
) -> tuple[Any, ...] | None:
    """Where a value of token._. or span._. is kept, which spaCy does by their characters."""
    start, end = key[2], key[3]
    old = doc.char_span(start, start + 1 if end is None else end, alignment_mode="expand")
    if old is None or start != old.start_char or end not in (None, old.end_char):
        return None
    if (old.start, old.end) in rewriting.replaced:
        return None
    place = moved.span(old.start, old.end)
    if place is None:
        return None
    span = made[place[0] : place[1]]
    return (*key[:2], span.start_char, None if end is None else span.end_char, *key[4:])
