"""What hits mean for tags, against what their kinds are said to mean, for every reading."""

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.annotation.existing import nothing_on, permitted_tags
from spacy_ner_plus.annotation.hit_effects import (
    HitEffects,
    hard_entities,
    hit_effects,
    soft_hits,
)
from spacy_ner_plus.annotation.rule_hits import KINDS, RuleHit, set_rule_hits
from spacy_ner_plus.tags import Span, TagScheme
from tests.oracles import valid_paths

VOCAB = spacy.blank("en").vocab
SCHEMES = {"BIO": TagScheme("BIO", ["X", "Y"]), "BILOU": TagScheme("BILOU", ["X"])}
PATHS = {
    (name, n_rows): valid_paths(scheme, n_rows)
    for name, scheme in SCHEMES.items()
    for n_rows in range(1, 5 if name == "BIO" else 6)
}
Hit = tuple[int, int, str, str, float]


def doc_with(words: list[str], hits: list[Hit], component: str = "rules") -> Doc:
    """A Doc with hits, given in tokens."""
    doc = Doc(VOCAB, words=words)
    found = [
        RuleHit(doc[start:end].start_char, doc[start:end].end_char, *values, f"r{start}", "")
        for start, end, *values in hits
    ]
    set_rule_hits(doc, component, found)
    return doc


def readings(scheme: TagScheme, rows: np.ndarray) -> list[tuple[tuple[int, ...], set[Span]]]:
    """Each valid tag sequence and its entities, in tokens."""
    found = []
    for path in PATHS[scheme.name, len(rows)]:
        columns = zip(*(c.tolist() for c in scheme.decode(np.array(path))), strict=True)
        spans = {(int(rows[s]), int(rows[e - 1]) + 1, scheme.labels[y]) for s, e, y in columns}
        found.append((path, spans))
    return found


def trimmed(span: Span, rows: np.ndarray) -> Span | None:
    own = [i for i in rows.tolist() if span[0] <= i < span[1]]
    return (own[0], own[-1] + 1, span[2]) if own else None


def fixed_by(hits: list[Hit]) -> list[Span]:
    """Hard hits, but for those that overlap others before them."""
    fixed: list[Span] = []
    for start, end, label, kind, _ in hits:
        if kind == "hard" and not any(start < e and s < end for s, e, _ in fixed):
            fixed.append((start, end, label))
    return fixed


def stated(spans: set[Span], hits: list[Hit], labels: tuple[str, ...], rows: np.ndarray) -> float:
    """What the hits add to the score of a reading; -inf if they rule it out."""
    fixed = fixed_by(hits)
    taken = {i for start, end, _ in fixed for i in range(start, end)}
    there = {trimmed(span, rows) for span in fixed if span[2] in labels} - {None}
    others = spans - there
    if not there <= spans or any(i in taken for s, e, _ in others for i in range(s, e)):
        return -np.inf
    added = 0.0
    for start, end, label, kind, weight in hits:
        about = {span for span in spans if label in ("", span[2])}
        if kind == "block_words":
            words = set(range(start, end)) - taken
            if any(s <= i < e for s, e, _ in about for i in words):
                return -np.inf
        elif kind in ("block", "soft") and not taken & set(range(start, end)):
            places = {(s, e) for s, e, _ in about}
            exact = trimmed((start, end, label), rows)
            if exact is not None and exact[:2] in places:
                added += weight if kind == "soft" else -np.inf
    return added


def computed(
    path: tuple[int, ...], effects: HitEffects, tags: np.ndarray, scheme: TagScheme
) -> float:
    """The same from the effects. tags: (n_rows, n_tags) bool, those that are permitted."""
    if not tags[range(len(path)), path].all():
        return -np.inf
    columns = scheme.decode(np.array(path))
    found = set(zip(*(c.tolist() for c in columns), strict=True))
    spans = effects.spans
    places = zip(spans.starts.tolist(), spans.ends.tolist(), spans.labels.tolist(), strict=True)
    return float(sum(w for place, w in zip(places, spans.weights, strict=True) if place in found))


@st.composite
def hits_in(draw: st.DrawFn, n_tokens: int) -> Hit:
    start = draw(st.integers(0, n_tokens - 1))
    end = draw(st.integers(start + 1, n_tokens))
    kind = draw(st.sampled_from(KINDS))
    labels = ["X", "Y", "Z"] + [""] * kind.startswith("block")
    weight = draw(st.sampled_from([-2.0, 0.5, 3.0])) if kind == "soft" else 0.0
    return start, end, draw(st.sampled_from(labels)), kind, weight


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["BIO", "BILOU"]), st.data())
def test_effects_are_as_stated_for_every_reading(name: str, data: st.DataObject) -> None:
    scheme = SCHEMES[name]
    is_row = data.draw(st.lists(st.booleans(), min_size=1, max_size=5).filter(any))
    rows = np.flatnonzero(is_row)
    if (name, len(rows)) not in PATHS:
        rows = rows[:4]
    hits = data.draw(st.lists(hits_in(len(is_row)), min_size=1, max_size=5))
    doc = doc_with(["word"] * len(is_row), hits)
    effects = hit_effects(doc, rows, scheme, nothing_on(doc))
    assert effects is not None
    tags = permitted_tags(effects.known, rows, scheme)
    if effects.forbidden is not None:
        tags &= ~effects.forbidden
    n_possible = 0
    for path, spans in readings(scheme, rows):
        expected = stated(spans, hits, scheme.labels, rows)
        assert computed(path, effects, tags, scheme) == pytest.approx(expected)
        n_possible += expected > -np.inf
    assert n_possible  # whatever the hits are, there is a reading


def test_hits_of_components_come_in_their_order() -> None:
    doc = doc_with(["a", "b", "c"], [(0, 2, "X", "hard", 0.0)], "first")
    set_rule_hits(doc, "second", [RuleHit(2, 5, "X", "hard", 0.0, "r", "")])
    effects = hit_effects(doc, np.arange(3), SCHEMES["BIO"], nothing_on(doc))
    assert effects is not None
    assert effects.known.entities == [(0, 2, "X")]
    assert effects.ignored == {"conflicting": 1}
    assert hard_entities(doc) == {(0, 2, "X"), (1, 3, "X")}


@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_blocked_spans_of_blocked_words_are_not_looked_after(name: str) -> None:
    every = [(i, j, "X", "block", 0.0) for i in range(4) for j in range(i + 1, 5)]
    hits: list[Hit] = [(1, 2, "X", "block_words", 0.0), *every, (0, 3, "X", "soft", 1.0)]
    doc = doc_with(["a"] * 4, hits)
    effects = hit_effects(doc, np.arange(4), SCHEMES[name], nothing_on(doc))
    assert effects is not None
    left = zip(effects.spans.starts, effects.spans.ends, effects.spans.labels, strict=True)
    assert set(left) == {(0, 1, 0), (2, 3, 0), (2, 4, 0), (3, 4, 0), (0, 3, 0)}


def test_the_same_hard_hit_twice_is_no_conflict() -> None:
    doc = doc_with(["a", "b"], [(0, 2, "X", "hard", 0.0)] * 2)
    effects = hit_effects(doc, np.arange(2), SCHEMES["BIO"], nothing_on(doc))
    assert effects is not None and not effects.ignored


def test_soft_hits_alone_are_those_of_training() -> None:
    hits: list[Hit] = [(0, 1, "X", "hard", 0.0), (0, 1, "X", "soft", 1.5), (1, 2, "Z", "soft", 1.0)]
    spans, ignored = soft_hits(doc_with(["a", "b"], hits), np.arange(2), SCHEMES["BIO"])
    assert spans.weights.tolist() == [1.5]
    assert (spans.starts.tolist(), spans.ends.tolist(), spans.rules) == ([0], [1], ["r0"])
    assert ignored == {"unknown_label": 1}


def test_no_hits_have_no_effects() -> None:
    doc = Doc(VOCAB, words=["a"])
    assert hit_effects(doc, np.arange(1), SCHEMES["BIO"], nothing_on(doc)) is None
    assert hard_entities(doc) == set()
    assert not len(soft_hits(doc, np.arange(1), SCHEMES["BIO"])[0])


def test_a_blocked_word_without_a_tag_is_run_over_by_no_entity() -> None:
    doc = doc_with(["a", "\n", "b"], [(1, 2, "X", "block_words", 0.0)])
    effects = hit_effects(doc, np.array([0, 2]), SCHEMES["BIO"], nothing_on(doc))
    assert effects is not None and effects.forbidden is not None
    forbidden = {(row, SCHEMES["BIO"].tags[tag]) for row, tag in np.argwhere(effects.forbidden)}
    assert forbidden == {(1, "I-X")}
