"""Tokens that are likely in an entity: their probabilities against all readings, and their runs."""

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import Entities, Tagger, make_decoder
from spacy_ner_plus.pipeline.capabilities import KnowsTokenLabels
from spacy_ner_plus.pipeline.ner_plus.token_labels import label_probabilities
from spacy_ner_plus.pipeline.spans.span_token_labels import label_probabilities_of_spans
from spacy_ner_plus.redaction.likely import LabelledTokens, TokenReader, likely_stretches
from spacy_ner_plus.redaction.redacted_text import LIKELY, HiddenStretch
from spacy_ner_plus.redaction.redactor import Redactor
from spacy_ner_plus.redaction.substitutes import Masks
from spacy_ner_plus.tags import TagScheme
from tests.models.test_losses import path_score
from tests.oracles import valid_paths
from tests.pipeline import lookup_pipelines  # noqa: F401  # registers test_lookup
from tests.pipeline.samples import TEXTS, initialized_nlp


@pytest.mark.parametrize("use_crf", [True, False], ids=["crf", "softmax"])
@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_label_probabilities_are_those_of_all_readings(name: str, use_crf: bool) -> None:
    scheme = TagScheme(name, ["X", "Y"] if name == "BIO" else ["X"])
    generator = torch.Generator().manual_seed(0)
    decoder = make_decoder(scheme, use_crf=use_crf).double()
    for parameter in decoder.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    scores = torch.randn(7, scheme.n_tags, generator=generator, dtype=torch.float64)
    rows = [np.zeros(0, dtype=np.int64), np.arange(3), np.array([0, 2, 3, 4])]
    tagger = Tagger(decoder, scheme, Calibration())
    found = label_probabilities(tagger, Emissions(scores, rows), [1, 3, 5])
    assert [one.shape for one in found] == [(n, len(scheme.labels)) for n in (1, 3, 5)]
    assert not found[0].any() and not found[2][1].any()
    for its, own, tokens in zip(found[1:], scores.split([3, 4]), rows[1:], strict=True):
        paths = valid_paths(scheme, len(own))
        every = torch.stack([path_score(decoder, own, path) for path in paths]).detach()
        expected = np.zeros((len(own), len(scheme.labels)))
        for p, path in zip(every.softmax(0).tolist(), paths, strict=True):
            for start, end, label in zip(*scheme.decode(np.array(path)), strict=True):
                expected[start:end, label] += p
        np.testing.assert_allclose(its[tokens], expected, atol=1e-9)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4), st.integers(0, 1),
                          st.sampled_from([0.0, 0.05, 0.5, 0.9, 1.0])), max_size=6))  # fmt: skip
def test_label_probabilities_of_spans_are_those_of_independent_ones(spans) -> None:
    rows = [(start, min(start + n, 5), label, p) for start, n, label, p in spans]
    columns = [np.array(column) for column in zip(*rows, strict=True)] or [np.zeros(0)] * 4
    starts, ends, labels = (column.astype(np.int64) for column in columns[:3])
    found = label_probabilities_of_spans(Entities(starts, ends, labels, columns[3]), 5, 2)
    for token in range(5):
        for label in range(2):
            absent = 1.0
            for start, end, its, p in rows:
                absent *= 1 - p if its == label and start <= token < end else 1
            assert found[token, label] == pytest.approx(1 - absent, abs=1e-9)


def stretches(text: str, rows: list[list[float]], threshold: object, *entities: HiddenStretch):
    doc = spacy.blank("en")(text)
    redactor = Redactor(Masks(), threshold=threshold)  # type: ignore[arg-type]
    table = LabelledTokens(("PER", "LOC"), np.array(rows))
    found = likely_stretches(doc, [table], redactor, entities)
    return [(doc.text[one.start : one.end], one.label, one.probability) for one in found]


def test_runs_of_tokens_of_one_type_are_hidden() -> None:
    rows = [[0.3, 0.1], [0.2, 0.1], [0.0, 0.0], [0.1, 0.4], [0.9, 0.0]]
    text = "Anna\nBerg Ulm x"  # the line's end is a token
    rows = [[0.3, 0.1], [0.0, 0.0], [0.2, 0.0], [0.1, 0.4], [0.05, 0.0]]
    assert stretches(text, rows, 0.2) == [("Anna\nBerg", "PER", 0.3), ("Ulm", "LOC", 0.4)]
    assert stretches(text, rows, {"LOC": 0.2}) == [("Ulm", "LOC", 0.4)]
    assert stretches(text, rows, None) == []


def test_found_entities_keep_their_edges() -> None:
    rows = [[0.9, 0.0]] * 3
    text = "Anna Berg Bob"
    found = [HiddenStretch(5, 9, "PER", probability=0.8), HiddenStretch(0, 4, "PER", probability=0)]
    assert stretches(text, rows, 0.5, *found) == [("Anna", "PER", 0.9), ("Bob", "PER", 0.9)]


def test_components_are_asked(tiny_encoder_dir) -> None:
    nlp = initialized_nlp(tiny_encoder_dir, threshold=1.0)
    ner = nlp.get_pipe("ner_plus")
    assert isinstance(ner, KnowsTokenLabels)
    docs = [*nlp.pipe(TEXTS), Doc(Vocab(), [])]
    reader = TokenReader(nlp)
    assert reader.is_able and not reader.higher_thresholds(Redactor(threshold=0.1))
    for doc, [its] in zip(docs, reader.read(docs, 0.1), strict=True):
        assert its.probabilities.shape == (len(doc), len(ner.labels))
        expected = 1 - ner.tag_probabilities(doc).probabilities[:, 0] if len(doc) else np.zeros(0)
        np.testing.assert_allclose(its.probabilities.sum(axis=1), expected, atol=1e-6)
        found = likely_stretches(doc, [its], Redactor(threshold=0.0), [])
        assert all(one.kind == LIKELY for one in found)
        solid = {i for token in doc if not token.is_space for i in range(token.idx, token.idx + 1)}
        assert solid <= {i for one in found for i in range(one.start, one.end)}


def test_a_document_that_fails_is_alone(tiny_encoder_dir, monkeypatch) -> None:
    nlp = initialized_nlp(tiny_encoder_dir)
    ner, docs = nlp.get_pipe("ner_plus"), [nlp.make_doc(text) for text in TEXTS[:3]]
    whole = ner.emissions

    def failing(given):
        if docs[1] in given:
            raise RuntimeError(docs[1].text)
        return whole(given)

    monkeypatch.setattr(ner, "emissions", failing)
    found = list(TokenReader(nlp).read(docs, 0.1))
    assert found[1] == "RuntimeError"
    assert [len(one) for one in (found[0], found[2])] == [1, 1]


def test_a_component_that_leaves_too_much_out_is_named() -> None:
    nlp = spacy.blank("en")
    lookup = nlp.add_pipe("test_lookup", config={"threshold": 0.5})
    lookup.words = {"Ulm": ("LOC", 0.4)}
    reader = TokenReader(nlp)
    assert reader.higher_thresholds(Redactor(threshold=0.1)) == {"test_lookup": ["LOC"]}
    assert reader.higher_thresholds(Redactor()) == {}
    assert reader.higher_thresholds(Redactor(threshold=0.1, labels=frozenset({"PER"}))) == {}
