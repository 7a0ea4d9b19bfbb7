"""What is on a Doc already, and the tags that leave it there."""

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.annotation.existing import existing, permitted_tags
from spacy_ner_plus.tags import TagScheme
from tests.oracles import valid_paths

VOCAB = spacy.blank("en").vocab
SCHEMES = {name: TagScheme(name, ["A", "B"]) for name in ("BIO", "BILOU")}
Span3 = tuple[int, int, str]


def make_doc(
    words: list[str], ents: list[Span3], blocked: list[int] = (), default: str = "outside"
) -> Doc:
    doc = Doc(VOCAB, words=words, spaces=[False] * len(words))
    doc.set_ents(
        [Span(doc, start, end, label) for start, end, label in ents],
        blocked=[doc[i : i + 1] for i in blocked],
        default=default,
    )
    return doc


def rows_of(doc: Doc) -> np.ndarray:
    return np.array([token.i for token in doc if not token.is_space], dtype=np.int64)


def names(doc: Doc, scheme: TagScheme) -> list[str]:
    """The permitted tags of each row; "*" for all."""
    permitted = permitted_tags(existing(doc), rows_of(doc), scheme)
    return ["*" if row.all() else " ".join(np.array(scheme.tags)[row]) for row in permitted]


def test_existing_of_a_blank_doc_is_nothing() -> None:
    for doc in (Doc(VOCAB), Doc(VOCAB, words=["a", "b"]), make_doc(["a", "b"], [])):
        known = existing(doc)
        assert known.entities == [] and known.blocked_spans(doc) == []
        assert known.taken.tolist() == [False] * len(doc)
        assert known.is_free(np.array([0]), np.array([len(doc)])).all()


@pytest.mark.parametrize("default", ["outside", "missing"])
def test_existing_tells_entities_and_blocked_tokens_from_others(default: str) -> None:
    doc = make_doc(list("abcdef"), [(0, 2, "A"), (2, 3, "A")], [4], default)
    known = existing(doc)
    assert known.entities == [(0, 2, "A"), (2, 3, "A")]
    assert known.taken.tolist() == [True, True, True, False, True, False]
    assert [(span.start, span.end) for span in known.blocked_spans(doc)] == [(4, 5)]
    starts, ends = np.array([3, 5, 2, 3, 4]), np.array([4, 6, 3, 5, 6])
    assert known.is_free(starts, ends).tolist() == [True, True, False, False, False]


def test_permitted_tags_of_fixed_and_free_rows() -> None:
    doc = make_doc(list("abcdef"), [(1, 3, "A")], [4])
    assert names(doc, SCHEMES["BILOU"])[1:3] == ["B-A", "L-A"]
    assert names(doc, SCHEMES["BIO"]) == ["*", "B-A", "I-A", "O B-A B-B I-B", "O", "*"]


def test_permitted_tags_of_adjacent_entities_of_a_label() -> None:
    doc = make_doc(list("abcd"), [(0, 1, "A"), (1, 3, "A")])
    assert names(doc, SCHEMES["BIO"]) == ["B-A", "B-A", "I-A", "O B-A B-B I-B"]
    assert names(doc, SCHEMES["BILOU"])[:3] == ["U-A", "B-A", "L-A"]


def test_permitted_tags_of_an_unknown_label_are_outside() -> None:
    doc = make_doc(list("abc"), [(0, 2, "Other")])
    assert names(doc, SCHEMES["BIO"]) == ["O", "O", "*"]


def test_permitted_tags_of_an_entity_with_whitespace() -> None:
    """At its edges and inside: its tokens that can be tagged are one entity."""
    doc = make_doc(["\n", "a", " ", "b", "\n", "c"], [(0, 5, "A")])
    assert names(doc, SCHEMES["BILOU"])[:2] == ["B-A", "L-A"]
    assert names(doc, SCHEMES["BIO"]) == ["B-A", "I-A", "O B-A B-B I-B"]


def test_nothing_runs_over_an_entity_without_rows() -> None:
    doc = make_doc(["a", "\n", "b"], [(1, 2, "A")])
    assert names(doc, SCHEMES["BIO"]) == ["*", "O B-A B-B"]
    doc = make_doc(["a", "\n"], [(1, 2, "A")])
    assert names(doc, SCHEMES["BIO"]) == ["*"]
    assert names(make_doc(["\n"], [(0, 1, "A")]), SCHEMES["BIO"]) == []


def test_nothing_runs_over_a_blocked_token_without_rows() -> None:
    assert names(make_doc(["a", "\n", "b"], [], [1]), SCHEMES["BIO"]) == ["*", "O B-A B-B"]


def test_permitted_tags_without_labels() -> None:
    assert names(make_doc(list("ab"), [(0, 1, "A")]), TagScheme("BIO", [])) == ["*", "*"]


@st.composite
def annotated_docs(draw: st.DrawFn) -> tuple[list[str], list[Span3], list[int]]:
    words = draw(st.lists(st.sampled_from(["a", "b", "\n"]), min_size=1, max_size=6))
    while sum(word != "\n" for word in words) > 4:
        words.pop()
    ents, blocked, at = [], [], 0
    while at < len(words):
        kind = draw(st.sampled_from(["free", "free", "blocked", "A", "B", "Other"]))
        length = draw(st.integers(1, len(words) - at)) if len(kind) < 6 and kind != "free" else 1
        if kind == "blocked":
            blocked.append(at)
        elif kind != "free":
            ents.append((at, at + length, kind))
        at += length
    return words, ents, blocked


@pytest.mark.slow
@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_permitted_tags_leave_just_the_sequences_around_what_is_known(name: str) -> None:
    """Those in which each known entity of a known label is one, as far as it has rows, and no
    other touches or covers a token that is taken. There always is one.
    """
    scheme = SCHEMES[name]
    valid = {n: valid_paths(scheme, n) for n in range(1, 4 if name == "BILOU" else 5)}

    @settings(deadline=None, max_examples=100)
    @given(case=annotated_docs())
    def check(case: tuple[list[str], list[Span3], list[int]]) -> None:
        words, ents, blocked = case
        doc = make_doc(words, ents, blocked)
        rows = rows_of(doc)
        if not 0 < len(rows) <= max(valid):
            return
        permitted = permitted_tags(existing(doc), rows, scheme)
        taken = {i for start, end, _ in ents for i in range(start, end)} | set(blocked)
        wanted = set()
        for start, end, label in ents:
            places = [row for row, token in enumerate(rows) if start <= token < end]
            if places and label in scheme.labels:
                wanted.add((places[0], places[-1] + 1, label))
        n_left = 0
        for path in valid[len(rows)]:
            starts, ends, labels = scheme.decode(np.array(path))
            names = [scheme.labels[i] for i in labels]
            spans = set(zip(starts.tolist(), ends.tolist(), names, strict=True))
            covered = {
                token
                for start, end, _ in spans - wanted
                for token in range(rows[start], rows[end - 1] + 1)
            }
            agrees = wanted <= spans and not covered & taken
            assert agrees == permitted[np.arange(len(rows)), path].all(), (case, path)
            n_left += agrees
        assert n_left

    check()
