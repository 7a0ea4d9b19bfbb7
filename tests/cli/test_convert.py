import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Corpus
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from spacy_ner_plus.cli.convert import parse_label_map
from spacy_ner_plus.data.conversion import convert

ASSETS = Path(__file__).parents[2] / "assets"

UNER = """\
# newdoc id = a
# sent_id = a-1
# text = Anna Ek bor i Lund.
1\tAnna\tB-PER\t-\tme
2\tEk\tI-PER\t-\tme
3\tbor\tO
4\ti\tO
5\tLund\tB-LOC\t-\tme
6\t.\tO

# sent_id = a-2
# text = Ja!
1\tJa\tO\t-\t-
2\t!\tB-O\t-\tme

# newdoc id = b
# text = Nej
1\tNej\tB-OTH\t-\tme
"""


def run(*args):
    return CliRunner().invoke(app, ["convert", *map(str, args)])


def read_docs(path):
    return list(DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))


def table(output):
    rows = re.findall(r"^ *(.*?)  +([\d,]+)$", output, flags=re.MULTILINE)
    return dict(rows)


@pytest.fixture
def uner_path(tmp_path):
    path = tmp_path / "in.iob2"
    path.write_text(UNER, encoding="utf-8")
    return path


def test_convert_writes_docs_with_entities_sentences_and_text(uner_path, tmp_path):
    out = tmp_path / "new" / "folder" / "out.spacy"
    result = run(uner_path, out, "--map", "OTH=", "--map", "O=", "--map", "PER=person")
    assert result.exit_code == 0, result.output
    first, second = read_docs(out)
    assert first.text == "Anna Ek bor i Lund. Ja!"
    assert [(ent.text, ent.label_) for ent in first.ents] == [
        ("Anna Ek", "person"),
        ("Lund", "LOC"),
    ]
    assert [sent.text for sent in first.sents] == ["Anna Ek bor i Lund.", "Ja!"]
    assert second.text == "Nej"
    assert [token.ent_iob_ for token in second] == ["O"]
    assert table(result.output) == {
        "documents": "2",
        "sentences": "3",
        "tokens": "9",
        "entities": "2",
        "person": "1",
        "LOC": "1",
        "mapped OTH to outside": "1",
        "mapped O to outside": "1",
        "mapped PER to person": "1",
    }
    assert "layout uner, tags in column 3, tag scheme BIO" in " ".join(result.output.split())


def test_convert_output_trains_a_spacy_corpus(uner_path, tmp_path):
    convert(uner_path, tmp_path / "out.spacy")
    examples = list(Corpus(tmp_path / "out.spacy", gold_preproc=True)(spacy.blank("sv")))
    assert [example.reference.text.strip() for example in examples] == [
        "Anna Ek bor i Lund.",
        "Ja!",
        "Nej",
    ]
    assert [example.get_aligned_ner() for example in examples] == [
        ["B-PER", "L-PER", "O", "O", "U-LOC", "O"],
        ["O", "U-O"],
        ["U-OTH"],
    ]


def test_convert_counts_white_space_tokens_it_had_to_add(uner_path, tmp_path):
    uner_path.write_text(UNER.replace("Ek bor", "Ek  bor"), encoding="utf-8")
    result = run(uner_path, tmp_path / "out.spacy")
    assert read_docs(tmp_path / "out.spacy")[0].text == "Anna Ek  bor i Lund. Ja!"
    counts = table(result.output)
    assert (counts["tokens"], counts["white space tokens added"]) == ("10", "1")


@pytest.mark.slow
def test_convert_groups_bc5cdr_by_number_and_prints_its_counts(tmp_path):
    result = run(ASSETS / "bc5cdr-columns/dev.tsv", tmp_path / "out.spacy", "--group", 10)
    assert table(result.output) == {
        "documents": "459",
        "sentences": "4,581",
        "tokens": "117,453",
        "entities": "9,593",
        "Chemical": "5,347",
        "Disease": "4,246",
    }
    docs = read_docs(tmp_path / "out.spacy")
    assert [len(list(doc.sents)) for doc in docs] == [10] * 458 + [1]
    assert sum(len(doc.ents) for doc in docs) == 9593
    assert all(token.ent_iob for doc in docs for token in doc)


def test_convert_says_when_markers_win_over_the_group(uner_path, tmp_path):
    out = tmp_path / "out.spacy"
    result = run(uner_path, out, "--group", 3)
    assert len(read_docs(out)) == 2
    assert "--group is not used" in result.output
    result = run(uner_path, out, "--group", 3, "--ignore-markers")
    assert len(read_docs(out)) == 1
    assert "--group is not used" not in result.output
    assert "--group is not used" not in run(uner_path, out).output


@pytest.mark.slow
def test_convert_writes_the_same_bytes_again(tmp_path):
    """In a process whose strings have other hashes."""
    source = ASSETS / "wnut17/dev.tsv"
    here, there = tmp_path / "here.spacy", tmp_path / "there.spacy"
    run(source, here)
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    subprocess.run(
        [sys.executable, "-m", "spacy", "ner-plus", "convert", str(source), str(there)],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
    )
    assert here.read_bytes() == there.read_bytes()


@pytest.mark.parametrize(
    ("content", "args", "message"),
    [
        ("a\tO\nb\n", [], "in.tsv, line 2: 'b': Found 1 columns"),
        ("a\tI-X\nb\tB-X\nc\tB-Y\n", [], "in.tsv, line 1: 'a\\tI-X': Tag 'I-X' at token 0"),
        ("a\tX\n", [], "in.tsv, line 1: 'a\\tX': Unknown tag 'X'"),
        ("", [], "There is no text in "),
        ("a\tO\n", ["--layout", "csv"], "Unknown layout 'csv'"),
        ("a\tO\n", ["--scheme", "BX"], "Unknown tag scheme 'BX'"),
        ("a\tO\n", ["--map", "X"], "--map wants OLD=NEW, or OLD= to drop the type, got 'X'"),
        ("# text = b\n1\ta\tO\n", [], "in.tsv, line 2: Token 1, 'a', is not in the text"),
    ],
)
def test_convert_shows_errors_as_message_alone(tmp_path, content, args, message):
    source, out = tmp_path / "in.tsv", tmp_path / "out.spacy"
    source.write_text(content, encoding="utf-8")
    result = run(source, out, *args)
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output
    assert not out.exists()


def test_convert_refuses_bad_paths(tmp_path):
    result = run(tmp_path / "none.tsv", tmp_path / "out.spacy")
    assert result.exit_code == 1
    assert "There is no file" in result.output
    source = tmp_path / "in.tsv"
    source.write_text("a\tO\n", encoding="utf-8")
    result = run(source, source)
    assert result.exit_code == 1
    assert "in.tsv is an input, too, or within one: the output must be" in result.output
    assert source.read_text() == "a\tO\n"
    result = run(tmp_path, tmp_path / "new" / "out.jsonl")
    assert "out.jsonl is an input, too, or within one" in result.output


@pytest.mark.parametrize(("column", "label"), [("3", "PER"), ("-1", "LOC")])
def test_convert_takes_the_column_that_is_named(column, label, tmp_path):
    source, out = tmp_path / "in.tsv", tmp_path / "out.spacy"
    source.write_text("Anna NNP B-PER B-LOC\nbor VB O O\n", encoding="utf8")
    assert "--column 3 or --column 4" in run(source, out).stderr
    result = run(source, out, "--column", column)
    assert result.exit_code == 0, result.output
    assert table(result.output)[label] == "1"


def test_convert_prints_what_it_repaired_and_where(tmp_path):
    source, out = tmp_path / "in.tsv", tmp_path / "out.spacy"
    source.write_text("Anna \tB-PER\nbor\tO\n\tO\n\nx\tO\t\n\n\tO\n", encoding="utf8")
    result = run(source, out)
    assert result.exit_code == 1
    assert "Error: 4 lines can't be read. convert --lenient repairs 4 of them" in result.stderr
    result = run(source, out, "--lenient")
    assert result.exit_code == 0, result.output
    assert "repaired: lines without a token left out (2): line 3, line 7\n" in result.stderr
    assert table(result.output)["repaired: lines without a token left out"] == "2"
    assert [[token.text for token in doc] for doc in read_docs(out)] == [["Anna", "bor"], ["x"]]


def test_convert_refuses_a_group_of_none(uner_path, tmp_path):
    result = run(uner_path, tmp_path / "out.spacy", "--group", 0)
    assert result.exit_code == 2
    assert "--group" in result.output


ROWS = [
    {"id": 1, "text": "Anna 😀 bor i Lund.", "spans": [{"start": 13, "end": 17, "label": "LOC"}]},
    {"id": 2, "text": "Nej", "spans": [], "relations": []},
    {"id": 3, "text": "Okänt", "meta": {"n": 1}},
]


def put(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return path


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


def test_any_format_becomes_any_other(tmp_path):
    source = put(tmp_path / "in.jsonl", ROWS[:2])
    result = run(source, tmp_path / "a.tsv", "--map", "LOC=PLACE")
    assert result.exit_code == 0, result.output
    assert table(result.output) == {
        "documents": "2", "entities": "1", "PLACE": "1", "rows with 'spans'": "2",
        "mapped LOC to PLACE": "1",
    }  # fmt: skip
    assert "(tokenizer of 'en')" in " ".join(result.stdout.split())
    assert "Left out: id (2), unknown sentence starts (5), white space (1)" in " ".join(
        result.stderr.split()
    )
    assert "Lund\tB-PLACE" in (tmp_path / "a.tsv").read_text(encoding="utf8")
    for name in ("a.spacy", "b.jsonl.gz", "c.json"):
        result = run(tmp_path / "a.tsv", tmp_path / name, *["--to", "jsonl"] * (name == "c.json"))
        assert result.exit_code == 0, result.output
    docs = read_docs(tmp_path / "a.spacy")
    assert [doc.text for doc in docs] == ["Anna 😀 bor i Lund .", "Nej"]
    packed = gzip.decompress((tmp_path / "b.jsonl.gz").read_bytes())
    assert packed == (tmp_path / "c.json").read_bytes()
    assert [row["text"] for row in rows_of(packed.decode())] == [doc.text for doc in docs]


def test_several_files_and_folders_become_one(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    put(folder / "b.jsonl", ROWS[1:])
    (folder / "a.bio").write_text("Anna\tB-PER\n", encoding="utf8")
    (folder / "README.md").write_text("Read me", encoding="utf8")
    first = put(tmp_path / "first.jsonl", ROWS[:1])
    result = run(first, folder, tmp_path / "out.jsonl")
    assert result.exit_code == 0, result.output
    texts = [row["text"] for row in rows_of((tmp_path / "out.jsonl").read_text(encoding="utf8"))]
    assert texts == [ROWS[0]["text"], "Anna", "Nej", "Okänt"]
    assert table(result.output)["files of other formats passed over"] == "1"
    assert "README.md" in result.stderr
    result = run(first, folder, tmp_path / "out.jsonl", "--layout", "tsv")
    assert "layout says nothing to the format 'jsonl'" in result.stderr


def test_standard_input_and_output(tmp_path):
    command = [sys.executable, "-m", "spacy", "ner-plus", "convert", "-", "-"]
    given = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    done = subprocess.run(command, check=True, input=given, capture_output=True)
    assert [row["text"] for row in rows_of(done.stdout.decode())] == [row["text"] for row in ROWS]
    assert b"documents" in done.stderr
    assert b"Wrote -" in done.stderr
    with pytest.raises(ValueError, match="name it once"):
        convert(["-", "-"], tmp_path / "a.spacy")


def test_options_go_to_the_format_that_knows_them(tmp_path):
    source = put(tmp_path / "in.jsonl", ROWS[:2])
    assert run(source, tmp_path / "a.tsv", "--layout", "uner").exit_code == 0
    assert (tmp_path / "a.tsv").read_text(encoding="utf8").startswith("# newdoc")
    result = run(tmp_path / "a.tsv", tmp_path / "b.tsv", "--layout", "uner")
    assert result.exit_code == 0, result.output  # it is that of the input
    assert (tmp_path / "b.tsv").read_text(encoding="utf8").startswith("-DOCSTART-")
    for option, value in (
        ("--annotator", "all"), ("--text-field", "a"), ("--ls-config", "a"), ("--label-field", "a"),
        ("--offsets", "utf16"),
    ):  # fmt: skip
        result = run(source, tmp_path / "out.spacy", option, value)
        name = option[2:].replace("-", "_")
        assert f"Error: {name} says nothing to the format 'jsonl'" in result.stderr
    result = run(source, tmp_path / "out.jsonl", "--misaligned", "skip")
    assert "--misaligned skip is for .spacy files" in result.stderr
    result = run(source, tmp_path / "out.jsonl", "--spans-key", "sc")
    assert "--spans-key is for .spacy files" in result.stderr
    result = run(source, tmp_path / "out.xml")
    assert "out.xml has a format that its name does not tell" in result.stderr


def test_parse_label_map_reads_entries():
    assert parse_label_map(["A=B", "C=", "d-e=x=y"]) == {"A": "B", "C": "", "d-e": "x=y"}
    for entries in (["=B"], ["A"], ["A=B", "A="]):
        with pytest.raises(ValueError, match="--map"):
            parse_label_map(entries)


@pytest.mark.slow
def test_command_line_needs_no_torch():
    # thinc imports torch where it finds it, so hide it.
    code = "import sys; sys.modules['torch'] = None; from spacy_ner_plus.cli import app"
    subprocess.run([sys.executable, "-c", code], check=True)
