"""Token classification of Hugging Face: rows of tokens and tags, both ways."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.form import Sample
from spacy_ner_plus.data.formats.hf_tokens import FORMAT
from spacy_ner_plus.data.formats.record_files import open_records, read, write
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord, TokenRecord
from tests.data.formats.test_column_writing import nested_documents, without_layers
from tests.data.formats.test_conllu import without_white_space_tokens
from tests.record_strategies import JSON, OBJECTS, records

NAMES = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"]
# Made up, in the form of conll2003 there.
ROW = {
    "id": "0",
    "tokens": ["Ann", "Ek", "left", "Lund", "."],
    "pos_tags": [22, 22, 38, 22, 7],
    "ner_tags": [1, 2, 0, 5, 0],
}
ENTITIES = [("PER", "Ann Ek"), ("LOC", "Lund")]


def lines(tmp_path, *rows, name="train.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return path


def entities(record):
    return [(span.label, record.text[span.start : span.end]) for span in record.spans]


def features(names, key="feature"):
    return {"features": {"ner_tags": {key: {"names": names, "_type": "ClassLabel"}}}}


@pytest.mark.parametrize(
    "names",
    [NAMES, dict(enumerate(NAMES)), {str(i): one for i, one in enumerate(NAMES)},
     {one: i for i, one in enumerate(NAMES)}],
)  # fmt: skip
def test_numbers_get_names_that_are_given(names, tmp_path):
    path = lines(tmp_path, ROW)
    [record] = read(path, "hf", label_names=names)
    assert (record.id, record.text, entities(record)) == ("0", "Ann Ek left Lund .", ENTITIES)
    assert record.other == {"pos_tags": ROW["pos_tags"]}
    assert {token.sentence_start for token in record.tokens} == {None}
    given = tmp_path / "names.json"
    for value in (names, {"id2label": names}, features(NAMES)):
        given.write_text(json.dumps(value), encoding="utf8")
        assert list(read(path, "hf", label_names=str(given))) == [record]


def test_numbers_get_names_from_beside(tmp_path):
    path = lines(tmp_path, ROW)
    with pytest.raises(ValueError, match=r"'ner_tags' are numbers, and nothing .* label_names: a"):
        list(read(path, "hf"))
    info = tmp_path / "dataset_infos.json"
    old = {"features": {"ner_tags": [features(NAMES)["features"]["ner_tags"]["feature"]]}}
    info.write_text(json.dumps({"a": old, "b": features(NAMES)}), encoding="utf8")
    assert entities(next(read(path, "hf"))) == ENTITIES
    (tmp_path / "data").mkdir()
    assert entities(next(read(lines(tmp_path / "data", ROW), "hf"))) == ENTITIES
    info.write_text(json.dumps({"a": features(NAMES), "b": features(NAMES[:3])}), encoding="utf8")
    with pytest.raises(ValueError, match=r"\(1\) and .* \(2\) name the tags in 'ner_tags' differ"):
        list(read(path, "hf"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (NAMES[:2], r"line 1: ner_tags\[1\] is 2, which has no name: there are 2"),
        ([1, 2], "must name each number once"),
        (["O", "O"], "has a name twice"),
        ({"a": "b"}, "has more than numbers and names"),
        ("nowhere.json", "there is no file nowhere.json"),
    ],
)
def test_names_that_are_none_are_refused(names, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        list(read(lines(tmp_path, ROW), "hf", label_names=names))


def test_what_is_missing_is_unknown(tmp_path):
    rows = [
        ROW | {"ner_tags": ["B-PER", "I-PER", None, -100, "O"]},
        ROW | {"ner_tags": [None] * 5},
        {"tokens": ["a"]},
        {"tokens": [], "ner_tags": []},
        {"tokens": [], "ner_tags": None},
    ]
    first, *others = read(lines(tmp_path, *rows), "hf")
    assert (entities(first), first.unknown) == ([("PER", "Ann Ek")], ((7, 16),))
    assert [one.spans for one in others] == [None, None, (), None]


@pytest.mark.parametrize(
    ("tags", "scheme", "found"),
    [
        (["U-PER", "O", "O", "U-LOC", "O"], "BILOU", [("PER", "Ann"), ("LOC", "Lund")]),
        (["PER", "PER", "O", "LOC", "O"], "IO", ENTITIES),
        (["PER-B", "PER-I", "O", "LOC-B", "O"], "BIO", ENTITIES),
        (["I-PER", "I-PER", "O", "I-LOC", "O"], "IOB1", ENTITIES),
    ],
)
def test_schemes_are_found(tags, scheme, found, tmp_path):
    source = open_records(lines(tmp_path, ROW | {"ner_tags": tags}), "hf")
    [(_, record)] = source.records()
    assert entities(record) == found
    assert source.notes == ["tags in ner_tags", f"tag scheme {scheme}"]
    names = ["O", "B-PER", "I-PER", "L-PER", "U-PER"]  # the letters that no row has tell it, too
    with pytest.raises(ValueError, match="tags are taken for BILOU"):
        list(read(lines(tmp_path, ROW | {"ner_tags": [1, 0, 0, 0, 0]}), "hf", label_names=names))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": "Ann Ek"}, "has no list of tokens under 'tokens' or 'words'"),
        ({"tokens": ["Ann", 1, "a", "b", "c"]}, "line 1: tokens must be a list of strings"),
        ({"ner_tags": ["O"]}, "ner_tags has 1 tags for 5 tokens"),
        ({"ner_tags": ["O", "I-X", "O", "B-X", "B-X"]}, "'I-X' at token 1, after 'O'"),
        ({"ner_tags": ["B-X", "O", True, "O", "O"]}, r"ner_tags\[2\] must be a string or an int"),
        ({"tokens": ["Ann ", "Ek", "a", "b", "c"]}, "Token 0, 'Ann ', begins or ends with white"),
        ({"text": "Ann Ek sold Lund."}, "'tokens': Token 3, 'left', is not in the text"),
        ({"tokens": ["Ann", "\n", "a", "b", "c"], "ner_tags": ["B-X", "I-X", *"OOO"]}, "move its"),
        ({"sentence_starts": [5]}, "sentence_starts must be a list of numbers of tokens"),
    ],
)
def test_rows_that_can_not_be_read_are_told(change, message, tmp_path):
    row = ROW | {"ner_tags": ["B-PER", "I-PER", "O", "B-LOC", "O"]} | change
    with pytest.raises(ValueError, match=message):
        list(read(lines(tmp_path, row), "hf"))


def test_rows_are_repaired_and_counted(tmp_path):
    row = {"tokens": ["Ann ", "", "\n", "b"], "ner_tags": ["B-X", "I-X", "I-X", "O"], "spans": 1}
    row = {**row, "words": ["x"], "text": None, "meta": {"a": 1}}
    source = open_records(lines(tmp_path, row), "hf", lenient=True)
    [(_, record)] = source.records()
    assert (entities(record), record.text) == ([("X", "Ann")], "Ann \n b")
    assert (record.meta, record.other) == ({"a": 1, "spans": 1}, {"words": ["x"]})
    assert source.counts == {
        "empty tokens passed over": 1,
        "columns with names of records, kept in meta": 1,
        "repaired: white space around a token": 1,
        "repaired: white space tokens at the edge of an entity": 1,
    }


def test_columns_are_found_or_named(tmp_path):
    row = {"words": ["a", "b"], "labels": ["B-X", "O"], "other_tags": ["O", "B-Y"]}
    assert entities(next(read(lines(tmp_path, row), "hf"))) == [("X", "a")]
    [record] = read(lines(tmp_path, row), "hf", tags_field=["labels", "other_tags"])
    assert entities(record) == [("X", "a"), ("Y", "b")]
    with pytest.raises(ValueError, match=r"no list of tags under 'x': .* tags_field. Columns: wo"):
        list(read(lines(tmp_path, row), "hf", tags_field="x"))


def test_rows_of_parquet_have_names_in_their_features(tmp_path):
    """As `datasets` writes them."""
    info = {"info": {"features": {"ner_tags": {
        "_type": "List", "feature": {"_type": "ClassLabel", "names": NAMES}}}}}  # fmt: skip
    table = pa.Table.from_pylist([ROW] * 3).replace_schema_metadata(
        {"huggingface": json.dumps(info)}
    )
    path = tmp_path / "0000.parquet"
    pq.write_table(table, path, row_group_size=2)
    source = open_records(path)
    found = list(source.records())
    assert [entities(record) for _, record in found] == [ENTITIES] * 3
    assert found[2][0] == f"{path}, row 3"


def test_what_is_recognised(tmp_path):
    def recognises(value):
        return FORMAT.recognises(Sample(tmp_path / "a.jsonl", value=value))

    assert recognises(ROW)
    assert recognises({"tokens": [], "ner_tags": []})
    assert not any(map(recognises, [
        None, [], {"text": "a"}, {"tokens": ["a"]}, {"tokens": ["a"], "ner_tags": []},
        {"tokens": [{"text": "a"}], "tags": [1]}, {"tokens": ["a"], "labels": [[0, 1, "X"]]},
    ]))  # fmt: skip


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
@settings(deadline=None, max_examples=30)
@given(documents=st.lists(nested_documents(), min_size=1, max_size=3), data=st.data())
def test_what_is_written_is_read_again(name, tmp_path_factory, documents, data):
    path = tmp_path_factory.mktemp("hf") / name
    documents = [
        replace(
            document,
            id=data.draw(JSON),
            meta=data.draw(OBJECTS),
            other={"a": data.draw(JSON), "ä b": data.draw(st.integers())},
            annotated_labels=data.draw(st.sampled_from([None, (), ("X",)])),
        )
        for document in documents
    ]
    scheme = data.draw(st.sampled_from(["BIO", "BIOES"]))
    assert write(documents, path, "hf", scheme=scheme) == len(documents)
    found = list(read(path, "hf", scheme=scheme))
    assert [*map(without_layers, found)] == [replace(one, id=one.id) for one in documents]
    again = path.with_stem("again")
    write(found, again, "hf", scheme=scheme)
    assert list(read(again, "hf", scheme=scheme)) == found


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
@settings(deadline=None, max_examples=60)
@given(records())
def test_any_record_is_held_or_refused(name, tmp_path_factory, record):
    path = tmp_path_factory.mktemp("hf") / name
    try:
        write([record], path, "hf")
    except ValueError as error:
        assert str(error).startswith("Record 1")
        return
    [found] = read(path, "hf", scheme="BIO")
    assert (found.text, found.id, found.other) == (record.text, record.id, record.other)
    assert (found.meta, found.annotated_labels) == (record.meta, record.annotated_labels)
    solid = without_white_space_tokens
    assert [(one.start, one.end) for one in solid(found).tokens] == [
        (one.start, one.end) for one in solid(record).tokens
    ]
    kept = {(one.start, one.end, one.label) for one in record.spans or () if one.is_accepted}
    assert {(one.start, one.end, one.label) for one in found.spans or ()} == kept


def test_what_is_lost_is_counted(tmp_path, caplog):
    tokens = tuple(TokenRecord(i, i + 1, start) for i, start in [(0, True), (2, None), (4, False)])
    spans = (
        SpanRecord(0, 1, "X", id=1, kb_id="Q1"),
        SpanRecord(2, 3, "X", status="rejected"),
        SpanRecord(4, 5, "X", status="ignored"),
    )
    relation = RelationRecord(1, 1, "r")
    record = TextRecord("a b c", spans=spans, tokens=tokens, relations=(relation,))
    record = replace(record, unknown=((1, 3),), other={"ner_tags": 1})
    path = tmp_path / "a.jsonl"
    write([record], path, "hf")
    assert caplog.messages[-1].partition("Left out: ")[2] == (
        "edges of unknown stretches that are not on tokens (1), id of spans (1), ignored spans (1),"
        " kb_id of spans (1), ner_tags (1), rejected spans (1), relations (1), "
        "unknown sentence starts (1)"
    )
    assert json.loads(path.read_text())["ner_tags"] == ["B-X", None, None]
    write([record], tmp_path / "a.parquet", label_names=["B-X", "O"])
    assert pq.read_table(tmp_path / "a.parquet")["ner_tags"].to_pylist() == [[0, -100, -100]]
    with pytest.raises(ValueError, match="The tag 'B-X' is not among label_names"):
        write([record], tmp_path / "a.parquet", label_names=["O"])
    with pytest.raises(ValueError, match=r"Record 1, .* has no tokens, of which token tags are"):
        write([TextRecord("a")], path, "hf")


def test_numbers_are_those_of_all_labels_in_order(tmp_path):
    tokens = tuple(TokenRecord(i, i + 1) for i in (0, 2))
    record = TextRecord("a b", spans=(SpanRecord(2, 3, "Z"), SpanRecord(0, 1, "A")), tokens=tokens)
    path = tmp_path / "a.parquet"
    for order in (record.spans, record.spans[::-1]):
        write([replace(record, spans=order)], path)
        table = pq.read_table(path)
        assert table["ner_tags"].to_pylist() == [[1, 3]]
        info = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]["ner_tags"]
        assert info["feature"]["names"] == ["O", "B-A", "I-A", "B-Z", "I-Z"]
    write([], path)
    assert pq.read_table(path).num_rows == 0
