"""Gold entities that are not on tokens: noted in a Doc when it is made, and known again later.

Their tokens are missing in the Doc, so nothing is learned from them. To an evaluation they are gold
all the same: it compares with a Doc whose tokens are cut where they start and end.
"""

from collections.abc import Collection, Sequence

import numpy as np
from spacy.tokens import Doc, Span

from ..annotation.entity_source import DOC_ENTS, EntitySource
from ..annotation.existing import existing
from ..annotation.offsets import TokenEdges, set_flat_ents
from ..annotation.unknown_group import set_unknown
from ..records import SpanRecord
from ..text.token_exceptions import cut
from .doc_files import RECORD

REFUSED = "refused"  # in what our files keep of a record

Place = tuple[int, int, str]
"""Start and end in characters, and label."""


def refused_annotations(doc: Doc) -> list[SpanRecord]:
    """The annotations of a Doc's text that are not on its tokens."""
    kept = doc.user_data.get(RECORD)
    rows = kept.get(REFUSED, []) if isinstance(kept, dict) else []
    return [SpanRecord.from_json(row) for row in rows]


def with_refused(doc: Doc, gold: EntitySource = DOC_ENTS) -> tuple[Doc, set[Place]]:
    """A Doc in which refused annotations are entities, without white space at their edges.

    The rest of the tokens that are cut for them is outside of entities.

    gold (EntitySource): Where the entities of the Doc are.
    RETURNS (Tuple[Doc, Set[Place]]): The Doc, which is the same one if there are none; and where
        they are. One that overlaps an entity in doc.ents is left out of both.
    """
    places = [place for span in refused_annotations(doc) if (place := _stripped(doc.text, span))]
    if not places:
        return doc, set()
    found, sources = _cut(doc, {at for start, end, _ in places for at in (start, end)})
    old_edges, edges = TokenEdges(doc), TokenEdges(found)
    is_missing = gold.missing(doc)  # (n_tokens,)
    for start, end, _ in places:
        is_missing &= ~old_edges.touched(start, end)
    entities = [
        span
        for entity, _ in gold.scored(doc)
        if (span := found.char_span(entity.start_char, entity.end_char, label=entity.label))
    ]
    if gold.spans_key is None:
        kept = _without_overlap(found, edges, entities, places)
        is_blocked = np.zeros(len(doc), dtype=bool)  # (n_tokens,)
        is_blocked[existing(doc).blocked] = True
        spans = [*entities, *kept.values()]
        set_flat_ents(found, spans, is_missing[sources], is_blocked[sources])
    else:
        kept = {
            place: Span(found, *tokens, label=place[2])
            for place in places
            if (tokens := edges.tokens(*place[:2])) is not None
        }
        found.spans[gold.spans_key] = [*entities, *kept.values()]
        set_unknown(found, gold.spans_key, is_missing[sources])
    return found, set(kept)


def _without_overlap(
    doc: Doc, edges: TokenEdges, entities: Sequence[Span], places: Sequence[Place]
) -> dict[Place, Span]:
    """The spans of places that do not overlap entities, nor any before them."""
    is_taken = np.zeros(len(doc), dtype=bool)  # (n_tokens,)
    for span in entities:
        is_taken[span.start : span.end] = True
    found: dict[Place, Span] = {}
    for start, end, label in places:
        tokens = edges.tokens(start, end)
        if tokens is not None and not is_taken[slice(*tokens)].any():
            is_taken[slice(*tokens)] = True
            found[start, end, label] = Span(doc, *tokens, label=label)
    return found


def _stripped(text: str, span: SpanRecord) -> Place | None:
    covered = text[span.start : span.end]
    start = span.start + len(covered) - len(covered.lstrip())
    end = start + len(covered.strip())
    return (start, end, span.label) if start < end else None


def _cut(doc: Doc, places: Collection[int]) -> tuple[Doc, np.ndarray]:
    """A Doc whose tokens are cut at some characters, and (n_pieces,) int64, what each is of."""
    words: list[str] = []
    spaces: list[bool] = []
    starts: list[bool | int | None] = []
    sources: list[int] = []
    is_cut = doc.has_annotation("SENT_START")
    for token in doc:
        inner = {at - token.idx for at in places if 0 < at - token.idx < len(token)}
        pieces = cut(token.text, inner)
        words += pieces
        spaces += [False] * (len(pieces) - 1) + [bool(token.whitespace_)]
        starts += [token.is_sent_start] + [False if is_cut else None] * (len(pieces) - 1)
        sources += [token.i] * len(pieces)
    found = Doc(doc.vocab, words, spaces, user_data=dict(doc.user_data), sent_starts=starts)
    return found, np.array(sources, dtype=np.int64)
