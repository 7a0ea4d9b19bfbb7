import errno
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from spacy_ner_plus.support.committed_folder import CommittedFolder
from spacy_ner_plus.support.durable import write_atomically, written_whole
from spacy_ner_plus.support.full_disk import FullDiskError, told_if_full
from tests.small_files import no_file_over


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EFBIG, "File too large"),
        OSError("1000 requested and 512 written"),
        safetensors.SafetensorError("I/O error: No space left on device (os error 28)"),
        RuntimeError("writing file failed: No space left on device"),
    ],
)
def test_full_disk_is_told_with_the_file_and_what_to_do(error: Exception, tmp_path: Path) -> None:
    file = tmp_path / "not made" / "x.bin"
    with pytest.raises(FullDiskError) as caught, told_if_full(file):
        raise error
    shown = str(caught.value)
    assert shown.startswith(f"{file} can't be written: the disk is full")
    assert "MB are free" in shown and "Make room" in shown
    assert str(error.args[-1]) in shown


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied"),
        ValueError("nonsense"),
        ValueError("The text 'No space left on device (os error 28)' has no entities."),
        safetensors.SafetensorError("I/O error: Permission denied (os error 13)"),
    ],
)
def test_other_errors_stay_as_they_are(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)) as caught, told_if_full(tmp_path):
        raise error
    assert caught.value is error


def test_outermost_advice_counts_and_the_innermost_file(tmp_path: Path) -> None:
    with (
        pytest.raises(FullDiskError, match=r"inner.bin can't.* Go on with --resume\.$"),
        told_if_full(tmp_path / "run", to_go_on="Go on with --resume."),
        told_if_full(tmp_path / "folder"),
        told_if_full(tmp_path / "inner.bin", to_go_on="Save it again."),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_file_that_the_error_names_is_told(tmp_path: Path) -> None:
    with pytest.raises(FullDiskError, match=r"^other\.bin can't"), told_if_full(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device", "other.bin")


def test_file_stays_as_it_was_on_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with no_file_over(1000):
        with pytest.raises(FullDiskError, match=r"a\.txt.* can't be .*as it was"):
            write_atomically(path, "x" * 5000)
        with pytest.raises(FullDiskError, match="os error 27"), written_whole(path) as unfinished:
            safetensors.numpy.save_file({"x": np.zeros(5000)}, unfinished)
        with pytest.raises(FullDiskError), written_whole(path) as unfinished:
            np.zeros(5000).tofile(unfinished)
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_folder_stays_as_it_was_on_a_full_disk(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text("old")
    with (
        no_file_over(1000),
        pytest.raises(FullDiskError, match="folder"),
        CommittedFolder(folder).writing() as new,
    ):
        (new / "a.txt").write_text("x" * 5000)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "a.txt"]
    assert (folder / "a.txt").read_text() == "old"
