"""Every input to every output, and odd rows."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_ner_plus.data.sources import separated_rows
from spacy_ner_plus.data.sources.inputs import open_input
from spacy_ner_plus.data.sources.rows import Fields, Input, RowError, SourceDocument
from tests.prediction.samples import (
    TEXTS,
    read_lines,
    read_output,
    run,
    run_well,
    write_input,
)
from tests.record_schema import read_row

NAMES = {
    "text": "in.txt",
    "text folder": "folder",
    "jsonl": "in.jsonl",
    "csv": "in.csv",
    "tsv": "in.tsv",
    "parquet": "in.parquet",
    "spacy": "in.spacy",
    "spacy folder": "folder",
}


pytestmark = pytest.mark.usefixtures("loaded")


def found_by(nlp: Language, texts: list[str]) -> list[list[dict[str, Any]]]:
    return [
        [
            {
                "text": ent.text,
                "label": ent.label_,
                "start": ent.start_char,
                "end": ent.end_char,
                "probability": pytest.approx(ent._.probability, abs=1e-6),
            }
            for ent in doc.ents
        ]
        for doc in nlp.pipe(texts)
    ]


def outcomes(source: Input) -> list[str]:
    """The text of each row, or why it has none."""
    found = []
    for row in source.rows():
        try:
            found.append(source.parse(row).text)
        except RowError as error:
            found.append(f"! {error}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("output_name", ["out.jsonl", "out.parquet", "out.spacy", "out"])
@pytest.mark.parametrize("format", NAMES)
def test_predict_takes_and_gives_every_format(
    format: str, output_name: str, model: Path, nlp: Language, tmp_path: Path
) -> None:
    source = write_input(tmp_path / NAMES[format], format, TEXTS)
    output = tmp_path / output_name
    arguments = ["--output-format", "spacy"] if output_name == "out" else []
    result = run_well(model, source, output, "--chunk-size", 4, *arguments)
    rows = read_output(output)
    assert [row["text"] for row in rows] == TEXTS
    assert [row["spans"] for row in rows] == found_by(nlp, TEXTS)
    n_found = sum(len(row["spans"]) for row in rows)
    assert n_found > 3
    assert all(
        row["text"][entity["start"] : entity["end"]] == entity["text"]
        for row in rows
        for entity in row["spans"]
    )
    assert f"6 documents with {n_found} entities" in result.output
    ids = {
        "text": [1, 2, 3, 4, 5, 6] if output.suffix != ".parquet" else list("123456"),
        "text folder": [f"a{i}.txt" for i in range(6)],
    }
    assert [row["id"] for row in rows] == ids.get(format, [f"a{i}" for i in range(6)])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source.name, output.name])


def test_rows_are_records(model: Path, tmp_path: Path) -> None:
    source = write_input(tmp_path / "in.jsonl", "jsonl", TEXTS)
    output = tmp_path / "out.jsonl"
    run_well(model, source, output, "--keep-fields", "--k-best", 2)
    for number, row in enumerate(read_lines(output), start=1):
        assert list(row) == ["id", "text", "spans", "row", "sentences", "fields"]
        record = read_row(row)
        assert record.other["row"] == number
        assert record.other["fields"] == {"number": number - 1}
        assert all(span.probability is not None for span in record.spans or ())
        assert all(span.text for span in record.spans or ())


def test_rows_of_0_4_are_what_that_version_wrote(model: Path, tmp_path: Path) -> None:
    source = write_input(tmp_path / "in.jsonl", "jsonl", TEXTS)
    arguments = [model, source, tmp_path / "out.jsonl", "--keep-fields", "--k-best", 2]
    run_well(*arguments)
    records = read_output(tmp_path / "out.jsonl")
    run_well(*arguments, "--rows", "0.4", "--overwrite")
    rows = read_lines(tmp_path / "out.jsonl")
    for row, record in zip(rows, records, strict=True):
        assert list(row) == ["id", "row", "text", "entities", "sentences", "fields"]
        assert all(
            list(entity) == ["text", "label", "start", "end", "probability"]
            for entity in row["entities"]
        )
        del row["fields"]
        row["spans"] = row.pop("entities")
        assert row == record
    run_well(model, source, tmp_path / "out.parquet", "--rows", "0.4", "--keep-fields")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["id", "row", "text", "entities", "fields"]
    [kind] = [field.type.value_type for field in table.schema if field.name == "entities"]
    assert [field.name for field in kind] == ["text", "label", "start", "end", "probability"]
    assert [row["entities"] for row in table.to_pylist()] == [row["spans"] for row in records]


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet", "spacy", "spacy folder"])
def test_rows_without_id_get_their_number(format: str, tmp_path: Path) -> None:
    path = write_input(tmp_path / NAMES[format], format, TEXTS, has_ids=False)
    source = open_input(path, None, Fields())
    ids = [source.parse(row).id for row in source.rows()]
    in_folder = [f"1.spacy:{row}" for row in (1, 2)] + [f"2.spacy:{row}" for row in (1, 2, 3, 4)]
    lines = [2, 3, 4, 5, 6, 7]
    expected: dict[str, list[object]] = {"csv": [*lines], "spacy folder": [*in_folder]}
    assert ids == expected.get(format, [1, 2, 3, 4, 5, 6])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "number"), [("jsonl", 2), ("csv", "2"), ("parquet", 2), ("spacy", 2)]
)
@pytest.mark.parametrize("output_name", ["out.jsonl", "out.parquet", "out.spacy"])
def test_keep_fields_keeps_the_others(
    format: str, number: object, output_name: str, model: Path, tmp_path: Path
) -> None:
    source = write_input(tmp_path / NAMES[format], format, TEXTS)
    output = tmp_path / output_name
    run_well(model, source, output, "--keep-fields")
    if output.suffix == ".jsonl":
        fields = read_lines(output)[2]["fields"]
    elif output.suffix == ".parquet":
        fields = json.loads(pq.read_table(output)["fields"].to_pylist()[2])
    else:
        docs = list(DocBin().from_disk(output).get_docs(Vocab()))
        fields = docs[2].user_data["fields"]
    assert fields == {"number": number}


@pytest.mark.parametrize("format", NAMES)
def test_input_counts_its_rows(format: str, tmp_path: Path) -> None:
    path = write_input(tmp_path / NAMES[format], format, TEXTS)
    assert open_input(path, None, Fields()).count() == len(TEXTS)


def test_spacy_input_keeps_tokens_and_nothing_else(tmp_path: Path, nlp: Language) -> None:
    doc = Doc(nlp.vocab, words=["can't", "stop"], spaces=[False, False], ents=["B-X", "O"])
    unknown = Doc(nlp.vocab, words=["no", "spaces"])
    DocBin(docs=[doc, unknown]).to_disk(tmp_path / "in.spacy")
    source = open_input(tmp_path / "in.spacy", None, Fields())
    first, second = (source.parse(row) for row in source.rows())
    assert first.tokens is not None
    assert first.tokens.words == ["can't", "stop"]
    assert (first.text, second.text) == ("can'tstop", "no spaces ")


def test_text_input_takes_lines_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\n two\x0c\xe2\x80\xa8\xff\nthree\xc2\x85 \n\x00")
    assert outcomes(open_input(path, None, Fields())) == [
        "one",
        "",
        "! byte 9, 0xff, is not UTF-8",
        "three\x85 ",
        "\x00",
    ]
    path.write_bytes(b"")
    assert outcomes(open_input(path, None, Fields())) == []


def test_json_input_says_what_is_wrong_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    lines = [
        b'{"text": "good"}',
        b"",
        b"{",
        b'["text"]',
        b'{"text": null}',
        b'{"text": 3}',
        b'{"texts": "x"}',
        b'{"text": "\\ud83d"}',
        b'{"text": "x", "id": "\\udc00"}',
        b'{"text": "x", "number": NaN}',
        b'{"text": "\xe9"}',
        b"[" * 100_000,
        b'{"text": "x", "a": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"text": "\\ud83d\\ude00"}',
    ]
    path.write_bytes(b"\r\n".join(lines))
    source = open_input(path, None, Fields(keeps_others=True))
    assert [row.row for row in source.rows()] == [1, *range(3, 15)]
    reasons = [
        "good",
        "! invalid JSON: Expecting property name",
        "! the line holds no JSON object, but a list",
        "! the text is null, not a string",
        "! the text is of type int, not a string",
        "! there is no field 'text' (see --text-field); fields: texts",
        "! text: '\\ud83d' is half a character",
        "! id: '\\udc00' is half a character",
        "! invalid JSON: NaN is not JSON",
        "! byte 11, 0xe9, is not UTF-8",
        "! invalid JSON: ",
        "! a field is nested more than 100 levels deep",
        "😀",
    ]
    for outcome, reason in zip(outcomes(source), reasons, strict=True):
        assert outcome.startswith(reason)


def test_csv_input_says_what_is_wrong_with_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(
        b"\xef\xbb\xbfid,text\r\n"
        b'1,"two\nlines, ""quoted"""\n'
        b"\n"
        b"2,a,b\n"
        b'"3" x,a\n'
        b"4\n"
        b"5,\xff\n"
        b"6,\n"
        b'7,"never closed\n'
    )
    source = open_input(path, None, Fields())
    rows = [(row.row, source.show(row)) for row in source.rows()]
    assert rows == [
        (2, '1,"two\nlines, ""quoted"""'),
        (5, "2,a,b"),
        (6, '"3" x,a'),
        (7, "4"),
        (8, "5,\\xff"),
        (9, "6,"),
        (10, '7,"never closed'),
    ]
    assert outcomes(source) == [
        'two\nlines, "quoted"',
        "! the row has 3 columns, the header has 2",
        "! the row can't be split: ',' expected after '\"'",
        "! the row has 1 columns, the header has 2",
        "! the row has bytes that are not UTF-8",
        "",
        "! the row can't be split: unexpected end of data",
    ]
    path.write_text(f'text\n"{"x" * 200_000}"\n"{"x" * 11_000_000}\nshort\n')
    long, too_long, short = outcomes(open_input(path, None, Fields()))
    assert (len(long), short) == (200_000, "short")
    assert "field larger than field limit" in too_long
    assert separated_rows.MAX_FIELD == 10_000_000


QUOTES = 'id\ttext\n1\t"Hi" he said\n2\t"Bye\n3\tnot "a" quote\n4\t"So"\n'


def test_quotes_of_tsv_are_text_if_the_user_says_so(tmp_path: Path) -> None:
    path = tmp_path / "in.tsv"
    path.write_text(QUOTES)
    source = open_input(path, None, Fields(), "none")
    assert outcomes(source) == ['"Hi" he said', '"Bye', 'not "a" quote', '"So"']
    assert source.count() == 4
    assert [row.row for row in source.rows()] == [2, 3, 4, 5]


@pytest.mark.parametrize(("name", "tab"), [("in.tsv", "\t"), ("in.csv", ",")])
def test_cells_of_tsv_that_hold_line_ends_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, tab: str
) -> None:
    path = tmp_path / name
    path.write_text('id\ttext\n1\ta\n2\t"b\nc"\n3\td\n4\t"e\r\nf"\n'.replace("\t", tab))
    source = open_input(path, None, Fields())
    assert outcomes(source) == ["a", "b\nc", "d", "e\r\nf"]
    assert source.count() == 4
    warned = "in 2 rows a cell in quotes holds line ends, the first in line 3" in caplog.text
    assert warned == (name == "in.tsv")
    caplog.clear()
    assert outcomes(open_input(path, None, Fields(), "rfc4180"))[1] == "b\nc"
    assert not caplog.text


@pytest.mark.parametrize(
    ("content", "line", "n"),
    [
        (QUOTES.replace('"So"', "So").replace(' "a"', ""), 3, 3),
        ('id\ttext\n1\t"a\nb"\n2\t"c ""d""\n3\te\n', 4, 2),
        ('id\ttext\n1\t5" wide\n2\t"c\td\n3\te\n', 3, 2),
        ('id\ttext\n1\ta\n"2\n"\t"c\td\n3\te\n', 4, 2),
        ('id\t"text\n1\ta\n', 1, 2),
    ],
)
def test_a_quote_that_takes_the_rest_of_a_file_is_an_error_with_its_line(
    tmp_path: Path, content: str, line: int, n: int
) -> None:
    for name, text in (("in.tsv", content), ("in.csv", content.replace("\t", ","))):
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=rf"{name}, line {line}: the quote .*takes {n} lines"):
            open_input(tmp_path / name, None, Fields())


@pytest.mark.slow
def test_a_quote_that_is_not_closed_for_too_long_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('text\n"a\n' + "much\n" * 2_500_000 + 'b"\nc\n')
    with pytest.raises(ValueError, match=r"in\.csv, line 2: the quote that a cell begins with"):
        open_input(path, None, Fields())


def test_quoting_is_one_of_three_and_of_tables_only(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\na\n")
    (tmp_path / "in.txt").write_text("a\n")
    with pytest.raises(ValueError, match="--quoting all must be one of auto, rfc4180, none"):
        open_input(tmp_path / "in.csv", None, Fields(), "all")
    for path in (tmp_path / "in.txt", tmp_path):
        with pytest.raises(ValueError, match="--quoting none is for CSV and TSV"):
            open_input(path, None, Fields(), "none")


def test_packed_tables_are_read(tmp_path: Path) -> None:
    for name, tab in (("in.tsv.gz", "\t"), ("in.csv.gz", ",")):
        (tmp_path / name).write_bytes(gzip.compress(f"id{tab}text\n1{tab}a\n".encode()))
        assert outcomes(open_input(tmp_path / name, None, Fields())) == ["a"]


def test_predict_takes_quotes_as_it_is_told(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in.tsv").write_text(QUOTES)
    run_well(model, tmp_path / "in.tsv", tmp_path / "out.jsonl", "--quoting", "none")
    assert [row["text"] for row in read_lines(tmp_path / "out.jsonl")][1] == '"Bye'
    # what was written is read again
    run_well(model, tmp_path / "out.jsonl", tmp_path / "again.jsonl")
    first, again = (read_lines(tmp_path / name) for name in ("out.jsonl", "again.jsonl"))
    assert [(row["id"], row["spans"]) for row in again] == [(r["id"], r["spans"]) for r in first]


def test_parquet_input_says_what_is_wrong_with_a_row(tmp_path: Path) -> None:
    """Strings that are not UTF-8 can be written, as nothing checks them."""
    path = tmp_path / "in.parquet"
    offsets = pa.py_buffer(bytes([0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0]))
    validity = pa.py_buffer(bytes([0b011]))
    texts = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"ab\xffc"), validity)
    numbers = pa.array([float("nan"), 2.0, 3.0])
    pq.write_table(pa.table({"text": texts, "number": numbers}), path)
    source = open_input(path, None, Fields(keeps_others=True))
    assert outcomes(source) == [
        "ab",
        "! the row has bytes that are not UTF-8",
        "! the text is null, not a string",
    ]
    first, second, _ = source.rows()
    assert source.parse(first) == SourceDocument(1, 1, "ab", {"number": None})
    assert source.show(second) == "{'text': b'\\xffc', 'number': 2.0}"


def test_parquet_input_rejects_values_that_python_lacks(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    offsets = pa.py_buffer(bytes([*[0] * 12, 1, 0, 0, 0]))
    broken = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"\xff"))
    columns = {
        "text": ["a", "b", "c"],
        "when": pa.array([0, 2**62, 0], pa.timestamp("us")),
        "tags": pa.ListArray.from_arrays([0, 1, 2, 3], broken),
    }
    pq.write_table(pa.table(columns), path)
    source = open_input(path, None, Fields(keeps_others=True))
    found = outcomes(source)
    assert found[0] == "a"
    assert found[1].startswith("! column 'when' can't be read: ")
    assert found[2] == "! the row has bytes that are not UTF-8"
    _, second, third = source.rows()
    assert "'when': 'unreadable timestamp[us]'" in source.show(second)
    assert "'text': 'c'" in source.show(third)


def test_parquet_input_does_not_hold_a_row_group(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    texts = [f"{i}" * 500 for i in range(20_000)]
    table = pa.table({"text": texts})
    pq.write_table(table, path, compression="none", use_dictionary=False)
    n_bytes = table.nbytes
    del table
    before = pa.total_allocated_bytes()
    rows = open_input(path, None, Fields()).rows()
    held = [pa.total_allocated_bytes() - before for _ in rows]
    assert len(held) == len(texts)
    assert max(held) < n_bytes / 4


def test_id_that_is_no_number_is_none(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "id": [7.0, float("nan")]}), path)
    source = open_input(path, None, Fields())
    assert [source.parse(row).id for row in source.rows()] == [7.0, 2]


@pytest.mark.parametrize("output_name", ["out.jsonl", "out.parquet", "out.spacy"])
def test_large_integers_become_strings(output_name: str, model: Path, tmp_path: Path) -> None:
    """A .spacy file takes no more than 64 bits."""
    source = tmp_path / "in.jsonl"
    source.write_text(f'{{"text": "a", "id": {10**30}, "n": {2**64 - 1}}}\n')
    run_well(model, source, tmp_path / output_name, "--keep-fields")
    assert [row["id"] for row in read_output(tmp_path / output_name)] == [f"{10**30}"]


def test_parquet_input_takes_dictionaries_and_many_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    texts = [f"text {i % 7}" for i in range(5000)]
    table = pa.table({"text": pa.array(texts).dictionary_encode(), "id": range(5000)})
    pq.write_table(table, path, row_group_size=700)
    source = open_input(path, None, Fields())
    documents = [source.parse(row) for row in source.rows()]
    assert [document.text for document in documents] == texts
    assert [document.id for document in documents] == list(range(5000))


@pytest.mark.parametrize(
    ("name", "content", "arguments", "message"),
    [
        ("none.txt", None, [], "There is no file or folder"),
        ("in.xml", b"x", [], "has a format that its name does not tell: give --input-format"),
        ("in.txt", b"x", ["--input-format", "word"], "no format 'word'"),
        ("in.csv", b"a,b\n1,2\n", [], "has no column 'text'"),
        ("in.csv", b"", [], "has no column 'text'"),
        ("in.csv", b"text,a,a\n", [], "names a column twice"),
        ("in.parquet", b"x", [], "is no Parquet file"),
        ("in.spacy", b"x", [], "is no .spacy file"),
        ("in.txt", b"x", ["--output-format", "xml"], "no format 'xml': give --output-format"),
        ("in.txt", b"x", ["--chunk-size", 0], "must be at least 1"),
        ("in.txt", b"x", ["--rows", "0.3"], "--rows 0.3 must be one of records, 0.4"),
        (
            "in.txt",
            b"x",
            ["--rows", "0.4", "--output-format", "spacy"],
            "spaCy's format has no rows: leave --rows 0.4 out",
        ),
        ("in.txt", b"x", ["--k-best", 0], "--k-best 0 must be at least 1"),
        ("in.txt", b"x", ["--k-best", 2, "--output-format", "spacy"], "no place for readings"),
        ("in.txt", b"x", ["--spans-key", "a", "--output-format", "spacy"], "leave --spans-key out"),
        ("in.txt", b"x", ["--spans-key", "a"], "No component of the pipeline sets doc.spans['a']"),
        ("in.txt", b"x", ["--k-best", 2, "--component", "a"], "component 'a' that gives readings"),
    ],
)
def test_predict_says_what_is_wrong(
    name: str,
    content: bytes | None,
    arguments: list[object],
    message: str,
    model: Path,
    tmp_path: Path,
) -> None:
    source = tmp_path / name
    if content is not None:
        source.write_bytes(content)
    result = run(model, source, tmp_path / "out.jsonl", *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_parquet_input_wants_strings(model: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": [1, 2]}), tmp_path / "in.parquet")
    result = run(model, tmp_path / "in.parquet", tmp_path / "out.jsonl")
    assert "column 'text' holds int64, no strings" in result.stderr


def test_folder_of_two_formats_wants_one_named(model: Path, tmp_path: Path) -> None:
    folder = write_input(tmp_path / "folder", "spacy folder", TEXTS)
    (folder / "a.txt").write_text("One.")
    output = tmp_path / "out.jsonl"
    assert "give --input-format, one of text, spacy" in run(model, folder, output).stderr
    run_well(model, folder, output, "--input-format", "text")
    assert [row["text"] for row in read_output(output)] == ["One."]


@pytest.mark.parametrize("output_name", ["out.jsonl", "out.parquet", "out.spacy"])
def test_input_without_rows_gives_output_without(
    output_name: str, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("")
    result = run_well(model, tmp_path / "in.txt", tmp_path / output_name)
    assert "0 documents" in result.output
    assert read_output(tmp_path / output_name) == []


def test_output_within_input_is_refused(model: Path, tmp_path: Path) -> None:
    folder = write_input(tmp_path / "folder", "text folder", TEXTS)
    result = run(model, folder, folder / "out.jsonl")
    assert "one within the other" in result.stderr
    assert run(model, folder / "a0.txt", folder / "a0.txt").exit_code == 1


def test_folder_and_spacy_inputs_show_the_text_of_a_row(tmp_path: Path) -> None:
    write_input(tmp_path / "in.spacy", "spacy", TEXTS)
    source = open_input(tmp_path / "in.spacy", None, Fields())
    assert [source.show(row) for row in source.rows()] == TEXTS
    folder = write_input(tmp_path / "folder", "text folder", ["Zoë", "x"])
    (folder / "a1.txt").write_bytes(b"one\xfftwo")
    source = open_input(folder, None, Fields())
    assert [source.show(row) for row in source.rows()] == ["Zoë", "one\\xfftwo"]


def test_rejected_files_of_a_folder_are_shown_with_the_reason(model: Path, tmp_path: Path) -> None:
    folder = write_input(tmp_path / "folder", "text folder", ["Zoë", "x", "y"])
    (folder / "a1.txt").write_bytes(b"one\xfftwo")
    (folder / "a2.txt").write_bytes("Zoë".encode("utf-16"))
    run_well(model, folder, tmp_path / "out.jsonl")
    no_utf8, utf_16 = read_lines(tmp_path / "out.jsonl.rejects.jsonl")
    assert (no_utf8["file"], utf_16["file"]) == ("a1.txt", "a2.txt")
    assert "byte 4, 0xff, is not UTF-8" in no_utf8["reason"]
    assert no_utf8["raw"] == "one\\xfftwo"
    assert f"{folder / 'a2.txt'} is in UTF-16" in utf_16["reason"]
    assert "iconv" in utf_16["reason"]
    assert [row["text"] for row in read_lines(tmp_path / "out.jsonl")] == ["Zoë"]


def test_parquet_has_the_readings_of_jsonl(model: Path, tmp_path: Path) -> None:
    source = write_input(tmp_path / "in.jsonl", "jsonl", TEXTS)
    for name in ("out.jsonl", "out.parquet"):
        run_well(model, source, tmp_path / name, "--k-best", 3)
    expected = [row["sentences"] for row in read_lines(tmp_path / "out.jsonl")]
    assert pq.read_table(tmp_path / "out.parquet")["sentences"].to_pylist() == expected
    assert sum(len(sent["readings"]) for row in expected for sent in row) > len(TEXTS)
