"""Prodigy's rows. All are made up, in the shapes of its exports."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.prodigy import FORMAT, ProdigyRecords
from spacy_ner_plus.data.formats.prodigy_answers import OTHER_VIEWS, beside
from spacy_ner_plus.data.formats.prodigy_writing import write_prodigy
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord, TokenRecord
from tests.data.formats.tool_files import HARD, read_again, sample, written
from tests.record_strategies import records

TEXT = "Anna bor i Lund."
WHOLE = (0, len(TEXT))
ANNA, LUND = {"start": 0, "end": 4, "label": "PER"}, {"start": 11, "end": 15, "label": "LOC"}
SPANS = (SpanRecord(0, 4, "PER"), SpanRecord(11, 15, "LOC"))
TOKENS = [
    {"text": "Anna", "start": 0, "end": 4, "id": 0, "ws": True},
    {"text": "bor", "start": 5, "end": 8, "id": 1, "ws": True},
    {"text": "i", "start": 9, "end": 10, "id": 2, "ws": True, "disabled": True},
    {"text": "Lund", "start": 11, "end": 15, "id": 3, "ws": False},
    {"text": ".", "start": 15, "end": 16, "id": 4, "ws": False},
]
HASHES = {"_input_hash": 7, "_task_hash": -1}


def read(path, *rows, **options):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    source = ProdigyRecords(path, **options)
    return [record for _, record in source.records()], source


def read_one(path, row, **options):
    [record], _ = read(path, row, **options)
    return record


def decision(answer, span, **keys):
    return {"text": TEXT, "spans": [span], "answer": answer, "_view_id": "ner", **keys}


def test_a_row_as_prodigy_writes_it(tmp_path):
    anna = {**ANNA, "token_start": 0, "token_end": 0, "source": "m"}
    row = {"text": TEXT, "meta": {"source": "x"}, **HASHES, "tokens": TOKENS, "_session_id": None}
    row |= {"spans": [anna, LUND], "_view_id": "ner_manual", "answer": "accept"}
    record = read_one(tmp_path / "a.jsonl", row)
    places = [(token["start"], token["end"]) for token in TOKENS]
    assert record == TextRecord(
        TEXT,
        meta={"source": "x"},
        spans=(replace(SPANS[0], other={"source": "m"}), SPANS[1]),
        tokens=tuple(
            TokenRecord(*place, other={"disabled": True} if place == (9, 10) else {})
            for place in places
        ),
        other={**HASHES, "_session_id": None},
    )
    again = written(FORMAT, [record], tmp_path)[0]
    lund = {**LUND, "token_start": 3, "token_end": 3}
    assert again == {**row, "spans": [anna, lund]}


@pytest.mark.parametrize("view", ["ner_manual", "spans_manual", "relations", "blocks", None, "own"])
def test_manual_answers_are_about_the_whole_text(view, tmp_path):
    row = {"text": TEXT, "spans": [ANNA]} | ({"_view_id": view} if view else {})
    kept = {"_view_id": view} if view not in (None, "ner_manual") else {}
    path = tmp_path / "a.jsonl"
    accepted = read_one(path, {**row, "answer": "accept"})
    assert accepted == TextRecord(TEXT, spans=SPANS[:1], other=kept)
    nothing_marked = {key: value for key, value in row.items() if key != "spans"}
    with_tokens = {**nothing_marked, "tokens": TOKENS, "answer": "accept"}
    assert read_one(path, with_tokens).spans == ()
    is_told = view in ("ner_manual", "spans_manual", "relations")
    untold = read_one(path, {**nothing_marked, "answer": "accept"})
    assert untold.spans == (() if is_told else None)
    assert read_again(FORMAT, [untold], tmp_path) == [untold]
    for answer in ("reject", "ignore"):
        record = read_one(path, {**row, "answer": answer})
        assert record.spans == (replace(SPANS[0], status="ignored"),)
        assert record.unknown == (WHOLE,)
        assert record.other["answer"] == answer
        assert read_one(path, {**nothing_marked, "answer": answer}).spans is None
        assert read_one(path, {**row, "spans": [], "answer": answer}).spans is None


@pytest.mark.parametrize("view", ["ner", "spans"])
@pytest.mark.parametrize(
    ("answer", "status", "unknown"),
    [
        ("accept", None, ((4, 16),)),
        ("reject", "rejected", (WHOLE,)),
        ("ignore", "ignored", (WHOLE,)),
    ],
)
def test_binary_answers_are_about_a_span(view, answer, status, unknown, tmp_path):
    row = decision(answer, ANNA, _view_id=view)
    record = read_one(tmp_path / "a.jsonl", row)
    kept = {} if view == "ner" else {"_view_id": view}
    spans = (replace(SPANS[0], status=status),)
    assert record == TextRecord(TEXT, spans=spans, unknown=unknown, other=kept)
    assert written(FORMAT, [record], tmp_path) == [row]
    del row["_view_id"]
    if view == "ner":
        assert read_one(tmp_path / "a.jsonl", row, view="binary") == record


def test_a_review_has_the_view_that_is_reviewed(tmp_path):
    row = decision("reject", ANNA, _view_id="review", view_id="ner", versions=[])
    record = read_one(tmp_path / "a.jsonl", row)
    assert (record.spans[0].status, record.unknown) == ("rejected", (WHOLE,))
    record = read_one(tmp_path / "a.jsonl", {**row, "view_id": "ner_manual", "answer": "accept"})
    assert (record.spans, record.unknown) == (SPANS[:1], ())


@pytest.mark.parametrize("view", OTHER_VIEWS)
@pytest.mark.parametrize("answer", ["accept", "reject"])
def test_answers_about_other_things_say_nothing_of_entities(view, answer, tmp_path):
    row = {"text": TEXT, "label": "GREETING", "answer": answer, "_view_id": view}
    path = tmp_path / "a.jsonl"
    assert read_one(path, row).spans is None
    record = read_one(path, {**row, "spans": [ANNA]})
    assert (record.spans[0].status, record.unknown) == ("ignored", (WHOLE,))
    assert written(FORMAT, [record], tmp_path) == [{**row, "spans": [ANNA]}]


def test_several_rejected_spans_are_not_known_to_be_wrong_each(tmp_path):
    row = {**decision("reject", ANNA), "spans": [ANNA, LUND]}
    [record], source = read(tmp_path / "a.jsonl", row)
    assert {span.status for span in record.spans} == {"ignored"}
    assert source.counts["rows rejected with several spans, taken for unknown"] == 1


def test_rows_without_answer_are_as_they_stand(tmp_path):
    path = tmp_path / "a.jsonl"
    assert read_one(path, {"text": TEXT, **HASHES}).spans is None
    assert read_one(path, {"text": TEXT, "spans": [ANNA], **HASHES}).spans == SPANS[:1]


def test_rejected_rows_that_do_not_say_their_view_are_warned_of(tmp_path):
    row = decision("reject", ANNA)
    del row["_view_id"]
    _, source = read(tmp_path / "a.jsonl", row)
    assert [one for one in source.warnings if "(1) were taken for manual ones" in one]
    _, source = read(tmp_path / "a.jsonl", row, view="binary")
    assert source.warnings == []


def test_decisions_about_a_text_are_one_record(tmp_path):
    other = {"start": 0, "end": 8, "label": "PER"}
    rows = [
        decision("accept", ANNA, **HASHES, meta={"score": 0.5}),
        decision("reject", other, _input_hash=7, _task_hash=-2, meta={"score": 0.25}),
        decision("accept", LUND, _input_hash=7, _task_hash=-3, meta={"score": 0.75}),
        decision("accept", LUND, _input_hash=8, _task_hash=-4),
    ]
    [record, last], source = read(tmp_path / "a.jsonl", *rows)
    assert record == TextRecord(
        TEXT,
        spans=tuple(
            replace(span, meta={"score": score}, other={"_task_hash": hash})
            for span, score, hash in [
                (SPANS[0], 0.5, -1),
                (SpanRecord(0, 8, "PER", status="rejected"), 0.25, -2),
                (SPANS[1], 0.75, -3),
            ]
        ),
        unknown=((4, 11), (15, 16)),
        other={"_input_hash": 7},
    )
    assert last.unknown == ((0, 11), (15, 16))
    assert source.counts["decisions put to others about their texts"] == 2
    assert read_again(FORMAT, [record, last], tmp_path) == [record, last]
    again = written(FORMAT, [record, last], tmp_path)
    assert [row["_task_hash"] for row in again] == [-1, -2, -3, -4]
    assert [row["answer"] for row in again] == ["accept", "reject", "accept", "accept"]
    singles, _ = read(tmp_path / "a.jsonl", *rows, merge=False)
    assert len(singles) == 4
    differing = [{**rows[0], "_session_id": "a"}, {**rows[1], "_session_id": "b"}]
    assert len(read(tmp_path / "a.jsonl", *differing)[0]) == 2


def test_partial_annotation_is_written_as_decisions_and_the_rest_as_tasks(tmp_path):
    spans = (SPANS[0], SpanRecord(5, 8, "PER", status="rejected"))
    partial = TextRecord(TEXT, spans=spans, unknown=beside(spans, 16))
    twice = [partial, partial]
    rows = written(FORMAT, twice, tmp_path)
    assert [row["answer"] for row in rows] == ["accept", "reject"] * 2
    assert rows[0]["_input_hash"] == rows[1]["_input_hash"] != rows[2]["_input_hash"]
    assert read_again(FORMAT, twice, tmp_path) == twice
    half = TextRecord(TEXT, spans=SPANS[:1], unknown=((8, 16),))
    [row] = written(FORMAT, [half], tmp_path)
    assert "answer" not in row
    assert read_again(FORMAT, [half], tmp_path) == [half]


def test_relations_are_between_entities(tmp_path):
    spans = [{**ANNA, "token_start": 0, "token_end": 0}, {**LUND, "token_start": 3, "token_end": 3}]
    relation = {"head": 0, "child": 3, "head_span": spans[0], "child_span": spans[1]}
    relation |= {"color": "#c5bdf4", "label": "lives in"}
    row = {"text": TEXT, "tokens": TOKENS, "spans": spans, "_view_id": "relations"}
    row |= {"relations": [relation, {"head": 1, "child": 0, "label": "nsubj"}], "answer": "accept"}
    [record], source = read(tmp_path / "a.jsonl", row)
    assert record.relations == (RelationRecord(0, 1, "lives in", other={"color": "#c5bdf4"}),)
    assert [span.id for span in record.spans] == [0, 1]
    assert source.counts["relations of words that are no entities passed over"] == 1
    [again] = written(FORMAT, [record], tmp_path)
    assert again["relations"][0].items() >= {"head": 0, "child": 3, "label": "lives in"}.items()
    assert again["_view_id"] == "relations"
    assert read_again(FORMAT, [record], tmp_path) == [record]
    bare = {key: value for key, value in relation.items() if "span" not in key}
    assert read_one(tmp_path / "a.jsonl", {**row, "relations": [bare]}) == record


def test_annotators(tmp_path):
    row = {"text": TEXT, **HASHES, "_view_id": "ner_manual", "answer": "accept"}
    rows = [
        {**row, "spans": [ANNA, LUND], "_annotator_id": "a"},
        {**row, "text": "Ja.", "_input_hash": 9, "_annotator_id": "b"},
        {**row, "spans": [ANNA, {**LUND, "label": "ORG"}], "_annotator_id": "b"},
        {**row, "spans": [], "answer": "ignore", "_annotator_id": "c"},
    ]
    path = tmp_path / "a.jsonl"
    each, source = read(path, *rows)
    assert len(each) == 4
    assert "there are 3 annotators" in source.warnings[0]
    names, _ = read(path, *rows, annotator="all")
    assert [record.meta["annotator"] for record in names] == ["a", "b", "b", "c"]
    first, source = read(path, *rows, annotator="first")
    assert first == each[:2]
    assert source.counts["records of other annotators passed over"] == 2
    [agreed, ja], _ = read(path, *rows, annotator="agreed")
    assert (agreed.spans, agreed.unknown) == (SPANS[:1], ((11, 15),))
    assert agreed.other == HASHES
    assert ja.spans == ()


def test_decisions_of_annotators_are_joined_before_they_are_compared(tmp_path):
    rows = [
        decision(answer, span, _input_hash=7, _session_id=name)
        for span in (ANNA, LUND)
        for name, answer in (("a", "accept"), ("b", "accept" if span is ANNA else "reject"))
    ]
    [record], _ = read(tmp_path / "a.jsonl", *rows, annotator="agreed")
    assert (record.spans, record.unknown) == (SPANS[:1], ((4, 16),))


def test_other_rows(tmp_path):
    image = {"image": "a.png", "answer": "accept"}
    found, source = read(tmp_path / "a.jsonl", image, {"text": TEXT, "answer": "accept"})
    assert (len(found), source.counts["rows without text passed over"]) == (1, 1)
    shown = {"text": TEXT, "spans": [{"start": 0, "end": 4}], "answer": "accept"}
    [record], source = read(tmp_path / "a.jsonl", shown)
    assert (record.spans, source.counts["spans without label passed over"]) == ((), 1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": TEXT, "answer": "yes"}, "line 1: answer is 'yes', and must be one of accept"),
        (3, "line 1: a row must be an object"),
        ({"spans": []}, "line 1: text must be given"),
        ({"text": TEXT, "spans": [3]}, r"line 1: spans\[0\] must be an object, got 3"),
        ({"text": TEXT, "spans": [{**ANNA, "end": 99}]}, r"spans\[0\]: .* not within the text"),
    ],
)
def test_bad_rows_are_refused(row, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "a.jsonl", row)


@pytest.mark.parametrize("options", [{"view": "x"}, {"annotator": "x"}])
def test_bad_options_are_refused(options, tmp_path):
    with pytest.raises(ValueError, match="'x' must be one of"):
        ProdigyRecords(tmp_path, **options)


@pytest.mark.parametrize(
    ("row", "is_prodigy"),
    [
        ({"text": TEXT, "_task_hash": 1}, True),
        ({"text": TEXT, "answer": "accept"}, True),
        ({"text": TEXT, "answer": 42}, False),
        ({"text": TEXT, "spans": [ANNA]}, False),
        ([TEXT, {"entities": []}], False),
    ],
)
def test_files_are_recognised(row, is_prodigy):
    assert FORMAT.recognises(sample(row)) is is_prodigy


@pytest.mark.parametrize("record", HARD)
def test_hard_texts(record, tmp_path):
    assert read_again(FORMAT, [record], tmp_path) == [record]


@st.composite
def decided(draw):
    """Records as answers make them, besides any."""
    record = draw(records())
    kind = draw(st.sampled_from(["any", "decisions", "unknown", "complete"]))
    if kind == "any" or not record.spans:
        return record
    if kind == "complete":
        spans = tuple(replace(span, status=None) for span in record.spans)
        return replace(record, spans=spans, unknown=())
    record = replace(record, relations=())
    if kind == "decisions":
        return replace(record, unknown=beside(record.spans, len(record.text)))
    spans = tuple(replace(span, status="ignored") for span in record.spans)
    answer = {"answer": draw(st.sampled_from(["reject", "ignore"]))}
    whole = ((0, len(record.text)),)
    return replace(record, spans=spans, unknown=whole, other={**record.other, **answer})


@settings(deadline=None, max_examples=60)
@given(st.lists(decided(), max_size=2), st.booleans())
def test_records_are_the_same_again(tmp_path_factory, drawn, twice):
    drawn = drawn * (1 + twice)
    path = tmp_path_factory.mktemp("rows")
    assert write_prodigy(drawn, path / "a.jsonl").lost == {}
    assert read_again(FORMAT, drawn, path) == drawn
