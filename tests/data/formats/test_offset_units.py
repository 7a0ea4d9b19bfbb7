"""Offsets of any unit, and spans that are not where they should be."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.locating import NEAR, find_near
from spacy_ner_plus.data.formats.offset_units import (
    BYTES,
    CHARACTERS,
    UNITS,
    UTF16,
    from_characters,
    in_characters,
)
from spacy_ner_plus.data.formats.tool_records import ToolRecords
from spacy_ner_plus.data.sources.json_values import json_values
from tests.record_strategies import records

ANNA = "😀 é Anna å"


@dataclass
class Records(ToolRecords):
    """A format of JSON Lines that defines no unit."""

    unit = None

    def entries(self):
        return json_values(self.path)

    def row(self, entry, counts):
        counts["rows"] += 1
        return dict(entry)


class Defined(Records):
    """One that does."""

    unit = CHARACTERS


def span(start, end, text=None, **more):
    return {"start": start, "end": end, "label": "X", "text": text} | more


def put(tmp_path, *rows):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return path


def read(source):
    return [record for _, record in source.records()]


def covered(source):
    return [[record.text[one.start : one.end] for one in record.spans] for record in read(source)]


@pytest.mark.parametrize(
    ("unit", "start", "words"),
    [(CHARACTERS, 4, "characters"), (UTF16, 5, "UTF-16 units"), (BYTES, 8, "bytes of UTF-8")],
)
def test_the_unit_of_a_file_is_found_from_the_texts_of_spans(unit, start, words, tmp_path):
    rows = [
        {"text": "Anna", "spans": [span(0, 4, "Anna")]},
        # says nothing itself
        {"text": ANNA, "spans": [span(start, start + 4)], "unknown": [[start, start + 4]]},
        {"text": ANNA, "spans": [span(start, start + 4, "Anna")]},
    ]
    for kind in (Records, Defined):
        source = kind(put(tmp_path, *rows))
        assert covered(source) == [["Anna"]] * 3
        assert source.notes == [f"offsets count {words}, as the texts of 1 annotations show"]
        assert source.counts == {"rows": 3}
    assert read(source)[1].unknown == ((4, 8),)
    silent = put(tmp_path, *rows[:2])
    assert covered(Records(silent, offsets=unit)) == [["Anna"]] * 2


def test_a_unit_that_nothing_tells_is_an_error_if_it_matters(tmp_path):
    row = {"text": ANNA, "spans": [span(5, 9)]}
    path = put(tmp_path, {"text": "a", "spans": []}, row, row)
    with pytest.raises(ValueError, match=r"^\S+a\.jsonl, line 2: .* beyond U\+FFFF, .* --off"):
        read(Records(path))
    defined = Defined(path)
    assert covered(defined) == [[], ["nna "], ["nna "]]
    assert defined.notes == ["offsets taken for characters"]
    with pytest.raises(ValueError, match="--offsets utf8 must be one of characters, utf16"):
        read(Records(path, offsets="utf8"))
    before = put(tmp_path, {"text": "Anna 😀", "spans": [span(0, 4)], "tokens": [span(0, 4)]})
    with pytest.raises(ValueError, match="tokens: none holds"):
        read(Records(before))
    before = put(tmp_path, {"text": "Anna é 😀", "spans": [span(0, 4), span(5, 6)]})
    source = Records(before)
    assert covered(source) == [["Anna", "é"]]
    assert source.notes == []


def test_the_unit_is_that_of_most_texts_and_others_are_found_nearby(tmp_path):
    by_old, by_new = span(5, 9, "Anna"), span(4, 8, "Anna")
    source = Records(
        put(tmp_path, *[{"text": ANNA, "spans": [one]} for one in (by_old, by_new, by_old)])
    )
    assert covered(source) == [["Anna"]] * 3
    assert source.notes == ["offsets count UTF-16 units, as the texts of 2 annotations show"]
    assert source.counts["annotations found nearby"] == 1
    assert source.warnings == ["annotations found nearby (1): line 2"]


def test_texts_that_fit_in_two_units_do_not_speak_for_the_default(tmp_path):
    """Else the first row would be read in characters, the others in UTF-16."""
    source = Defined(
        put(
            tmp_path,
            {"text": "😀 aaaa", "spans": [span(4, 6, "aa")]},
            {"text": ANNA, "spans": [span(5, 9, "Anna")]},
            {"text": "no JSON", "spans": 3},
        )
    )
    with pytest.raises(ValueError, match="line 3: spans must be a list"):
        for _, record in source.records():
            assert [(one.start, one.end) for one in record.spans] in ([(3, 5)], [(4, 8)])
    source = Defined(source.path, offsets=CHARACTERS)
    assert next(source.records())[1].spans[0].start == 4


@pytest.mark.parametrize(
    ("text", "given", "found", "kind"),
    [
        ("a b\r\nc", span(2, 5, "b\nc"), (2, 6), "nearby"),
        ("a b\r\nc", span(2, 6, "b\nc"), (2, 6), "white space"),
        ("a  b\u00a0c", span(3, 6, "b c"), (3, 6), "white space"),
        ("a\r\nb\r\nBob", span(4, 7, "Bob"), (6, 9), "nearby"),
        ("Bob a Bob", span(5, 8, "Bob"), (6, 9), "nearby"),
        ("Bob a Bob", span(3, 6, "Bob"), None, None),  # equally near
        ("Bobby a Bob", span(1, 4, "Bob"), (8, 11), "nearby"),  # no part of a word
        ("東京都庁", span(0, 2, "京都"), (1, 3), "nearby"),
        (f"Bob{' ' * (NEAR - 3)}a", span(NEAR, NEAR + 3, "Bob"), (0, 3), "nearby"),
        (f"Bob{' ' * (NEAR - 2)}a", span(NEAR + 1, NEAR + 2, "Bob"), None, None),
        ("to  a b\tc", span(2, 5, "b c"), (6, 9), "nearby"),
        ("a Bob", span(2, 99, "Bob"), (2, 5), "nearby"),
        ("a", span(0, 99, None), None, None),
        ("a", span(1, 1, None), None, None),
    ],
)  # fmt: skip
def test_spans_are_put_where_their_texts_are(text, given, found, kind, tmp_path):
    row = {"text": text, "spans": [given | {"id": 1}, span(0, 1, None, id=2)]}
    row["relations"] = [{"head": 1, "tail": 2, "label": "r"}, {"head": 2, "tail": 2, "label": "r"}]
    path = put(tmp_path, row)
    source, lenient = Records(path), Records(path, lenient=True)
    if found is None:
        with pytest.raises(ValueError, match="line 1: spans"):
            read(source)
        [record] = read(lenient)
        assert [one.id for one in record.spans] == [2]
        assert [one.head for one in record.relations] == [2]
        assert record.unknown == ((0, len(text)),)
        assert lenient.counts["annotations without a place left out, taken for unknown"] == 1
        assert lenient.counts["relations of annotations without a place left out"] == 1
        source = Records(path)
        source.unsound = []
        assert read(source) == [record]
        assert [one.span["id"] for one in source.unsound] == [1]
        assert source.unsound[0].message.startswith("spans[0]: ")
        return
    for one in (source, lenient):
        [record] = read(one)
        assert (record.spans[0].start, record.spans[0].end) == found
        assert record.unknown == ()
        [(counted, n)] = [(name, n) for name, n in one.counts.items() if name != "rows"]
        assert (kind in counted, n) == (True, 1)


def test_what_is_no_offset_is_refused_even_if_lenient(tmp_path):
    for wrong in ({"label": "X"}, span("0", 1), span(None, 1, "a"), span(True, 1), 3):
        with pytest.raises(ValueError, match=r"line 1: spans\[0\]"):
            read(Records(put(tmp_path, {"text": "aé😀", "spans": [wrong]}), lenient=True))
    source = Records(put(tmp_path, {"text": "é a", "spans": [span(3.0, 4.0, "a"), span(1, 4)]}))
    with pytest.raises(ValueError, match=r"line 1: spans\[1\]: 1 is within a character, or beyond"):
        read(source)


def test_all_that_is_wrong_is_listed_up_to_where_nothing_can_be_read(tmp_path):
    path = put(tmp_path, {"spans": []}, {"text": "a"}, {"text": 1})
    path.write_text(path.read_text() + "{\n", encoding="utf8")
    with pytest.raises(ValueError, match=r"^3 texts can't be read") as error:
        read(Records(path))
    found = str(error.value).splitlines()[1:]
    assert [f"line {n}: " in line for n, line in zip((1, 3, 4), found, strict=True)] == [True] * 3


@given(records(), st.sampled_from(UNITS))
def test_there_and_back_is_the_identity(record, unit):
    row = record.to_json()
    assert in_characters(from_characters(row, unit), unit) == row


@given(st.text("a b\n", max_size=9), st.text("a b", min_size=1, max_size=3), st.integers(0, 9))
def test_what_is_found_has_the_text(text, wanted, start):
    if (found := find_near(text, wanted, start)) is not None:
        assert text[slice(*found)].split() == wanted.split()
