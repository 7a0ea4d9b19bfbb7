"""Gold and predicted entities on the same tokens."""

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.entity_source import FLAT, EntitySource, EntitySources
from spacy_ner_plus.annotation.gold import ANNOTATED_LABELS, register_annotated_labels
from spacy_ner_plus.annotation.unknown_group import set_unknown
from spacy_ner_plus.evaluation.documents import (
    Document,
    Entity,
    entities_of,
    from_example,
    from_offsets,
)
from spacy_ner_plus.evaluation.entity_types import chosen
from spacy_ner_plus.evaluation.errors import find_errors
from spacy_ner_plus.evaluation.label_choice import LabelChoice
from spacy_ner_plus.tags import Span as Spanned
from tests.evaluation.docs import N_TOKENS, flat_spans

NLP = spacy.blank("en")
NESTED = EntitySources(EntitySource("sc"), EntitySource("sc"))


def make_doc(words: list[str], spans: list[Spanned], *, default: str = "outside") -> Doc:
    doc = Doc(NLP.vocab, words=words)
    doc.set_ents([Span(doc, *span) for span in spans], default=default)
    return doc


def make_example(gold: list[Spanned], predicted: list[Spanned]) -> Example:
    words = ["t"] * N_TOKENS
    return Example(make_doc(words, predicted), make_doc(words, gold))


def spans(entities: tuple[Entity, ...]) -> list[Spanned]:
    return [entity.span for entity in entities]


def counts(document: Document) -> tuple[int, int, int]:
    n_right = sum(finding.kind == "correct" for finding in find_errors(document))
    return n_right, len(document.predicted) - n_right, len(document.gold) - n_right


def test_entities_have_characters_and_order() -> None:
    example = make_example([(2, 4, "B"), (0, 1, "A")], [(0, 2, "A")])
    document = from_example(7, example)
    assert document.index == 7
    assert document.gold == (Entity(0, 1, "A", 0, 1), Entity(2, 4, "B", 4, 7))
    assert document.predicted == (Entity(0, 2, "A", 0, 3),)
    assert document.token_starts == tuple(range(0, 2 * N_TOKENS, 2))
    assert document.sentence_starts == ()
    assert document.not_judged == ()


def test_predictions_lie_on_all_reference_tokens_that_they_touch() -> None:
    reference = make_doc(["Anti-smoking", "laws"], [(0, 1, "X")])
    predicted = Doc(NLP.vocab, words=["Anti", "-", "smoking", "laws"], spaces=[0, 0, 1, 1])
    predicted.ents = [Span(predicted, 2, 3, "X")]
    document = from_example(0, Example(predicted, reference))
    assert document.predicted == (Entity(0, 1, "X", 5, 12),)


def test_predictions_on_missing_annotation_are_not_judged() -> None:
    reference = make_doc(["a", "b", "c"], [(0, 1, "X")], default="missing")
    predicted = make_doc(["a", "b", "c"], [(0, 1, "X"), (1, 2, "X")])
    document = from_example(0, Example(predicted, reference))
    assert spans(document.predicted) == [(0, 1, "X")]
    assert spans(document.not_judged) == [(1, 2, "X")]


def test_gold_of_a_group_on_missing_annotation_is_not_judged() -> None:
    """Else right predictions there would count, and wrong ones not."""
    reference, predicted = make_doc(["a", "b", "c"], []), make_doc(["a", "b", "c"], [])
    reference.spans["sc"] = [Span(reference, 0, 3, "X"), Span(reference, 2, 3, "X")]
    set_unknown(reference, "sc", np.array([True, False, False]))
    predicted.spans["sc"] = [
        Span(predicted, *place, "X") for place in ((0, 3), (0, 1), (2, 3), (1, 2))
    ]
    document = from_example(0, Example(predicted, reference), NESTED)
    assert spans(document.gold) == [(2, 3, "X")]
    assert spans(document.gold_not_judged) == [(0, 3, "X")]
    assert spans(document.predicted) == [(1, 2, "X"), (2, 3, "X")]
    assert spans(document.not_judged) == [(0, 1, "X"), (0, 3, "X")]
    assert document.n_repeated == 0
    [renamed] = chosen([document], LabelChoice(label_map={"X": "Y"}))
    assert spans(renamed.gold_not_judged) == [(0, 3, "Y")]


@pytest.mark.parametrize("sources", [FLAT, NESTED])
def test_predictions_of_types_that_were_not_annotated_are_not_judged(
    sources: EntitySources,
) -> None:
    register_annotated_labels()
    reference = make_doc(["a", "b"], [])
    reference.spans["sc"] = []
    reference._.set(ANNOTATED_LABELS, ["X"])
    predicted = make_doc(["a", "b"], [(0, 1, "X"), (1, 2, "Y")])
    predicted.spans["sc"] = list(predicted.ents)
    document = from_example(0, Example(predicted, reference), sources)
    assert spans(document.predicted) == [(0, 1, "X")]
    assert spans(document.not_judged) == [(1, 2, "Y")]


@settings(max_examples=100)
@given(flat_spans, flat_spans)
def test_counts_are_those_of_spacy(gold: list[Spanned], predicted: list[Spanned]) -> None:
    example = make_example(gold, predicted)
    scores = get_ner_prf([example])["ents_per_type"] or {}
    tp, fp, fn = counts(from_example(0, example))
    both = scores.keys()
    assert tp == sum(gold.count(span) for span in predicted)
    assert {label for *_, label in (*gold, *predicted)} == set(both)
    n = 2 * tp + fp + fn
    overall = get_ner_prf([example])["ents_f"]
    assert (overall or 0.0) == pytest.approx(2 * tp / n if n else 0.0)


@settings(max_examples=100)
@given(flat_spans, flat_spans)
def test_offsets_give_the_same_as_docs(gold: list[Spanned], predicted: list[Spanned]) -> None:
    example = make_example(gold, predicted)
    found = entities_of(example.predicted)
    assert from_offsets(3, example.reference, found) == from_example(3, example)


def test_offsets_within_tokens_are_widened() -> None:
    reference = make_doc(["Anti-smoking", "laws"], [])
    document = from_offsets(0, reference, [Entity(0, 0, "X", 5, 12)])
    assert document.predicted == (Entity(0, 1, "X", 5, 12),)


def test_groups_of_spans_may_nest_and_bring_scores() -> None:
    reference, predicted = make_doc(["a", "b", "c"], []), make_doc(["a", "b", "c"], [])
    reference.spans["sc"] = [Span(reference, 0, 3, "X"), Span(reference, 1, 2, "Y")]
    predicted.spans["sc"] = [Span(predicted, 0, 3, "X"), Span(predicted, 0, 2, "Y")]
    predicted.spans["sc"].attrs["scores"] = [0.75, 0.25]
    document = from_example(0, Example(predicted, reference), NESTED)
    assert spans(document.gold) == [(0, 3, "X"), (1, 2, "Y")]
    assert [(e.span, e.probability) for e in document.predicted] == [
        ((0, 2, "Y"), 0.25),
        ((0, 3, "X"), 0.75),
    ]


def test_what_is_there_twice_counts_once_with_the_higher_probability() -> None:
    reference, predicted = make_doc(["a", "b", "c"], []), make_doc(["a", "b", "c"], [])
    reference.spans["sc"] = [Span(reference, 0, 3, "X"), Span(reference, 0, 3, "X")]
    predicted.spans["sc"] = [Span(predicted, 0, 3, label) for label in "XYX"]
    predicted.spans["sc"].attrs["scores"] = [0.25, 0.5, 0.75]
    document = from_example(0, Example(predicted, reference), NESTED)
    assert spans(document.gold) == [(0, 3, "X")]
    assert [(e.span, e.probability) for e in document.predicted] == [
        ((0, 3, "X"), 0.75),
        ((0, 3, "Y"), 0.5),
    ]
    assert document.n_repeated == 2
    assert from_example(0, Example(predicted, reference)).n_repeated == 0


def test_gold_and_predicted_entities_may_be_at_different_places() -> None:
    reference, predicted = make_doc(["a", "b", "c"], []), make_doc(["a", "b", "c"], [(0, 3, "X")])
    reference.spans["sc"] = [Span(reference, 0, 3, "X"), Span(reference, 1, 2, "Y")]
    sources = EntitySources(gold=NESTED.gold)
    document = from_example(0, Example(predicted, reference), sources)
    assert counts(document) == (1, 0, 1)


def test_sentences_are_known_where_they_are_annotated() -> None:
    reference = Doc(NLP.vocab, words=["a", "b", "c"], sent_starts=[True, False, True])
    reference.ents = []
    document = from_offsets(0, reference, [])
    assert document.sentence_starts == (0, 2)
