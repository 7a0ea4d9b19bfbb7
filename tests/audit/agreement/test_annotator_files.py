"""Who annotated what: files of annotators, and exports that name several."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from spacy_ner_plus import TextRecord, write
from spacy_ner_plus.audit.agreement.annotator_files import AnnotatorFiles, read_annotators
from spacy_ner_plus.evaluation.label_choice import choose
from tests.audit.agreement.annotated import TEXT, record, write_annotators


def files_of(paths: Sequence[Path], **how: Any) -> AnnotatorFiles:
    options, choice = how.pop("options", {}), choose(how.get("labels"), how.get("label_map"))
    return read_annotators(paths, how.get("format"), options, choice)


def texts_of(files: AnnotatorFiles) -> dict[str, list[list[tuple[int, int, str]]]]:
    return {
        one.name: [[(s.start, s.end, s.label) for s in r.spans or ()] for _, r in one.texts]
        for one in files.annotators
    }


def label_studio(*annotations: dict[str, Any], text: str = TEXT, id: int = 1) -> dict[str, Any]:
    return {"id": id, "data": {"text": text}, "annotations": list(annotations)}


def annotation(who: Any, *spans: tuple[int, int, str], text: str = TEXT) -> dict[str, Any]:
    regions = [
        {
            "from_name": "label", "to_name": "text", "type": "labels",
            "value": {"start": a, "end": b, "text": text[a:b], "labels": [label]},
        }
        for a, b, label in spans
    ]  # fmt: skip
    return {"completed_by": who, "result": regions} if who else {"result": regions}


def test_each_file_is_an_annotator_by_its_name(tmp_path: Path) -> None:
    paths = write_annotators(tmp_path, anna=[record((0, 7, "PER"))], ben=[record()])
    files = files_of(paths)
    assert texts_of(files) == {"anna": [[(0, 7, "PER")]], "ben": [[]]}
    assert not files.are_named


def test_folders_of_annotators_are_named_by_what_tells_them_apart(tmp_path: Path) -> None:
    paths = []
    for name in ("anna", "ben"):
        (tmp_path / name).mkdir()
        write([record((0, 7, "PER"))], tmp_path / name / "texts.jsonl")
        paths.append(tmp_path / name / "texts.jsonl")
    assert list(texts_of(files_of(paths))) == ["anna/texts", "ben/texts"]
    assert list(texts_of(files_of([path.parent for path in paths]))) == ["anna", "ben"]


@pytest.mark.parametrize(
    ("who", "names"),
    [
        ((1, 2), ["1", "2"]),
        (({"id": 7, "email": "anna@x.org"}, {"id": 8, "email": ""}), ["anna@x.org", "8"]),
    ],
)
def test_annotators_of_label_studio_are_those_who_completed(
    who: tuple[Any, Any], names: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "export.json"
    skipped = {**annotation(who[1]), "was_cancelled": True}
    rows = [
        label_studio(annotation(who[0], (0, 7, "PER")), annotation(who[1], (0, 4, "PER"))),
        label_studio(annotation(who[0]), skipped, text="Nothing here .", id=2),
    ]
    path.write_text(json.dumps(rows), encoding="utf8")
    files = files_of([path])
    assert texts_of(files) == {names[0]: [[(0, 7, "PER")], []], names[1]: [[(0, 4, "PER")]]}
    assert files.are_named


def test_annotators_of_prodigy_are_those_of_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    rows = [
        {"text": TEXT, "spans": [{"start": 0, "end": end, "label": "PER"}], "_input_hash": 5,
         "_task_hash": 6, "_annotator_id": name, "_view_id": "ner_manual", "answer": "accept"}
        for name, end in (("db-anna", 7), ("db-ben", 4))
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    assert texts_of(files_of([path])) == {"db-anna": [[(0, 7, "PER")]], "db-ben": [[(0, 4, "PER")]]}


def test_annotators_in_meta_of_records_may_be_in_several_files(tmp_path: Path) -> None:
    by = {name: record((0, 7, "PER"), meta={"annotator": name}) for name in "abc"}
    paths = write_annotators(tmp_path, one=[by["a"], by["b"]], two=[by["c"], by["a"]])
    assert {name: len(texts) for name, texts in texts_of(files_of(paths)).items()} == {
        "a": 2, "b": 1, "c": 1,
    }  # fmt: skip


def test_types_are_renamed_and_chosen(tmp_path: Path) -> None:
    spans = [(0, 7, "PERSON"), (22, 37, "ORG"), (41, 49, "LOC")]
    paths = write_annotators(
        tmp_path, anna=[record(*spans)], ben=[record(annotated_labels=("PERSON", "ORG"))]
    )
    files = files_of(paths, labels=["PER", "LOC"], label_map={"PERSON": "PER"})
    assert texts_of(files)["anna"] == [[(0, 7, "PER"), (41, 49, "LOC")]]
    assert files.annotators[1].texts[0][1].annotated_labels == ("PER",)


NAMELESS = [record((0, 7, "PER"))]
KNOWN = [record(meta={"annotator": "anna"})]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"one": NAMELESS}, "does not say who annotated its 1 texts: give a file or folder for"),
        ({"one": KNOWN}, "All 1 annotated texts of .*one.jsonl are of one annotator, 'anna'"),
        ({"one": [TextRecord("a", spans=None)]}, "has no annotated text"),
        (
            {"one": [*KNOWN, record(meta={"annotator": "ben"}), *NAMELESS]},
            "1 annotated texts do not say who .* first: .*one.jsonl, line 3",
        ),
        ({"one": NAMELESS, "two": [TextRecord("a", spans=None)]}, "two.jsonl has no annotated"),
    ],
)
def test_errors_say_what_is_missing(
    texts: dict[str, list[TextRecord]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        files_of(write_annotators(tmp_path, **texts))


def test_same_file_twice_is_an_error(tmp_path: Path) -> None:
    [path] = write_annotators(tmp_path, anna=NAMELESS)
    with pytest.raises(ValueError, match="given twice"):
        files_of([path, tmp_path / "." / "anna.jsonl"])


def test_types_that_nobody_has_are_told_of(tmp_path: Path) -> None:
    """All of them are an error: else a slip would look like annotators who marked nothing."""
    paths = write_annotators(tmp_path, anna=[record((0, 7, "PER"))], ben=[record()])
    with pytest.raises(ValueError, match=r"names, 'PERSON': they have 'PER'\."):
        files_of(paths, labels=["PERSON"])
    [warning] = files_of(paths, labels=["PER", "LOC"], label_map={"GPE": "LOC"}).warnings
    assert "no annotator has, 'LOC', 'GPE': they have 'PER'." in warning
    renamed = files_of(paths, labels=["HUMAN"], label_map={"PER": "HUMAN"})
    assert texts_of(renamed)["anna"] == [[(0, 7, "HUMAN")]]
    assert renamed.warnings == []
