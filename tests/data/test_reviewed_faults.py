"""What conversions did wrong once, each with its smallest example."""

import json
from pathlib import Path

import pytest

from spacy_ner_plus import convert, read, split, write
from spacy_ner_plus.data.formats.record_files import find_format
from spacy_ner_plus.records import SpanRecord, TextRecord
from tests.annotated_texts import write_rows

ANNA = {"text": "Anna in Berlinish now", "spans": [
    {"start": 0, "end": 4, "label": "PER"}, {"start": 8, "end": 14, "label": "LOC"},
]}  # fmt: skip


def put(path: Path, *rows: object) -> Path:
    write_rows(path, rows)
    return path


def test_groups_of_spans_leave_out_texts_with_refused_annotations(tmp_path: Path) -> None:
    """A group can't say that an annotation is missing."""
    source = put(tmp_path / "in.jsonl", ANNA, {"text": "Bob", "spans": []})
    done = convert(source, tmp_path / "out.spacy", spans_key="sc", max_refused=1.0)
    assert (done.n_documents, done.n_skipped) == (1, 1)
    assert done.placements.n_refused == done.placements.total == 2


def test_skip_leaves_out_texts_whose_annotations_overlap_as_well(tmp_path: Path) -> None:
    spans = [*ANNA["spans"], {"start": 0, "end": 7, "label": "ORG"}]
    source = put(tmp_path / "in.jsonl", {**ANNA, "spans": spans}, {"text": "Bob", "spans": []})
    done = convert(source, tmp_path / "out.spacy", misaligned="skip")
    assert (done.n_documents, done.n_skipped) == (1, 1)


@pytest.mark.parametrize("name", ["in.jsonl", "out.spacy"])
def test_report_is_not_written_over_data(tmp_path: Path, name: str) -> None:
    source = put(tmp_path / "in.jsonl", ANNA)
    before = source.read_bytes()
    with pytest.raises(ValueError, match=rf"--report .*{name} is the output, an input"):
        convert(source, tmp_path / "out.spacy", report=tmp_path / name, misaligned="missing")
    with pytest.raises(ValueError, match="are one file"):
        convert(source, tmp_path / "o.spacy", report=tmp_path / "a", exceptions=tmp_path / "a")
    assert source.read_bytes() == before


def test_unsound_annotations_count_as_others_do(tmp_path: Path) -> None:
    """Those that are rejected, or of dropped types, do not; new names are reported."""
    places = [("PER", None), ("LOC", "rejected"), ("GONE", None)]
    spans = [{"start": 8, "end": 99, "label": label, "status": status} for label, status in places]
    source = put(tmp_path / "in.jsonl", {"text": "Carl in Rome", "spans": spans})
    report = tmp_path / "report.jsonl"
    convert(
        source, tmp_path / "out.spacy", max_refused=1.0, report=report,
        label_map={"PER": "PERSON", "GONE": ""},
    )  # fmt: skip
    [row] = map(json.loads, report.read_text().splitlines())
    assert row["label"] == "PERSON" and row["outcome"] == "refused"


def test_share_that_may_be_refused_is_reached(tmp_path: Path) -> None:
    misaligned = {"text": "Berlinish", "spans": [{"start": 0, "end": 6, "label": "LOC"}]}
    sound = {"text": "Berlin", "spans": [{"start": 0, "end": 6, "label": "LOC"}]}
    source = put(tmp_path / "in.jsonl", *29 * [misaligned], *71 * [sound])
    assert convert(source, tmp_path / "out.spacy", max_refused=0.29).placements.n_refused == 29


def test_split_refuses_to_write_into_its_data(tmp_path: Path) -> None:
    put(tmp_path / "data.jsonl", *({"text": f"text {i}", "spans": []} for i in range(40)))
    with pytest.raises(ValueError, match="would be read again"):
        split(tmp_path, tmp_path / "out", near=None)


@pytest.mark.parametrize(
    ("row", "format"),
    [
        ({"text": "Bob here", "_input_hash": 1, "label": [[0, 3, "P"]]}, "doccano"),
        ({"text": "Bob here", "ents": [{"start": 0, "end": 3, "label": "P"}]}, "doc-json"),
        ({"text": "a", "entities": [[0, 1, "P"]]}, "offsets"),
        ({"schema_version": 1, "text": "a", "tokenized_text": ["a"], "ner": []}, "jsonl"),
        ({"text": "a", "spans": [], "passages": []}, "jsonl"),
        ({"text": "a b", "spans": [], "words": ["a", "b"], "tags": ["x", "y"]}, "jsonl"),
    ],
)
def test_rows_are_not_taken_for_another_tools(row: dict, format: str, tmp_path: Path) -> None:
    assert find_format(put(tmp_path / "a.jsonl", row)) == format


def test_triples_before_which_emoji_stand_want_their_unit(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", {"text": "Hi 😀 Ann", "entities": [[6, 9, "PER"]]})
    with pytest.raises(ValueError, match="--offsets"):
        list(read(path))
    [record] = read(path, offsets="utf16")
    assert record.text[record.spans[0].start : record.spans[0].end] == "Ann"


def test_own_keys_never_make_another_format(tmp_path: Path) -> None:
    record = TextRecord("Bob", spans=(SpanRecord(0, 3, "P"),), other={"ents": [], "data": {"a": 1}})
    write([record], tmp_path / "a.jsonl")
    assert list(read(tmp_path / "a.jsonl")) == [record]


def test_units_of_rows_behind_one_without_annotation_are_wanted_too(tmp_path: Path) -> None:
    """The first row makes it `jsonl`, which has no unit of its own for such rows."""
    row = {"text": "Hi 😀 Ann", "entities": [[6, 9, "PER"]]}
    path = put(tmp_path / "a.jsonl", {"text": "Bob"}, row)
    with pytest.raises(ValueError, match=r"line 2: .* --from offsets --offsets characters, utf16"):
        list(read(path))
    _, record = read(path, "offsets", offsets="utf16")
    assert record.text[record.spans[0].start : record.spans[0].end] == "Ann"


def test_a_configuration_that_is_there_is_left_alone(tmp_path: Path) -> None:
    source = put(tmp_path / "in.jsonl", ANNA)
    own = tmp_path / "tasks.config.xml"
    own.write_text("mine")
    convert(source, tmp_path / "tasks.json", to="label-studio")
    assert own.read_text() == "mine"
    convert(source, tmp_path / "other.json", to="label-studio")
    assert 'value="PER"' in (tmp_path / "other.config.xml").read_text()


def test_a_damaged_line_is_named_and_not_the_one_behind_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[\n{"text": "a"\n\n')
    with pytest.raises(ValueError, match=r"a\.json, line 2: invalid JSON: .* the file ends there"):
        list(read(tmp_path / "a.json"))
