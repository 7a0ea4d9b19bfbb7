"""Entities as displaCy shows them, with their probabilities: flat ones, and such that nest."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from spacy import displacy
from spacy.tokens import Doc

from .entity_source import EntitySource

# displaCy colours by label; here every label has its probability in it.
PALETTE = ("#7aecec", "#bfeeb7", "#feca74", "#ff9561", "#aa9cfc", "#c887fb", "#9cc9cc", "#ddd")
# As displaCy's own, but lines have no gaps, and labels of words beside each other don't lie on each
# other: a word that is an entity is as wide as its label, which is there once more, unseen, in the
# place of displaCy's link.
_SPAN_TEMPLATES = {
    "span": (
        '<span style="font-weight: bold; display: inline-grid; align-content: start; position: '
        'relative; white-space: pre; height: {total_height}px;">{text}{span_slices}{span_starts}'
        "</span>"
    ),
    "slice": (
        '<span style="background: {bg}; top: {top_offset}px; height: 4px; left: 0; width: 100%; '
        'position: absolute;"></span>'
    ),
    "start": (
        '<span style="background: {bg}; top: {top_offset}px; height: 4px; left: 0; width: 100%; '
        'position: absolute; border-top-left-radius: 3px; border-bottom-left-radius: 3px;">'
        '<span style="background: {bg}; z-index: 10; color: #000; top: -0.5em; padding: 2px 3px; '
        "position: absolute; font-size: 0.6em; font-weight: bold; line-height: 1; border-radius: "
        '3px">{label}</span></span>'
        '<span style="display: block; height: 0; overflow: hidden; visibility: hidden; font-size: '
        '0.6em; padding: 0 5px;" aria-hidden="true">{kb_link}</span>'
    ),
}


def render_entities(
    docs: Doc | Iterable[Doc], spans_key: str | None = None, *, page: bool = False
) -> str:
    """HTML of documents by displaCy, with the probability of each entity behind its label.

    docs (Doc / Iterable[Doc]): What a pipeline has read, or annotated documents.
    spans_key (str): Show doc.spans[spans_key], where entities may nest and overlap, in displaCy's
        style "span"; None for doc.ents, in its style "ent".
    page (bool): Make a whole page.
    """
    docs = [docs] if isinstance(docs, Doc) else list(docs)
    source = EntitySource(spans_key)
    labels = sorted({span.label_ for doc in docs for span, _ in source.scored(doc)})
    colors: dict[str, str] = {}
    rows = []
    for doc in docs:
        entities = []
        for span, probability in source.scored(doc):
            label = span.label_ if probability is None else f"{span.label_} {probability:.2f}"
            label = escape(label)  # displaCy escapes texts only
            colors[label.upper()] = PALETTE[labels.index(span.label_) % len(PALETTE)]
            entities.append((span, label))
        rows.append(_nested_row(doc, entities) if source.may_nest else _flat_row(doc, entities))
    style, options = "ent", {"colors": colors}
    if source.may_nest:
        style, options = "span", {"colors": colors, "template": _SPAN_TEMPLATES}
    return displacy.render(
        rows, style=style, manual=True, page=page, jupyter=False, options=options
    )


def _flat_row(doc: Doc, entities: Sequence[tuple[Any, str]]) -> dict[str, Any]:
    ents = [
        {"start": span.start_char, "end": span.end_char, "label": label} for span, label in entities
    ]
    return {"text": doc.text, "ents": ents, "title": None}


def _nested_row(doc: Doc, entities: Sequence[tuple[Any, str]]) -> dict[str, Any]:
    """Tokens of entities each for itself, and what is between as it stands.

    displaCy puts a blank behind each piece that is in no entity.
    """
    entities = [(span, label) for span, label in entities if len(span)]
    inside = {i for span, _ in entities for i in range(span.start, span.end)}
    goes_on = {i for span, _ in entities for i in range(span.start, span.end - 1)}
    edges = {0, len(doc), *inside, *(i + 1 for i in inside)}
    place: dict[int, int] = {}
    pieces: list[str] = []
    for start, end in pairwise(sorted(edges)):
        place[start] = len(pieces)
        part = doc[start:end]
        if start in goes_on:
            pieces.append(part.text_with_ws)
        elif start in inside and part[-1].whitespace_:  # which no line is to be below
            pieces += [part.text, ""]
        else:
            pieces.append(part.text)
    spans = [
        {
            "start_token": place[span.start],
            "end_token": place[span.end - 1] + 1,
            "label": label,
            "kb_id": label if len(span) == 1 else "",
        }
        for span, label in entities
    ]
    return {"text": doc.text, "spans": spans, "tokens": pieces, "title": None}
