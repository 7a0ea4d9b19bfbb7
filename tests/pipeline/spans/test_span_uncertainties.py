"""How undecided a head of spans is: against all readings, and in `rank`."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.lang.en import English
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus import TextRecord, rank, read, write
from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.pipeline.capabilities import KnowsUncertainty
from spacy_ner_plus.pipeline.spans.span_uncertainties import LOOKED_AT, uncertainties_of_spans
from tests.pipeline.spans.nested_samples import SENTENCES, make_doc, spans_pipe

VOCAB = English().vocab
WORDS = ["a", "b", "\n", "c", "d"]
PROBABILITIES = st.floats(LOOKED_AT, 0.999) | st.just(0.5)


def entities(*rows: tuple[int, int, float]) -> Entities:
    starts, ends, probabilities = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    labels = np.zeros(len(starts), dtype=np.int64)
    return Entities(starts.astype(np.int64), ends.astype(np.int64), labels, probabilities)


@given(st.lists(PROBABILITIES, max_size=6))
def test_all_is_what_the_readings_say(probabilities: list[float]) -> None:
    doc = Doc(VOCAB, words=WORDS)
    spans = entities(*((i % 5, i % 5 + 1, p) for i, p in enumerate(probabilities)))
    [found] = uncertainties_of_spans(spans, doc, [doc])
    readings = list(itertools.product([True, False], repeat=len(probabilities)))
    chances = [
        math.prod(p if there else 1 - p for p, there in zip(probabilities, one, strict=True))
        for one in readings
    ]
    best, *others = sorted(chances, reverse=True)
    assert found.n_tokens == 4
    assert found.log_prob == pytest.approx(math.log(best), abs=1e-9)
    second = math.log(others[0]) if others else -math.inf
    assert found.second_log_prob == pytest.approx(second, abs=1e-9)
    assert found.entropy == pytest.approx(-sum(p * math.log(p) for p in chances), abs=1e-9)
    likeliest = readings[int(np.argmax(chances))]
    wrong = sum(
        chance * sum(a != b for a, b in zip(one, likeliest, strict=True))
        for one, chance in zip(readings, chances, strict=True)
    )
    assert found.expected_errors == pytest.approx(wrong, abs=1e-9)


def test_spans_count_in_the_part_that_holds_them() -> None:
    doc = Doc(VOCAB, words=WORDS)
    spans = entities((0, 2, 0.6), (1, 4, 0.5), (3, 5, 0.9), (0, 1, 1.0))
    first, second = uncertainties_of_spans(spans, doc, [doc[:2], doc[2:]])
    assert (first.n_tokens, second.n_tokens) == (2, 2)
    assert (first.expected_errors, second.expected_errors) == pytest.approx((0.4, 0.1))
    [empty] = uncertainties_of_spans(entities(), doc, [doc])
    assert (empty.log_prob, empty.second_log_prob, empty.entropy) == (0.0, -math.inf, 0.0)


def test_strange_text_is_chosen_with_what_nests_in_it(known: Language, tmp_path: Path) -> None:
    pipe = spans_pipe(known)
    assert isinstance(pipe, KnowsUncertainty)
    pipe.allow = "all"
    text = SENTENCES[0][0]
    texts, tasks = tmp_path / "texts.jsonl", tmp_path / "tasks.jsonl"
    write([TextRecord("Nothing of interest here ."), TextRecord(text)], texts)
    done = rank(known, texts, tasks, n=2, strategy="entropy", diverse=True)
    assert (done.chosen, done.vectors) == (2, "encoder")
    [record] = [one for one in read(tasks) if one.text == text]
    doc = known(text)
    pairs = EntitySource("sc").scored(doc)
    expected = {(s.start_char, s.end_char, s.label_): p for s, p in pairs}
    found = {(s.start, s.end, s.label): s.probability for s in record.spans}
    assert found == pytest.approx(expected)
    assert {(0, 35, "ORG"), (14, 24, "LOC")} <= set(found)


def test_untrained_pipeline_is_less_sure_of_a_text_than_a_trained_one(known: Language) -> None:
    doc = make_doc(known, SENTENCES[1][0])
    [[sure]] = spans_pipe(known).uncertainties([doc], [[doc]])
    strange = Doc(known.vocab, words=["Zq", "receptor", "California", "Osman"])
    [[unsure]] = spans_pipe(known).uncertainties([strange], [[strange]])
    assert unsure.entropy / unsure.n_tokens > sure.entropy / sure.n_tokens
