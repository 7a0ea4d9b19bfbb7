"""Phrase lists as people keep them, and what is said of those that are wrong."""

import gzip

import pytest

from spacy_ner_plus.text.phrases.phrase_lists import list_rows


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf8"))
        return path

    return write


def test_csv(file):
    path = file(
        "drugs.csv",
        '\ufeffPhrase, LABEL ,id\r\n"Müller, K",PER,Q1\r\n\r\n"a ""b""\nc",X,\r\n,Y,1\r\n',
    )
    assert list(list_rows(path)) == [
        (2, {"phrase": "Müller, K", "label": "PER", "id": "Q1"}),
        (4, {"phrase": 'a "b"\nc', "label": "X", "id": ""}),
        (6, {"phrase": "", "label": "Y", "id": "1"}),
    ]


def test_tsv_has_no_quotes(file):
    path = file("disks.tsv", 'phrase\tid\n5" disk\t7\n"\t8\n')
    assert [row for _, row in list_rows(path)] == [
        {"phrase": '5" disk', "id": "7"},
        {"phrase": '"', "id": "8"},
    ]


def test_jsonl(file):
    rows = '{"phrase": " a\\n", "id": 5}\n\n{"pattern": [{"LOWER": "b"}]}\n'
    path = file("x.jsonl", "\ufeff" + rows)
    assert list(list_rows(path)) == [
        (1, {"phrase": " a\n", "id": 5}),
        (3, {"pattern": [{"LOWER": "b"}]}),
    ]


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.txt.gz"])
def test_compressed(file, name):
    contents = {"a.csv.gz": "phrase\na\n", "a.jsonl.gz": '{"phrase": "a"}\n', "a.txt.gz": "a\n"}
    content = contents[name]
    packed = gzip.compress(content.encode())
    assert [row for _, row in list_rows(file(name, packed))] == [{"phrase": "a"}]
    broken = packed[:10] + b"\xff\xff" + packed[12:]
    for damaged in (content.encode(), packed[:-9], broken):
        with pytest.raises(ValueError, match=r"a\..*\.gz can't be unpacked"):
            list(list_rows(file(name, damaged)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.doc", "x", "must end in .csv, .tsv, .jsonl"),
        ("a.csv", "", "a.csv is empty"),
        ("a.csv", "name,label\nx,y\n", "line 1: the header must name a column 'phrase'"),
        ("a.csv", "\n\nphrase,label,Label\nx,y,z\n", "line 3: the header names a column twice"),
        ("a.csv", "phrase,label\nx,y\nx\n", "line 3: the row has 1 cells, but the header has 2"),
        ("a.csv", 'phrase,label\n"x\ny",1\n"z,1\n1,2\n', "line 4: the row can't be split"),
        ("a.csv", b"phrase,label\nx,y\nx\xff,y\n", "line 3: byte 2, 0xff, is not UTF-8"),
        ("a.jsonl", '{"phrase": "a"}\n{"phrase": \n', "line 2: this is no JSON"),
        ("a.jsonl", b'{"phrase": "\xe9"}\n', "line 1: byte 13, 0xe9, is not UTF-8"),
        ("a.jsonl", '["a"]\n', "line 1: this is no object"),
        ("a.txt", b"a\n\nb\xff\n", "line 3: byte 2, 0xff, is not UTF-8"),
    ],
)
def test_errors_say_file_and_line(file, name, content, message):
    with pytest.raises(ValueError, match=message) as raised:
        list(list_rows(file(name, content)))
    assert name in str(raised.value)


def test_list_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"There is no file .*no\.csv"):
        list(list_rows(tmp_path / "no.csv"))


def test_phrases_may_be_long(file):
    [(_, row)] = list_rows(file("a.csv", f'phrase\n"{"x" * 200_000}"\n'))
    assert len(row["phrase"]) == 200_000
