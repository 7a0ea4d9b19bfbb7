"""What the component of spans finds, and what it writes to Docs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import registry

from spacy_ner_plus.annotation.unknown_group import set_unknown, unknown_tokens
from spacy_ner_plus.models.decoding.entities import NO_ENTITIES, Entities
from spacy_ner_plus.pipeline.capabilities import (
    HasCalibration,
    HasTaggerShim,
    HasThresholds,
    WritesNestedEntities,
)
from tests.pipeline.spans.nested_samples import (
    HEADS,
    KEY,
    LABELS,
    SENTENCES,
    assert_same_spans,
    docs_of,
    found,
    initialized,
    make_doc,
    nested_examples,
    scored,
    spans_nlp,
    spans_pipe,
    transformer_nlp,
)

# One within another, one that crosses it, one apart, one below all thresholds.
SCORED = [
    (0, 4, "ORG", 0.95),
    (1, 2, "LOC", 0.8),
    (3, 6, "PER", 0.7),
    (6, 7, "LOC", 0.6),
    (2, 3, "LOC", 0.2),
]


def write(nlp: Language, rows: list[Any], doc: Doc | None = None) -> Doc:
    pipe = spans_pipe(nlp)
    doc = make_doc(nlp, "a b c d e f g") if doc is None else doc
    pipe.set_annotations([doc], [scored(rows, pipe.labels) if rows else NO_ENTITIES])
    return doc


@pytest.mark.parametrize(
    ("allow", "expected"),
    [
        ("all", SCORED[:4]),
        ("nested", [SCORED[0], SCORED[1], SCORED[3]]),
        ("flat", [SCORED[0], SCORED[3]]),
    ],
)
def test_rules_for_what_may_be_there_together(
    known: Language, allow: str, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans_pipe(known), "allow", allow)
    doc = write(known, SCORED)
    assert found(doc) == sorted(row[:3] for row in expected)
    scores = doc.spans[KEY].attrs["scores"]
    if allow == "flat":  # given that none overlap: less than each by itself
        assert (scores < [row[3] for row in expected]).any()
    else:
        assert scores.tolist() == [row[3] for row in expected]
    assert not doc.ents and not doc.has_annotation("ENT_IOB")


def test_groups_of_crossing_spans_are_counted(own_known: Language) -> None:
    pipe = spans_pipe(own_known)
    pipe.allow = "nested"
    write(own_known, SCORED)
    assert pipe.crossings["exact"] == 1 and not pipe.crossings["greedy"]


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (None, 4),
        (0.75, 2),
        ({"LOC": 0.9}, 2),
        ({"LOC": 0.1}, 5),
    ],
)
def test_thresholds(known: Language, threshold: Any, expected: int) -> None:
    pipe = spans_pipe(known)
    before, pipe.threshold = pipe.threshold, threshold
    try:
        doc = write(known, SCORED)
        assert len(doc.spans[KEY]) == expected
        assert set(pipe.least_probabilities()) == set(LABELS)
    finally:
        pipe.threshold = before


@pytest.mark.parametrize("head", HEADS)
def test_threshold_below_the_floor_is_heeded(head: str) -> None:
    nlp = initialized(spans_nlp(model_head=head))
    pipe = spans_pipe(nlp)
    n = sum(len(spans) for spans in pipe.predict(docs_of(nlp)))
    pipe.threshold = 0.001
    assert sum(len(spans) for spans in pipe.predict(docs_of(nlp))) > n


def test_best_flat_spans_become_entities(own_known: Language) -> None:
    spans_pipe(own_known).set_ents = True
    doc = write(own_known, SCORED)
    assert [(e.start, e.end, e.label_) for e in doc.ents] == [(0, 4, "ORG"), (6, 7, "LOC")]
    assert 0.0 < doc.ents[0]._.probability < 0.95
    assert found(doc) == sorted(row[:3] for row in SCORED[:4])
    write(own_known, SCORED[1:2], doc)  # read again: what it wrote before goes
    assert [(e.start, e.end, e.label_) for e in doc.ents] == [(1, 2, "LOC")]
    assert found(doc) == [(1, 2, "LOC")]


@pytest.mark.parametrize("existing_ents", ["keep", "overwrite"])
def test_entities_of_others(own_known: Language, existing_ents: str) -> None:
    pipe = spans_pipe(own_known)
    pipe.set_ents, pipe.existing_ents = True, existing_ents
    doc = make_doc(own_known, "a b c d e f g")
    doc.set_ents([Span(doc, 2, 3, "X")])
    write(own_known, SCORED, doc)
    kept = [(1, 2, "LOC"), (2, 3, "X"), (3, 6, "PER"), (6, 7, "LOC")]
    best = [(0, 4, "ORG"), (6, 7, "LOC")]
    assert [(e.start, e.end, e.label_) for e in doc.ents] == (
        kept if existing_ents == "keep" else best
    )


def test_entities_of_others_stay_without_set_ents(known: Language) -> None:
    doc = make_doc(known, "a b c d e f g")
    doc.set_ents([Span(doc, 2, 3, "X")])
    assert [ent.label_ for ent in write(known, SCORED, doc).ents] == ["X"]


def test_span_that_a_validator_refuses_is_in_nobodys_way() -> None:
    nlp = initialized(spans_nlp(allow="flat", validators={"ORG": {"regex": "[xyz]"}}))
    doc = write(nlp, SCORED)
    assert found(doc) == [(1, 2, "LOC"), (3, 6, "PER"), (6, 7, "LOC")]
    assert spans_pipe(nlp).refused == {"ORG": 1}


def test_what_was_not_annotated_before_is_known_now(known: Language) -> None:
    doc = make_doc(known, SENTENCES[0][0])
    doc.spans[KEY] = []
    set_unknown(doc, KEY, np.ones(len(doc), dtype=bool))
    assert not unknown_tokens(known(doc), KEY).any()
    doc.spans[f"{KEY}_unknown"] = [Span(doc, 0, 1, "MINE")]  # somebody's own group
    assert len(known(doc).spans[f"{KEY}_unknown"]) == 1


def test_nothing_found_is_an_empty_group(known: Language) -> None:
    doc = write(known, [])
    assert len(doc.spans[KEY]) == 0 and doc.spans[KEY].attrs["scores"].shape == (0,)


@pytest.mark.parametrize("text", ["", " ", "\n \t"])
def test_documents_without_words(known: Language, text: str) -> None:
    doc = known(known.make_doc(text))
    assert len(doc.spans[KEY]) == 0


def test_spans_run_over_white_space_and_do_not_end_on_it(known: Language) -> None:
    doc = known(make_doc(known, SENTENCES[4][0]))
    assert found(doc) == [(0, 4, "ORG"), (3, 4, "LOC")]
    every = spans_pipe(known).predict([make_doc(known, SENTENCES[4][0])])[0]
    assert not np.isin(every.starts, [2]).any() and not np.isin(every.ends, [3]).any()


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("cnn", "biaffine"),
        ("transformer", "biaffine"),
        ("transformer", "crf_per_label"),
        ("cnn", "both"),
    ],
)
def test_batch_changes_nothing(kind: str, head: str, encoder_dir: Path) -> None:
    """Not even with convolutions, and with spans of all probabilities."""
    settings: dict[str, Any] = {"model_convolutions": 2, "model_channels": 8, "threshold": 0.001}
    settings["model_head"] = head
    nlp = spans_nlp(**settings) if kind == "cnn" else transformer_nlp(encoder_dir, **settings)
    initialized(nlp)
    long = " ".join([text for text, _ in SENTENCES] * 4)
    docs = [*docs_of(nlp), make_doc(nlp, long), nlp.make_doc("")]
    pipe = spans_pipe(nlp)
    together = pipe.predict(docs)
    alone = [pipe.predict([doc])[0] for doc in docs]
    backwards = pipe.predict(docs[::-1])[::-1]
    assert sum(map(len, together)) > 50
    for one, *others in zip(together, alone, backwards, strict=True):
        assert_close(one, others)


def assert_close(one: Entities, others: list[Entities]) -> None:
    """The same spans, but for some at the floor."""
    for other in others:
        of_one, of_other = by_place(one), by_place(other)
        for place in of_one.keys() | of_other.keys():
            assert of_one.get(place, 0.001) == pytest.approx(of_other.get(place, 0.001), abs=1e-4)


def by_place(spans: Entities) -> dict[tuple[int, int, int], float]:
    columns = (spans.starts, spans.ends, spans.labels, spans.probabilities)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {(start, end, label): p for start, end, label, p in rows}


@pytest.mark.slow
def test_two_processes(known: Language) -> None:
    texts = [text for text, _ in SENTENCES] * 2
    expected = list(known.pipe(texts))
    assert any(found(doc) for doc in expected)
    assert_same_spans(list(known.pipe(texts, n_process=2, batch_size=3)), expected, within=1e-6)


def test_document_that_fails_reaches_the_error_handler(
    own_known: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, failed = spans_pipe(own_known), []
    predict = type(pipe).predict

    def fail(self: Any, docs: list[Doc]) -> list[Entities]:
        if any(doc.text.startswith("Monza") for doc in docs):
            raise RuntimeError("bad")
        return predict(self, docs)

    monkeypatch.setattr(type(pipe), "predict", fail)
    pipe.set_error_handler(lambda name, proc, docs, error: failed.append(docs[0].text[:5]))
    assert len(list(pipe.pipe(docs_of(own_known)))) == len(SENTENCES) - 1
    assert failed == ["Monza"]


# Settings


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("allow", "some", r"allow = 'some' is unknown"),
        ("spans_key", None, r"spans_key = None must be a name"),
        ("spans_key", "", r"spans_key = '' must be a name for doc.spans: that is"),
        ("set_ents", "yes", r"set_ents = 'yes' must be true or false"),
        ("learn_ents", 1, r"learn_ents = 1 must be true or false"),
        ("existing_ents", "constrain", r"existing_ents = 'constrain' is unknown"),
        ("threshold", 1.5, r"threshold = 1.5 must be a probability"),
        ("negative_weight", 0.0, r"negative_weight = 0.0 must be a finite number over 0"),
        ("boundary_smoothing", 1.0, r"boundary_smoothing = 1.0 must be at least 0"),
        ("label_weights", {"LOC": 0.0}, r"label_weights: the weight 0.0"),
    ],
)
def test_wrong_setting_is_refused(setting: str, value: Any, message: str) -> None:
    from spacy_ner_plus.pipeline.spans import NerPlusSpans

    nlp = spans_nlp()
    with pytest.raises(ValueError, match=message):
        NerPlusSpans(nlp.vocab, spans_pipe(nlp).model, **{setting: value})


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"label_weights": {"X": 2.0}}, r"label_weights names the types \['X'\]"),
        ({"threshold": {"X": 0.5}}, r"threshold names the types \['X'\]"),
        ({"validators": {"X": "iban"}}, r"validators names the types \['X'\]"),
    ],
)
def test_setting_of_an_unknown_type_is_refused_before_learning(
    setting: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        initialized(spans_nlp(**setting))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"head": "other"}, "head = 'other' is unknown"),
        ({"max_width": 0}, "max_width = 0 must be at least 1"),
        ({"max_levels": 0}, "max_levels = 0 must be at least 1"),
        ({"chains": "rows"}, "chains = 'rows' is unknown: use one of"),
        ({"tag_scheme": "IO"}, "tag_scheme = 'IO' is unknown: use one of"),
        ({"convolutions": -1}, "convolutions = -1 must be at least 0"),
        ({"hidden_width": 1.5}, "hidden_width = 1.5 must be a whole number"),
        ({"dropout": 1.0}, "dropout = 1.0 must be at least 0 and less than 1"),
    ],
)
@pytest.mark.parametrize("name", ["TransformerSpans", "TokenSpans"])
def test_wrong_setting_of_a_model_is_refused(
    name: str, setting: dict[str, Any], message: str
) -> None:
    build = registry.architectures.get(f"spacy_ner_plus.{name}.v1")
    encoder: Any = "nobody/nowhere" if name == "TransformerSpans" else spans_pipe(spans_nlp()).model
    with pytest.raises(ValueError, match=message):
        build(encoder, **setting)


def test_model_of_another_kind_is_refused() -> None:
    from spacy_ner_plus.pipeline.spans import NerPlusSpans

    nlp = spans_nlp()
    with pytest.raises(ValueError, match=r"has no head of spans: use spacy_ner_plus\.Trans"):
        NerPlusSpans(nlp.vocab, spans_pipe(nlp).model.layers[0])


def test_no_labels_at_all_is_an_error_that_says_where_was_looked() -> None:
    nlp = spans_nlp(spans_key="other")
    with pytest.raises(ValueError, match=r"no spans in doc\.spans\['other'\] or doc\.ents of 6"):
        nlp.initialize(lambda: nested_examples(nlp))


def test_pipeline_without_weights_says_so() -> None:
    nlp = spans_nlp()
    with pytest.raises(ValueError, match="has no weights yet"):
        nlp(make_doc(nlp, "a b"))


def test_capabilities(known: Language) -> None:
    pipe = spans_pipe(known)
    for capability in (HasThresholds, HasCalibration, WritesNestedEntities):
        assert isinstance(pipe, capability)
    assert not isinstance(pipe, HasTaggerShim)
    assert known.analyze_pipes()["summary"][pipe.name]["assigns"] == ["doc.spans"]
