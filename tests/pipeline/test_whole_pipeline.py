"""A pipeline takes the place of another when it is complete, and not before."""

from pathlib import Path

import pytest
import safetensors
import spacy
from spacy.language import Language

from spacy_ner_plus.models.storage import files
from spacy_ner_plus.pipeline.saving.whole_pipeline import save_whole
from spacy_ner_plus.support.full_disk import FullDiskError
from tests.pipeline.samples import TEXTS, found_in
from tests.small_files import no_file_over


def test_it_takes_the_place_of_its_own_folder(own_trained: Language, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    own_trained.to_disk(folder)
    (folder / "README.md").write_text("mine")
    (folder / "notes").mkdir()
    (folder / "notes" / "a.txt").write_text("mine too")
    nlp = spacy.load(folder)
    nlp.get_pipe("ner_plus").threshold = 0.5
    save_whole(nlp, folder)
    assert (folder / "README.md").read_text() == "mine"
    assert (folder / "notes" / "a.txt").read_text() == "mine too"
    assert found_in(spacy.load(folder)(TEXTS[0])) == found_in(own_trained(TEXTS[0]))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_full_disk_leaves_what_was_there(
    own_trained: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    save_whole(own_trained, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def fail(*args: object) -> None:
        raise safetensors.SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(files.safetensors.torch, "save_file", fail)
    with pytest.raises(FullDiskError, match=r"weights.safetensors can't be .*No space left"):
        save_whole(own_trained, folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("limit", [50, 5_000, 100_000])
def test_component_is_as_it_was_when_the_disk_is_full(
    own_trained: Language, tmp_path: Path, limit: int
) -> None:
    """Of a pipeline, in place of one that is there, as spaCy's own training saves it."""
    folder = tmp_path / "component"
    ner = own_trained.get_pipe("ner_plus")
    ner.to_disk(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with (
        no_file_over(limit),
        pytest.raises(FullDiskError, match=r"/\S+ can't be written") as caught,
    ):
        ner.to_disk(folder)
    assert "that was saved there before is as it was. Make room" in str(caught.value)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    with no_file_over(limit), pytest.raises(FullDiskError):
        ner.to_disk(tmp_path / "new")
    assert [*(tmp_path / "new").iterdir()] == []


def test_saving_follows_no_links_in_the_folder(own_trained: Language, tmp_path: Path) -> None:
    """A folder may be a stranger's: what its links point to is somebody else's."""
    target, folder = tmp_path / "target", tmp_path / "component"
    target.mkdir()
    (target / "weights.safetensors").write_text("precious")
    folder.mkdir()
    (folder / "cfg").symlink_to(target / "weights.safetensors")
    (folder / "model").symlink_to(target)
    own_trained.get_pipe("ner_plus").to_disk(folder)
    assert (target / "weights.safetensors").read_text() == "precious"
    assert [path.name for path in target.iterdir()] == ["weights.safetensors"]
    assert (folder / "model" / "weights.safetensors").stat().st_size > 1000
