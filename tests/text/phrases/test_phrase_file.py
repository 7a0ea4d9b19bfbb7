"""Tables in files: the same after reading, damaged ones refused, one copy for all processes."""

import copy
import json
import pickle
from dataclasses import replace
from multiprocessing import context
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from spacy_ner_plus.text.phrases.phrase_building import build_phrase_table
from spacy_ner_plus.text.phrases.phrase_entry import PhraseEntry
from spacy_ner_plus.text.phrases.phrase_file import (
    is_file_of,
    phrase_table_bytes,
    read_phrase_table,
    write_phrase_table,
)
from spacy_ner_plus.text.phrases.phrase_sharing import mapped_table, shared_file
from spacy_ner_plus.text.phrases.tensor_file import pack_tensors, unpack_tensors
from tests.text.phrases.samples import english

NLP = english()
ROWS = [
    PhraseEntry("New York", "GPE", "Q60", 0.5, "places"),
    PhraseEntry("York", "GPE", "Q42462", 1.0, "places"),
    PhraseEntry("York", "PERSON", "", -2.0, "people"),
    PhraseEntry("😀 é", "X\ud800", "", 1.0, "lone \ud800"),
]
TEXT = "New York, York 😀 é"


def entries(table):
    return [table.entry(i) for i in range(table.n_entries)]


def places(table):
    hits, _ = table.find([NLP(TEXT)])
    return list(zip(hits.starts.tolist(), hits.ends.tolist(), strict=True))


@pytest.fixture
def table():
    return build_phrase_table(ROWS, NLP)[0]


@pytest.fixture
def path(tmp_path, table):
    return write_phrase_table(table, tmp_path / "places.safetensors").file


@pytest.fixture
def spawning():
    """As while a process is started anew."""
    context.set_spawning_popen(object())
    yield
    context.set_spawning_popen(None)


@pytest.mark.parametrize("rows", [ROWS, []])
def test_tables_are_the_same_after_reading(tmp_path, rows):
    table, _ = build_phrase_table(rows, NLP)
    path = tmp_path / "table.safetensors"
    content = phrase_table_bytes(table)
    written = write_phrase_table(table, path)
    for read in (written, read_phrase_table(path), read_phrase_table(content)):
        assert entries(read) == entries(table)
        assert places(read) == places(table)
        assert (read.attribute, read.max_tokens) == (table.attribute, table.max_tokens)
        assert phrase_table_bytes(read) == content == path.read_bytes()
    assert len(places(table)) == (4 if rows else 0)


def test_files_are_mapped(path):
    table = read_phrase_table(path)
    base = table.hashes
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        table.hashes[0] = 0


def test_writing_over_a_file_leaves_what_is_mapped_from_it(path, table):
    mapped = read_phrase_table(path)
    other = write_phrase_table(build_phrase_table(ROWS[:1], NLP)[0], path)
    assert entries(mapped) == entries(table)
    assert len(entries(other)) == 1
    assert not is_file_of(mapped)
    assert is_file_of(other)


def test_safetensors_reads_and_writes_such_files(path, tmp_path):
    arrays, metadata = unpack_tensors(path)
    other = tmp_path / "other.safetensors"
    by_safetensors = load_file(path)
    assert by_safetensors.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, by_safetensors[name])
        assert array.flags.aligned
    save_file(by_safetensors, other, metadata)
    assert entries(read_phrase_table(other)) == entries(read_phrase_table(path))


def test_pickles_and_copies_hold_the_table(path, table):
    mapped = read_phrase_table(path)
    content = pickle.dumps(mapped)
    path.unlink()
    assert entries(pickle.loads(content)) == entries(table)
    assert entries(copy.deepcopy({"a": mapped})["a"]) == entries(table)


def test_processes_that_are_started_get_the_file(path, table, spawning):
    content = bytes(ForkingPickler.dumps(read_phrase_table(path)))
    assert str(path).encode() in content
    assert len(content) < 1000
    received = pickle.loads(content)
    assert (received.file, entries(received)) == (path, entries(table))


def test_processes_that_are_started_get_a_file_of_a_table_without_one(table, spawning):
    first, second = (pickle.loads(bytes(ForkingPickler.dumps(table))) for _ in range(2))
    assert first.file == second.file
    assert entries(first) == entries(table)
    written = first.file
    assert written.exists()
    del table
    # the fixture of pytest holds it, too: what follows is about a table that nobody holds
    temporary = Path(shared_file(read_phrase_table(phrase_table_bytes(first)))[0])
    assert temporary != written
    assert not temporary.exists()


def test_processes_get_a_new_file_when_that_of_the_table_is_another_one(path, table, spawning):
    mapped = read_phrase_table(path)
    write_phrase_table(build_phrase_table(ROWS[:1], NLP)[0], path)
    received = pickle.loads(bytes(ForkingPickler.dumps(mapped)))
    assert received.file != path
    assert entries(received) == entries(table)


def test_file_that_changes_while_processes_are_started_is_refused(path):
    with pytest.raises(ValueError, match="was changed while worker processes were started"):
        mapped_table(str(path), "0123")


def rewritten(path, change, *, metadata=None):
    """The bytes of a table's file with one thing changed."""
    arrays, before = unpack_tensors(path)
    arrays = {name: array.copy() for name, array in arrays.items()}
    change(arrays)
    return pack_tensors(arrays, before | (metadata or {}))


def put(name, at, value):
    def change(arrays):
        arrays[name][at] = value

    return change


def cut_off(name, dtype=None):
    def change(arrays):
        arrays[name] = arrays[name][:-1] if dtype is None else arrays[name].astype(dtype)

    return change


LONG = json.dumps({"max_tokens": 10**6, "labels": ["X", "Y", "Z"], "rules": ["a", "b", "c"]})


def same(arrays):
    return None


@pytest.mark.parametrize(
    ("change", "metadata", "message"),
    [
        (put("hashes", 0, 2**64 - 1), {}, "hashes do not rise"),
        (put("first_entries", 1, 60_000), {}, "first_entries do not rise from 0 to 4"),
        (put("first_entries", -1, 60_000), {}, "first_entries do not rise from 0 to 4"),
        (put("entry_labels", 0, 9), {}, "entries have labels that are not in it"),
        (put("entry_rules", 0, 9), {}, "entries have rules that are not in it"),
        (put("entry_ids", 0, 9), {}, "entries have ids that are not in it"),
        (put("id_offsets", -1, 99), {}, "id_offsets do not rise"),
        (put("text_offsets", 1, 99), {}, "text_offsets do not rise"),
        (put("entry_weights", 1, np.nan), {}, "weights that are no numbers"),
        (put("entry_weights", 1, np.inf), {}, "weights that are no numbers"),
        (put("id_content", 0, 0xFF), {}, "ids are no text in UTF-8"),
        (put("id_content", slice(2, 4), [0xC3, 0xA9]), {}, "ids are no text in UTF-8"),
        (cut_off("slots"), {}, "no power of 2"),
        (cut_off("hashes"), {}, "other numbers of hashes and first_entries"),
        (cut_off("entry_weights"), {}, "4 entry_labels, but entry_weights of another number"),
        (cut_off("text_offsets"), {}, "4 entry_labels, but texts of another number"),
        (cut_off("hashes", np.uint32), {}, "no such array 'hashes'"),
        (lambda arrays: arrays.pop("slots"), {}, "no such array 'slots'"),
        (same, {"format": "2"}, "its format is '2'"),
        (same, {"attribute": "SHAPE"}, "attribute is 'SHAPE'"),
        (same, {"settings": "{}"}, "no settings"),
        (same, {"settings": "}"}, "Expecting value"),
        (same, {"settings": "[" * 100_000}, "settings are no JSON"),
        (same, {"settings": LONG}, "up to 1000000 tokens"),
        (same, {"settings": json.dumps({"max_tokens": 2, "labels": [1]})}, "no list of labels"),
    ],
)
def test_damaged_tables_are_refused(path, change, metadata, message):
    content = rewritten(path, change, metadata=metadata)
    with pytest.raises(ValueError, match=message) as raised:
        read_phrase_table(content)
    assert "build it anew" in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "its end lacks"),
        (b"12345", "its end lacks"),
        (b"\xff" * 80, "its end lacks"),
        ((2).to_bytes(8, "little") + b"[]", "its header is no object"),
        ((2).to_bytes(8, "little") + b"{]", "its header is no JSON"),
        ((22).to_bytes(8, "little") + b'{"__metadata__":{"a":1', "its header is no JSON"),
        ((24).to_bytes(8, "little") + b'{"__metadata__":{"a":1}}', "its metadata are no strings"),
        ((8).to_bytes(8, "little") + b'{"a":{}}', "its array 'a' is not"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, content, message):
    path = tmp_path / "table.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is empty" if not content else message) as raised:
        read_phrase_table(path)
    assert str(path) in str(raised.value)
    with pytest.raises(ValueError, match=message):
        read_phrase_table(content)


def test_file_that_was_cut_off_is_refused(path):
    content = path.read_bytes()
    for size in range(0, len(content), 7):
        with pytest.raises(ValueError, match="is no table of phrases"):
            read_phrase_table(content[:size])


@pytest.mark.parametrize("offsets", [[0, 9], [4, 0], [-8, 0], [0, 4.5], [0], None, [0, 4, 4]])
def test_arrays_that_are_elsewhere_are_refused(offsets):
    header = json.dumps({"a": {"dtype": "U16", "shape": [2], "data_offsets": offsets}}).encode()
    content = len(header).to_bytes(8, "little") + header + b"1234"
    with pytest.raises(ValueError, match="its array 'a' is not"):
        unpack_tensors(content)


def test_tables_know_nothing_of_files_that_are_not_theirs(path, table):
    assert not is_file_of(table)
    mapped = read_phrase_table(path)
    assert is_file_of(mapped)
    assert not is_file_of(replace(mapped, digest="0"))
    path.unlink()
    assert not is_file_of(mapped)
