"""Folders of word vectors: round trips, mapping, damage, and what is there after an error."""

import json
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_ner_plus.text.vector_folder import ARRAYS, INFO, KEYS, ROWS, TABLE, read_vectors
from spacy_ner_plus.text.vectors_writer import Naming, VectorsWriter, fill_folder, vectors_folder
from spacy_ner_plus.text.word_vectors import NO_VECTOR, WordVectors

NAMING = Naming("some", "some.txt (GloVe text)", is_lowercased=True)


def write_blocks(folder: Path, hashes: list[int], table: np.ndarray, cuts: list[int]) -> None:
    kind = table.dtype.name
    with (
        vectors_folder(folder) as unfinished,
        VectorsWriter(unfinished, table.shape[1], kind) as writer,
    ):
        for start, end in pairwise([0, *sorted(cuts), len(hashes)]):
            writer.add(np.array(hashes[start:end], dtype=np.uint64), table[start:end])
        writer.finish(NAMING)


@settings(max_examples=30)
@given(st.data())
def test_what_is_written_in_blocks_is_read_again(data: st.DataObject) -> None:
    hashes = data.draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20, unique=True))
    kind = data.draw(st.sampled_from(["float32", "float16"]))
    width = data.draw(st.integers(1, 4))
    floats = st.floats(allow_nan=False, allow_infinity=False, width=int(kind[-2:]))
    table = data.draw(arrays(kind, (len(hashes), width), elements=floats))
    cuts = data.draw(st.lists(st.integers(0, len(hashes)), max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        write_blocks(Path(folder, "vectors"), hashes, table, cuts)
        found = read_vectors(Path(folder, "vectors"), verify=True)
        rows = found.rows_of(np.array(hashes, dtype=np.uint64))
        assert found.table.dtype == kind
        np.testing.assert_array_equal(found.table[rows], table)
        np.testing.assert_array_equal(np.load(Path(folder, "vectors", TABLE)), table)
        del found  # Windows removes no file that is mapped


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five words, of which two share a row."""
    keys = np.array([3, 5, 8, 13, 2**64 - 1], dtype=np.uint64)
    rows = np.array([1, 0, 1, 3, 2], dtype=np.int64)
    table = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    with vectors_folder(tmp_path / "vectors") as unfinished:
        fill_folder(unfinished, WordVectors(keys, rows, table), NAMING)
    return tmp_path / "vectors"


def test_vectors_in_memory_are_written_as_they_are(folder: Path) -> None:
    found = read_vectors(folder, verify=True)
    assert found.keys.tolist() == [3, 5, 8, 13, 2**64 - 1]
    assert found.rows.tolist() == [1, 0, 1, 3, 2]
    np.testing.assert_array_equal(
        found.table, np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    )
    assert found.rows_of(np.array([8, 9], dtype=np.uint64)).tolist() == [1, NO_VECTOR]


def test_arrays_are_mapped_and_not_read(folder: Path) -> None:
    found = read_vectors(folder)
    for array in (found.keys, found.rows, found.table):
        assert isinstance(array, np.memmap)
        assert array.mode == "r"
    with pytest.raises(ValueError, match="read-only"):
        found.table[0] = 0


def changed(folder: Path, **values: object) -> None:
    info = json.loads((folder / INFO).read_text(encoding="utf8"))
    (folder / INFO).write_text(json.dumps(info | values), encoding="utf8")


def resaved(folder: Path, name: str, array: np.ndarray) -> None:
    """Another array, which vectors.json is told of."""
    np.save(folder / name, array)
    info = json.loads((folder / INFO).read_text(encoding="utf8"))
    info["arrays"][name]["size"] = (folder / name).stat().st_size
    changed(folder, arrays=info["arrays"])


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def swap(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"x" * (folder / name).stat().st_size)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no info": (lambda f: (f / INFO).unlink(), r"is no folder of word vectors: it has no vectors"),
    "no JSON": (lambda f: (f / INFO).write_text("{"), r"vectors\.json is no JSON"),
    "a list": (lambda f: (f / INFO).write_text("[1]"), "does not say the version"),
    "newer": (lambda f: changed(f, format=2), "has form 2 of word vectors, and this version"),
    "no width": (lambda f: changed(f, width="3"), r"vectors\.json\.width is str"),
    "precision": (lambda f: changed(f, precision="object"), "names another precision"),
    "another file": (lambda f: changed(f, arrays={}), "names another precision, or other files"),
    "missing": (lambda f: (f / ROWS).unlink(), r"rows\.npy is missing"),
    "cut off": (lambda f: cut_off(f / TABLE), r"vectors\.npy has 175 bytes, but 176 were written"),
    "no array": (lambda f: swap(f, KEYS), r"keys\.npy is no array of numpy"),
    "shape": (lambda f: resaved(f, TABLE, np.zeros((3, 3), "f")), r"has shape \(3, 3\)"),
    "integers": (lambda f: resaved(f, TABLE, np.zeros((4, 3), "<i4")), "type int32"),
    "big-endian": (lambda f: resaved(f, TABLE, np.zeros((4, 3), ">f4")), "type >f4"),
    "objects": (lambda f: resaved(f, KEYS, np.array([{}] * 5)), r"keys\.npy is no array of numpy"),
    "order": (
        lambda f: resaved(f, KEYS, np.array([3, 3, 8, 13, 14], "<u8")),
        "is not in ascending order",
    ),
    "beyond": (
        lambda f: resaved(f, ROWS, np.array([0, 1, 2, 3, 4], "<i8")),
        "has rows beyond the 4",
    ),
    "negative": (
        lambda f: resaved(f, ROWS, np.array([0, -1, 2, 3, 3], "<i8")),
        "has rows beyond the 4",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_an_error_that_names_the_file(
    damage: Callable[[Path], object], message: str, folder: Path
) -> None:
    damage(folder)
    with pytest.raises(ValueError, match=message):
        read_vectors(folder)


def test_changed_numbers_are_found_when_all_is_read(folder: Path) -> None:
    content = bytearray((folder / TABLE).read_bytes())
    content[-1] ^= 1
    (folder / TABLE).write_bytes(content)
    read_vectors(folder)
    with pytest.raises(ValueError, match=r"vectors\.npy has another SHA-256"):
        read_vectors(folder, verify=True)


def test_unknown_keys_of_later_versions_are_passed_over(folder: Path) -> None:
    changed(folder, licence="CC0")
    assert len(read_vectors(folder).keys) == 5


def test_nothing_is_replaced_before_all_is_there(folder: Path) -> None:
    before = {name: (folder / name).read_bytes() for name in (*ARRAYS, INFO)}
    with pytest.raises(KeyboardInterrupt), vectors_folder(folder) as unfinished:
        (unfinished / TABLE).write_bytes(b"half")
        raise KeyboardInterrupt
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["vectors"]


def test_what_is_no_folder_of_vectors_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(ValueError, match="a folder with other files"), vectors_folder(tmp_path):
        pass
    with (
        pytest.raises(ValueError, match=r"thesis\.txt is a file"),
        vectors_folder(tmp_path / "thesis.txt"),
    ):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "all of it"


def test_no_words_are_no_vectors(tmp_path: Path) -> None:
    with (
        VectorsWriter(tmp_path, 3, "float32") as writer,
        pytest.raises(ValueError, match=r"no word vectors to write, from some\.txt"),
    ):
        writer.finish(NAMING)
