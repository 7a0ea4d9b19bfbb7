"""Exact scores, against seqeval and spaCy."""

from dataclasses import replace
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.training import Example

from spacy_ner_plus.evaluation.documents import Document, Entity, from_example
from spacy_ner_plus.evaluation.exact import document_counts, exact_scores, scores_on_tokens
from spacy_ner_plus.support.typed_json import to_json
from spacy_ner_plus.tags import Span, TagScheme
from tests.evaluation.corpora import corpus
from tests.evaluation.docs import LABELS, N_TOKENS, flat_spans, make_document

NLP = spacy.blank("en")
SEQEVAL = {"precision": "precision", "recall": "recall", "f1": "f1-score", "support": "support"}


def scores_of(documents: list[Document]) -> dict[str, Any]:
    scores: dict[str, Any] = to_json(exact_scores(*document_counts(documents)))
    return scores


def bio(entities: tuple[Entity, ...], n_tokens: int) -> list[str]:
    scheme = TagScheme("BIO", sorted({entity.label for entity in entities}))
    tags = scheme.encode([entity.span for entity in entities], n_tokens)
    return [scheme.tags[tag] for tag in tags]


def by_seqeval(documents: list[Document]) -> dict[str, Any]:
    gold = [bio(document.gold, len(document.token_starts)) for document in documents]
    found = [bio(document.predicted, len(document.token_starts)) for document in documents]
    report = classification_report(
        gold, found, output_dict=True, mode="strict", scheme=IOB2, zero_division=0
    )
    return {
        name.removesuffix(" avg"): {ours: its[theirs] for ours, theirs in SEQEVAL.items()}
        for name, its in report.items()
    }


def assert_equal_to_seqeval(documents: list[Document]) -> None:
    expected, ours = by_seqeval(documents), scores_of(documents)
    averages = {name: expected.pop(name) for name in ("micro", "macro", "weighted")}
    assert list(ours["types"]) == list(expected)
    for mine, theirs in [
        *((ours["types"][label], expected[label]) for label in expected),
        *((ours[name], averages[name]) for name in averages),
    ]:
        assert {key: mine[key] for key in theirs if key in mine} == pytest.approx(
            {key: theirs[key] for key in theirs if key in mine}, rel=0, abs=1e-12
        )


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(flat_spans, flat_spans), min_size=1, max_size=4))
def test_scores_are_those_of_seqeval(pairs: list[tuple[list[Span], list[Span]]]) -> None:
    documents = [make_document(*pair) for pair in pairs]
    if any(document.gold or document.predicted for document in documents):
        assert_equal_to_seqeval(documents)


@pytest.mark.parametrize("name", ["bc5cdr", "wnut17", "crossner"])
def test_scores_are_those_of_seqeval_on_a_corpus(name: str) -> None:
    documents = corpus(name)
    assert_equal_to_seqeval(documents)
    assert 0.3 < scores_of(documents)["micro"]["f1"] < 0.9


def example_of(
    gold: list[Span], predicted: list[Span], missing: set[int], splits: set[int]
) -> Example:
    """Reference tokens "ab"; some of them are two tokens of the pipeline."""
    reference = Doc(NLP.vocab, words=["ab"] * N_TOKENS)
    unknown = [DocSpan(reference, i, i + 1) for i in sorted(missing)]
    unknown = [u for u in unknown if not any(start <= u.start < end for start, end, _ in gold)]
    reference.set_ents(
        [DocSpan(reference, *span) for span in gold], missing=unknown, default="outside"
    )
    words, spaces, first = [], [], []
    for i in range(N_TOKENS):
        first.append(len(words))
        words += ["a", "b"] if i in splits else ["ab"]
        spaces += [False, True] if i in splits else [True]
    first.append(len(words))
    doc = Doc(NLP.vocab, words=words, spaces=spaces)
    # starting behind the first half of a token that is split
    doc.ents = [
        DocSpan(doc, first[start] + (start in splits), first[end], label)
        for start, end, label in predicted
    ]
    return Example(doc, reference)


@settings(max_examples=100, deadline=None)
@given(
    flat_spans,
    flat_spans,
    st.sets(st.integers(0, N_TOKENS - 1)),
    st.sets(st.integers(0, N_TOKENS - 1)),
)
def test_scores_are_those_of_spacy_also_where_annotation_lacks_and_tokens_differ(
    gold: list[Span], predicted: list[Span], missing: set[int], splits: set[int]
) -> None:
    examples = [
        example_of(gold, predicted, missing, splits),
        example_of(predicted, gold, set(), missing),
    ]
    expected = get_ner_prf(examples)
    scores = scores_of([from_example(i, example) for i, example in enumerate(examples)])
    for label in LABELS:
        if label not in scores["types"]:
            assert sum((expected["ents_per_type"] or {}).get(label, {"f": 0}).values()) == 0
            continue
        theirs = expected["ents_per_type"][label]
        mine = {key[0]: scores["types"][label][key] for key in ("precision", "recall", "f1")}
        assert mine == pytest.approx(theirs, rel=0, abs=1e-12)
    if scores["types"]:
        theirs = {key: expected[f"ents_{key}"] for key in "prf"}
        mine = {key[0]: scores["micro"][key] for key in ("precision", "recall", "f1")}
        assert mine == pytest.approx(theirs, rel=0, abs=1e-12)


def test_scores_without_any_entity_are_zero() -> None:
    scores = scores_of([make_document([], []), make_document([], [])])
    assert scores["types"] == {}
    assert scores["micro"] == dict.fromkeys(
        ("precision", "recall", "f1", "tp", "fp", "fn", "support"), 0
    )
    assert scores["macro"] == scores["weighted"] == {"precision": 0, "recall": 0, "f1": 0}


def test_without_gold_that_is_not_on_tokens_what_is_around_it_still_counts() -> None:
    """Where entities nest: of flat ones none is around another."""
    document = make_document(
        [(0, 4, "A"), (1, 2, "B")], [(0, 4, "A"), (1, 2, "B"), (1, 3, "B"), (6, 7, "A")]
    )
    assert scores_on_tokens([document]) is None
    outer, inner = document.gold
    off = replace(document, gold=(outer, replace(inner, is_off_tokens=True)))
    found = scores_on_tokens([off])
    assert found is not None
    assert (found.tp, found.fp, found.fn) == (1, 1, 0)
