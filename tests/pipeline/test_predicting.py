"""Predicting: what ends up on a Doc, in which order and batch, and what happens to a bad one."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.pipeline.annotating import Annotator
from spacy_ner_plus.text.wordpieces import Pieces, WordpieceTokenizer
from tests.pipeline.samples import (
    TEXTS,
    assert_same_predictions,
    found_in,
    make_nlp,
    overfit,
    probabilities,
)

BAD = "this text makes the tokenizer fail"


# The TrainablePipe contract


def test_predict_does_not_change_docs(trained: Language) -> None:
    docs = [trained.make_doc(text) for text in TEXTS]
    before = [doc.to_bytes() for doc in docs]
    found = trained.get_pipe("ner_plus").predict(docs)
    assert [doc.to_bytes() for doc in docs] == before
    assert sum(len(entities) for entities in found) > 0


def test_predict_takes_an_iterator_and_no_docs(trained: Language) -> None:
    ner = trained.get_pipe("ner_plus")
    assert ner.predict([]) == []
    assert len(ner.predict(trained.make_doc(text) for text in TEXTS)) == len(TEXTS)


def test_set_annotations_writes_what_it_is_given(trained: Language) -> None:
    doc, empty = trained.make_doc("one two three four"), trained.make_doc("")
    found = Entities(*map(np.array, ([0, 2], [2, 3], [1, 0], [0.25, 0.75])))
    nothing = Entities(*[np.zeros(0, dtype=np.int64)] * 3, np.zeros(0))
    trained.get_pipe("ner_plus").set_annotations([doc, empty], [found, nothing])
    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("one two", "Disease"),
        ("three", "Chemical"),
    ]
    assert probabilities(doc) == [0.25, 0.75]
    assert [token.ent_iob_ for token in doc] == ["B", "I", "B", "O"]
    group = doc.spans["ner_plus"]
    assert list(group) == list(doc.ents)
    assert group.name == "ner_plus" and group.attrs["scores"].tolist() == [0.25, 0.75]
    assert not len(empty.ents) and not len(empty.spans["ner_plus"])


def test_prediction_marks_every_other_token_as_outside(trained: Language) -> None:
    doc = trained(TEXTS[5])
    assert doc.has_annotation("ENT_IOB", require_complete=True)
    assert [token.ent_iob_ for token in doc] == ["O"] * len(doc)


def test_component_called_on_a_doc_equals_the_pipeline(trained: Language) -> None:
    doc = trained.make_doc(TEXTS[0])
    assert trained.get_pipe("ner_plus")(doc) is doc
    assert_same_predictions([doc], [trained(TEXTS[0])])
    assert len(doc.ents)


def test_pipe_keeps_order_and_context(trained: Language, trained_docs: list[Doc]) -> None:
    stream = ((text, i) for i, text in enumerate(TEXTS))
    results = list(trained.pipe(stream, as_tuples=True, batch_size=2))
    assert [context for _, context in results] == list(range(len(TEXTS)))
    assert [doc.text for doc, _ in results] == TEXTS
    assert_same_predictions([doc for doc, _ in results], trained_docs, within=1e-4)


@settings(
    deadline=None,
    max_examples=12,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(range(len(TEXTS))), batch_size=st.sampled_from([1, 2, 7, 64]))
def test_predictions_do_not_depend_on_the_batch(
    trained: Language, trained_docs: list[Doc], order: list[int], batch_size: int
) -> None:
    docs = list(trained.pipe([TEXTS[i] for i in order], batch_size=batch_size))
    assert_same_predictions(docs, [trained_docs[i] for i in order], within=1e-4)


def test_predictions_do_not_depend_on_the_budget_of_pieces(
    own_trained: Language, trained_docs: list[Doc]
) -> None:
    own_trained.get_pipe("ner_plus").shim.budget.pieces = 1
    assert_same_predictions(list(own_trained.pipe(TEXTS)), trained_docs, within=1e-4)


@pytest.mark.slow
def test_pipe_with_spawned_processes_gives_the_same(
    trained: Language, trained_docs: list[Doc], monkeypatch: pytest.MonkeyPatch
) -> None:
    method = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    try:
        docs = list(trained.pipe(TEXTS, n_process=2, batch_size=4))
    finally:
        multiprocessing.set_start_method(method, force=True)
    assert [doc.text for doc in docs] == TEXTS
    assert_same_predictions(docs, trained_docs, within=1e-4)


# Bad documents


@pytest.fixture
def failing_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenize = WordpieceTokenizer.__call__

    def fail_on_marker(self: WordpieceTokenizer, texts: list[str]) -> list[Pieces]:
        if BAD in texts:
            raise RuntimeError("the tokenizer failed")
        return tokenize(self, texts)

    monkeypatch.setattr(WordpieceTokenizer, "__call__", fail_on_marker)


@pytest.mark.usefixtures("failing_tokenizer")
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_pipe_loses_only_the_bad_doc(
    own_trained: Language, trained_docs: list[Doc], batch_size: int
) -> None:
    failed: list[tuple[str, list[str], str]] = []

    def note(name: str, pipe: Any, docs: list[Doc], error: Exception) -> None:
        failed.append((name, [doc.text for doc in docs], str(error)))

    own_trained.set_error_handler(note)
    texts = [*TEXTS[:3], BAD, *TEXTS[3:]]
    docs = list(own_trained.pipe(texts, batch_size=batch_size))
    assert failed == [("ner_plus", [BAD], "the tokenizer failed")]
    assert_same_predictions(docs, trained_docs, within=1e-4)
    scores = [doc.spans["ner_plus"].attrs["scores"].tolist() for doc in docs]
    assert scores == [probabilities(doc) for doc in docs]


@pytest.mark.usefixtures("failing_tokenizer")
def test_pipe_raises_on_a_bad_doc_by_default(own_trained: Language) -> None:
    with pytest.raises(RuntimeError, match="the tokenizer failed"):
        list(own_trained.pipe([TEXTS[0], BAD]))


def test_pipe_predicts_a_doc_once_when_another_cannot_be_annotated(
    own_trained: Language, trained_docs: list[Doc], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docs before the bad one have their entities already: they must not be done again."""
    failed: list[str] = []
    own_trained.set_error_handler(lambda name, pipe, docs, error: failed.extend(map(str, docs)))
    write = Annotator.write

    def fail_on_marker(self: Annotator, doc: Doc, entities: Entities) -> None:
        if doc.text == BAD:
            raise RuntimeError("no annotation")
        write(self, doc, entities)

    monkeypatch.setattr(Annotator, "write", fail_on_marker)
    docs = list(own_trained.pipe([*TEXTS, BAD]))
    assert failed == [BAD]
    assert_same_predictions(docs, trained_docs, within=1e-4)
    assert [len(doc.spans["ner_plus"]) for doc in docs] == [len(doc.ents) for doc in docs]


def test_error_in_a_consumer_of_the_stream_is_not_taken_for_one_of_the_component(
    own_trained: Language,
) -> None:
    ner = own_trained.get_pipe("ner_plus")
    handled: list[Exception] = []
    ner.set_error_handler(lambda name, pipe, docs, error: handled.append(error))
    stream: Iterator[Doc] = ner.pipe([own_trained.make_doc(text) for text in TEXTS])
    next(stream)
    with pytest.raises(KeyError):
        stream.throw(KeyError("from outside"))
    assert handled == []


# What is on the Doc already


def _with_ents(nlp: Language, text: str, ents: list[tuple[int, int, str]], **kwargs: Any) -> Doc:
    doc = nlp.make_doc(text)
    spans = [Span(doc, start, end, label, kb_id="Q1", span_id="id1") for start, end, label in ents]
    blocked = [doc[i : i + 1] for i in kwargs.get("blocked", ())]
    doc.set_ents(spans, blocked=blocked, default=kwargs.get("default", "missing"))
    return doc


def test_existing_entities_stay_with_their_ids_and_displace_predictions(trained: Language) -> None:
    text = TEXTS[7]
    free = trained(text)
    first, *others = free.ents
    doc = trained(_with_ents(trained, text, [(first.start, first.end, "Preset")]))
    preset, *rest = doc.ents
    assert (preset.label_, preset.kb_id_, preset.id_) == ("Preset", "Q1", "id1")
    assert (preset.start, preset.end) == (first.start, first.end)
    assert preset._.probability is None
    assert others and [(e.start, e.end, e.label_) for e in rest] == [
        (e.start, e.end, e.label_) for e in others
    ]
    assert [e._.probability for e in rest] == [e._.probability for e in others]
    assert list(doc.spans["ner_plus"]) == rest


def test_existing_entity_displaces_prediction_that_overlaps_it_in_part(trained: Language) -> None:
    text = TEXTS[7]
    long = max(trained(text).ents, key=len)
    assert len(long) > 1
    edge = (long.end - 1, long.end + 1, "Preset")
    doc = trained(_with_ents(trained, text, [edge]))
    overlapping = [ent for ent in doc.ents if ent.start < edge[1] and ent.end > edge[0]]
    assert [(ent.start, ent.end, ent.label_) for ent in overlapping] == [edge]


def test_blocked_tokens_stay_blocked(trained: Language) -> None:
    text = TEXTS[7]
    first, *others = trained(text).ents
    doc = trained(_with_ents(trained, text, [], blocked=[first.start]))
    token = doc[first.start]
    assert (token.ent_iob_, token.ent_type_) == ("B", "")  # spaCy's way to write "blocked"
    assert found_in(doc) == [(e.start_char, e.end_char, e.label_, e.text) for e in others]


@pytest.mark.parametrize("default", ["missing", "outside"])
def test_outside_and_missing_tokens_are_free_for_predictions(
    trained: Language, default: str
) -> None:
    doc = _with_ents(trained, TEXTS[7], [], default=default)
    assert_same_predictions([trained(doc)], [trained(TEXTS[7])])


def test_entity_ruler_before_the_component_wins(own_trained: Language) -> None:
    free = own_trained(TEXTS[0])
    assert "fangchinoline" in [ent.text for ent in free.ents]
    ruler = own_trained.add_pipe("entity_ruler", before="ner_plus")
    ruler.add_patterns([{"label": "DRUG", "pattern": "fangchinoline", "id": "drug"}])
    doc = own_trained(TEXTS[0])
    by_text = {ent.text: ent for ent in doc.ents}
    assert by_text["fangchinoline"].label_ == "DRUG" and by_text["fangchinoline"].ent_id_ == "drug"
    assert by_text.keys() == {ent.text for ent in free.ents}
    assert [ent._.probability is None for ent in doc.ents] == [
        ent.text == "fangchinoline" for ent in doc.ents
    ]


def test_two_components_share_a_doc(own_trained: Language, encoder_dir: Path) -> None:
    before = own_trained(TEXTS[0])
    fix_random_seed(1)
    other = make_nlp(encoder_dir, spans_key="others", tag_scheme="BILOU")
    other.vocab.strings.add("Verb")
    reference = other.make_doc(TEXTS[0])
    reference.set_ents([Span(reference, 0, 1, "Verb"), Span(reference, 4, 5, "Verb")])
    examples = [Example(other.make_doc(TEXTS[0]), reference)]
    other.initialize(lambda: examples)
    assert overfit(other, examples) == 1.0
    own_trained.add_pipe("ner_plus", name="verbs", source=other)
    doc = own_trained(TEXTS[0])
    assert own_trained.get_pipe("verbs").labels == ("Verb",)
    assert {ent.text for ent in doc.ents} == {"Effects"} | {ent.text for ent in before.ents}
    assert "fangchinoline" in {ent.text for ent in doc.ents}  # found by both: the first keeps it
    assert [ent.label_ for ent in doc.spans["others"]] == ["Verb"]
    assert [ent.text for ent in doc.spans["ner_plus"]] == [ent.text for ent in before.ents]
    assert None not in probabilities(doc)


# What stays on a Doc


def test_docs_hold_only_plain_values(trained_docs: list[Doc]) -> None:
    for doc in trained_docs:
        assert not doc.tensor.size
        held = [doc.user_data, *(group.attrs for group in doc.spans.values())]
        for value in _leaves(held):
            plain = isinstance(value, str | int | float | bool | None)
            small_array = isinstance(value, np.ndarray) and value.size <= len(doc)
            assert plain or small_array, type(value)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _leaves(key)
            yield from _leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    else:
        yield value


def test_memory_zones_give_the_same_and_leave_no_strings(
    own_trained: Language, trained_docs: list[Doc]
) -> None:
    expected = [(found_in(doc), probabilities(doc)) for doc in trained_docs]
    n_strings = len(own_trained.vocab.strings)
    for i in range(3):
        with own_trained.memory_zone():
            docs = list(own_trained.pipe([*TEXTS, f"neverseenbefore{i} naloxone"]))
            found = [(found_in(doc), probabilities(doc)) for doc in docs[:-1]]
            assert [ents for ents, _ in found] == [ents for ents, _ in expected]
            for (_, ours), (_, theirs) in zip(found, expected, strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-4)
            del docs
    assert "neverseenbefore0" not in own_trained.vocab.strings
    assert len(own_trained.vocab.strings) - n_strings < 5
    assert own_trained.get_pipe("ner_plus").labels[0] in own_trained.vocab.strings
