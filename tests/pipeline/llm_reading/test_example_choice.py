"""Which examples are shown."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.pipeline.llm_reading.grounding.mentions import Mention
from spacy_ner_plus.pipeline.llm_reading.prompting.example_choice import ExampleChoice
from spacy_ner_plus.pipeline.llm_reading.prompting.tf_idf import TfIdf, words_of
from spacy_ner_plus.pipeline.llm_reading.prompting.worked_examples import WorkedExample


def example(text: str, *labels: str) -> WorkedExample:
    return WorkedExample(text, tuple(Mention(text.split()[0], label) for label in labels))


POOL = [
    example("aspirin helps with fever", "Chemical", "Disease"),
    example("fever and rash", "Disease", "Disease"),
    example("the court ruled today"),
    example("aspirin causes rash", "Chemical"),
    example("fever again and again", "Disease"),
]


def dense_similarities(texts: list[str], query: str) -> np.ndarray:
    """TF-IDF as its definition says, with a matrix."""
    vocabulary = sorted({word for text in texts for word in words_of(text)})
    n_texts = [sum(word in words_of(text) for text in texts) for word in vocabulary]
    idf = np.array([math.log((1 + len(texts)) / (1 + n)) + 1 for n in n_texts])

    def vector(text: str) -> np.ndarray:
        counts = Counter(words_of(text))
        tf = np.array([1 + math.log(counts[w]) if counts[w] else 0.0 for w in vocabulary])
        weights = tf * idf
        return weights / (np.linalg.norm(weights) or 1.0)

    return np.array([vector(text) @ vector(query) for text in texts])


@settings(deadline=None)
@given(
    st.lists(st.text("ab ", min_size=1, max_size=8), min_size=1, max_size=5),
    st.text("abc ", max_size=8),
)
def test_similarity_is_the_cosine(texts: list[str], query: str) -> None:
    if any(map(words_of, texts)):
        assert TfIdf(texts).similarities(query) == pytest.approx(dense_similarities(texts, query))


def test_words_without_spaces_are_pairs() -> None:
    assert words_of("北京大学 No. 5b") == ["北京", "京大", "大学", "no", "5b"]


def test_the_nearest_comes_last_and_is_never_the_text_itself() -> None:
    choice = ExampleChoice(POOL, "nearest", 2)
    assert [one.text for one in choice.shots("aspirin against fever")][-1] == POOL[0].text
    assert POOL[0] not in choice.shots(POOL[0].text)
    assert len(choice.shots(POOL[0].text)) == 2


def test_diverse_ones_are_unlike_each_other() -> None:
    chosen = ExampleChoice(POOL, "diverse", 2).shots("anything")
    assert POOL[2] in chosen
    assert len(chosen) == 2


def test_balanced_ones_have_all_types() -> None:
    chosen = ExampleChoice(POOL, "balanced", 2).shots("anything")
    counts = sum((one.labels for one in chosen), Counter[str]())
    assert counts == {"Chemical": 2, "Disease": 1} or counts == {"Chemical": 1, "Disease": 3}


def test_there_may_be_fewer_than_wanted_or_none() -> None:
    assert len(ExampleChoice(POOL, "balanced", 99).shots("x")) == len(POOL)
    assert len(ExampleChoice(POOL, "nearest", 99).shots("x")) == len(POOL)
    assert ExampleChoice([], "nearest", 3).shots("x") == []
    assert ExampleChoice(POOL, "nearest", 0).shots("x") == []


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="shots_by"):
        ExampleChoice(POOL, "random", 2)
    with pytest.raises(ValueError, match="0 or more"):
        ExampleChoice(POOL, "nearest", -1)
