import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.training.data import BatchStream, RecordedCorpus, check_data, record_corpus
from spacy_ner_plus.training.randomness import capture, restore

SPOILED = ("words", "ents", "tags", "cats", "spans", "heads", "lemmas")


def random_batches(kinds: str) -> Iterator[tuple[int, list[Any]]]:
    """Batches that draw from Python's generator, numpy's or none, as the letters say."""
    for number, kind in enumerate(kinds):
        if kind == "p":
            yield number, [random.random()]
        elif kind == "n":
            yield number, [np.random.uniform()]  # noqa: NPY002
        else:
            yield number, []


def train_step(kind: str) -> None:
    if kind == "p":
        random.random()
    elif kind == "n":
        np.random.uniform()  # noqa: NPY002


@given(st.text("pn-", min_size=1, max_size=12), st.text("pn-", min_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_skipped_stream_goes_on_as_if_it_was_not(data_draws: str, draws: str, d: Any) -> None:
    """Whatever data and training draw in between, and wherever it is left twice."""
    stops = sorted(d.draw(st.integers(0, len(data_draws))) for _ in range(2))
    outside = capture()
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    start = capture()
    stream = BatchStream(random_batches(data_draws), start)
    unbroken, saved = [], {}
    for step in range(len(data_draws) + 1):
        if step in stops:
            saved[step] = (dict(stream.jumps), capture())
        if step < len(data_draws):
            unbroken.append(next(stream))
            train_step(draws[step])
    jumps, _ = saved[stops[0]]
    now = saved[stops[0]][1]
    for first, last in zip(stops, [stops[1], len(data_draws)], strict=True):
        random.seed(99)  # a new process is in another state
        resumed = BatchStream(random_batches(data_draws), start)
        resumed.skip(first, jumps)
        restore(now)
        for step in range(first, last):
            assert next(resumed) == unbroken[step]
            train_step(draws[step])
        jumps, now = dict(resumed.jumps), capture()
    restore(outside)


def test_skip_ends_with_the_data() -> None:
    stream = BatchStream(random_batches("--"), capture())
    stream.skip(5, {})
    with pytest.raises(StopIteration):
        next(stream)


def make_corpus(spoiled: str | None = None) -> Any:
    def read(nlp: Language) -> Iterator[Example]:
        for words in (["Aspirin", "helps", "."], ["Not", "here", "."]):
            other = [*words[:-1], "!"] if spoiled == "words" else words
            gold = Doc(
                nlp.vocab,
                words=other,
                ents=["B-A" if spoiled == "ents" else "B-B", "O", "O"],
                tags=["X", "Y", "X" if spoiled == "tags" else "Z"],
                heads=[1, 1, 0 if spoiled == "heads" else 1],
                deps=["a", "ROOT", "a"],
                lemmas=["b" if spoiled == "lemmas" else "c", "c", "c"],
            )
            gold.cats["good"] = 0.5 if spoiled == "cats" else 0.25
            gold.spans["all"] = [gold[0 : 1 + (spoiled == "spans")]]
            yield Example(nlp.make_doc(gold.text), gold)

    return read


def test_corpus_record_tells_any_change_of_annotation() -> None:
    nlp = spacy.blank("en")
    records = [
        record_corpus(make_corpus(spoiled), nlp, start=capture()) for spoiled in (None, *SPOILED)
    ]
    assert {record["examples"] for record in records} == {2}
    assert len({record["sha256"] for record in records}) == 1 + len(SPOILED)
    assert record_corpus(make_corpus(), spacy.blank("en"), start=capture()) == records[0]


def test_corpus_record_covers_what_was_read_only() -> None:
    corpus = RecordedCorpus(make_corpus())
    examples = corpus(spacy.blank("en"))
    next(iter(examples))
    assert corpus.record()["examples"] == 1


def test_check_data_says_what_differs() -> None:
    same = {"examples": 3, "sha256": "a"}
    check_data({"training data": same}, {"training data": same})
    with pytest.raises(ValueError, match="training data: 3 examples then, 4 now"):
        check_data({"training data": same}, {"training data": {"examples": 4, "sha256": "a"}})
    with pytest.raises(ValueError, match="3 examples as before, with other content"):
        check_data({"training data": same}, {"training data": {"examples": 3, "sha256": "b"}})
