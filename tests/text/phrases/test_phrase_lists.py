"""Phrase lists as people keep them, and what is said of those that are wrong."""

import gzip
import logging

import pytest

from spacy_ner_plus.text.phrases.phrase_entry import PhraseEntry
from spacy_ner_plus.text.phrases.phrase_lists import read_phrase_list


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf8"))
        return path

    return write


def read(path, **settings):
    return [(e.phrase, e.label, e.id, e.weight) for e in read_phrase_list(path, **settings)]


def test_csv(file):
    path = file(
        "drugs.csv",
        '\ufeffPhrase, LABEL,id,weight\r\n"Müller, K",PER,Q1,2.5\r\n\r\n'
        '"a ""b""\nc",X,,\r\n,Y,1,-1e2\r\n',
    )
    found = list(read_phrase_list(path, rule="drugs", weight=3))
    assert found == [
        PhraseEntry("Müller, K", "PER", "Q1", 2.5, "drugs", f"{path}, line 2"),
        PhraseEntry('a "b"\nc', "X", "", 3, "drugs", f"{path}, line 4"),
        PhraseEntry("", "Y", "1", -100.0, "drugs", f"{path}, line 6"),
    ]


def test_tsv_has_no_quotes(file):
    path = file("disks.tsv", 'phrase\tid\n5" disk\t7\n"\t8\n')
    assert read(path, label="Disk") == [('5" disk', "Disk", "7", 1.0), ('"', "Disk", "8", 1.0)]


def test_jsonl(file):
    rows = '{"phrase": " a\\n", "label": "X", "id": 5, "weight": 2}\n\n{"phrase": "b"}\n'
    path = file("x.jsonl", "\ufeff" + rows)
    expected = [(" a\n", "X", "5", 2.0), ("b", "Y", "", 1.0)]
    assert read(path, label="Y") == expected
    found = [entry.place for entry in read_phrase_list(path, label="Y")]
    assert found == [f"{path}, line 1", f"{path}, line 3"]


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz"])
def test_compressed(file, name):
    content = '{"phrase": "a"}\n' if "json" in name else "phrase\na\n"
    path = file(name, gzip.compress(content.encode()))
    assert read(path, label="X") == [("a", "X", "", 1.0)]


def test_other_columns_are_told_of_once(file, caplog):
    path = file("a.csv", "phrase,lable,note\na,X,1\nb,Y,2\n")
    with caplog.at_level(logging.WARNING):
        assert read(path, label="Z") == [("a", "Z", "", 1.0), ("b", "Z", "", 1.0)]
    [record] = caplog.records
    assert "a.csv, line 2: 'lable', 'note': not read" in record.getMessage()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "x", "must end in .csv, .tsv, .jsonl"),
        ("a.csv", "", "a.csv is empty"),
        ("a.csv", "name,label\nx,y\n", "line 1: the header must name a column 'phrase'"),
        ("a.csv", "\n\nphrase,label,Label\nx,y,z\n", "line 3: the header names a column twice"),
        ("a.csv", "phrase,label\nx,y\nx\n", "line 3: the row has 1 cells, but the header has 2"),
        ("a.csv", 'phrase,label\n"x\ny",1\n"z,1\n1,2\n', "line 4: the row can't be split"),
        ("a.csv", "phrase,label\nx,\n", "line 2: there is no label"),
        ("a.csv", "phrase,label,weight\nx,y,heavy\n", "line 2: the weight 'heavy' is no number"),
        ("a.csv", b"phrase,label\nx,y\nx\xff,y\n", "line 3: byte 2, 0xff, is not UTF-8"),
        ("a.jsonl", '{"phrase": "a", "label": "X"}\n{"phrase": \n', "line 2: this is no JSON"),
        ("a.jsonl", b'{"phrase": "\xe9", "label": "X"}\n', "line 1: byte 13, 0xe9, is not UTF-8"),
        ("a.jsonl", '["a"]\n', "line 1: this is no object"),
        ("a.jsonl", '{"label": "a"}\n', "line 1: there is no key 'phrase'"),
        ("a.jsonl", '{"phrase": 5, "label": "X"}\n', "line 1: phrase is 5, but a string"),
        ("a.jsonl", '{"phrase": "a", "label": "X", "id": true}', "line 1: id is True, but a"),
        ("a.jsonl", '{"phrase": "a", "label": "X", "weight": true}', "the weight True is no"),
        ("a.jsonl", '{"phrase": "a", "label": "X", "weight": [1]}', r"the weight \[1\] is no"),
    ],
)
def test_errors_say_file_and_line(file, name, content, message):
    with pytest.raises(ValueError, match=message) as raised:
        read(file(name, content))
    assert name in str(raised.value)


def test_list_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"There is no phrase list .*no\.csv"):
        read(tmp_path / "no.csv")


def test_phrases_may_be_long(file):
    path = file("a.csv", f'phrase,label\n"{"x" * 200_000}",X\n')
    [(phrase, *_)] = read(path)
    assert len(phrase) == 200_000
