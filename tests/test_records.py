import copy
import json
import pickle
import re
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.records import (
    RelationRecord,
    SpanRecord,
    TextRecord,
    TokenRecord,
    keys_of,
)
from spacy_ner_plus.records.plain_rows import PlainRows
from tests.record_schema import DOCS, SCHEMA, VALIDATOR
from tests.record_strategies import JSON, records

ODD = st.sampled_from(
    ["\ud800", "a\udc00", float("nan"), 2**70, True, 1.5, 2.0, [["\ud800"]], {"\ud800": 1}, {1: 2}]
)
ROW = {
    "id": 7,
    "text": "Selegiline can cause hypotension.",
    "annotated_labels": ["Chemical", "Disease"],
    "spans": [
        {
            "start": 0,
            "end": 10,
            "label": "Chemical",
            "text": "Selegiline",
            "probability": 0.5,
            "id": "T1",
            "kb_id": "D012642",
            "status": "accepted",
            "grounding": "exact",
            "meta": {"by": "Ann"},
            "token_start": 0,
        },
        {"start": 21, "end": 32, "label": "Disease", "id": 2},
    ],
    "tokens": [
        {"start": 0, "end": 10, "sentence_start": True, "ws": True},
        {"start": 11, "end": 14, "sentence_start": False},
        {"start": 15, "end": 20},
        {"start": 21, "end": 32},
        {"start": 32, "end": 33},
    ],
    "unknown": [[11, 14]],
    "blocked": [[32, 33]],
    "relations": [
        {
            "head": "T1",
            "tail": 2,
            "label": "CID",
            "probability": 1,
            "id": "R1",
            "meta": {"n": 1},
            "directed": True,
        }
    ],
    "meta": {"source": "PubMed"},
    "_input_hash": -3,
}


def test_row_and_record_say_the_same():
    record = TextRecord.from_json(copy.deepcopy(ROW))
    assert record.to_json() == ROW
    assert list(record.to_json())[:3] == ["id", "text", "annotated_labels"]
    assert record.other == {"_input_hash": -3}
    assert record.spans[0].other == {"token_start": 0}
    assert record.relations[0].other == {"directed": True}
    assert record.tokens[0] == TokenRecord(0, 10, True, {"ws": True})
    assert record.unknown == ((11, 14),)


def test_only_text_must_be_there():
    record = TextRecord.from_json({**dict.fromkeys(keys_of(TextRecord)), "text": ""})
    assert record == TextRecord("", spans=None)
    assert TextRecord.from_json({"text": "", "schema_version": None}) == record
    assert record.to_json() == {"text": ""}


def test_no_entities_is_not_the_same_as_nothing_known():
    assert TextRecord.from_json({"text": "a", "spans": []}) == TextRecord("a")
    assert TextRecord("a").to_json() == {"text": "a", "spans": []}
    assert TextRecord("a", spans=None).to_json() == {"text": "a"}


@pytest.mark.parametrize("name", ["spans", "tokens", "annotated_labels"])
def test_empty_lists_say_something(name):
    assert TextRecord.from_json({"text": " ", name: []}).to_json()[name] == []


def test_json_has_one_kind_of_numbers():
    [span] = TextRecord.from_json(
        {"text": "abc", "spans": [{"start": 1.0, "end": 2.0, "label": "X", "id": 3.0}]}
    ).spans
    assert (span.start, span.end, span.id) == (1, 2, 3)
    assert all(isinstance(n, int) for n in (span.start, span.end, span.id))


@settings(deadline=None)
@given(records())
def test_records_survive_json_and_pickle_and_fit_the_schema(record):
    row = json.loads(json.dumps(record.to_json()))
    VALIDATOR.validate(row)
    assert TextRecord.from_json(row) == record
    assert TextRecord.from_json({**row, "schema_version": 1}) == record
    assert pickle.loads(pickle.dumps(record)) == record


@settings(deadline=None)
@given(records(), st.data())
def test_schema_and_from_json_agree(record, data):
    """About a row in which one value is another."""
    row = json.loads(json.dumps(record.to_json()))  # the record keeps its own values
    parts = list(_parts(row))
    part, key = data.draw(st.sampled_from(parts))
    part[key] = data.draw(JSON)
    try:
        TextRecord.from_json(row)
    except ValueError as error:
        is_said = re.search(
            "are not within|its text is|it starts at|this id:|are none:|none holds", str(error)
        )
        assert is_said or not VALIDATOR.is_valid(row), error
    else:
        VALIDATOR.validate(row)


def made_by(read, row):
    """A record, or why there is none."""
    try:
        return read(copy.deepcopy(row))
    except ValueError as error:
        return str(error)


@settings(deadline=None)
@given(records(), st.data())
def test_plain_rows_are_read_as_all_others(record, data):
    """The record or the error is the same without the short cut, of any row."""
    row = json.loads(json.dumps(record.to_json()))
    changed = data.draw(st.sampled_from([0, 0, 1, 2]))
    for part, key in data.draw(st.permutations(list(_parts(row))))[:changed]:
        value = data.draw(JSON | ODD)
        if isinstance(part, dict) and data.draw(st.booleans()):
            key = data.draw(
                st.sampled_from(["x", "é", "\ud800", "schema_version", "kb_id", "tokens"])
            )
        if isinstance(part, dict) or key < len(part):
            part[key] = value
    plain = TextRecord.from_plain(copy.deepcopy(row))
    read = made_by(TextRecord.from_json, row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlainRows, "record", lambda self, row: None)
        careful = made_by(TextRecord.from_json, row)
    assert read == careful
    assert plain is None or plain == careful
    if isinstance(read, TextRecord):
        for one, other in (
            (read, careful),
            *zip(read.spans or (), careful.spans or (), strict=True),
        ):
            assert type(one) is type(other)
            assert repr(one) == repr(other)  # 1 is 1.0 and True to ==
            assert list(one.to_json()) == list(other.to_json())


def test_usual_rows_are_plain_and_their_records_frozen():
    row = {
        "id": "é", "text": "éa b", "meta": {"a": [1]}, "x": {"y": [2]},
        "spans": [
            {"start": 0, "end": 2, "label": "É", "text": "éa"},
            {"start": 3, "end": 4, "label": "X", "id": 7, "probability": 0.5, "kb_id": None,
             "y": [1]},
        ],
    }  # fmt: skip
    record = TextRecord.from_plain(row)
    spans = (
        SpanRecord(0, 2, "É", text="éa"),
        SpanRecord(3, 4, "X", id=7, probability=0.5, other={"y": [1]}),
    )
    assert record == TextRecord(
        "éa b", id="é", meta={"a": [1]}, spans=spans, other={"x": {"y": [2]}}
    )
    for one, name in ((record, "text"), (record.spans[0], "start"), (record.spans[1], "other")):
        with pytest.raises(FrozenInstanceError):
            setattr(one, name, 3)
        assert not hasattr(one, "__dict__")
    row["meta"]["a"].append(2)
    row["x"]["y"].append(3)
    row["spans"][1]["y"].append(2)
    assert (record.meta, record.other) == ({"a": [1]}, {"x": {"y": [2]}})
    assert record.spans[1].other == {"y": [1]}
    assert pickle.loads(pickle.dumps(record)) == copy.deepcopy(record) == replace(record) == record


def _parts(value):
    """Every place in plain data at which the schema says something: what holds it, and its key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(pairs):
        yield value, key
        if key not in ("id", "meta") and isinstance(inner, (dict, list)):
            yield from _parts(inner)


def span(**values):
    return {"start": 0, "end": 2, "label": "X"} | values


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([], r"^it must be an object, got \[\]\."),
        ({"spans": []}, "^text must be given, got {'spans': "),
        ({"text": None}, "^text must be given"),
        ({"text": 3}, "^text must be a string, got 3"),
        ({"text": "a\ud800"}, r"^text: '\\ud800' is half a character"),
        ({"text": "a", "meta": 3}, "^meta must be an object, got 3"),
        ({"text": "a", "schema_version": 2}, "^schema_version is 2, .* reads 1: use a later one"),
        ({"text": "a", "annotated_labels": "X"}, "^annotated_labels must be a list, got 'X'"),
        ({"text": "a", "annotated_labels": ["X", ""]}, r"^annotated_labels\[1\] must be .* empty"),
        ({"text": "a", "spans": {}}, "^spans must be a list, got {}"),
        ({"text": "ab", "spans": [span(), 3]}, r"^spans\[1\]: it must be an object, got 3"),
        ({"text": "ab", "spans": [{"start": 0}]}, r"^spans\[0\]: end and label must be given"),
        ({"text": "ab", "spans": [span(start="0")]}, r"^spans\[0\]: start must be an integer"),
        ({"text": "ab", "spans": [span(start=True)]}, "start must be an integer"),
        ({"text": "ab", "spans": [span(end=1.5)]}, "end must be an integer"),
        ({"text": "ab", "spans": [span(start=-1)]}, r"^spans\[0\]: characters -1-2 are none"),
        ({"text": "ab", "spans": [span(start=2)]}, "characters 2-2 are none: .* greater than"),
        (
            {"text": "ab", "spans": [span(end=3)]},
            r"^spans\[0\]: characters 0-3 are not within the text of 2 .*'ab'.*not bytes",
        ),
        (
            {"text": "abc", "spans": [span(text="bc")]},
            r"^spans\[0\]: its text is 'bc', but characters 0-2 of the text are 'ab'",
        ),
        ({"text": "abc", "spans": [span(end=1, text="ab")]}, "fit if ends were inclusive"),
        ({"text": "é abc", "spans": [span(start=3, end=5, text="ab")]}, "counted bytes of UTF-8"),
        ({"text": "ab", "spans": [span(label="")]}, "label must be a string that is not empty"),
        ({"text": "ab", "spans": [span(label=3)]}, "label must be a string that is not empty"),
        ({"text": "ab", "spans": [span(label="\udc00")]}, "^spans.*label: .* half a character"),
        ({"text": "ab", "spans": [span(probability=1.1)]}, "probability must be a number from 0"),
        ({"text": "ab", "spans": [span(probability=float("nan"))]}, "probability must be"),
        ({"text": "ab", "spans": [span(probability=True)]}, "probability must be a number"),
        ({"text": "ab", "spans": [span(id=[1])]}, "id must be a string or an integer"),
        ({"text": "ab", "spans": [span(status="maybe")]}, "status must be one of accepted, rej"),
        ({"text": "ab", "spans": [span(kb_id=3)]}, "kb_id must be a string, got 3"),
        ({"text": "ab", "tokens": ["ab"]}, r"^tokens\[0\]: it must be an object, got 'ab'"),
        (
            {"text": " b", "tokens": [{"start": 1, "end": 2}, {"start": 0, "end": 1}]},
            r"^tokens\[1\]: it starts at 0, but the one before ends at 2",
        ),
        ({"text": "ab", "tokens": [{"start": 0, "end": 3}]}, r"^tokens\[0\]: .* not within"),
        (
            {"text": "a\nbc d", "tokens": [{"start": 0, "end": 1}, {"start": 5, "end": 6}]},
            "^tokens: none holds 'bc' at characters 2-4. Tokens must hold all but white space",
        ),
        (
            {"text": "ab c\n", "tokens": [{"start": 0, "end": 1}]},
            "^tokens: none holds 'b c' at characters 1-4",
        ),
        ({"text": " a ", "tokens": []}, "^tokens: none holds 'a' at characters 1-2"),
        (
            {"text": "ab", "tokens": [{"start": 0, "end": 1, "sentence_start": 1}]},
            "sentence_start must be true or false, got 1",
        ),
        ({"text": "ab", "unknown": [[0, 1, 2]]}, r"^unknown\[0\]: it must be a list of two"),
        ({"text": "ab", "blocked": [[0, 3]]}, r"^blocked\[0\]: characters 0-3 are not within"),
        (
            {"text": "ab", "relations": [{"head": 1, "tail": 2, "label": "R"}]},
            r"^relations\[0\]: head is 1, and 0 spans have this id",
        ),
        (
            {
                "text": "ab",
                "spans": [span(id="a"), span(id="b"), span(id="b")],
                "relations": [{"head": "a", "tail": "b", "label": "R"}],
            },
            r"^relations\[0\]: tail is 'b', and 2 spans have this id",
        ),
    ],
)
def test_errors_say_what_where_and_what_to_do(row, message):
    with pytest.raises(ValueError, match=message):
        TextRecord.from_json(row)


def test_records_of_wrong_values_can_not_be_made():
    with pytest.raises(ValueError, match="characters 0-9 are not within"):
        replace(TextRecord("abc"), spans=(SpanRecord(0, 9, "X"),))
    with pytest.raises(ValueError, match=r"other holds \['label'\], which are fields"):
        SpanRecord(0, 1, "X", other={"label": "Y"})
    with pytest.raises(ValueError, match="head must be a string or an integer, got None"):
        RelationRecord(None, "b", "R")


def test_a_record_is_nobody_elses():
    """What callers gave, and what they get, may change without it."""
    meta, places = {"a": [1]}, [[0, 1]]
    one, other = (TextRecord("ab", id=[3], meta=meta, unknown=places) for _ in range(2))
    row = one.to_json()
    meta["a"].append(2)
    meta["b"] = places[0][0] = 3
    row["meta"]["a"].append(4)
    row["id"].append(5)
    one.meta["a"].append(6)
    assert (other.id, other.meta, other.unknown) == ([3], {"a": [1]}, ((0, 1),))
    assert (one.id, one.meta) == ([3], {"a": [1, 6]})
    source = {"start": 0, "end": 1, "label": "X", "meta": {"a": [1]}, "x": [1]}
    span = SpanRecord.from_json(source)
    source["x"].append(2)
    span.to_json()["x"].append(3)
    source["meta"]["a"].append(2)
    assert (span.meta, span.other) == ({"a": [1]}, {"x": [1]})


def test_a_record_of_lists_and_tuples_is_the_same_again():
    record = TextRecord(
        "ab",
        id=(1, (2,)),
        meta={"a": (1, [(2,)])},
        annotated_labels=["X"],
        spans=[SpanRecord(0, 1, "X", id=1, other={"t": (1,)})],
        tokens=[TokenRecord(0, 2, other={"t": ()})],
        unknown=[[0, 1], (1, 2)],
        blocked=[(0, 1)],
        relations=[RelationRecord(1, 1, "R", meta={"t": (1,)})],
        other={"t": ((1,),)},
    )
    assert TextRecord.from_json(json.loads(json.dumps(record.to_json()))) == record
    assert record.unknown == ((0, 1), (1, 2))
    assert record.annotated_labels == ("X",)


DEEP = json.loads("[" * 102 + "]" * 102)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"annotated_labels": "PER"}, "annotated_labels must be a list or tuple, got 'PER'"),
        ({"spans": [{"start": 0}]}, r"spans\[0\] must be a SpanRecord, got {'start'"),
        ({"unknown": None}, "unknown must be a list or tuple, got None"),
        ({"blocked": [(0, 1), 3]}, r"blocked\[1\] must be a tuple, got 3"),
        ({"blocked": [(0, 1, 2)]}, r"blocked\[0\] must be two numbers, start and end, got"),
        ({"meta": {"a": [{1: 2}]}}, "meta must be plain JSON data, whose keys are strings, got 1"),
        ({"meta": {"a": float("nan")}}, "meta must be plain JSON data, and numbers finite"),
        ({"other": {"a": {1}}}, "other must be plain JSON data, .* got {1}"),
        ({"other": {"a": DEEP}}, "other is nested more than 100 levels deep"),
        ({"other": {"schema_version": 1}}, "other holds 'schema_version', which a row says of it"),
        ({"id": object()}, "id must be plain JSON data"),
        ({"id": "\ud800"}, "id: .* is half a character"),
        ({"meta": {"a": ["\ud800"]}}, "meta: .* is half a character"),
        ({"meta": {"\ud800": 1}}, "meta: .* is half a character"),
    ],
)
def test_what_can_not_be_written_and_read_again_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        TextRecord("ab", **values)


@pytest.mark.parametrize("name", ["text", "id", "kb_id", "grounding"])
def test_half_characters_of_spans_and_relations_are_refused(name):
    with pytest.raises(ValueError, match=f"^spans.0.: {name}: .* is half a character"):
        TextRecord.from_json({"text": "ab", "spans": [span(**{name: "a\ud800"})]})
    with pytest.raises(ValueError, match=r"^head: .* is half a character"):
        RelationRecord("\ud800", "b", "R")
    with pytest.raises(ValueError, match=r"^id: .* is half a character"):
        RelationRecord("a", "b", "R", id="\ud800")


@pytest.mark.parametrize(
    ("heading", "cls", "part"),
    [
        ("The row", TextRecord, SCHEMA),
        ("A span", SpanRecord, SCHEMA["$defs"]["span"]),
        ("A token", TokenRecord, SCHEMA["$defs"]["token"]),
        ("A relation", RelationRecord, SCHEMA["$defs"]["relation"]),
    ],
)
def test_docs_and_schema_name_the_fields(heading, cls, part):
    page = (DOCS / "records.md").read_text(encoding="utf8")
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    named = [name for row in rows for name in re.findall("`([a-z_]+)`", row)]
    assert sorted(named) == sorted(keys_of(cls))
    assert sorted(set(part["properties"]) - {"schema_version"}) == sorted(keys_of(cls))


def test_the_example_of_the_docs_is_a_record():
    page = (DOCS / "records.md").read_text(encoding="utf8")
    [row] = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    assert TextRecord.from_json(json.loads(row)).to_json() == json.loads(row)
