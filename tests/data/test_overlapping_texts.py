"""Whether texts' entities overlap, in files of several formats."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin, Span

from spacy_ner_plus import convert
from spacy_ner_plus.data.overlapping_texts import find_overlapping, has_group
from tests.annotated_texts import make_nested_rows, make_rows, read_brackets, write_rows

LAYERS = "#\tsource\n1\tBerlin\tB-ORG\tB-LOC\n2\tUniversity\tI-ORG\tO\n\n"


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    rows = [read_brackets(text) for text in ("[[Bonn](City) University](Org) and [Ulm](City)",
                                             "[Kiel](City)", "nothing")]  # fmt: skip
    return write_rows(tmp_path / "nested.jsonl", rows)


def test_texts_with_entities_that_overlap_are_counted_and_named(nested: Path) -> None:
    found = find_overlapping([nested, nested])
    assert (found.n_texts, found.n_overlapping) == (4, 2)
    assert (found.counts.spans, found.counts.nested) == (8, 2)
    assert found.places == [f"{nested}, line 1"] * 2
    assert found.are_meant


def test_layers_of_columns_overlap(tmp_path: Path) -> None:
    path = tmp_path / "layers.tsv"
    path.write_text(2 * LAYERS, encoding="utf8")
    assert find_overlapping([path]).n_overlapping == 2
    assert find_overlapping([path], group=2).n_overlapping == 1


def test_spacy_files_have_them_in_their_group(nested: Path, tmp_path: Path) -> None:
    file = tmp_path / "docs" / "nested.spacy"
    convert(nested, file, spans_key="sc")
    assert has_group(file, "sc")
    assert has_group(file.parent, "sc")
    assert not has_group(file, "other")
    assert not has_group(nested, "sc")
    assert find_overlapping([file]).n_overlapping == 1
    assert find_overlapping([file], spans_key="other").n_overlapping == 0  # those of doc.ents


def test_few_may_overlap_by_mistake(tmp_path: Path) -> None:
    rows = [row for row in make_rows(300) if row["spans"]]
    odd = read_brackets("[[Bonn](City) University](Org)")
    path = write_rows(tmp_path / "few.jsonl", [*rows, odd, odd])
    found = find_overlapping([path])
    assert (found.n_texts, found.n_overlapping) == (len(rows) + 2, 2)
    assert not found.are_meant


def test_repeated_and_rejected_entities_overlap_nothing(tmp_path: Path) -> None:
    row = read_brackets("[[Bonn](City)](City) University")
    row["spans"].append({"start": 0, "end": 15, "label": "Org", "status": "rejected"})
    found = find_overlapping([write_rows(tmp_path / "repeated.jsonl", [row])])
    assert (found.n_texts, found.n_overlapping, found.counts.spans) == (1, 0, 1)


def test_groups_of_docs_without_ents_are_found(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    docs = [nlp(row["text"]) for row in make_nested_rows(3)]
    docs[1].spans["sc"] = [Span(docs[1], 0, 2, "A"), Span(docs[1], 1, 2, "B")]
    docs[2].spans["sc"] = []
    DocBin(docs=docs).to_disk(tmp_path / "group.spacy")
    assert find_overlapping([tmp_path / "group.spacy"]).n_overlapping == 1
