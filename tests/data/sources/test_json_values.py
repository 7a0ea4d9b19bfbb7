"""JSON in every shape that a file of annotations has."""

import gzip
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.data.sources import json_stream
from spacy_ner_plus.data.sources import json_values as module
from spacy_ner_plus.data.sources.json_values import first_value, json_values
from spacy_ner_plus.data.sources.rows import RowError
from tests.record_strategies import JSON

ROWS = [{"text": "é😀", "n": 1}, {"text": "b", "n": 1.5}, {"text": "", "n": 2**70}]


def put(tmp_path, content, name="a.jsonl"):
    path = tmp_path / name
    path.write_bytes(content.encode("utf8") if isinstance(content, str) else content)
    return path


def values(path, **options):
    return [value for _, value in json_values(path, **options)]


def wheres(path, **options):
    return [where.removeprefix(f"{path}, ") for where, _ in json_values(path, **options)]


LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
SHAPES = {
    "lines": LINES,
    "lines with blank ones, and none at the end": "\n" + LINES.replace("\n", "\r\n\r\n").strip(),
    "list on a line": json.dumps(ROWS),
    "list, a row a line": "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    "list, a row a line, from the first": "[" + ",\n".join(map(json.dumps, ROWS)) + "]",
    "pretty list": json.dumps(ROWS, indent=2, ensure_ascii=False),
    "pretty values": "\n".join(json.dumps(row, indent=2) for row in ROWS),
    "values on a line": " ".join(["\n\n" + json.dumps(ROWS[0], indent=1), *LINES.split("\n")[1:]]),
}


@pytest.mark.parametrize("chunk", [1, 7, 1 << 18])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_values(shape, chunk, tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    assert values(put(tmp_path, SHAPES[shape])) == ROWS
    data = b"\xef\xbb\xbf" + SHAPES[shape].encode("utf8")
    assert values(put(tmp_path, data)) == ROWS
    path = put(tmp_path, gzip.compress(data), "a.json.gz")
    assert values(path) == ROWS
    assert first_value(path) == ROWS[0]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("longest", [20, 1 << 20])
def test_lists_are_found_in_the_object_that_wraps_them(indent, longest, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LONGEST", longest)
    wrapped = {"source": "x", "infons": {"rows": []}, "rows": ROWS, "n": 3}
    path = put(tmp_path, json.dumps(wrapped, indent=indent), "a.json")
    assert values(path, at="rows") == ROWS
    assert wheres(path, at="rows")[2].endswith("rows, element 3")
    if longest > 20:
        assert values(path) == [wrapped]
        assert first_value(path) == wrapped
    lines = put(tmp_path, f"{json.dumps({'rows': ROWS[:2]})}\n{json.dumps(ROWS[2])}\n")
    if longest > 20:
        assert values(lines, at="rows") == ROWS
        assert wheres(lines, at="rows") == [
            "line 1, rows, element 1", "line 1, rows, element 2", "line 2"
        ]  # fmt: skip
    unwrapped = put(tmp_path, json.dumps({"a": 1, "rows": {"b": 2}}, indent=2))
    assert values(unwrapped, at="rows") == [{"a": 1, "rows": {"b": 2}}]


def test_rows_may_be_lists(tmp_path):
    pairs = [["a", {"entities": []}], ["b", {"entities": [[0, 1, "X"]]}]]
    lines = [json.dumps(pair) for pair in pairs]
    assert values(put(tmp_path, "\n".join(lines))) == pairs
    assert values(put(tmp_path, lines[0])) == pairs[:1]
    assert values(put(tmp_path, json.dumps(pairs))) == pairs
    for path in (put(tmp_path, "\n".join(lines)), put(tmp_path, json.dumps(pairs))):
        assert first_value(path) == pairs[0]


def test_what_is_empty_has_no_values(tmp_path):
    for content in ("", " \n\n", "[]", "[ ]\n", "\ufeff"):
        assert values(put(tmp_path, content)) == []
        assert first_value(put(tmp_path, content)) is None


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('{"a": 1}\n{"a": NaN}\n', "line 2: invalid JSON: NaN is not JSON"),
        ('{"a": 1\n{"a": 2}\n', "line 1: invalid JSON: Expecting ',' delimiter"),
        ("x\n", "line 1: invalid JSON"),
        ('{"a": 1}\n{"a": "\\x"}\n', "line 2: invalid JSON: Invalid"),
        ('[{"a": 1},\n{"a": Infinity}]', "line 2: invalid JSON: infinity is not JSON"),
        ('[\n{"a": 1}\n{"a": 2}]', "line 3: invalid JSON: expected , or ], found '{"),
        ('[\n{"a": 1},\n]', "line 3: invalid JSON: expected a value, found ']'"),
        ('[\n{"a": 1},\n{"a": 1', "line 3: invalid JSON: expecting ',' delimiter, but the file e"),
        ('[\n{"a": 1}\n', "line 3: invalid JSON: expected , or ], but the file ends there"),
        ('[\n{"a": "b\n', "line 2: invalid JSON: "),
        ("[\n1\n]\n{}", "line 4: invalid JSON: something follows after the end of the value"),
        ('{\n"a": 1,\nb: 2}', "line 3: invalid JSON: "),
        (b'[\n"a",\n"\xff"]', "line 3: the text is not valid UTF-8"),
        ("[\n" + "[" * 100000 + "\n]", "line 2: invalid JSON: maximum recursion"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 1 << 18])
def test_errors_name_file_and_line(content, where, chunk, tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    path = put(tmp_path, content)
    with pytest.raises(RowError) as error:
        values(path)
    assert str(error.value).startswith(f"{path}, {where}")


@pytest.mark.parametrize(
    "content",
    ['{\n"a": 1,\n"rows": [1, 2\n}', '{\n"a": 1,\nrows: []}', '{\n"rows": [1]\n', '{\n"rows" []}'],
)
def test_wrapped_lists_that_are_damaged_are_refused(content, tmp_path):
    with pytest.raises(RowError, match=r"a\.jsonl, line \d: invalid JSON"):
        values(put(tmp_path, content), at="rows")


@given(st.lists(JSON, min_size=1), st.sampled_from([None, 1]), st.integers(1, 9))
def test_lists_are_read_as_json_reads_them(tmp_path_factory, rows, indent, chunk):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps([{}, *rows], indent=indent, ensure_ascii=False), encoding="utf8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk)
        assert values(path) == [{}, *rows]


@pytest.mark.parametrize("shape", ["lines", "list", "wrapped"])
def test_memory_is_that_of_a_row(shape, tmp_path):
    rows = [json.dumps({"text": "a" * 5000, "n": n}) for n in range(4_000)]
    content = {
        "lines": "\n".join(rows),
        "list": "[" + ",".join(rows) + "]",
        "wrapped": '{"n": 1,"rows": [' + ",".join(rows) + "]}",
    }[shape]
    path = put(tmp_path, content)
    del rows, content
    tracemalloc.start()
    try:
        assert sum(1 for _ in json_values(path, at="rows" if shape == "wrapped" else None)) == 4_000
        first_value(path)
        assert tracemalloc.get_traced_memory()[1] < 9_000_000  # of 20 MB
    finally:
        tracemalloc.stop()


def test_what_is_cut_off_is_looked_at_in_part(tmp_path, monkeypatch):
    whole = {"a": 1, "rows": [{"b": [1, 2]}, {"c": "text that is long"}], "z": 1}
    path = put(tmp_path, json.dumps(whole))
    monkeypatch.setattr(module, "LONGEST", 45)
    assert first_value(path) == {"a": 1, "rows": [{"b": [1, 2]}, {"c": "text "}]}
    monkeypatch.setattr(module, "LONGEST", 22)
    assert first_value(path) == {"a": 1, "rows": [{}]}
