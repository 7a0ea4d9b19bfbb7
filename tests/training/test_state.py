import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.training.state import RunState, decode, encode

NUMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False),
    st.text(),
    st.floats(width=32, allow_nan=False).map(np.float32),
    st.integers(-100, 100).map(np.int64),
)
VALUES = st.recursive(NUMBERS, lambda v: st.lists(v) | st.dictionaries(st.text("abc"), v))


@pytest.mark.slow
@given(VALUES)
def test_encoded_value_survives_json_with_its_type(value: Any) -> None:
    decoded = decode(json.loads(json.dumps(encode(value))))
    assert decoded == value
    assert type(decoded) is type(value)


def test_encode_keeps_nan_and_takes_arrays_of_one_number() -> None:
    assert math.isnan(decode(json.loads(json.dumps(encode(float("nan"))))))
    assert encode(np.array(0.5)) == 0.5


def test_encode_writes_what_json_lacks_as_text() -> None:
    """A score may be anything; the checkpoint is to be written all the same."""
    assert encode({"scores": [Path("a") / "b", 1.5]}) == {"scores": [str(Path("a") / "b"), 1.5]}


def state_of(scores: list[float], *, every: int, n_steps: int) -> RunState:
    rows = [
        {"epoch": 0, "step": i * every, "score": score, "other_scores": {"ents_f": score}}
        | {"losses": {"ner": np.float32(0.1)}, "seconds": 1, "words": 10}
        for i, score in enumerate(scores)
    ]
    return RunState(n_steps=n_steps, words=10, seconds=1.5, losses={"ner": 0.5}, rows=rows)


def test_state_survives_json() -> None:
    state = state_of([0.1, 0.3, 0.3], every=5, n_steps=12)
    again = RunState.from_json(json.loads(json.dumps(state.to_json())))
    assert again == state
    assert again.info(2)["checkpoints"] == [(0.1, 0), (0.3, 5)]
    assert again.info(2)["step"] == 5


@pytest.mark.parametrize(
    ("scores", "n_steps", "patience", "max_steps", "expected"),
    [
        ([], 0, 1, 1, False),
        ([0.5], 5, 0, 0, False),  # 0 is no limit
        ([0.5], 5, 0, 4, True),  # step 4 was the last
        ([0.5], 4, 0, 4, False),
        ([0.1, 0.5, 0.5], 15, 10, 0, False),  # the earlier of equals, step 5, counts
        ([0.1, 0.5, 0.5], 16, 10, 0, True),
    ],
)
def test_is_over_as_in_spacy(
    scores: list[float], n_steps: int, patience: int, max_steps: int, expected: bool
) -> None:
    state = state_of(scores, every=5, n_steps=n_steps)
    assert state.is_over(patience=patience, max_steps=max_steps) is expected


def test_is_best_also_when_equal() -> None:
    assert state_of([0.5, 0.5], every=5, n_steps=6).is_best()
    assert not state_of([0.5, 0.4], every=5, n_steps=6).is_best()
