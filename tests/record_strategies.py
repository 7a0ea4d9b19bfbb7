"""What tests of records draw."""

from itertools import pairwise

from hypothesis import strategies as st

from spacy_ner_plus.records import (
    STATUSES,
    RelationRecord,
    SpanRecord,
    TextRecord,
    TokenRecord,
)

TEXTS = st.text(st.sampled_from(list("ab \n\té😀א\u0301\u200d\r\x00")), max_size=12)
NAMES = st.text(st.sampled_from("xyé😀"), min_size=1, max_size=3)
JSON = st.sampled_from(
    [None, True, False, -3, 0, 1, 4, 0.5, 1.0, -0.5, 1e300, "", "é😀", "accepted", [], [0, 1],
     [[0, 1.0]], [[1, 0.5]], [None, {"a": [2]}], {}, {"start": 0, "end": 1, "label": "X"},
     [{"start": 0, "end": 1, "label": "X"}], [{"start": 0, "end": 1}], ["X"], ["X", ""]]
)  # fmt: skip
OBJECTS = st.sampled_from(
    [{}, {"x": 1}, {"é": [None, {"z": 2.5}]}, {"a": "", "b": {}}, {"n": None, "m": [], "k": {}}]
)


def optional(strategy):
    return st.none() | strategy


@st.composite
def stretches(draw, n_chars):
    start = draw(st.integers(0, n_chars - 1))
    return start, draw(st.integers(start + 1, n_chars))


@st.composite
def spans(draw, text, id):
    start, end = draw(stretches(len(text)))
    return SpanRecord(
        start,
        end,
        draw(NAMES),
        text=draw(st.sampled_from([None, text[start:end]])),
        probability=draw(optional(st.floats(0, 1))),
        id=id,
        kb_id=draw(optional(NAMES)),
        status=draw(st.sampled_from([None, *STATUSES])),
        grounding=draw(optional(NAMES)),
        meta=draw(OBJECTS),
        other=draw(OBJECTS),
    )


@st.composite
def tokens(draw, text):
    """They may leave white space out."""
    edges = sorted({0, len(text), *draw(st.sets(st.integers(0, len(text)), max_size=8))})
    pairs = [p for p in pairwise(edges) if text[slice(*p)].strip() or draw(st.booleans())]
    starts = [draw(st.sampled_from([None, True, False])) for _ in pairs]
    return tuple(
        TokenRecord(*pair, start, draw(OBJECTS)) for pair, start in zip(pairs, starts, strict=True)
    )


@st.composite
def records(draw):
    """Sound records that use every field."""
    text = draw(TEXTS)
    common = {
        "id": draw(JSON),
        "meta": draw(OBJECTS),
        "annotated_labels": draw(optional(st.lists(NAMES, max_size=2).map(tuple))),
        "other": draw(OBJECTS),
    }
    if not text or draw(st.booleans()):
        return TextRecord(text, spans=draw(st.sampled_from([None, ()])), **common)
    ids = draw(st.lists(NAMES | st.integers(-3, 3), unique=True, max_size=2))
    places = st.lists(stretches(len(text)), max_size=2).map(tuple)
    relation = st.builds(
        RelationRecord,
        *(st.sampled_from(ids or [None]), st.sampled_from(ids or [None]), NAMES),
        optional(st.floats(0, 1)),
        optional(NAMES),
        OBJECTS,
        OBJECTS,
    )
    return TextRecord(
        text,
        spans=tuple(draw(spans(text, id)) for id in [*ids, None]),
        tokens=draw(optional(tokens(text))),
        unknown=draw(places),
        blocked=draw(places),
        relations=tuple(draw(st.lists(relation, max_size=2))) if ids else (),
        **common,
    )
