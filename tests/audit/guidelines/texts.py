"""Small texts with entities, made or drawn, as decisions look at them."""

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import strategies as st

from spacy_ner_plus.audit.guidelines.marked_text import MarkedEntity, MarkedText

WORDS = ("the", "The", "and", ",", "Bonn", "Ulm", "Zoo")
LABELS = ("LOC", "ORG")


def make_text(
    words: Iterable[str],
    entities: Iterable[tuple[int, int, str]] = (),
    *,
    opens: Iterable[int] = (),
    missing: Iterable[int] = (),
    labels: Iterable[str] | None = None,
) -> MarkedText:
    """Words with a blank between, and entities by their words."""
    starts, ends, at = [], [], 0
    text = " ".join(words)
    for word in text.split(" "):
        starts.append(at)
        ends.append(at + len(word))
        at += len(word) + 1
    return MarkedText(
        text,
        tuple(starts),
        tuple(ends),
        frozenset(opens),
        frozenset(missing),
        tuple(sorted({MarkedEntity(*one) for one in entities})),
        None if labels is None else frozenset(labels),
    )


@st.composite
def flat_texts(draw: st.DrawFn) -> MarkedText:
    """Texts in which no entities overlap."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9))
    cuts = sorted(draw(st.sets(st.integers(0, len(words)))))
    entities = []
    for start, end in pairwise(cuts):
        label = draw(st.sampled_from((None, *LABELS)))
        if label is not None:
            entities.append((start, end, label))
    places = st.sets(st.integers(0, len(words) - 1), max_size=2)
    return make_text(words, entities, opens=draw(places), missing=draw(places))


@st.composite
def nested_texts(draw: st.DrawFn) -> MarkedText:
    """Texts in which entities may nest and overlap."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=2, max_size=7))
    stretch = st.tuples(st.integers(0, len(words) - 1), st.integers(1, len(words)))
    spans = draw(st.lists(st.tuples(stretch, st.sampled_from(LABELS)), max_size=4))
    return make_text(words, [(s, e, label) for (s, e), label in spans if s < e])
