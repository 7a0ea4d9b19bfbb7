"""What rules' hits mean for a model that reads the same Doc: see rule_hits for their kinds."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any

import numpy as np
from spacy.tokens import Doc

from ..tags import Span as EntitySpan
from ..tags import TagScheme
from .existing import Existing, entity_spans, nothing_on
from .rule_hits import (
    ANY_LABEL,
    BLOCK,
    BLOCK_WORDS,
    HARD,
    SOFT,
    TokenHits,
    on_tokens,
    rule_hits,
)

# Why a hit has no effect, and what to tell of it.
MISALIGNED = "misaligned"
UNKNOWN_LABEL = "unknown_label"
UNTAGGED = "untagged"
CONFLICTING = "conflicting"
CROWDED = "crowded"
REASONS = {
    MISALIGNED: "begins or ends inside of what is one token now",
    UNKNOWN_LABEL: "has a type that the model does not know",
    UNTAGGED: "has no token that the model tags, such as white space alone",
    CONFLICTING: "contradicts an entity that is fixed, by a hard hit before it or as one that is "
    "on the document and stays",
    CROWDED: "is one of so many that overlap in one document that only those with the largest "
    "weights are used (a span that is blocked is no entity all the same, but the rest is read as "
    "if it were not)",
}


@dataclass(frozen=True)
class SpanWeights:
    """Weights of spans of rows: what soft hits add to the score of a span, -inf for blocked ones.

    starts, ends: int64 (n,) rows of a Doc, ends exclusive.
    labels: int64 (n,), indices into the scheme's.
    weights: float64 (n,).
    rules (List[str]): The rule of each; blocks have theirs too.
    """

    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    rules: list[str]

    def __len__(self) -> int:
        return len(self.rules)


@dataclass(frozen=True)
class HitEffects:
    """The effect of all hits on the rows of a Doc.

    known (Existing): What is fixed: what was known before, and entities of hard hits.
    forbidden: (n_rows, n_tags) bool, tags that blocked words can't have; None without such words.
    spans (SpanWeights): Of soft hits and blocked spans.
    ignored (Counter): Hits without effect by reason, of REASONS.
    """

    known: Existing
    forbidden: np.ndarray | None
    spans: SpanWeights
    ignored: Counter[str]


def hit_effects(
    doc: Doc, row_tokens: np.ndarray, scheme: TagScheme, known: Existing
) -> HitEffects | None:
    """What the hits on a Doc mean for a model's tags; None if there are none.

    Where they contradict each other, what is known already comes first, then hard hits in their
    order (components in the order in which they read the Doc), then blocks.

    row_tokens: (n_rows,) int64, the tokens that take part in tagging, ascending.
    known (Existing): What stays on the Doc whatever the hits say.
    RAISES ValueError: If doc._.rule_hits holds no hits of rules.
    """
    hits = rule_hits(doc)
    if not hits:
        return None
    found = on_tokens(doc, hits)
    ignored = Counter({MISALIGNED: found.n_lost})
    known = _with_hard_hits(doc, found, scheme, known, ignored)
    forbidden = _forbidden(found, row_tokens, scheme, known, ignored)
    spans = _span_weights(found, row_tokens, scheme, known, ignored)
    if forbidden is not None:
        spans = _without_implied(spans, forbidden, scheme)
    return HitEffects(known, forbidden, spans, +ignored)


def soft_hits(
    doc: Doc, row_tokens: np.ndarray, scheme: TagScheme
) -> tuple[SpanWeights, Counter[str]]:
    """The soft hits on a Doc alone, and how many of them have no effect, by reason."""
    found = on_tokens(doc, [hit for hit in rule_hits(doc) if hit.kind == SOFT])
    ignored = Counter({MISALIGNED: found.n_lost})
    return _span_weights(found, row_tokens, scheme, nothing_on(doc), ignored), +ignored


def hard_entities(doc: Doc) -> set[EntitySpan]:
    """The entities that hard hits say there are, on the tokens that the Doc has now."""
    hits = [hit for hit in rule_hits(doc) if hit.kind == HARD]
    return set(_spans(on_tokens(doc, hits))) if hits else set()


def _spans(found: TokenHits) -> list[EntitySpan]:
    labels = [hit.label for hit in found.hits]
    return list(zip(found.starts.tolist(), found.ends.tolist(), labels, strict=True))


def _with_hard_hits(
    doc: Doc, found: TokenHits, scheme: TagScheme, known: Existing, ignored: Counter[str]
) -> Existing:
    """What is known, and entities of the hard hits that go with it and with those before them."""
    if all(hit.kind != HARD for hit in found.hits):
        return known
    taken, entities = known.taken.copy(), set(known.entities)
    own = set(entity_spans(doc))
    for span, hit in zip(_spans(found), found.hits, strict=True):
        if hit.kind != HARD or span in entities:
            continue
        start, end, label = span
        if taken[start:end].any():
            ignored[CONFLICTING] += 1
            continue
        taken[start:end] = True
        entities.add(span)
        if label not in scheme.labels and span not in own:
            ignored[UNKNOWN_LABEL] += 1  # it keeps its words from others, and that is all
    return Existing(taken, sorted(entities), known.blocked)


def _forbidden(
    found: TokenHits,
    row_tokens: np.ndarray,
    scheme: TagScheme,
    known: Existing,
    ignored: Counter[str],
) -> np.ndarray | None:
    """The tags that blocked words can't have, (n_rows, n_tags) bool; None without such words.

    A word that the model does not tag is kept out of what would run over it.
    """
    forbidden = None
    for (start, end, label), hit in zip(_spans(found), found.hits, strict=True):
        if hit.kind != BLOCK_WORDS:
            continue
        ids = _label_ids(label, scheme)
        if not len(ids):
            ignored[UNKNOWN_LABEL] += 1
            continue
        if forbidden is None:
            forbidden = np.zeros((len(row_tokens), scheme.n_tags), dtype=bool)
        if _is_in_entity(known, start, end, label):
            ignored[CONFLICTING] += 1
        first, last = np.searchsorted(row_tokens, [start, end]).tolist()
        columns = (scheme.first, scheme.inside, scheme.last, scheme.unit)
        forbidden[first:last, np.concatenate([column[ids] for column in columns])] = True
        untagged = np.setdiff1d(np.arange(start, end), row_tokens[first:last])
        behind = np.unique(np.searchsorted(row_tokens, untagged))
        behind = behind[behind < len(row_tokens)]
        carried_on = np.concatenate([scheme.inside[ids], scheme.last[ids]])
        forbidden[np.ix_(behind, carried_on)] = True
    if forbidden is not None:
        forbidden[known.taken[row_tokens]] = False
    return forbidden


def _is_in_entity(known: Existing, start: int, end: int, label: str) -> bool:
    return any(label in (ANY_LABEL, own) for _, _, own in _entities_on(known, start, end))


def _entities_on(known: Existing, start: int, end: int) -> Iterator[EntitySpan]:
    """Those that have some of these tokens, found by halving: there may be very many."""
    first = bisect_right(known.entities, start, key=lambda entity: entity[1])  # by their ends
    return takewhile(lambda entity: entity[0] < end, islice(known.entities, first, None))


def _span_weights(
    found: TokenHits,
    row_tokens: np.ndarray,
    scheme: TagScheme,
    known: Existing,
    ignored: Counter[str],
) -> SpanWeights:
    """The weights of soft hits and blocked spans. What touches a fixed token has nothing to say."""
    firsts = np.searchsorted(row_tokens, found.starts).tolist()
    lasts = np.searchsorted(row_tokens, found.ends).tolist()
    columns: tuple[list[Any], ...] = ([], [], [], [], [])
    for (start, end, label), first, last, hit in zip(
        _spans(found), firsts, lasts, found.hits, strict=True
    ):
        if hit.kind not in (SOFT, BLOCK):
            continue
        ids = _label_ids(label, scheme)
        if not len(ids):
            ignored[UNKNOWN_LABEL] += 1
        elif first >= last:
            ignored[UNTAGGED] += 1
        elif known.taken[start:end].any():
            ignored[CONFLICTING] += hit.kind == BLOCK and _is_entity(known, start, end, label)
        else:
            for i in ids.tolist():
                row = (first, last, i, hit.weight if hit.kind == SOFT else -np.inf, hit.rule)
                for column, value in zip(columns, row, strict=True):
                    column.append(value)
    starts, ends, labels = (np.array(column, dtype=np.int64) for column in columns[:3])
    return SpanWeights(starts, ends, labels, np.array(columns[3], dtype=np.float64), columns[4])


def _without_implied(spans: SpanWeights, forbidden: np.ndarray, scheme: TagScheme) -> SpanWeights:
    """All but blocked spans that forbidden tags rule out anyway, which need not be looked after.

    forbidden: (n_rows, n_tags) bool.
    """
    is_unit = spans.ends - spans.starts == 1
    firsts = np.where(is_unit, scheme.unit[spans.labels], scheme.first[spans.labels])
    lasts = np.where(is_unit, scheme.unit[spans.labels], scheme.last[spans.labels])
    is_out = forbidden[spans.starts, firsts] | forbidden[spans.ends - 1, lasts]
    n_inside = np.concatenate([np.zeros((1, scheme.n_tags), int), np.cumsum(forbidden, axis=0)])
    inside = scheme.inside[spans.labels]  # of the tokens between the first and the last one
    is_out |= n_inside[spans.ends - 1, inside] > n_inside[spans.starts + 1, inside]
    kept = np.flatnonzero(~(is_out & (spans.weights == -np.inf)))
    return SpanWeights(
        spans.starts[kept],
        spans.ends[kept],
        spans.labels[kept],
        spans.weights[kept],
        [spans.rules[i] for i in kept],
    )


def _is_entity(known: Existing, start: int, end: int, label: str) -> bool:
    return any(
        (first, last) == (start, end) and label in (ANY_LABEL, own)
        for first, last, own in _entities_on(known, start, end)
    )


def _label_ids(label: str, scheme: TagScheme) -> np.ndarray:
    """The labels that a hit is about, int64; none if the scheme does not have it."""
    if label == ANY_LABEL:
        return np.arange(len(scheme.labels))
    known = [scheme.labels.index(label)] if label in scheme.labels else []
    return np.array(known, dtype=np.int64)
