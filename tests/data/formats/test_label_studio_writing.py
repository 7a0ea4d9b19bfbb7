"""Records as Label Studio's tasks, and back."""

import json
import logging
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_ner_plus import read, write
from spacy_ner_plus.data.formats.label_studio import LabelStudioRecords
from spacy_ner_plus.data.formats.label_studio_writing import write_label_studio
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord, TokenRecord
from tests.record_strategies import JSON, records

TEXT = "Anna bor i Lund."
ANNA, LUND = SpanRecord(0, 4, "PER"), SpanRecord(11, 15, "LOC")
TEXT_CONFIG = """<View>
  <Labels name="ner" toName="article"><Label value="PER"/></Labels>
  <Labels name="pos" toName="article"/>
  <Text name="article" value="$body"/>
</View>"""


def written(path, *made, **options):
    lost = write_label_studio(made, path, **options).lost
    return json.loads(path.read_text("utf8")), {what: n for what, n in lost.items() if n}


def back(path, **options):
    source = LabelStudioRecords(path, **options)
    return [record for _, record in source.records()], dict(source.counts)


def with_texts(record):
    """Regions say what they cover."""
    return record.spans and replace(
        record,
        spans=tuple(
            replace(span, text=record.text[span.start : span.end]) if span.is_accepted else span
            for span in record.spans
        ),
    )


def other_keys(*names):
    """Keys that Label Studio has for itself, with values that it would not have there."""
    values = JSON | st.sampled_from(["label", "labels", "r1", {"text": "x"}, {"x": 1}])
    return st.dictionaries(st.sampled_from(names), values, max_size=2)


@st.composite
def entangled(draw):
    """Records whose other keys have Label Studio's names."""
    record = draw(records())
    of_span = other_keys(
        *("from_name", "to_name", "type", "value", "score", "same_region_as", "spacy_ner_plus")
    )
    ids = st.none() | st.sampled_from(["ner-plus-0", "ner-plus-1", ""])
    spans = record.spans and tuple(
        replace(
            span,
            id=span.id if span.id is not None else draw(ids),
            other=draw(of_span),
            meta=draw(other_keys("spacy_ner_plus", "text")),
        )
        for span in record.spans
    )
    relations = tuple(
        replace(one, other=draw(other_keys("direction", "labels", "type", "from_id")))
        for one in record.relations
    )
    of_record = other_keys(
        *("data", "text_field", "annotation", "prediction", "project", "spacy_ner_plus")
    )
    meta = draw(other_keys("spacy_ner_plus"))
    taken = [span.id for span in spans or ()]
    if any(taken.count(one.head) != 1 or taken.count(one.tail) != 1 for one in relations):
        relations = ()
    return replace(record, spans=spans, relations=relations, other=draw(of_record), meta=meta)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(records(), max_size=3), st.sampled_from(["json", "jsonl"]))
def test_records_are_read_as_they_were_written(tmp_path, made, layout):
    path = tmp_path / "a.json"
    assert write_label_studio(made, path, layout=layout).lost == {}
    assert back(path)[0] == [with_texts(record) or record for record in made]


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(entangled())
def test_keys_with_names_of_label_studio_are_kept_apart(tmp_path, made):
    path = tmp_path / "a.json"
    try:
        lost = write_label_studio([made], path).lost
    except ValueError as error:
        assert "beside the text" in str(error)
        return
    try:
        [again] = back(path)[0]
    except ValueError as error:
        assert "say with" in str(error)  # which of several tags to take
        return
    want = with_texts(made) or made
    if lost:  # what it says was HTML is none
        want = replace(want, other={k: v for k, v in want.other.items() if k != "data"})
        again = replace(again, other={k: v for k, v in again.other.items() if k != "data"})
    assert again == want


def test_a_task_is_as_label_studio_imports_it(tmp_path):
    record = TextRecord(
        "😀 שלום\r\nAnna bor i Lund.",
        id=7,
        meta={"source": "x"},
        spans=(
            SpanRecord(8, 12, "PER", id="a", kb_id="Q1", probability=0.5),
            SpanRecord(19, 23, "LOC", meta={"text": ["note"]}),
            SpanRecord(13, 16, "X", id="x", status="rejected"),
        ),
        relations=(RelationRecord("a", "x", "no"),),
        tokens=None,
        other={"project": 3, "data": {"title": "T"}},
    )
    [task], lost = written(tmp_path / "a.json", record)
    named = {"from_name": "label", "to_name": "text", "type": "labels"}
    assert task["data"] == {"text": record.text, "title": "T"}
    assert (task["id"], task["project"], lost) == (7, 3, {})
    assert task["annotations"] == [
        {
            "result": [
                {
                    "id": "a",
                    **named,
                    "value": {"start": 8, "end": 12, "text": "Anna", "labels": ["PER"]},
                    "score": 0.5,
                    "meta": {"spacy_ner_plus": {"kb_id": "Q1"}},
                },
                {
                    "id": "ner-plus-1",
                    **named,
                    "value": {"start": 19, "end": 23, "text": "Lund", "labels": ["LOC"]},
                    "meta": {"text": ["note"]},
                },
            ]
        }
    ]
    assert task["meta"]["source"] == "x"
    assert back(tmp_path / "a.json")[0] == [with_texts(record)]


def test_what_label_studio_had_comes_out_again(tmp_path):
    """Made up, in the shape of an export."""
    value = {"start": 11, "end": 15, "text": "Lund"}
    named = {"id": "r1", "from_name": "ner", "to_name": "article"}
    task = {
        "id": 3,
        "annotations": [
            {
                "id": 9,
                "completed_by": 1,
                "result": [
                    {
                        **named,
                        "type": "labels",
                        "origin": "manual",
                        "value": value | {"labels": ["LOC", "CITY"]},
                        "meta": {"text": ["sure"]},
                    },
                    {**named, "type": "choices", "value": value | {"choices": ["old"]}},
                    {"id": "k", "type": "choices", "value": {"choices": ["news"]}},
                ],
                "lead_time": 2.5,
            }
        ],
        "data": {"body": TEXT, "title": "T"},
        "created_at": "2024-01-01",
        "project": 2,
    }
    (tmp_path / "a.json").write_text(json.dumps([task]), "utf8")
    made, _ = back(tmp_path / "a.json", text_field="body")
    [again], lost = written(tmp_path / "b.json", *made)
    assert (lost, again.pop("meta")) == ({}, {"spacy_ner_plus": {"text_field": "body"}})
    assert again == task
    assert back(tmp_path / "b.json")[0] == made


def test_html_and_dialogues_are_written_as_such(tmp_path):
    """Made up; HTML without a region tells nothing of itself."""
    html = "Hello <b>Anna</b> of <i>Lund</i>"
    xpath = "/b[1]/text()[1]"
    of_html = {"start": xpath, "end": xpath, "startOffset": 0, "endOffset": 4, "text": "Anna"}
    said = [{"author": "A", "text": "Hi Anna"}, {"author": "B", "text": "Lund"}]
    of_said = {"start": "1", "end": "1", "startOffset": 0, "endOffset": 4, "text": "Lund"}
    tasks = [
        {
            "data": {"text": text},
            "annotations": [
                {"result": [{"id": "a", "type": type, "value": value | {type: ["X"]}}]}
            ],
        }
        for text, type, value in (
            (html, "hypertextlabels", of_html),
            (said, "paragraphlabels", of_said),
        )
    ]
    (tmp_path / "a.json").write_text(json.dumps(tasks), "utf8")
    made, _ = back(tmp_path / "a.json")
    assert [record.text for record in made] == ["Hello Anna of Lund", "Hi Anna\nLund"]
    again, lost = written(tmp_path / "b.json", *made)
    assert back(tmp_path / "b.json")[0] == made
    assert [task["data"]["text"] for task in again] == [html, said]
    [value, other] = [task["annotations"][0]["result"][0]["value"] for task in again]
    assert value.pop("globalOffsets") == {"start": 6, "end": 10}
    assert (value, lost) == (of_html | {"hypertextlabels": ["X"]}, {})
    assert other == of_said | {"paragraphlabels": ["X"]}
    bare = [replace(record, spans=()) for record in made]
    written(tmp_path / "b.json", *bare)
    assert back(tmp_path / "b.json")[0] == bare
    changed = replace(made[0], text="Hello Anna of Oslo", spans=())
    [task], lost = written(tmp_path / "b.json", changed)
    assert task["data"] == {"text": "Hello Anna of Oslo"}
    assert lost == {"HTML texts and dialogues, of which the text is written": 1}
    between = replace(made[1], spans=(SpanRecord(7, 9, "X"),))
    with pytest.raises(ValueError, match=r"Record 1.*X at characters 7-9: character 7 stands betw"):
        written(tmp_path / "b.json", between)


@pytest.mark.parametrize("text", ["<p>Anna</p>", "http://a.b/anna.txt"])
def test_a_text_that_looks_like_another_kind_stays_what_it_is(tmp_path, text):
    for spans in ((), None):
        record = TextRecord(text, spans=spans)
        written(tmp_path / "a.json", record)
        assert back(tmp_path / "a.json")[0] == [record]


def test_incomplete_annotation_stays_so_until_somebody_changes_it(tmp_path):
    record = TextRecord(
        TEXT,
        spans=(replace(ANNA, text="Anna"), replace(LUND, status="ignored")),
        unknown=((5, 8),),
        annotated_labels=("PER",),
        tokens=(TokenRecord(0, 16),),
    )
    path = tmp_path / "a.json"
    [task], _ = written(path, record)
    assert back(path) == ([record], {})
    task["annotations"][0]["result"][0]["value"]["labels"] = ["LOC"]
    path.write_text(json.dumps([task]), "utf8")
    ([again], counts) = back(path)
    assert again == TextRecord(
        TEXT, spans=(replace(ANNA, label="LOC", text="Anna"),), tokens=record.tokens
    )
    assert counts == {"annotations changed since they were written, taken for complete": 1}
    task["meta"]["spacy_ner_plus"]["tokens"] = 3
    path.write_text(json.dumps([task]), "utf8")
    with pytest.raises(ValueError, match=r"element 1: meta's 'spacy_ner_plus' is not as it was wr"):
        back(path)
    task["annotations"][0]["result"][0]["meta"] = {"spacy_ner_plus": {"other": 3}}
    path.write_text(json.dumps([task]), "utf8")
    with pytest.raises(ValueError, match=r"element 1: region 1: meta's 'spacy_ner_plus' is not as"):
        back(path)


def test_a_relation_to_a_span_without_id_gives_it_one(tmp_path):
    path = tmp_path / "a.json"
    [task], _ = written(path, TextRecord(TEXT, spans=(ANNA, LUND)))
    ends = {"from_id": "ner-plus-0", "to_id": "ner-plus-1"}
    task["annotations"][0]["result"].append({**ends, "type": "relation", "labels": ["in"]})
    path.write_text(json.dumps([task]), "utf8")
    [record], _ = back(path)
    assert record.relations == (RelationRecord("ner-plus-0", "ner-plus-1", "in"),)
    written(path, record)
    assert back(path)[0] == [record]


def test_names_are_those_of_the_configuration(tmp_path):
    config = tmp_path / "config.xml"
    config.write_text(TEXT_CONFIG, "utf8")
    record = TextRecord(TEXT, spans=(replace(ANNA, other={"from_name": "x", "to_name": "y"}),))
    path = tmp_path / "a.json"
    with pytest.raises(ValueError, match=r"from_name 'ner' and 'pos': say with label_field"):
        both = [{"id": "b", "from_name": name, "value": _value(ANNA)} for name in ("ner", "pos")]
        _write_tasks(path, {"data": {"body": TEXT}, "annotations": [{"result": both}]})
        back(path, ls_config=config)
    [task], _ = written(path, record, ls_config=config, label_field="ner")
    assert task["data"] == {"body": TEXT}
    [result] = task["annotations"][0]["result"]
    assert (result["from_name"], result["to_name"], result["type"]) == ("ner", "article", "labels")
    [again], _ = back(path, ls_config=config)
    assert again.spans[0].other == {"from_name": "ner", "to_name": "article"}
    html = TEXT_CONFIG.replace("<Text", "<HyperText")
    config.write_text(html, "utf8")
    with pytest.raises(ValueError, match="ls_config shows texts as hypertext, but this one is pl"):
        written(path, record, ls_config=config)


def _value(span):
    return {"start": span.start, "end": span.end, "labels": [span.label]}


def _write_tasks(path, *tasks):
    path.write_text(json.dumps(tasks), "utf8")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("<View", "no labelling configuration of Label Studio"),
        ("<View/>", "has no tag that labels stretches of a text"),
        (TEXT_CONFIG.replace('"$body"', '"$body" valueType="url"'), "loads its texts from addr"),
        (TEXT_CONFIG.replace('"$body"', '"$body" encoding="base64"'), "texts in base64: decode"),
        (TEXT_CONFIG.replace("$body", "$a.b"), r"has value='\$a.b', but only a key"),
        (
            TEXT_CONFIG.replace('"pos" toName="article"', '"pos" toName="t"').replace(
                "</View>", '<Text name="t" value="$t"/></View>'
            ),
            r"labels several texts, ner \(of body\), pos \(of t\): say with label_field",
        ),
        (None, "There is no file"),
    ],
)
def test_configurations_that_say_nothing_clear_are_refused(tmp_path, config, message):
    path = tmp_path / "config.xml"
    if config is not None:
        path.write_text(config, "utf8")
    with pytest.raises(ValueError, match=message):
        LabelStudioRecords(tmp_path, ls_config=path)


def test_a_tag_that_the_configuration_lacks_is_refused(tmp_path):
    path = tmp_path / "config.xml"
    path.write_text(TEXT_CONFIG, "utf8")
    with pytest.raises(ValueError, match="no labelling tag 'x', but ner, pos"):
        LabelStudioRecords(tmp_path, ls_config=path, label_field="x")


def test_a_configuration_is_written_that_fits(tmp_path, caplog):
    config = tmp_path / "config.xml"
    made = [
        TextRecord(TEXT, spans=(ANNA, LUND, ANNA)),
        TextRecord(TEXT, spans=(replace(ANNA, label='"<&', other={"from_name": "ner"}),)),
    ]
    written(tmp_path / "a.json", *made, config_path=config)
    root = ET.fromstring(config.read_text("utf8"))
    labels = {tag.get("name"): [label.get("value") for label in tag] for tag in root.iter("Labels")}
    assert labels == {"label": ["PER", "LOC"], "ner": ['"<&']}
    assert [(one.get("name"), one.get("value")) for one in root.iter("Text")] == [("text", "$text")]
    assert back(tmp_path / "a.json", ls_config=config, label_field="label,ner")[0][0].text == TEXT
    with caplog.at_level(logging.INFO, "spacy_ner_plus"):
        written(tmp_path / "a.json", *made)
    assert '<Labels name="ner" toName="text">' in caplog.text


def test_predictions_are_written_to_be_looked_at(tmp_path):
    record = TextRecord(
        TEXT,
        id="a",
        spans=(
            replace(ANNA, probability=0.9, text="Anna"),
            replace(LUND, probability=0.2, text="Lund", status="ignored"),
            SpanRecord(5, 8, "X", status="rejected"),
        ),
        unknown=((0, 16),),
    )
    path = tmp_path / "a.json"
    [task, bare], lost = written(
        path, record, replace(record, spans=None, unknown=()), as_predictions=True
    )
    assert lost == {"rejected spans": 1, "unknown": 1}
    [prediction] = task["predictions"]
    assert (prediction["score"], prediction["model_version"]) == (0.2, "spacy_ner_plus")
    assert "annotations" not in task
    assert "predictions" not in bare
    [again, _], counts = back(path)
    assert (again, counts["predictions passed over"]) == (TextRecord(TEXT, id="a", spans=None), 1)
    [again, _], _ = back(path, predictions=True)
    assert [(span.label, span.status) for span in again.spans] == [
        ("PER", "ignored"),
        ("LOC", "ignored"),
    ]


def test_json_min_is_written(tmp_path):
    path = tmp_path / "a.json"
    made = [
        TextRecord(TEXT, id=3, spans=(ANNA, LUND), other={"annotation": {"completed_by": 2}}),
        TextRecord(TEXT, id=4, spans=()),
        TextRecord(TEXT, id=5, spans=None),
    ]
    rows, lost = written(path, *made, layout="json_min")
    assert rows[0] == {
        "text": TEXT,
        "id": 3,
        "label": [
            {"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]},
            {"start": 11, "end": 15, "text": "Lund", "labels": ["LOC"]},
        ],
        "annotator": 2,
        "annotation_id": 1,
        "created_at": None,
        "updated_at": None,
        "lead_time": None,
    }
    again, _ = back(path)
    places = [r.spans and [(s.start, s.end, s.label) for s in r.spans] for r in again]
    assert places == [[(0, 4, "PER"), (11, 15, "LOC")], (), None]
    assert [record.id for record in again] == [3, 4, 5]
    assert lost == {}
    linked = TextRecord(
        TEXT,
        spans=(replace(ANNA, id="a"), replace(LUND, id="b", status="rejected")),
        meta={"x": 1},
        relations=(RelationRecord("a", "a", "self"),),
    )
    assert written(path, linked, layout="json_min")[1] == {
        "id of spans": 2,
        "meta": 1,
        "rejected spans": 1,
        "relations and results without a tag": 1,
    }


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (TextRecord(TEXT, unknown=((0, 1),)), "its annotation is not complete"),
        (TextRecord(TEXT, annotated_labels=("A",)), "its annotation is not complete"),
        (TextRecord(TEXT, spans=(replace(ANNA, status="ignored"),)), "it has ignored spans"),
        (TextRecord(TEXT, other={"data": {"id": 3}}, id=4), "its data has a 'id'"),
        (TextRecord(TEXT, spans=(ANNA,), other={"data": {"label": "x"}}), "its data has a 'label'"),
    ],
)
def test_json_min_says_nothing_else_than_the_record(tmp_path, record, message):
    with pytest.raises(ValueError, match=f"Record 1, 'Anna bor i Lund.': {message}"):
        written(tmp_path / "a.json", record, layout="json_min")


def test_options_that_make_no_sense_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Layout 'csv' can't be written: use one of json, json_mi"):
        written(tmp_path / "a.json", layout="csv")
    with pytest.raises(ValueError, match=r"label_field is a tag of a .*: give ls_config too"):
        written(tmp_path / "a.json", label_field="ner")
    with pytest.raises(ValueError, match="JSON_MIN has no predictions"):
        written(tmp_path / "a.json", layout="json_min", as_predictions=True)


def test_the_format_has_a_name(tmp_path):
    path = tmp_path / "a.json"
    assert write([TextRecord(TEXT, spans=(ANNA,))], path, "label-studio") == 1
    assert write([], tmp_path / "b.json", "label-studio") == 0
    assert list(read(tmp_path / "b.json", "label-studio")) == []
    [record] = read(path, "label-studio", annotator="agreed")
    assert record.spans == (replace(ANNA, text="Anna"),)
