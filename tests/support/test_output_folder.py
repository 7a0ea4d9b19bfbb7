"""Output folders are looked at before there is anything to put into them."""

import os
from pathlib import Path

import pytest

from spacy_ner_plus.support.output_folder import check_output_folder


def test_folders_that_are_there_or_can_be_made_are_fine(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "a" / "b", Path("relative/folder")):
        check_output_folder(folder)
    assert list(tmp_path.iterdir()) == []


def test_files_in_the_way_are_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ValueError, match="file is a file: --output takes a folder"):
        check_output_folder(file)
    with pytest.raises(ValueError, match=r"file/a/b can't be made, as .*file is a file"):
        check_output_folder(file / "a" / "b")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_is_closed_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ValueError, match="can't be written to"):
        check_output_folder(tmp_path / "new")
    tmp_path.chmod(0o700)
