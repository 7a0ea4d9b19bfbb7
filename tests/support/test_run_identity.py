from pathlib import Path

import pytest

from spacy_ner_plus.support.run_identity import MAX_SHOWN, as_json, differences, refuse


def test_as_json_is_what_would_be_read() -> None:
    assert as_json({"a": (1, 2), "b": Path("c")}) == {"a": [1, 2], "b": "c"}


def test_differences_are_named() -> None:
    then = {"seed": 0, "path": "a", "rate": 0.1, "same": [1], "null": None}
    now = {"seed": 1, "path": "ä", "folds": 5, "same": [1]}
    assert differences(then, now) == [
        "folds: not set then, 5 now",
        "null: null then, not set now",
        'path: "a" then, "ä" now',
        "rate: 0.1 then, not set now",
        "seed: 0 then, 1 now",
    ]
    assert differences(then, then) == []


def test_refuse_says_what_differs_and_what_to_do() -> None:
    refuse([], "It is another run", "Begin anew.")
    with pytest.raises(ValueError) as caught:
        refuse(["a", "b"], "It is another run", "Begin anew.")
    assert str(caught.value) == "It is another run:\n  a\n  b\nBegin anew."


def test_refuse_counts_what_it_leaves_out() -> None:
    with pytest.raises(ValueError) as caught:
        refuse([str(i) for i in range(MAX_SHOWN + 3)], "It is another run", "Begin anew.")
    lines = str(caught.value).splitlines()
    assert lines[-3:] == [f"  {MAX_SHOWN - 1}", "  and 3 more", "Begin anew."]
