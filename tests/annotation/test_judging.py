"""Predicted entities in tokens of the reference, and whether they are right."""

import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.existing import entity_spans
from spacy_ner_plus.annotation.gold import register_annotated_labels
from spacy_ner_plus.annotation.judging import aligned, in_reference, verdicts
from spacy_ner_plus.metrics.spans import count_spans

VOCAB = spacy.blank("en").vocab


def doc_of(words: str, spans: list[tuple[int, int, str]], missing: tuple[int, ...] = ()) -> Doc:
    """Words parted by blanks, which are no part of the text."""
    doc = Doc(VOCAB, words=words.split(), spaces=[False] * len(words.split()))
    unknown = [doc[i : i + 1] for i in missing]
    doc.set_ents([Span(doc, *span) for span in spans], missing=unknown, default="outside")
    return doc


def test_a_span_covers_all_tokens_of_the_reference_that_it_touches() -> None:
    example = Example(doc_of("a b c d", []), doc_of("ab cd", []))
    assert aligned(example, [(0, 1, "A"), (1, 3, "B"), (2, 4, "C")]) == [
        (0, 1, "A"),
        (0, 2, "B"),
        (1, 2, "C"),
    ]


def test_what_touches_missing_annotation_can_not_be_judged() -> None:
    example = Example(doc_of("a b c", []), doc_of("a b c", [(0, 1, "A")], missing=(2,)))
    spans = [(0, 1, "A"), (1, 2, "A"), (1, 3, "A")]
    assert in_reference(example, spans) == [(0, 1, "A"), (1, 2, "A"), None]
    assert verdicts(example, spans) == [True, False, None]


def test_types_that_are_not_annotated_can_not_be_judged() -> None:
    register_annotated_labels()
    reference = doc_of("a b", [(0, 1, "A")])
    reference._.annotated_labels = ["A"]
    example = Example(doc_of("a b", []), reference)
    assert verdicts(example, [(0, 1, "B"), (1, 2, "A"), (0, 1, "A")]) == [None, False, True]


def test_of_spans_that_fall_together_as_many_are_right_as_there_are_in_gold() -> None:
    example = Example(doc_of("a b", []), doc_of("ab", [(0, 1, "A")]))
    assert verdicts(example, [(0, 1, "A"), (1, 2, "A"), (0, 2, "B")]) == [True, False, False]


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=3), st.lists(st.integers(0, 3), max_size=6))
def test_verdicts_agree_with_the_counts(gold: list[int], predicted: list[int]) -> None:
    reference = doc_of("a b c d", [(i, i + 1, "A") for i in sorted(set(gold))])
    found = [(i, i + 1, "A") for i in predicted]
    judged = verdicts(Example(doc_of("a b c d", []), reference), found)
    _, counts = count_spans([entity_spans(reference)], [found], labels=["A"])
    assert [judged.count(True), judged.count(False)] == counts[0, 0, :2].tolist()
