"""Label Studio's tasks as records. All samples are made up, in the shape of real exports."""

import json

import pytest

from spacy_ner_plus.data.formats.form import Sample
from spacy_ner_plus.data.formats.label_studio import FORMAT, LabelStudioRecords
from spacy_ner_plus.records import RelationRecord, SpanRecord

TEXT = "Anna bor i Lund."
ANNA, LUND = (0, 4, "PER"), (11, 15, "LOC")


def region(start, end, *labels, text=TEXT, id=None, **keys):
    value = {"start": start, "end": end, "text": text[start:end], "labels": list(labels)}
    named = {"from_name": "label", "to_name": "text", "type": "labels", "origin": "manual"}
    return {"id": id or f"r{start}", **named, "value": value, **keys}


def annotation(*results, by=1, **keys):
    of_it = {"id": 10 + by, "completed_by": by, "was_cancelled": False, "ground_truth": False}
    return {**of_it, "result": list(results), **keys}


def task(*annotations, id=1, text=TEXT, **keys):
    return {"id": id, "annotations": list(annotations), "data": {"text": text}, **keys}


def write(path, *tasks):
    path.write_text(json.dumps(tasks, ensure_ascii=False), "utf8")
    return path


def read(path, **options):
    source = LabelStudioRecords(path, **options)
    return [record for _, record in source.records()], dict(source.counts)


def one(path, **options):
    [record], counts = read(path, **options)
    return record, counts


def places(record):
    return [(span.start, span.end, span.label) for span in record.spans]


def test_an_export_is_read_with_all_that_it_has(tmp_path):
    choices = {"value": {"choices": ["news"]}, "id": "c", "from_name": "kind", "type": "choices"}
    relation = {"from_id": "r0", "to_id": "r11", "type": "relation", "direction": "right"}
    done = annotation(
        region(*ANNA, meta={"text": ["note"]}),
        region(*LUND, score=0.5),
        choices,
        relation | {"labels": ["lives in"]},
    )
    path = write(
        tmp_path / "a.json",
        task(done, project=3, meta={"x": 1}, predictions=[{"result": []}], drafts=[{}, {}]),
    )
    record, counts = one(path)
    origin = {"origin": "manual"}
    assert record.spans == (
        SpanRecord(*ANNA, text="Anna", id="r0", meta={"text": ["note"]}, other=origin),
        SpanRecord(*LUND, text="Lund", id="r11", probability=0.5, other=origin),
    )
    assert record.relations == (RelationRecord("r0", "r11", "lives in"),)
    assert (record.id, record.meta, record.text) == (1, {"x": 1}, TEXT)
    of_it = {"id": 11, "completed_by": 1, "was_cancelled": False, "ground_truth": False}
    assert record.other == {"project": 3, "annotation": {**of_it, "result": [choices]}}
    assert counts == {
        "results of type 'choices' passed over": 1,
        "predictions passed over": 1,
        "drafts passed over": 2,
    }


@pytest.mark.parametrize("key", ["annotations", "completions"])
def test_what_nobody_has_looked_at_is_unknown_and_not_empty(tmp_path, key):
    path = write(
        tmp_path / "a.json",
        {"data": {"text": TEXT}},
        {"data": {"text": TEXT}, key: []},
        {"data": {"text": TEXT}, key: [annotation(region(*ANNA), was_cancelled=True)]},
        {"data": {"text": TEXT}, key: [annotation(region(*ANNA), skipped=True)]},
        {"data": {"text": TEXT}, key: [annotation()]},
        {"data": {"text": TEXT}, key: [annotation(region(*ANNA))]},
    )
    records, counts = read(path)
    assert [record.spans and places(record) for record in records] == [None] * 4 + [(), [ANNA]]
    assert counts == {
        "tasks without annotation": 2,
        "tasks that were skipped, taken for unknown": 2,
    }


def test_of_several_annotators_the_first_or_the_truth_is_taken(tmp_path):
    skipped = annotation(by=1, was_cancelled=True)
    first, second = annotation(region(*ANNA), by=2), annotation(region(*LUND), by=3)
    path = write(tmp_path / "a.json", task(skipped, first, second))
    record, counts = one(path)
    assert (places(record), record.other["annotation"]["completed_by"]) == ([ANNA], 2)
    assert counts == {
        "skipped annotations passed over": 1,
        "further annotations passed over": 1,
        "tasks annotated more than once": 1,
    }
    path = write(tmp_path / "a.json", task(first, second | {"ground_truth": True}))
    assert places(one(path)[0]) == [LUND]


def test_all_annotators_are_a_record_each(tmp_path):
    mail = {"email": "a@b.c"}
    twice = task(annotation(region(*ANNA), by=2), annotation(completed_by=mail))
    records, counts = read(write(tmp_path / "a.json", twice, task(id=2)), annotator="all")
    assert [(record.id, record.meta, record.spans and places(record)) for record in records] == [
        (1, {"annotator": 2}, [ANNA]),
        (1, {"annotator": mail}, ()),
        (2, {}, None),
    ]
    assert counts == {"tasks annotated more than once": 1, "tasks without annotation": 1}


def test_where_annotators_differ_nothing_is_known(tmp_path):
    link = {"from_id": "r0", "to_id": "r11", "type": "relation", "labels": ["in"]}
    first = annotation(region(*ANNA), region(*LUND), region(5, 8, "X"), link)
    second = annotation(region(*ANNA), region(*LUND), region(5, 10, "X"), link, by=2)
    record, counts = one(write(tmp_path / "a.json", task(first, second)), annotator="agreed")
    assert (places(record), record.unknown) == ([ANNA, LUND], ((5, 8), (5, 10)))
    assert record.relations == (RelationRecord("r0", "r11", "in"),)
    assert counts["spans that all annotators have"] == 2
    assert counts["spans that not all annotators have, taken for unknown"] == 2
    alone = one(write(tmp_path / "a.json", task(first)), annotator="agreed")[0]
    assert (len(alone.spans), alone.unknown) == (3, ())


def test_the_unit_is_found_from_what_each_annotator_says(tmp_path):
    text = "\N{GRINNING FACE} Anna bor i Lund."
    as_utf16 = [
        [
            {"value": {"start": start, "end": end, "text": covered, "labels": ["X"]}}
            for start, end, covered in spans
        ]
        for spans in (((3, 7, "Anna"),), ((3, 11, "Anna bor"),))
    ]
    both = task(*(annotation(*results) for results in as_utf16), text=text)
    record, counts = one(write(tmp_path / "a.json", both), annotator="agreed")
    assert (places(record), record.unknown) == ([], ((2, 6), (2, 10)))
    assert counts["spans that not all annotators have, taken for unknown"] == 2


def test_an_annotator_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no annotator 'last': name one of first, all, agreed"):
        LabelStudioRecords(tmp_path, annotator="last")


def test_predictions_are_undecided_and_all_else_unknown(tmp_path):
    units = region(2, 6, "PER", text="  Anna", score=0.25)
    predictions = [{"model_version": "m", "result": [units]}]
    path = write(
        tmp_path / "a.json",
        task(predictions=predictions, text="😀" + TEXT),
        task(annotation(), predictions=[*predictions, {"result": []}]),
    )
    (first, second), counts = read(path, predictions=True, offsets="utf16")
    [span] = first.spans
    assert (span.start, span.end, span.label, span.status) == (1, 5, "PER", "ignored")
    assert (span.probability, span.text) == (0.25, "Anna")
    # all of the text, in characters, although the file's offsets are in another unit
    assert (first.unknown, first.other) == (((0, 17),), {"prediction": {"model_version": "m"}})
    assert (second.spans, second.unknown) == ((), ())
    assert counts["predictions taken as undecided"] == 1
    assert counts["predictions passed over"] == 2
    assert [record.spans for record in read(path)[0]] == [None, ()]


def test_rows_of_json_min_are_read(tmp_path):
    labelled = [{"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}]
    of_it = {"annotator": 1, "annotation_id": 5, "created_at": "2024", "lead_time": 1.5}
    rows = [
        {"text": TEXT, "source": "x", "id": 7, "ner": labelled, **of_it},
        {"text": TEXT, "source": "x", "id": 7, **of_it, "annotator": 2, "annotation_id": 6},
        {"text": TEXT, "id": 8, "annotator": "{}", "annotation_id": None},
    ]
    path = write(tmp_path / "a.json", *rows)
    (first, second), counts = read(path)
    assert (first.id, places(first), first.spans[0].id) == (7, [ANNA], None)
    of_it = {"id": 5, "completed_by": 1, "created_at": "2024", "lead_time": 1.5}
    assert first.other == {"data": {"source": "x"}, "annotation": of_it}
    assert (second.id, second.spans) == (8, None)
    assert counts["further annotations passed over"] == 1
    records, _ = read(path, annotator="all")
    assert [record.spans and places(record) for record in records] == [[ANNA], (), None]


def test_lines_and_folders_are_read(tmp_path):
    lines = "\n".join(json.dumps(task(annotation(region(*ANNA)), id=i)) for i in range(3))
    (tmp_path / "a.jsonl").write_text(lines, "utf8")
    assert [record.id for record in read(tmp_path / "a.jsonl")[0]] == [0, 1, 2]
    folder = tmp_path / "annotations"
    folder.mkdir()
    for i in (2, 1):
        (folder / f"{i}.json").write_text(json.dumps(task(id=i)), "utf8")
    assert [record.id for record in read(folder)[0]] == [1, 2]


def test_offsets_count_code_points_or_utf16_units(tmp_path):
    text = "😀 שלום Anna\r\nbor"
    points = region(7, 16, "PER", text=text)
    # a line feed and a carriage return are each a backslash and an n in Label Studio's texts
    points["value"]["text"] = r"Anna\n\nbor"
    record, _ = one(write(tmp_path / "a.json", task(annotation(points), text=text)))
    assert record.spans[0].text == text[7:16] == "Anna\r\nbor"
    units = points | {"value": points["value"] | {"start": 8, "end": 17}}
    path = write(tmp_path / "b.json", task(annotation(units), text=text))
    assert one(path, offsets="utf16")[0] == one(path)[0] == record
    del units["value"]["text"]
    with pytest.raises(ValueError, match=r"which would tell how offsets count.* with --offsets"):
        one(write(tmp_path / "b.json", task(annotation(units), text=text)))
    plain = region(0, 6, "X", text=r"C:\new")
    record, _ = one(write(tmp_path / "c.json", task(annotation(plain), text=r"C:\new")))
    assert record.spans[0].text == r"C:\new"


def test_html_of_old_versions_is_read(tmp_path):
    xpath = "/p[1]/text()[1]"
    value = {"start": xpath, "end": xpath, "startOffset": 0, "endOffset": 4, "text": "Anna"}
    region = {"type": "hypertextlabels", "value": value | {"htmllabels": ["PER"]}}
    html = {"data": {"text": "<p>Anna"}, "completions": [{"result": [region]}]}
    record, counts = one(write(tmp_path / "a.json", html))
    assert (record.text, record.spans, counts) == ("Anna", (SpanRecord(*ANNA, text="Anna"),), {})


def test_regions_without_a_label_are_unknown(tmp_path):
    bare = {"id": "b", "type": "text", "value": {"start": 5, "end": 8, "text": "bor"}}
    path = write(tmp_path / "a.json", task(annotation(region(*ANNA), region(*LUND[:2]), bare)))
    record, counts = one(path)
    assert (places(record), record.unknown) == ([ANNA], ((11, 15), (5, 8)))
    assert counts == {"regions without a label, taken for unknown": 2}


def test_each_label_of_a_region_is_a_span(tmp_path):
    link = {"from_id": "r0", "to_id": "r11", "type": "relation", "direction": "left"}
    lost = {"from_id": "r0", "to_id": "gone", "type": "relation", "labels": ["x"]}
    done = annotation(region(0, 4, "PER", "AUTHOR"), region(*LUND), link, lost)
    record, counts = one(write(tmp_path / "a.json", task(done)))
    assert [(span.label, span.id) for span in record.spans] == [
        ("PER", "r0"),
        ("AUTHOR", None),
        ("LOC", "r11"),
    ]
    assert record.spans[1].other["same_region_as"] == "r0"
    [relation] = record.relations
    assert (relation.head, relation.tail, relation.label) == ("r11", "r0", "relation")
    assert counts == {
        "further labels of regions, a span each": 1,
        "relations without a label, now 'relation'": 1,
        "relations passed over": 1,
    }


def test_dialogues_are_a_line_for_each_paragraph(tmp_path):
    data = {"text": [{"author": "A", "text": "😀 Hi Anna"}, {"author": "B", "text": "In Lund?"}]}
    named = {"from_name": "label", "to_name": "text", "type": "paragraphlabels"}

    def said(start, end, first, last, text, label):
        value = {"start": str(start), "end": str(end), "startOffset": first, "endOffset": last}
        return {**named, "id": text, "value": value | {"text": text, "paragraphlabels": [label]}}

    done = annotation(
        said(0, 0, 6, 10, "Anna", "PER"),
        said(1, 1, 3, 7, "Lund", "LOC"),
        said(0, 1, 6, 2, r"Anna\nIn", "X"),
        said(1, 1, 0, 4, "Oslo", "LOC"),
        said(5, 5, 0, 4, "Oslo", "LOC"),
    )
    record, counts = one(write(tmp_path / "a.json", task(done) | {"data": data}))
    assert record.text == "😀 Hi Anna\nIn Lund?"
    covered = [record.text[span.start : span.end] for span in record.spans]
    assert covered == ["Anna", "Lund", "Anna\nIn"]
    # a region that is nowhere may be anywhere
    assert record.unknown == ((0, 18),)
    assert counts == {"regions whose place is not in the text, which is unknown there": 2}


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ({"a": "x", "b": "y"}, {}, r"its data has 'a', 'b': say with text_field"),
        ({"text": "x"}, {"text_field": "b"}, r"its data has no 'b', but 'text'"),
        ({"text": "http://a.b/x.txt"}, {}, r"the address of a file, 'http://a.b/x.txt'"),
        ({"image": "/data/upload/2/x.png"}, {}, r"the address of a file, '/data/upload/2/x.png'"),
        ({"text": 3}, {}, r"its data's 'text' must be a text, got 3"),
        ({"text": [{"said": "x"}]}, {}, r"paragraph 0 of the dialogue has no text under 'text'"),
    ],
)
def test_which_text_is_meant_must_be_clear(tmp_path, data, options, message):
    with pytest.raises(ValueError, match=message):
        read(write(tmp_path / "a.json", {"data": data}), **options)


def test_a_project_without_any_region_may_be_of_another_kind(tmp_path):
    choices = {"id": "c", "type": "choices", "value": {"choices": ["news"]}}
    source = LabelStudioRecords(write(tmp_path / "a.json", task(annotation(choices)), task()))
    assert [record.spans for _, record in source.records()] == [(), None]
    [warning] = source.warnings
    assert "no annotation has a region of a text" in warning
    both = write(tmp_path / "a.json", task(annotation()), task(annotation(region(*ANNA))))
    source = LabelStudioRecords(both)
    assert [len(record.spans) for _, record in source.records()] == [0, 1]
    assert source.warnings == []


def test_the_text_is_found_in_the_data(tmp_path):
    data = {"title": "T", "body": TEXT, "n": 3}
    by_region = {"data": data, "annotations": [annotation(region(*ANNA, source="$body"))]}
    record, _ = one(write(tmp_path / "a.json", by_region))
    assert (record.text, record.other["text_field"]) == (TEXT, "body")
    assert record.other["data"] == {"title": "T", "n": 3}
    link = write(tmp_path / "d.json", {"data": {"text": "https://t.co/x see https://a.b/c.html"}})
    assert one(link)[0].text.startswith("https")
    bare = write(tmp_path / "b.json", {"data": data})
    assert one(bare, text_field="body")[0].text == TEXT
    assert one(write(tmp_path / "c.json", {"data": {"x": TEXT, "n": 3}}))[0].text == TEXT


def test_the_tag_must_be_clear(tmp_path):
    other = region(5, 8, "VERB", from_name="pos")
    path = write(tmp_path / "a.json", task(annotation(region(*ANNA), other)))
    with pytest.raises(ValueError, match=r"from_name 'label' and 'pos': say with label_field"):
        read(path)
    record, counts = one(path, label_field="label")
    assert (places(record), counts) == ([ANNA], {"regions of other tags passed over": 1})
    assert places(one(path, label_field="label,pos")[0]) == [ANNA, (5, 8, "VERB")]
    elsewhere = region(*ANNA, to_name="title")
    path = write(tmp_path / "b.json", task(annotation(region(*ANNA), elsewhere)))
    with pytest.raises(ValueError, match=r"to_name 'text' and 'title': say with ls_config"):
        read(path)


def test_all_bad_tasks_are_listed(tmp_path):
    path = write(
        tmp_path / "a.json",
        task(annotation(region(*ANNA))),
        "x",
        {"data": {"text": TEXT}, "annotations": [1, 2]},
        {"data": {"text": TEXT}, "annotations": [{"id": 1}]},
        task(annotation(region(*ANNA) | {"value": {"start": 1.5, "end": 4, "labels": ["A"]}})),
        task(annotation(region(*ANNA), "x")),
        task(annotation(region(0, 99, "PER", text="x" * 99))),
        {"data": {"text": TEXT}, "meta": 3},
    )
    with pytest.raises(ValueError, match=r"^7 texts can't be read") as error:
        read(path)
    _, *lines = str(error.value).splitlines()
    for line, words in zip(
        lines,
        [
            "element 2: a task of Label Studio has its texts in an object 'data', got x",
            "element 3: annotations must be a list of objects, got [1, 2]. Export",
            "element 4: annotations[0] must have a list 'result', got None",
            "element 5: region 1: start must be an integer, got 1.5",
            "element 6: result[1] must be an object, got x",
            "element 7: spans[0]: characters 0-99 are not within the text",
            "element 8: meta must be an object, got 3",
        ],
        strict=True,
    ):
        assert words in line


@pytest.mark.parametrize(
    ("value", "is_it"),
    [
        (task(), True),
        ({"data": {"text": "a"}}, True),
        ({"data": {"text": "a"}, "predictions": []}, True),
        ({"id": 1, "data": {"text": "a"}, "completions": []}, True),
        ({"text": "a", "annotation_id": 1, "annotator": 1}, True),
        ({"text": "a", "annotator": 1, "spans": []}, False),
        ({"data": {"text": "a"}, "text": "b"}, False),
        ({"data": ["a"], "annotations": []}, False),
        ({"schema_version": 1, "text": "a", "data": {}, "annotations": []}, False),
        (["a"], False),
        (None, False),
    ],
)
def test_its_files_are_told_from_others(tmp_path, value, is_it):
    assert FORMAT.recognises(Sample(tmp_path / "a.json", value=value)) is is_it
