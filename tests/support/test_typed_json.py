"""Dataclasses as JSON and back."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.support.typed_json import from_json, to_json


@dataclass(frozen=True)
class Inner:
    share: float
    name: str | None


@dataclass(frozen=True)
class Wider(Inner):
    right: bool


@dataclass(frozen=True)
class Outer:
    n: int
    ends: tuple[float, float]
    inner: Wider | None
    items: list[Inner]
    by_label: dict[str, dict[str, int]]
    places: list[str | None]


shares = st.floats(allow_nan=False, allow_infinity=False)
names = st.none() | st.text(max_size=5)
inners = st.builds(Inner, shares, names)
outers = st.builds(
    Outer,
    st.integers(),
    st.tuples(shares, shares),
    st.none() | st.builds(Wider, shares, names, st.booleans()),
    st.lists(inners, max_size=3),
    st.dictionaries(
        st.text(max_size=3), st.dictionaries(st.text(max_size=3), st.integers()), max_size=3
    ),
    st.lists(names, max_size=3),
)
OUTER = Outer(1, (0.0, 0.5), Wider(0.5, None, True), [Inner(1.0, "a")], {"x": {"y": 2}}, [None])


@settings(deadline=None)
@given(outers)
def test_what_is_written_is_read_into_the_same(outer: Outer) -> None:
    assert from_json(Outer, json.loads(json.dumps(to_json(outer))), "file") == outer


def test_fields_are_keys_in_their_order_those_of_the_base_first() -> None:
    assert json.dumps(to_json(OUTER)) == (
        '{"n": 1, "ends": [0.0, 0.5], "inner": {"share": 0.5, "name": null, "right": true}, '
        '"items": [{"share": 1.0, "name": "a"}], "by_label": {"x": {"y": 2}}, "places": [null]}'
    )


def test_whole_numbers_are_shares_and_further_keys_are_left_out() -> None:
    data = to_json(OUTER) | {"ends": [0, 1], "new": 3}
    assert from_json(Outer, data, "file").ends == (0, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": "1"}, "file.n is str, but int is expected"),
        ({"n": True}, "file.n is bool, but int is expected"),
        ({"n": None}, "file.n is NoneType, but int is expected"),
        ({"n": 1.5}, "file.n is float, but int is expected"),
        ({"ends": [0.5]}, "file.ends has 1 items, but 2 are expected"),
        ({"ends": [0.5, "b"]}, r"file.ends\[1\] is str, but float is expected"),
        ({"inner": {"share": 0.5, "right": 1}}, "file.inner has no 'name'"),
        ({"items": [{}]}, r"file.items\[0\] has no 'share', 'name'"),
        ({"items": {}}, "file.items is dict, but list is expected"),
        ({"by_label": {"x": {"y": 0.5}}}, "file.by_label.x.y is float, but int is expected"),
        ({"places": [3]}, r"file.places\[0\] is int, but str is expected"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(Outer, to_json(OUTER) | changes, "file")


def test_something_else_than_an_object_is_named() -> None:
    with pytest.raises(ValueError, match="file is list, but dict is expected"):
        from_json(Outer, [], "file")
