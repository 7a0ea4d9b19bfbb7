"""Docs to records and back: the one place that knows both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from ..records import (
    LAYER,
    SpanRecord,
    Stretch,
    TextRecord,
    TokenRecord,
    add_white_space,
)
from .entity_source import DOC_ENTS, EntitySource
from .existing import existing
from .fitting import Fitted, fit_record
from .gold import ANNOTATED_LABELS, annotated_labels, register_annotated_labels
from .offsets import Misaligned, TokenEdges, set_flat_ents
from .placement import MISALIGNED, Placing
from .probabilities import PROBABILITY, SCORES, register_probability
from .scored_group import LAYERS, ScoredGroup, layers_of
from .unknown_group import INCORRECT_SPANS, set_unknown, token_runs

# Spans that do not fit are left out, and it is the caller who tells.
DEFAULT_PLACING = Placing()


def span_records(doc: Doc, source: EntitySource = DOC_ENTS) -> tuple[SpanRecord, ...]:
    """The entities of a Doc from left to right.

    source (EntitySource): Where they are. The scores of a group of doc.spans are the probabilities,
        and its layers are in the meta of the records.
    """
    scored = list(source.scored(doc))
    layers = _layers(doc, source) or [None] * len(scored)
    return tuple(
        SpanRecord(
            span.start_char,
            span.end_char,
            span.label_,
            text=span.text,
            probability=probability,
            id=span.id_ or None,
            kb_id=span.kb_id_ or None,
            meta={} if layer is None else {LAYER: layer},
        )
        for (span, probability), layer in zip(scored, layers, strict=True)
    )


def _layers(doc: Doc, source: EntitySource) -> list[int | None]:
    """The layers of the spans of a group, in the order of EntitySource.scored."""
    if source.spans_key is None or not source.is_set(doc):
        return []
    group = doc.spans[source.spans_key]
    pairs = zip(group, layers_of(group), strict=True)
    return [layer for _, layer in sorted(pairs, key=lambda pair: (pair[0].start, pair[0].end))]


def to_record(doc: Doc, spans_key: str | None = None) -> TextRecord:
    """All that a Doc says of its tokens and entities.

    spans_key (str): Take doc.spans[spans_key], beside which is what is unknown: see unknown_group;
        None for doc.ents.
    RETURNS (TextRecord): Its spans are None if the Doc says nothing about entities. Those of
        doc.spans["incorrect_spans"] are rejected ones, behind the others.
    """
    source = EntitySource(spans_key)
    rejected = _rejected(doc)
    has_spans = source.is_set(doc) or bool(rejected)
    known = existing(doc)
    is_unknown = source.missing(doc)
    is_blocked = np.zeros(len(doc), dtype=bool)
    is_blocked[known.blocked] = True
    labels = annotated_labels(doc)
    return TextRecord(
        text=doc.text,
        annotated_labels=None if labels is None else tuple(sorted(labels)),
        spans=(*span_records(doc, source), *rejected) if has_spans else None,
        tokens=tuple(
            TokenRecord(token.idx, token.idx + len(token), token.is_sent_start) for token in doc
        ),
        unknown=tuple(_stretches(doc, is_unknown)) if has_spans else (),
        blocked=tuple(_stretches(doc, is_blocked)),
    )


def _rejected(doc: Doc) -> tuple[SpanRecord, ...]:
    """What is known to be wrong of a Doc. Spans without a label say nothing."""
    group = [span for span in doc.spans.get(INCORRECT_SPANS, ()) if span.label_]
    places = {(span.start_char, span.end_char, span.label_): span for span in group}
    return tuple(
        SpanRecord(*place, text=span.text, status="rejected")
        for place, span in sorted(places.items(), key=lambda pair: pair[0])
    )


@dataclass(frozen=True)
class PlacedDoc:
    """A Doc of a record, with what became of its entities.

    doc (Doc): The Doc.
    fitted (Fitted): The record as the Doc says it, and what was done to get there.
    n_rejected (int): Spans of doc.spans["incorrect_spans"].
    n_rejected_lost (int): Rejected spans that are not there, as they don't start and end with
        tokens.
    """

    doc: Doc
    fitted: Fitted
    n_rejected: int = 0
    n_rejected_lost: int = 0


def to_doc(
    record: TextRecord, nlp: Language, spans_key: str | None = None
) -> tuple[Doc, list[Misaligned]]:
    """A Doc that says what a record says of its tokens and entities.

    record, nlp, spans_key: See place_record.
    RETURNS (Tuple[Doc, List[Misaligned]]): The Doc, and the spans that do not start and end with
        tokens. Tokens that they touch are missing.
    RAISES (ValueError): As place_record.
    """
    placed = place_record(record, nlp, spans_key)
    misfits = (one.misfit for one in placed.fitted.placements if one.placed is None)
    return placed.doc, [misfit for misfit in misfits if misfit is not None]


def place_record(
    record: TextRecord,
    nlp: Language,
    spans_key: str | None = None,
    placing: Placing = DEFAULT_PLACING,
) -> PlacedDoc:
    """Put what a record says of its tokens and entities on a Doc.

    record (TextRecord): Rejected spans go to doc.spans["incorrect_spans"], as they are, if they
        start and end with tokens. Tokens of ignored ones are missing.
    nlp (Language): Its tokenizer cuts the text, if the record has no tokens.
    spans_key (str): Put the spans in doc.spans[spans_key], where they may nest, and what is unknown
        beside it: see unknown_group. Those that placing chooses of spans that overlap are in
        doc.ents as well; with "error" the longest, so that of spans that nest the outermost are.
        None for doc.ents alone.
    placing (Placing): What becomes of spans that do not start and end with tokens. Tokens that
        refused ones touch are missing.
    RAISES (ValueError): Spans overlap that go to doc.ents alone, or a label has white space around
        it.
    """
    if spans_key == INCORRECT_SPANS:
        raise ValueError(
            f"doc.spans[{INCORRECT_SPANS!r}] is for spans that are known to be wrong: give another "
            "spans key."
        )
    has_tokens = record.tokens is not None
    doc = _make_doc(record, nlp.vocab) if has_tokens else nlp.make_doc(record.text)
    if record.annotated_labels is not None:
        register_annotated_labels()
        doc._.set(ANNOTATED_LABELS, list(record.annotated_labels))
    edges = TokenEdges(doc, white_space=has_tokens)
    if record.spans is None:
        _block(doc, _touched(edges, record.blocked))
        return PlacedDoc(doc, Fitted(record))
    fitted = fit_record(record, edges, placing, is_flat=spans_key is None)
    if spans_key is not None:
        _set_group(doc, spans_key, edges, fitted.record)
    counts = _set_rejected(doc, edges, fitted.record)
    has_misaligned = any(MISALIGNED in one.done for one in fitted.placements)
    if placing.misaligned == "skip" and has_misaligned:
        return PlacedDoc(doc, fitted, *counts)  # the text is left out
    flat = fitted
    if spans_key is not None:
        flat = fit_record(fitted.record, edges, _choosing(placing), is_flat=True)
    _set_ents(doc, edges, flat.record)
    return PlacedDoc(doc, fitted, *counts)


def _choosing(placing: Placing) -> Placing:
    """Of spans in a group, some must be left out of doc.ents."""
    return replace(placing, overlaps="longest") if placing.overlaps == "error" else placing


def _placed(doc: Doc, edges: TokenEdges, record: TextRecord) -> list[tuple[Span, SpanRecord]]:
    """The entities of a record that fits the Doc, each with what the record says of it."""
    found = []
    for span in record.spans or ():
        tokens = edges.tokens(span.start, span.end) if span.is_accepted else None
        if tokens is not None:
            found.append((_make_span(doc, tokens, span), span))
    return found


def _set_rejected(doc: Doc, edges: TokenEdges, record: TextRecord) -> tuple[int, int]:
    """Note what is known to be wrong. RETURNS: How many spans are noted, and how many are not."""
    rejected = {
        (span.start, span.end, span.label): span
        for span in record.spans or ()
        if span.status == "rejected"
    }
    spans = []
    for (start, end, _), span in sorted(rejected.items(), key=lambda pair: pair[0]):
        if (tokens := edges.tokens(start, end)) is not None:
            spans.append(_make_span(doc, tokens, span))
    if spans:
        doc.spans[INCORRECT_SPANS] = ScoredGroup(doc, name=INCORRECT_SPANS, spans=spans)
    return len(spans), len(rejected) - len(spans)


def _unknown(edges: TokenEdges, record: TextRecord) -> np.ndarray:
    """(n_tokens,) bool, the tokens on which there may be more entities than the record has."""
    ignored = [(s.start, s.end) for s in record.spans or () if s.status == "ignored"]
    return _touched(edges, [*record.unknown, *ignored])


def _set_ents(doc: Doc, edges: TokenEdges, record: TextRecord) -> None:
    placed = _placed(doc, edges, record)
    set_flat_ents(
        doc,
        [span for span, _ in placed],
        _unknown(edges, record),
        _touched(edges, record.blocked),
    )
    _set_probabilities(placed)


def _make_doc(record: TextRecord, vocab: Vocab) -> Doc:
    """A Doc of a record's tokens.

    White space that they leave out is added.
    """
    words: list[str] = []
    spaces: list[bool] = []
    sentence_starts: list[bool | int | None] = []
    at = 0
    tokens = record.tokens or ()
    is_cut = any(token.sentence_start is not None for token in tokens)
    for token in (*tokens, TokenRecord(len(record.text), len(record.text) + 1)):
        if add_white_space(record.text[at : token.start], words, spaces):
            sentence_starts.append(False if is_cut else None)
        words.append(record.text[token.start : token.end])
        spaces.append(False)
        sentence_starts.append(token.sentence_start)
        at = token.end
    # the last one stands for the end of the text
    return Doc(vocab, words[:-1], spaces[:-1], sent_starts=sentence_starts[:-1])


def _make_span(doc: Doc, tokens: tuple[int, int], span: SpanRecord) -> Span:
    id = "" if span.id is None else str(span.id)
    return Span(doc, *tokens, label=span.label, kb_id=span.kb_id or "", span_id=id)


def _block(doc: Doc, is_blocked: np.ndarray) -> None:
    """Block tokens of a Doc about which nothing else is known.

    is_blocked: (n_tokens,) bool
    """
    if is_blocked.any():
        blocked = [doc[i : i + 1] for i in np.flatnonzero(is_blocked).tolist()]
        doc.set_ents([], blocked=blocked, default="missing")


def _set_probabilities(placed: Sequence[tuple[Span, SpanRecord]]) -> None:
    known = [(span, one.probability) for span, one in placed if one.probability is not None]
    if known and register_probability():
        for span, probability in known:
            span._.set(PROBABILITY, probability)


def _set_group(doc: Doc, key: str, edges: TokenEdges, record: TextRecord) -> None:
    placed = _placed(doc, edges, record)
    scores = [one.probability for _, one in placed]
    layers = [one.layer for _, one in placed]
    attrs = {
        name: values
        for name, values in ((SCORES, scores), (LAYERS, layers))
        if any(value is not None for value in values)
    }
    doc.spans[key] = ScoredGroup(doc, name=key, spans=[span for span, _ in placed], attrs=attrs)
    set_unknown(doc, key, _unknown(edges, record))


def _touched(edges: TokenEdges, stretches: Sequence[Stretch]) -> np.ndarray:
    """(n_tokens,) bool, the tokens that any of the stretches touches."""
    touched = np.zeros(len(edges.starts), dtype=bool)
    for start, end in stretches:
        touched |= edges.touched(start, end)
    return touched


def _stretches(doc: Doc, chosen: np.ndarray) -> Iterator[Stretch]:
    """The characters of each run of tokens.

    chosen: (n_tokens,) bool
    """
    for first, end in token_runs(chosen):
        yield doc[first].idx, doc[end - 1].idx + len(doc[end - 1])
