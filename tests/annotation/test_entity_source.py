"""Entities in doc.ents and in groups of doc.spans, read in one way."""

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.entity_source import DOC_ENTS, ENTS, EntitySource
from spacy_ner_plus.annotation.gold import register_annotated_labels
from spacy_ner_plus.annotation.judging import in_reference, judged_gold, verdicts
from spacy_ner_plus.annotation.probabilities import PROBABILITY, register_probability
from spacy_ner_plus.annotation.unknown_group import set_unknown
from spacy_ner_plus.tags import Span as EntitySpan

NLP = spacy.blank("en")
NESTED = EntitySource("nested")
OUTER, INNER = (0, 4, "ORG"), (1, 2, "LOC")


def make_doc(ents: list[EntitySpan] | None, spans: list[EntitySpan] | None = None) -> Doc:
    doc = Doc(NLP.vocab, words=["t"] * 6)
    if ents is not None:
        doc.set_ents([Span(doc, *ent) for ent in ents], default="outside")
    if spans is not None:
        doc.spans["nested"] = [Span(doc, *span) for span in spans]
    return doc


def test_a_source_is_named_by_its_key_or_as_doc_ents() -> None:
    assert EntitySource.named("nested") == NESTED
    assert EntitySource.named(ENTS) == EntitySource() == DOC_ENTS
    assert (NESTED.where, DOC_ENTS.where) == ("doc.spans['nested']", "doc.ents")
    assert NESTED.may_nest and not DOC_ENTS.may_nest


def test_each_place_says_itself_whether_it_is_annotated() -> None:
    bare, flat, empty = make_doc(None), make_doc([]), make_doc(None, [])
    assert [DOC_ENTS.is_set(doc) for doc in (bare, flat, empty)] == [False, True, False]
    assert [NESTED.is_set(doc) for doc in (bare, flat, empty)] == [False, False, True]
    assert list(NESTED.scored(bare)) == NESTED.spans(bare) == []


def test_entities_of_both_places_from_left_to_right() -> None:
    doc = make_doc([(4, 5, "A"), (0, 1, "A")], [INNER, (4, 6, "LOC"), OUTER])
    assert DOC_ENTS.spans(doc) == [(0, 1, "A"), (4, 5, "A")]
    assert NESTED.spans(doc) == [OUTER, INNER, (4, 6, "LOC")]
    found = [(span.start, span.end, span.label_) for span, _ in NESTED.scored(doc)]
    assert found == NESTED.spans(doc)


def test_a_group_is_a_set_of_spans_but_all_are_read_with_their_scores() -> None:
    doc = make_doc(None, [OUTER, OUTER, INNER])
    doc.spans["nested"].attrs["scores"] = np.array([0.5, 0.75, 1.0])
    assert NESTED.spans(doc) == [OUTER, INNER]
    assert [score for _, score in NESTED.scored(doc)] == [0.5, 0.75, 1.0]


def test_probabilities_of_both_places_are_their_own() -> None:
    register_probability()
    doc = make_doc([(0, 1, "A")], [(0, 1, "A"), INNER])
    doc.ents[0]._.set(PROBABILITY, 0.25)
    assert [score for _, score in DOC_ENTS.scored(doc)] == [0.25]
    assert [score for _, score in NESTED.scored(doc)] == [None, None]


@pytest.mark.parametrize("source", [DOC_ENTS, NESTED])
def test_missing_tokens_of_both_places_are_their_own(source: EntitySource) -> None:
    """Those of a group are in another one beside it."""
    reference = make_doc(None, [OUTER, INNER])
    reference.set_ents([Span(reference, *OUTER)], missing=[reference[4:6]], default="outside")
    example = Example(make_doc(None), reference)
    found = [OUTER, INNER, (4, 5, "LOC")]
    judged = verdicts(example, found, source)
    assert judged == ([True, False, None] if source == DOC_ENTS else [True, True, False])
    n_judged = sum(span is not None for span in in_reference(example, found, source))
    assert n_judged == sum(verdict is not None for verdict in judged)
    set_unknown(reference, "nested", np.array([0, 1, 0, 0, 0, 1], dtype=bool))
    found = [*found, (5, 6, "LOC")]
    assert verdicts(example, found, NESTED) == [None, None, False, None]
    assert judged_gold(reference, NESTED) == []
    assert judged_gold(reference, DOC_ENTS) == [OUTER]
    assert NESTED.missing(reference).tolist() == [False, True, False, False, False, True]
    assert DOC_ENTS.missing(reference).tolist() == [False] * 4 + [True] * 2


def test_types_that_a_document_is_not_annotated_for_are_not_judged_in_a_group() -> None:
    register_annotated_labels()
    reference = make_doc(None, [OUTER])
    reference._.annotated_labels = ["ORG"]
    example = Example(make_doc(None), reference)
    assert verdicts(example, [OUTER, INNER], NESTED) == [True, None]


def test_what_touches_a_token_that_nobody_has_annotated_is_not_judged_on_either_side() -> None:
    doc = make_doc([], [OUTER, INNER])
    set_unknown(doc, "nested", np.array([True, False, False, False, False, False]))
    assert NESTED.missing(doc).tolist() == [True, False, False, False, False, False]
    assert not DOC_ENTS.missing(doc).any()
    example = Example(Doc(NLP.vocab, words=["t"] * 6), doc)
    predicted = [OUTER, INNER, (0, 1, "LOC"), (0, 3, "ORG"), (2, 3, "LOC")]
    assert verdicts(example, predicted, NESTED) == [None, True, None, None, False]
    assert judged_gold(doc, NESTED) == [INNER]


def test_doc_ents_may_count_as_well_as_a_group() -> None:
    """What is in both counts once; a Doc without the group is annotated as its doc.ents says."""
    both = EntitySource("nested", with_ents=True)
    assert both.where == "doc.spans['nested'] or doc.ents" and both.may_nest
    doc = make_doc([OUTER, (4, 5, "LOC")], [OUTER, INNER])
    assert both.spans(doc) == [OUTER, INNER, (4, 5, "LOC")]
    found = [(span.start, span.end, span.label_) for span, _ in both.scored(doc)]
    assert found == both.spans(doc)
    assert not both.missing(doc).any()
    flat, empty, bare = make_doc([OUTER]), make_doc(None, []), make_doc(None)
    assert [both.is_set(one) for one in (flat, empty, bare)] == [True, True, False]
    assert both.spans(flat) == [OUTER] and both.spans(empty) == both.spans(bare) == []
    flat.set_ents([Span(flat, *OUTER)], missing=[flat[4:6]], default="outside")
    assert both.missing(flat).tolist() == [False] * 4 + [True] * 2
    assert verdicts(Example(make_doc(None), flat), [OUTER, INNER], both) == [True, False]
