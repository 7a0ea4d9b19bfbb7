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
        "comment lines passed over": "2",
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
    result = run(ASSETS / "bc5cdr/dev.tsv", tmp_path / "out.spacy", "--group", 10)
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
    source = ASSETS / "wnut17/dev.tsv"
    command = [sys.executable, "-m", "spacy", "ner-plus", "convert", str(source)]
    for seed in ("1", "2"):
        subprocess.run(
            [*command, str(tmp_path / f"{seed}.spacy")],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
        )
    assert (tmp_path / "1.spacy").read_bytes() == (tmp_path / "2.spacy").read_bytes()


@pytest.mark.parametrize(
    ("content", "args", "message"),
    [
        ("a\tO\nb\n", [], "in.tsv, line 2: 'b': Found 1 columns"),
        ("a\tI-X\nb\tB-X\nc\tB-Y\n", [], "in.tsv, line 1: 'a\\tI-X': Tag 'I-X' at token 0"),
        ("a\tX\n", [], "in.tsv, line 1: 'a\\tX': Unknown tag 'X'"),
        ("", [], "in.tsv is empty"),
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
    assert "The output must be a .spacy file" in result.output
    assert source.read_text() == "a\tO\n"


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
