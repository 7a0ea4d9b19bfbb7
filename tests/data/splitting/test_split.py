"""Data sets that are divided, with all that stays together, and their manifests."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from spacy_ner_plus.data.formats.record_files import read, write
from spacy_ner_plus.data.splitting.near_duplicates import near_duplicates
from spacy_ner_plus.data.splitting.split import PART_NAMES, split
from spacy_ner_plus.records import TextRecord
from spacy_ner_plus.support.digests import file_digest
from tests.annotated_texts import make_rows, write_rows

N = 90


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Texts of 30 patients; every third is there twice but for a word, and one is not annotated."""
    rows = make_rows(N)
    for i, row in enumerate(rows):
        row |= {"id": i, "meta": {"patient": {"name": f"P{i % 30}"}}}
        row["text"] += f" {i * 7919} notes of number {i * 104729} on other things {i * 1299709}."
        if i % 3 == 2:
            row["text"] = rows[i - 1]["text"] + " Again."
            row["spans"] = rows[i - 1]["spans"]
    del rows[-1]["spans"]
    del rows[0]["meta"]
    return write_rows(tmp_path / "all.jsonl", rows)


def parts_of(folder: Path, suffix: str = ".jsonl") -> dict[str, list[TextRecord]]:
    paths = [(name, folder / f"{name}{suffix}") for name in PART_NAMES]
    return {name: list(read(path)) for name, path in paths if path.exists()}


def manifest_of(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf8"))
    return manifest


def test_each_document_is_in_one_part_as_it_was(data: Path, tmp_path: Path) -> None:
    made = split(data, tmp_path / "out")
    parts = parts_of(tmp_path / "out")
    assert {name: len(records) for name, records in parts.items()} == {
        name: part.n_documents for name, part in made.parts.items()
    }
    before = {record.id: record for record in read(data)}
    after = [record for records in parts.values() for record in records]
    assert len(after) == N
    assert {record.id: record for record in after} == before
    for records in parts.values():  # in the order of the file
        assert [record.id for record in records] == sorted(record.id for record in records)
    counts = Counter(span.label for record in after for span in record.spans or ())
    for name, share in zip(PART_NAMES, (0.8, 0.1, 0.1), strict=True):
        assert abs(made.parts[name].n_documents - share * N) <= 2
        for label, n in counts.items():
            assert abs(made.parts[name].entities[label] - share * n) < 5


def test_several_files_and_folders_are_divided_as_one(data: Path, tmp_path: Path) -> None:
    lines = data.read_text(encoding="utf8").splitlines(keepends=True)
    (tmp_path / "in").mkdir()
    (tmp_path / "first.jsonl").write_text("".join(lines[:40]), encoding="utf8")
    (tmp_path / "in" / "rest.jsonl").write_text("".join(lines[40:]), encoding="utf8")
    inputs = [tmp_path / "first.jsonl", tmp_path / "in"]
    whole, several = split(data, tmp_path / "one"), split(inputs, tmp_path / "two")
    assert several.version == whole.version
    one, two = (manifest_of(tmp_path / name)["data"] for name in ("one", "two"))
    assert (one["name"], two["name"]) == ("all.jsonl", "first.jsonl, in")
    assert one["digest"] == two["digest"]
    with pytest.raises(ValueError, match=r"is within .*in, and would be read again"):
        split(inputs, tmp_path / "in" / "out")
    result = CliRunner().invoke(app, ["split", *map(str, inputs), str(tmp_path / "cli")])
    assert result.exit_code == 0, result.output
    assert manifest_of(tmp_path / "cli") == manifest_of(tmp_path / "two")


@pytest.mark.parametrize("seed", range(3))
def test_near_duplicates_and_groups_are_never_in_two_parts(
    seed: int, data: Path, tmp_path: Path
) -> None:
    made = split(
        data, tmp_path / "out", group_by="meta.patient.name", seed=seed, parts=(0.6, 0.2, 0.2)
    )
    places = {r.id: name for name, records in parts_of(tmp_path / "out").items() for r in records}
    records = list(read(data))
    groups = near_duplicates([record.text for record in records], 0.8).tolist()
    for record, first in zip(records, groups, strict=True):
        assert places[record.id] == places[records[first].id]
        other = record.id % 30
        if record.meta and records[other].meta:
            assert places[record.id] == places[other]
    assert len(made.near_duplicates) == N // 3
    assert made.n_without_key == 1
    assert f"{data}, line 3" in made.near_duplicates[0]
    listed = manifest_of(tmp_path / "out")["near_duplicates"]
    assert [tuple(group["documents"]) for group in listed] == list(made.near_duplicates)
    for group in listed:
        lines = [int(place.rpartition(" ")[2]) for place in group["documents"]]
        assert {places[line - 1] for line in lines} == {group["part"]}


def test_without_looking_for_them_near_duplicates_are_divided(data: Path, tmp_path: Path) -> None:
    made = split(data, tmp_path / "out", near=None, parts=(0.5, 0.3, 0.2))
    assert made.n_groups == 0
    assert [part.n_documents for part in made.parts.values()] == [45, 27, 18]


def test_manifest_says_what_is_where_and_which_version(data: Path, tmp_path: Path) -> None:
    made = split(data, tmp_path / "out")
    manifest = manifest_of(tmp_path / "out")
    assert manifest["version"] == made.version
    assert manifest["data"]["sha256"] == file_digest(data)
    assert (manifest["seed"], manifest["near"], manifest["group_by"]) == (0, 0.8, None)
    for name, records in parts_of(tmp_path / "out").items():
        row = manifest["parts"][name]
        assert row["sha256"] == file_digest(tmp_path / "out" / row["file"])
        assert row["documents"] == len(records)
        assert row["documents_without_annotation"] == sum(r.spans is None for r in records)
        entities = Counter(span.label for record in records for span in record.spans or ())
        assert row["entities"] == entities
    split(data, tmp_path / "again")
    for file in (tmp_path / "out").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_version_is_that_of_content_not_of_files(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.ndjson"
    write((record for record in read(data)), copy, "jsonl")
    rows = [json.loads(line) for line in data.read_text(encoding="utf8").splitlines()]
    assert copy.read_bytes() != data.read_bytes()
    versions = {split(data, tmp_path / "a").version, split(copy, tmp_path / "b").version}
    assert len(versions) == 1
    versions.add(split(data, tmp_path / "c", seed=1).version)
    rows[5]["text"] += "!"
    versions.add(split(write_rows(copy, rows), tmp_path / "d").version)
    assert len(versions) == 3


def test_parts_are_of_any_format_and_replace_an_earlier_split(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    split(data, out)
    made = split(data, out, to=".spacy", parts=(0.7, 0, 0.3))
    assert sorted(path.name for path in out.iterdir()) == [
        "manifest.json", "test.spacy", "train.spacy"
    ]  # fmt: skip
    found = parts_of(out, ".spacy")
    assert {name: len(records) for name, records in found.items()} == {
        name: part.n_documents for name, part in made.parts.items()
    }
    (out / "mine.txt").write_text("x")
    with pytest.raises(ValueError, match="is there and holds other files"):
        split(data, out)
    assert (out / "train.spacy").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parts": (0.8, 0.1, 0.2)}, "--parts must be the shares of train, dev and test"),
        ({"parts": (1.0, 0, 0)}, "--parts must be the shares"),
        ({"parts": (0, 0.5, 0.5)}, "--parts must be the shares"),
        ({"parts": (0.5, 0.5)}, "--parts must be the shares"),
        ({"group_by": "meta.doctor"}, "none of the 90 texts in .* has this key"),
        ({"near": 0.0}, "--near must be over 0"),
        ({"to": "doc"}, "--to doc is no format or suffix"),
        ({"format": "nope"}, "There is no format 'nope'"),
        ({"near": 0.01}, "The dev data would have no document: of 90, up to 90 must stay together"),
    ],
)
def test_what_can_not_be_divided_is_refused(
    settings: dict[str, Any], message: str, data: Path, tmp_path: Path
) -> None:
    if settings.get("near") == 0.01:
        rows = [{"text": "the same text", "spans": []}] * N
        write_rows(data, rows)
    with pytest.raises(ValueError, match=message):
        split(data, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_command_prints_parts_and_version(data: Path, tmp_path: Path) -> None:
    arguments = ["split", data, tmp_path / "out", "--parts", 0.8, 0.1, 0.1, "--seed", 3]
    result = CliRunner().invoke(
        app, [*map(str, arguments), "--group-by", "meta.patient.name", "--near", "0.9"]
    )
    assert result.exit_code == 0, result.output
    manifest = manifest_of(tmp_path / "out")
    assert f"version {manifest['version'][:12]} of the data set" in result.output
    assert (manifest["seed"], manifest["near"]) == (3, 0.9)
    row = manifest["parts"]["train"]
    words = result.stdout.split()
    assert f"train train.jsonl {row['documents']}" in " ".join(words)
    assert "1 documents have no such key" in result.stdout
