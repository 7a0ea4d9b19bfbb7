"""A folder with the parts of a corpus to .spacy files, on slices of real ones."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc

from spacy_ner_plus.data.conversion import convert
from spacy_ner_plus.data.corpus_folder import EXCEPTIONS, convert_corpus
from spacy_ner_plus.data.data_version import find_version
from spacy_ner_plus.data.doc_files import read_file
from spacy_ner_plus.data.formats.record_files import read, write
from spacy_ner_plus.data.refused_annotations import with_refused
from spacy_ner_plus.data.splitting.parts import write_parts
from spacy_ner_plus.data.splitting.split import split
from tests.annotated_texts import make_nested_rows, write_rows

ASSETS = Path(__file__).parents[2] / "assets"
PARTS = ("train", "dev", "test")
N_DOCUMENTS = 60  # among which 2 and more of each part have entities within tokens


@pytest.fixture(scope="module")
def natural(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first documents of each part of BC5CDR."""
    folder = tmp_path_factory.mktemp("natural")
    for part in PARTS:
        text = (ASSETS / "bc5cdr" / f"{part}.pubtator").read_text(encoding="utf8")
        documents = text.split("\n\n")[:N_DOCUMENTS]
        (folder / f"{part}.pubtator").write_text("\n\n".join(documents) + "\n", encoding="utf8")
    return folder


@pytest.fixture(scope="module")
def converted(natural: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("converted") / "corpus"
    convert_corpus(natural, output, group=8)  # of which PubTator knows nothing
    return output


def docs_of(path: Path) -> list[Doc]:
    return list(read_file(path).get_docs(spacy.blank("en").vocab))


def entities(doc: Doc) -> set[tuple[int, int, str]]:
    return {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}


def test_no_gold_entity_of_any_part_is_gone(natural: Path, converted: Path) -> None:
    n_off_tokens = dict.fromkeys(PARTS, 0)
    for part in PARTS:
        records = list(read(natural / f"{part}.pubtator"))
        for record, doc in zip(records, docs_of(converted / f"{part}.spacy"), strict=True):
            found, places = with_refused(doc)
            n_off_tokens[part] += len(places)
            assert entities(found) == {(s.start, s.end, s.label) for s in record.spans or ()}
    assert n_off_tokens["train"] == 0
    assert n_off_tokens["dev"] > 1
    assert n_off_tokens["test"] > 1


def test_tokens_are_cut_by_the_training_data_alone(
    natural: Path, converted: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "exceptions.json"
    train = natural / "train.pubtator"
    convert(train, tmp_path / "train.spacy", misaligned="split", exceptions=alone)
    cuts = json.loads((converted / EXCEPTIONS).read_text(encoding="utf8"))
    assert cuts == json.loads(alone.read_text(encoding="utf8")) != {}


def test_ids_and_relations_are_kept_for_later(
    natural: Path, converted: Path, tmp_path: Path
) -> None:
    back = tmp_path / "train.pubtator"
    write(read(converted / "train.spacy"), back)
    text = (natural / "train.pubtator").read_text(encoding="utf8")
    assert back.read_text(encoding="utf8") == text
    assert "\tCID\tD" in text
    assert "\tChemical\t-1\n" in text
    assert any("|" in ent.kb_id_ for doc in docs_of(converted / "train.spacy") for ent in doc.ents)


def test_doing_it_again_gives_the_same_files(natural: Path, converted: Path) -> None:
    before = {path.name: path.read_bytes() for path in converted.iterdir()}
    (converted / EXCEPTIONS).write_text('{"other": ["oth", "er"]}', encoding="utf8")  # stale
    convert_corpus(natural, converted)
    assert {path.name: path.read_bytes() for path in converted.iterdir()} == before


def test_columns_keep_their_tokens_and_are_grouped(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for part in PARTS:
        text = (ASSETS / "bc5cdr-columns" / f"{part}.tsv").read_text(encoding="utf8")
        sentences = "\n\n".join(text.split("\n\n")[:10]) + "\n"
        (tmp_path / "in" / f"{part}.tsv").write_text(sentences, encoding="utf8")
    made = convert_corpus(tmp_path / "in", tmp_path / "out", group=4)
    assert {name: done.n_documents for name, done in made.items()} == dict.fromkeys(PARTS, 3)
    assert json.loads((tmp_path / "out" / EXCEPTIONS).read_text(encoding="utf8")) == {}


def test_parts_that_lack_or_are_twice_are_named(natural: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"There is no folder .*nowhere"):
        convert_corpus(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "train.tsv").write_text("a\tO\n")
    (tmp_path / "test.tsv").write_text("a\tO\n")
    with pytest.raises(ValueError, match=r"one file with dev data, .*, but it has none\."):
        convert_corpus(tmp_path, tmp_path / "out")
    (tmp_path / "dev.tsv").write_text("a\tO\n")
    (tmp_path / "test.jsonl").write_text("")
    with pytest.raises(ValueError, match=r"but it has test.jsonl, test.tsv\."):
        convert_corpus(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_version_is_that_of_the_texts_however_they_are_written(
    natural: Path, converted: Path, tmp_path: Path
) -> None:
    known = find_version(converted / "dev.spacy")
    assert known is not None
    assert known.part == "dev"
    write_parts([natural / f"{part}.pubtator" for part in PARTS], tmp_path / "parts")
    again = find_version(tmp_path / "parts" / "dev.spacy")
    assert again is not None
    assert (again.data_set, again.part) == (known.data_set, "dev")
    files = [folder / "train.spacy" for folder in (converted, tmp_path / "parts")]
    assert files[0].read_bytes() != files[1].read_bytes()


def test_version_of_a_split_is_that_of_what_is_made_of_it(natural: Path, tmp_path: Path) -> None:
    divided = split(natural / "train.pubtator", tmp_path / "parts", near=None)
    (tmp_path / "parts" / "manifest.json").unlink()
    convert_corpus(tmp_path / "parts", tmp_path / "corpus")
    known = find_version(tmp_path / "corpus" / "test.spacy")
    assert known is not None
    assert known.data_set == divided.version


def test_a_file_that_was_changed_is_of_no_known_version(converted: Path, tmp_path: Path) -> None:
    for name in ("manifest.json", "dev.spacy"):
        (tmp_path / name).write_bytes((converted / name).read_bytes())
    assert find_version(tmp_path / "dev.spacy") == find_version(converted / "dev.spacy")
    (tmp_path / "dev.spacy").write_bytes((converted / "test.spacy").read_bytes())
    changed = find_version(tmp_path / "dev.spacy")
    assert changed is not None
    assert (changed.data_set, changed.part) == (None, None)
    assert changed.shown == f"SHA-256 {changed.sha256[:12]}"
    assert find_version(tmp_path / "nowhere.spacy") is None
    for text in ("{}", "[]", "no JSON"):
        (tmp_path / "manifest.json").write_text(text)
        assert find_version(tmp_path / "dev.spacy") == changed


def test_entities_that_overlap_go_to_a_group_in_all_parts(tmp_path: Path) -> None:
    rows = {part: make_nested_rows(20, seed) for seed, part in enumerate(PARTS)}
    rows["dev"] = [row for row in rows["dev"] if len(row["spans"]) < 2]  # none overlap
    for part in PARTS:
        write_rows(tmp_path / "in" / f"{part}.jsonl", rows[part])
    made = convert_corpus(tmp_path / "in", tmp_path / "out", group=4)
    for part in PARTS:
        docs = docs_of(tmp_path / "out" / f"{part}.spacy")
        found = [{(s.start_char, s.end_char, s.label_) for s in doc.spans["sc"]} for doc in docs]
        assert found == [{tuple(span.values()) for span in row["spans"]} for row in rows[part]]
        assert made[part].nesting.any_overlap == (part != "dev")
        assert all(entities(doc) <= spans for doc, spans in zip(docs, found, strict=True))
