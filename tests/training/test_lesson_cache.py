import json
import math
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.training.distillation import lesson_cache
from spacy_ner_plus.training.distillation.lesson_cache import LessonCache, pack, unpack

MADE_BY = {"teachers": ["a"]}
ONE = {"scores": np.array([[0.25, -1.5]], dtype=np.float32), "tokens": np.array([3])}
OTHER = {"scores": np.zeros((0, 2), dtype=np.float32), "tokens": np.zeros(0, dtype=np.int64)}

KINDS = st.sampled_from([np.float32, np.float64, np.int64])
SHAPES = st.sampled_from([(0,), (3,), (0, 2), (4, 1), (2, 3, 3)])


def open_cache(folder: Path) -> LessonCache:
    return LessonCache(folder, MADE_BY, {"name": "A"})


@given(st.dictionaries(st.text("ab:", min_size=1), st.tuples(KINDS, SHAPES)), st.integers(0, 999))
def test_packing_keeps_each_bit(made: dict[str, Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = {
        name: np.frombuffer(rng.bytes(8 * math.prod(shape)), kind)[: math.prod(shape)].reshape(
            shape
        )
        for name, (kind, shape) in made.items()
    }
    found = unpack(pack(given))
    assert found.keys() == given.keys()
    for name, array in given.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_packing_makes_scores_smaller() -> None:
    scores = np.random.default_rng(0).normal(size=(400, 9)).astype(np.float32)
    assert len(pack({"scores": scores, "tokens": np.arange(400)})) < 0.95 * scores.nbytes


def test_lessons_are_there_when_the_folder_is_opened_again(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "lessons")
    cache.add({})
    assert len(cache) == cache.n_bytes == 0
    cache.add({b"1" * 16: ONE, b"2" * 16: OTHER})
    cache.add({b"3" * 16: OTHER})
    for again in (cache, open_cache(tmp_path / "lessons")):
        assert len(again) == 3
        assert b"0" * 16 not in again
        np.testing.assert_array_equal(again.read(b"1" * 16)["scores"], ONE["scores"])
        assert again.read(b"2" * 16)["scores"].shape == (0, 2)
        assert again.n_bytes > 0
    about = json.loads((tmp_path / "lessons" / "about.json").read_text())
    assert about == {"format": 1, "made_by": MADE_BY, "told": {"name": "A"}}


def test_interrupted_write_leaves_what_was_there(tmp_path: Path) -> None:
    cache = open_cache(tmp_path)
    cache.add({b"1" * 16: ONE})
    n_packed: list[int] = []

    def killed_at_the_second(arrays: dict[str, np.ndarray]) -> bytes:
        n_packed.append(1)
        if len(n_packed) == 2:
            raise KeyboardInterrupt
        return pack(arrays)

    with (
        patch.object(lesson_cache, "pack", killed_at_the_second),
        pytest.raises(KeyboardInterrupt),
    ):
        cache.add({b"2" * 16: ONE, b"3" * 16: ONE})
    # of a kill, a part under another name remains
    (tmp_path / "32.lessons.unfinished").write_bytes(b"half")
    for again in (cache, open_cache(tmp_path)):
        assert len(again) == 1
        assert b"2" * 16 not in again
    again.add({b"2" * 16: ONE, b"3" * 16: ONE})
    assert len(open_cache(tmp_path)) == 3


def test_several_writers_do_not_touch_each_other(tmp_path: Path) -> None:
    """They may be processes of the same number in several containers."""
    one, other = open_cache(tmp_path), open_cache(tmp_path)
    one.add({b"1" * 16: ONE, b"2" * 16: OTHER})
    other.add({b"1" * 16: OTHER, b"3" * 16: ONE})
    assert len(list(tmp_path.glob("*.lessons"))) == 2
    np.testing.assert_array_equal(one.read(b"1" * 16)["scores"], ONE["scores"])
    np.testing.assert_array_equal(other.read(b"3" * 16)["scores"], ONE["scores"])
    assert len(open_cache(tmp_path)) == 3
    assert [path.name for path in tmp_path.glob("*.json")] == ["about.json"]


def test_lessons_that_were_made_otherwise_are_refused(tmp_path: Path) -> None:
    open_cache(tmp_path)
    with pytest.raises(ValueError, match=r"made otherwise.*about\.json.*Remove the folder"):
        LessonCache(tmp_path, {"teachers": ["b"]}, {})
    (tmp_path / "about.json").write_text("[]")
    with pytest.raises(ValueError, match=r"about\.json is damaged"):
        open_cache(tmp_path)


@pytest.mark.parametrize("part", [0, 5, -1, -9, -30])
def test_damaged_file_is_named(tmp_path: Path, part: int) -> None:
    cache = open_cache(tmp_path)
    cache.add({b"1" * 16: ONE})
    [file] = tmp_path.glob("*.lessons")
    data = bytearray(file.read_bytes())
    data[part] ^= 0xFF
    file.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=rf"{file} is damaged. Remove it"):
        open_cache(tmp_path).read(b"1" * 16)
    file.write_bytes(b"")
    with pytest.raises(ValueError, match="is damaged"):
        open_cache(tmp_path)
