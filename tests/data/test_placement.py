"""What convert does about annotations that do not fit, and what it says of each."""

import json
from collections import Counter

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from spacy_ner_plus.data.blank_pipeline import blank_pipeline
from spacy_ner_plus.data.conversion import convert
from spacy_ner_plus.data.formats.record_files import read
from spacy_ner_plus.data.formats.unsound_spans import without_unsound
from spacy_ner_plus.data.needed_exceptions import find_exceptions
from spacy_ner_plus.records import SpanRecord, TextRecord, TokenRecord
from spacy_ner_plus.text.token_exceptions import read_exceptions
from tests.annotated_texts import write_rows

TEXT = "Anna saw Parkinsonism in Oslo."
ROWS = [
    {"id": "a", "text": TEXT, "entities": [[0, 4, "PER"], [9, 18, "X"], [24, 30, "LOC"]]},
    {"id": 7, "text": "More Parkinsonism", "entities": [[5, 17, "X"], [5, 17, "X"]]},
    {"text": "Parkinsonism alone", "entities": []},
]


@pytest.fixture
def source(tmp_path):
    return write_rows(tmp_path / "in.jsonl", ROWS)


def entities(path):
    return [
        [(ent.text, ent.label_) for ent in doc.ents]
        for doc in DocBin().from_disk(path).get_docs(Vocab())
    ]


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


@pytest.mark.parametrize(
    ("options", "wanted", "outcomes"),
    [
        ({}, ["Anna", "Parkinsonism", "Oslo."], (2, 3, 0)),
        ({"trim": "punctuation"}, ["Anna", "Parkinsonism", "Oslo"], (2, 3, 0)),
        ({"misaligned": "contract", "max_refused": 0.2}, ["Anna", "Oslo."], (2, 2, 1)),
        ({"misaligned": "missing", "trim": "space"}, ["Anna", "Oslo."], (2, 2, 1)),
    ],
)
def test_policies(options, wanted, outcomes, source, tmp_path):
    done = convert(source, tmp_path / "out.spacy", **{"misaligned": "snap", **options})
    first, *others = entities(tmp_path / "out.spacy")
    assert [text for text, _ in first] == wanted
    assert others == [[("Parkinsonism", "X")], []]
    found = done.placements.outcomes
    assert (found["kept"], found["changed"], found["refused"]) == outcomes


def test_report_has_a_line_for_each_also_where_nothing_is_written(source, tmp_path):
    report, out = tmp_path / "report.jsonl", tmp_path / "out.spacy"
    result = CliRunner().invoke(app, ["convert", str(source), str(out), "--report", str(report)])
    assert result.exit_code == 1
    assert "Error: 2 annotations are not on token boundaries" in result.stderr
    assert not out.exists()
    rows = rows_of(report)
    assert [row["outcome"] for row in rows] == ["kept", "refused", "refused", "kept", "changed"]
    assert rows[1] == {
        "id": "a", "where": f"{source}, line 1", "start": 9, "end": 18, "label": "X",
        "text": "Parkinson", "outcome": "refused", "done": ["misaligned"],
        "token_starts": [9], "token_ends": [8, 21],
        "message": "X 'Parkinson' at characters 9-18 is not on token boundaries: tokens start at 9 "
        "and end at 8 or 21",
    }  # fmt: skip
    assert rows[4]["done"] == ["repeated"]
    assert rows[4]["id"] == 7


def test_report_counts_texts_that_can_not_be_used(source, tmp_path):
    rows = [{"text": "a b", "entities": [[0, 3, "X"], [2, 3, "Y"]]}, ROWS[1]]
    write_rows(source, rows)
    with pytest.raises(ValueError, match="overlaps another entity"):
        convert(source, tmp_path / "out.spacy", report=tmp_path / "r.jsonl")
    found = Counter((row["outcome"], *row["done"]) for row in rows_of(tmp_path / "r.jsonl"))
    assert found == {("refused", "text can't be used"): 2, ("kept",): 1, ("changed", "repeated"): 1}


def test_texts_that_are_left_out_take_all_their_annotations_with_them(source, tmp_path):
    done = convert(source, tmp_path / "out.spacy", misaligned="skip", report=tmp_path / "r.jsonl")
    assert (done.n_skipped, done.n_documents) == (1, 2)
    assert dict(done.placements.rows()) == {
        "annotations": 5, "  kept": 1, "  changed": 1, "    repeated": 1, "  refused": 3,
        "    misaligned": 2, "    text left out": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("limit", "is_written"), [(0.4, True), (0.39, False), (0.0, False)])
def test_more_refused_than_allowed_is_an_error(limit, is_written, source, tmp_path):
    for policy in ("error", "missing"):
        out = tmp_path / f"{policy}.spacy"
        arguments = ["convert", source, out, "--misaligned", policy, "--max-refused", limit]
        result = CliRunner().invoke(app, [str(one) for one in arguments])
        assert result.exit_code == (not is_written)
        assert out.exists() == is_written
    if not is_written and limit:
        assert "40.00% of 5 annotations are more than --max-refused 0.39. 2" in result.stderr
    with pytest.raises(ValueError, match=r"--max-refused must be a share from 0 to 1, got 1\.5"):
        convert(source, tmp_path / "x.spacy", max_refused=1.5)


def test_overlaps(source, tmp_path):
    rows = [{"text": "New York City", "entities": [[0, 8, "A"], [0, 13, "B"], [9, 13, "C"]]}]
    write_rows(source, rows)
    for overlaps, wanted in (
        ("longest", ["B"]), ("first", ["A", "C"]), ("labels:C,B", ["A", "C"]),
    ):  # fmt: skip
        out = tmp_path / "out.spacy"
        with pytest.raises(ValueError, match=r"refused: overlapping \(\d\)\.\n[^\0]*--max-refused"):
            convert(source, out, overlaps=overlaps)
        convert(source, out, overlaps=overlaps, max_refused=1)
        assert [label for _, label in entities(out)[0]] == wanted
        done = convert(source, out, overlaps=overlaps, spans_key="sc")
        [doc] = DocBin().from_disk(out).get_docs(Vocab())
        assert [span.label_ for span in doc.spans["sc"]] == ["A", "B", "C"]
        assert [ent.label_ for ent in doc.ents] == wanted
        assert done.placements.outcomes == {"kept": 3}


def test_split_writes_exceptions_with_which_all_fits(source, tmp_path):
    out, file = tmp_path / "out.spacy", tmp_path / "exceptions.json"
    with pytest.raises(ValueError, match="--misaligned split needs --exceptions"):
        convert(source, out, misaligned="split")
    arguments = ["convert", source, out, "--misaligned", "split", "--exceptions", file]
    result = CliRunner().invoke(app, [str(one) for one in [*arguments, "--trim", "space"]])
    assert result.exit_code == 0, result.output
    assert read_exceptions(file) == {"Parkinsonism": ("Parkinson", "ism")}
    assert entities(out)[0] == [("Anna", "PER"), ("Parkinson", "X"), ("Oslo.", "LOC")]
    assert entities(out)[1] == [("Parkinsonism", "X")]
    table = " ".join(result.stdout.split())
    assert "tokenizer exceptions 1 new or changed 1 tokens cut for annotations 1" in table
    assert "other tokens cut 2" in table
    assert "annotations 5 kept 3 tokens split 1 changed 2 repeated 1 trimmed 1 refused 0" in table
    # other files make the same tokens
    other = write_rows(tmp_path / "dev.jsonl", ROWS[2:])
    convert(other, tmp_path / "dev.spacy", exceptions=file)
    [doc] = DocBin().from_disk(tmp_path / "dev.spacy").get_docs(Vocab())
    assert [token.text for token in doc] == ["Parkinson", "ism", "alone"]
    # and more can be added
    more = write_rows(tmp_path / "more.jsonl", [{"text": "xyParkinsonism", "spans": []}, {
        "text": "Parkinsonism", "spans": [{"start": 4, "end": 12, "label": "X"}]}])  # fmt: skip
    done = convert(more, tmp_path / "m.spacy", misaligned="split", exceptions=file)
    assert read_exceptions(file) == {"Parkinsonism": ("Park", "inson", "ism")}
    assert (done.needed.n_added, done.needed.n_cut, done.needed.n_others) == (1, 1, 0)


def test_split_refuses_what_no_cut_can_help(source, tmp_path):
    file = tmp_path / "exceptions.json"
    rows = [{"text": "Anna Ek", "entities": [[0, 5, "PER"]]}]
    with pytest.raises(ValueError, match="1 have white space at their edges: --trim space"):
        convert(write_rows(source, rows), tmp_path / "o.spacy", misaligned="split", exceptions=file)
    assert not file.exists()
    with pytest.raises(ValueError, match="no file of tokenizer exceptions"):
        convert(source, tmp_path / "o.spacy", exceptions=file)


def test_exceptions_are_of_texts_without_tokens():
    spans = (SpanRecord(0, 2, "X"), SpanRecord(1, 2, "Y", status="rejected"))
    own = TextRecord("abc", spans=spans, tokens=(TokenRecord(0, 3),))
    bare = TextRecord("abc abc", spans=spans)
    needed = find_exceptions([own, bare], spacy.blank("en"))
    assert needed.exceptions == {"abc": ("ab", "c")}
    assert (needed.n_cut, needed.n_others) == (1, 1)


def test_pipeline_with_exceptions_says_so_in_its_config():
    nlp = blank_pipeline("en", {"ab": ["a", "b"]})
    assert nlp.config["nlp"]["tokenizer"]["@tokenizers"] == "spacy_ner_plus.ExceptionsTokenizer.v1"
    doc = nlp("ab c")
    assert [token.text for token in doc] == ["a", "b", "c"]
    assert doc.vocab is nlp.vocab


def test_annotations_without_a_place_are_refused_if_some_may_be(source, tmp_path):
    spans = [
        {"start": 0, "end": 4, "label": "PER", "id": 1},
        {"start": 5, "end": 5, "label": "X"},
        {"start": 25, "end": 90, "label": "LOC", "id": 2},
        {"start": 9, "end": 21, "label": "X", "text": "Parkinson's"},
    ]
    relations = [{"head": 1, "tail": 2, "label": "in"}, {"head": 1, "tail": 1, "label": "is"}]
    write_rows(source, [{"text": TEXT, "spans": spans, "relations": relations}, ROWS[1], ROWS[2]])
    out, report = tmp_path / "out.spacy", tmp_path / "r.jsonl"
    with pytest.raises(ValueError, match=r"in\.jsonl, line 1: spans\[1\]: characters 5-5 are none"):
        convert(source, out)
    with pytest.raises(
        ValueError, match=r"more than --max-refused 0\.3\. 3 annotations are refused"
    ):
        convert(source, out, max_refused=0.3)
    done = convert(source, out, max_refused=0.5, report=report)
    assert done.placements.outcomes == {"kept": 2, "changed": 1, "refused": 3}
    assert done.placements.done["refused", "no place in the text"] == 3
    rows = [row for row in rows_of(report) if row["outcome"] == "refused"]
    assert [(row["start"], row["end"], row["message"]) for row in rows] == [
        (5, 5, "spans[1]: characters 5-5 are none"),
        (25, 90, "spans[2]: characters 25-90 are not within the text of 30 characters"),
        (9, 21, "spans[3]: its text is \"Parkinson's\", but characters 9-21 are 'Parkinsonism'"),
    ]
    [first, *_] = DocBin().from_disk(out).get_docs(Vocab())
    assert [token.ent_iob for token in first] == [3, 0, 0, 0, 0, 0]
    [record, *_] = read(out)
    assert [one.label for one in record.relations] == ["is"]


@settings(max_examples=60)
@given(
    st.text("ab😀", max_size=5),
    st.lists(st.tuples(st.integers(-1, 7), st.integers(-1, 7), st.sampled_from([None, "a"]))),
)
def test_rows_without_unsound_spans_are_records(text, places):
    spans = [
        {"start": start, "end": end, "label": "X"} | ({} if part is None else {"text": part})
        for start, end, part in places
    ]
    row, unsound = without_unsound({"text": text, "spans": spans})
    record = TextRecord.from_json(row)
    assert len(record.spans) + len(unsound) == len(spans)
    for one in unsound:
        with pytest.raises(ValueError, match="spans"):
            TextRecord.from_json({"text": text, "spans": [one.span]})
    assert record.unknown == (((0, len(text)),) if unsound and text else ())
