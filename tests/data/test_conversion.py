"""Annotated texts to .spacy files: character offsets on tokens, and what does not fit."""

import gzip
import json
import re
from pathlib import Path

import pytest
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_ner_plus.annotation.gold import annotated_labels
from spacy_ner_plus.cli import app
from spacy_ner_plus.data.conversion import convert
from spacy_ner_plus.data.formats.record_files import FORMATS, read
from spacy_ner_plus.data.placement_report import MAX_SHOWN

ROWS = [
    {"text": "Anna saw Parkinsonism in Oslo", "entities": [[0, 4, "PER"], [9, 18, "Disease"]]},
    {"text": "Oslo", "entities": [[0, 4, "LOC"]]},
    {"text": "Nothing known"},
    {"text": "Nothing there", "entities": []},
]
MISALIGNED = (
    "line 1: Disease 'Parkinson' at characters 9-18 is not on token boundaries: tokens start at 9 "
    "and end at 8 or 21"
)


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "in.jsonl", ROWS)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return path


def docs(path):
    return list(DocBin().from_disk(path).get_docs(Vocab()))


def run(*args):
    return CliRunner().invoke(app, ["convert", *map(str, args)])


def test_misaligned_annotations_are_an_error_that_lists_them(source, tmp_path):
    result = run(source, tmp_path / "out.spacy")
    assert result.exit_code == 1
    assert "Error: 1 annotations are not on token boundaries. Correct" in result.stderr
    assert f"  {source}, {MISALIGNED}\n" in result.stderr
    assert not (tmp_path / "out.spacy").exists()


def test_misaligned_annotations_may_count_as_missing(source, tmp_path):
    result = run(source, tmp_path / "out.spacy", "--misaligned", "missing")
    assert result.exit_code == 0
    first, second, third, fourth = docs(tmp_path / "out.spacy")
    assert [token.ent_iob for token in first] == [3, 2, 0, 2, 2]
    assert [(ent.text, ent.label_) for ent in (*first.ents, *second.ents)] == [
        ("Anna", "PER"),
        ("Oslo", "LOC"),
    ]
    assert not third.has_annotation("ENT_IOB")
    assert [token.ent_iob for token in fourth] == [2, 2]
    assert f"Refused:\n  {source}, {MISALIGNED}\n" in result.stderr
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for row in (
        "documents 4", "tokens 10", "entities 2", "PER 1", "documents without annotation 1",
        "annotations 3", "kept 2", "refused 1", "misaligned 1",
        "rows with 'entities' as [start, end, label] 2",
        "rows with 'entities' 1", "rows without annotation 1",
    ):  # fmt: skip
        assert row in rows
    assert "(tokenizer of 'en')" in " ".join(result.stdout.split())


def test_what_was_known_of_other_entities_is_kept_beside_misaligned_ones(source, tmp_path):
    spans = [
        {"start": 0, "end": 4, "label": "PER", "id": 1, "grounding": "exact"},
        {"start": 5, "end": 8, "label": "PER", "status": "rejected"},
        {"start": 9, "end": 18, "label": "Disease", "id": 2},
    ]
    relations = [{"head": 1, "tail": 2, "label": "saw"}, {"head": 1, "tail": 1, "label": "is"}]
    write(source, [{"text": ROWS[0]["text"], "spans": spans, "relations": relations}])
    out = tmp_path / "out.spacy"
    result = run(source, out, "--misaligned", "missing")
    assert result.exit_code == 0
    lost = "relations of refused annotations (1)"
    assert f"Warning: {out} has no place for all of the records. Left out: {lost}" in result.stderr
    [record] = read(out)
    assert [span.to_json() for span in record.spans] == spans[:2]
    assert [one.label for one in record.relations] == ["is"]
    assert record.unknown == ((9, 21),)


def test_groups_of_spans_have_missing_tokens_beside_them(source, tmp_path):
    out = tmp_path / "out.spacy"
    result = run(source, out, "--misaligned", "missing", "--spans-key", "sc")
    assert result.exit_code == 0
    assert "Warning: 1 documents have stretches that nobody has annotated" in result.stderr
    first, *others = docs(out)
    assert first.spans["sc_unknown"]
    assert all("sc_unknown" not in doc.spans for doc in others)
    assert next(read(out, spans_key="sc")).unknown == next(read(out)).unknown


def test_a_key_is_of_both_sides_and_must_be_there(source, tmp_path):
    write(source, ROWS[1:2])
    convert(source, tmp_path / "a.spacy", spans_key="sc")
    result = run(tmp_path / "a.spacy", tmp_path / "b.spacy", "--spans-key", "x")
    assert result.exit_code == 1
    assert "a.spacy: none of its 1 documents has doc.spans['x']. Their keys: 'sc'" in result.stderr
    assert not (tmp_path / "b.spacy").exists()
    with pytest.raises(ValueError, match="options hold spans_key: give it as an argument"):
        convert(source, tmp_path / "b.spacy", options={"spans_key": "x"})


def test_what_can_not_be_stored_has_a_place(source, tmp_path):
    write(source, [ROWS[1], {"text": "a", "meta": {"n": 2**70}, "spans": []}])
    with pytest.raises(ValueError, match=r"in\.jsonl, line 2: .* more than 64 bits"):
        convert(source, tmp_path / "out.spacy")


def test_documents_with_misaligned_annotations_may_be_left_out(source, tmp_path):
    done = convert(source, tmp_path / "out.spacy", misaligned="skip")
    assert [doc.text for doc in docs(tmp_path / "out.spacy")] == [row["text"] for row in ROWS[1:]]
    assert (done.n_documents, done.n_skipped, done.n_without_annotation) == (3, 1, 1)


def test_errors_name_file_and_line(source, tmp_path):
    write(source, [*ROWS[1:], {"text": "a b", "entities": [[0, 3, "X"], [2, 3, "Y"]]}])
    out = tmp_path / "out.spacy"
    with pytest.raises(ValueError, match=r"in\.jsonl, line 4: Y 'b' .* overlaps another"):
        convert(source, out)
    done = convert(source, out, spans_key="sc")
    found = docs(out)
    assert [span.label_ for span in found[3].spans["sc"]] == ["X", "Y"]
    assert done.entities == {"LOC": 1, "X": 1, "Y": 1}
    done = convert(out, tmp_path / "again.spacy", spans_key="sc", label_map={"X": ""})
    found = docs(tmp_path / "again.spacy")
    assert [span.label_ for span in found[3].spans["sc"]] == ["Y"]
    assert done.mapped == {"X": 1}


def test_only_the_first_of_many_are_shown(source, tmp_path):
    write(source, [ROWS[0]] * (MAX_SHOWN + 2))
    with pytest.raises(ValueError, match=rf"^{MAX_SHOWN + 2} annotations are") as error:
        convert(source, tmp_path / "out.spacy")
    lines = str(error.value).splitlines()
    assert len(lines) == MAX_SHOWN + 2
    assert lines[-1] == "  and 2 more"


def test_types_are_renamed_and_dropped_in_all_that_names_them(source, tmp_path):
    row = {
        "text": "Anna i Lund",
        "annotated_labels": ["PER", "LOC", "X"],
        "spans": [
            {"start": 0, "end": 4, "label": "PER", "id": 1},
            {"start": 7, "end": 11, "label": "LOC", "id": 2},
        ],
        "relations": [{"head": 1, "tail": 2, "label": "in"}],
    }
    bare = {"text": "Nej", "label": "greeting", "annotated_labels": ["LOC", "PER"]}
    row["spans"].append({"start": 5, "end": 6, "label": "PER", "status": "rejected"})
    write(source, [row, bare])
    done = convert(source, tmp_path / "out.spacy", label_map={"LOC": "", "PER": "X", "Y": "Z"})
    [doc, other] = docs(tmp_path / "out.spacy")
    assert [(ent.text, ent.label_, ent.id_) for ent in doc.ents] == [("Anna", "X", "1")]
    assert annotated_labels(doc) == annotated_labels(other) == {"X"}
    assert done.mapped == {"LOC": 1, "PER": 1, "Y": 0}
    assert +done.lost == {"relations of dropped types": 1}


def test_texts_are_cut_by_the_tokenizer_of_a_language(source, tmp_path):
    write(source, [{"text": "don't", "entities": [[0, 2, "X"]]}])
    assert convert(source, tmp_path / "en.spacy").uses_tokenizer
    with pytest.raises(ValueError, match=r"take another tokenizer with --lang \(now xx\)"):
        convert(source, tmp_path / "xx.spacy", lang="xx")
    with pytest.raises(ValueError, match="--lang q: spaCy has no such language"):
        convert(source, tmp_path / "q.spacy", lang="q")


def test_the_form_may_be_named(source, tmp_path):
    path = source.rename(tmp_path / "in.tsv")
    result = run(path, tmp_path / "out.spacy", "--from", "jsonl", "--misaligned", "skip")
    assert result.exit_code == 0
    assert len(docs(tmp_path / "out.spacy")) == 3
    result = run(path, tmp_path / "out.spacy", "--from", "jsonl", "--group", 3)
    assert "group says nothing to the format 'jsonl'" in result.stderr
    result = run(path, tmp_path / "out.spacy", "--misaligned", "drop")
    assert "--misaligned drop must be one of error, snap, contract, missing, split" in result.stderr


def test_the_same_rows_give_the_same_bytes(source, tmp_path):
    for name in ("a.spacy", "b.spacy"):
        convert(source, tmp_path / name, misaligned="missing")
    assert (tmp_path / "a.spacy").read_bytes() == (tmp_path / "b.spacy").read_bytes()


def test_annotations_that_are_there_twice_count_once(tmp_path: Path) -> None:
    entities = [[0, 4, "PER"], [0, 4, "PER"], [9, 18, "X"], [9, 18, "X"]]
    row = {"text": "Anna saw Parkinsonism", "entities": entities}
    related = {
        "text": "Anna saw Oslo",
        "spans": [
            {"start": 0, "end": 4, "label": "PER"},
            {"start": 0, "end": 4, "label": "PER", "id": "a"},
            {"start": 9, "end": 13, "label": "LOC", "id": "b"},
            {"start": 9, "end": 13, "label": "LOC", "id": "c"},
            {"start": 9, "end": 13, "label": "LOC", "status": "rejected"},
            {"start": 5, "end": 8, "label": "X", "status": "ignored"},
        ],
        "relations": [{"head": "a", "tail": "c", "label": "in"}],
    }
    path = write(tmp_path / "in.jsonl", [row, related])
    result = run(path, tmp_path / "out.spacy", "--misaligned", "missing")
    assert result.exit_code == 0, result.output
    for line in (
        "annotations 8", "kept 3", "changed 3 repeated 3", "refused 2 misaligned 2", "entities 3",
        "rejected annotations, in incorrect_spans 1", "ignored annotations, taken for unknown 1",
    ):  # fmt: skip
        assert line in " ".join(result.output.split())
    _, record = read(tmp_path / "out.spacy")
    assert [(one.head, one.tail) for one in record.relations] == [("a", "b")]


def test_white_space_in_labels_and_spans_is_refused_or_repaired(tmp_path: Path) -> None:
    rows = [
        {"text": "Anna saw Oslo ", "entities": [[0, 5, " PER"], [9, 14, "LOC"], [4, 5, "X"]]},
        {
            "text": "Anna",
            "entities": [[0, 4, "\ufeffPER"]],
            "annotated_labels": ["PER", "PER\u00a0"],
        },
        {"text": "Anna", "entities": [[0, 4, "PER"]]},
    ]
    path, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.spacy"
    result = run(path, out)
    assert result.exit_code == 1
    assert "Error: 2 texts can't be read.\n" in result.stderr
    assert "line 1: the label of spans[0] is ' PER', with white space" in result.stderr
    assert "line 2: annotated_labels[1] is 'PER\\xa0', with white space" in result.stderr
    result = run(path, out, "--lenient")
    assert result.exit_code == 0, result.output
    assert {ent.label_ for doc in docs(out) for ent in doc.ents} == {"PER", "LOC"}
    assert [ent.text for ent in docs(out)[0].ents] == ["Anna", "Oslo"]
    for line in (
        "repaired: white space at the edges of annotations 2",
        "repaired: annotations of white space alone left out 1",
        "repaired: white space in labels 3",
    ):  # fmt: skip
        assert line in " ".join(result.output.split())
    assert "white space at the edges of annotations (2): line 1, line 1\n" in result.stderr


def test_white_space_in_labels_of_docs_is_refused_or_repaired(tmp_path: Path) -> None:
    doc = Doc(Vocab(), words=["Anna", "Ek"])
    doc.ents = [Span(doc, 0, 1, label="PER "), Span(doc, 1, 2, label="PER")]
    DocBin(docs=[doc]).to_disk(tmp_path / "in.spacy")
    with pytest.raises(ValueError, match=r"document 1: the label of spans\[0\] is 'PER '"):
        convert(tmp_path / "in.spacy", tmp_path / "out.spacy")
    done = convert(tmp_path / "in.spacy", tmp_path / "out.spacy", lenient=True)
    assert done.entities == {"PER": 2}
    assert done.source.counts == {"repaired: white space in labels": 1}


def test_types_to_be_renamed_have_no_white_space(source, tmp_path: Path) -> None:
    for names in ({" PER": "X"}, {"PER": "X "}):
        with pytest.raises(ValueError, match=r"(to be renamed|name of 'PER') is ' PER'|'X '"):
            convert(source, tmp_path / "out.spacy", label_map=names, misaligned="skip")


def test_all_texts_that_can_not_be_converted_are_listed(tmp_path: Path) -> None:
    rows = [{"text": "Anna Ek", "entities": [[0, 7, "PER"], [i, i + 4, "X"]]} for i in (0, 2, 0)]
    path = write(tmp_path / "in.jsonl", rows)
    with pytest.raises(ValueError, match=r"^2 texts can't be converted\.\n.*\n") as error:
        convert(path, tmp_path / "out.spacy")
    _, *lines = str(error.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"  {path}, line {i}" for i in (1, 3)]
    assert lines[0].endswith("into a group of doc.spans, as convert does with --spans-key sc.")
    assert convert(path, tmp_path / "out.spacy", spans_key="sc", misaligned="skip").entities


def test_types_that_look_alike_are_told(tmp_path: Path) -> None:
    labels = ["PER", "per", "Caf\u00e9", "Cafe\u0301", "LOC"]
    rows = [{"text": "Anna", "entities": [[0, 4, label]]} for label in labels]
    done = convert(write(tmp_path / "in.jsonl", rows), tmp_path / "out.spacy")
    assert [warning.partition(": ")[2].partition(". If")[0] for warning in done.warnings] == [
        "'Cafe\u0301' (1), 'Caf\u00e9' (1)", "'PER' (1), 'per' (1)"
    ]  # fmt: skip


@pytest.mark.parametrize("policy", ["error", "missing"])
def test_inclusive_ends_are_noticed(policy, tmp_path: Path) -> None:
    rows = [{"text": "Anna saw Oslo .", "entities": [[0, 3, "PER"], [9, 12, "LOC"]]}]
    path = write(tmp_path / "in.jsonl", rows)
    result = run(path, tmp_path / "out.spacy", "--misaligned", policy)
    assert "2 of these 2 would fit if ends were inclusive" in result.stderr
    rows = [{"text": "Anna saw Oslo", "entities": [[0, 5, "PER"], [3, 9, "X"]]}]
    result = run(write(path, rows), tmp_path / "out.spacy")
    assert "would fit" not in result.stderr
    assert "2 have white space at their edges: --trim space takes it away" in result.stderr


def test_columns_become_columns_of_another_layout_and_scheme(tmp_path: Path) -> None:
    source, output = tmp_path / "a.tsv", tmp_path / "b.conll"
    source.write_text("Anna\tI-PER\nBerg\tI-PER\nsaw\tO\nOslo\tI-LOC\n", encoding="utf8")
    result = run(source, output, "--layout", "tsv", "--scheme", "IOB1",
                 "--to-option", "layout=uner", "--to-option", "scheme=BIOES")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    lines = [line for line in output.read_text(encoding="utf8").splitlines() if line]
    assert [line.split("\t")[1:3] for line in lines if not line.startswith("#")] == [
        ["Anna", "B-PER"], ["Berg", "E-PER"], ["saw", "O"], ["Oslo", "S-LOC"]
    ]  # fmt: skip
    assert list(read(output)) == list(read(source, scheme="IOB1"))


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("b.jsonl", "layout=uner", "layout says nothing to the format 'jsonl', which is written"),
        ("b.spacy", "scheme=BIO", "scheme says nothing to the format 'spacy', .* no options"),
        ("b.tsv", "spans_key=x", "options hold spans_key"),
        ("b.tsv", "layout", "--to-option layout must be NAME=VALUE"),
    ],
)
def test_options_of_the_output_that_it_has_not_are_refused(
    name: str, option: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.tsv").write_text("Anna\tB-PER\n", encoding="utf8")
    result = run(tmp_path / "a.tsv", tmp_path / name, "--to-option", option)
    assert result.exit_code == 1
    assert re.search(message, " ".join(result.stderr.split()))
    assert not (tmp_path / name).exists()


def test_type_to_be_renamed_that_no_entity_has_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("Anna\tB-PER\nMalmö\tB-LOC\n", encoding="utf8")
    renamed = {"PER": "PERSON", "NOPE": "X"}
    done = convert(tmp_path / "a.tsv", tmp_path / "a.spacy", label_map=renamed)
    assert done.warnings == [
        "no entity has the type 'NOPE' that is to be renamed; there are: LOC, PERSON"
    ]


# brat's files of annotations are no texts, and may be empty
@pytest.mark.parametrize("format", [None, *(name for name in FORMATS if name != "brat")])
@pytest.mark.parametrize("content", [b"", b"\n \r\n", gzip.compress(b"\n", mtime=0)])
def test_an_input_without_any_text_is_refused(tmp_path, format, content):
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    for output in ("out.spacy", "out.jsonl"):
        with pytest.raises(ValueError, match=r"There is no text in .*a\.txt: there is nothing"):
            convert(path, tmp_path / output, format=format)
        assert not (tmp_path / output).exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", "[]"), ("a.tsv", "-DOCSTART-\tO\n\n"), ("a.csv", "text,start,end,label\n")],
)
def test_an_input_of_no_text_is_refused_as_an_empty_one(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match="There is no text in "):
        convert(tmp_path / name, tmp_path / "out.spacy")


def test_files_without_texts_are_counted_beside_others(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, content in (("a.tsv", "Ann\tB-PER\n"), ("b.tsv", ""), ("c.jsonl", ""), ("d.csv", "")):
        (folder / name).write_text(content)
    done = convert(folder, tmp_path / "out.jsonl")
    assert (done.n_documents, done.source.counts["files without texts"]) == (1, 3)
    assert any("files without texts (3)" in one and "d.csv" in one for one in done.source.warnings)
    (folder / "a.tsv").write_text("\n")
    with pytest.raises(ValueError, match=rf"There is no text in {folder}: "):
        convert(folder, tmp_path / "out.jsonl")
