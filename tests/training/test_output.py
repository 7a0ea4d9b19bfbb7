from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from thinc.api import Adam

from spacy_ner_plus.training import output
from tests.training.runs import read_tree


def save(nlp: Language, folder: Path) -> None:
    output.save_pipeline(
        nlp, folder, optimizer=Adam(0.1), before_to_disk=lambda nlp: nlp, is_best=True
    )


@pytest.mark.parametrize("broken", ["copytree", "rmtree", "rename", None])
def test_best_pipeline_is_the_old_or_the_new_one_whatever_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str | None
) -> None:
    nlp = spacy.blank("en")
    save(nlp, tmp_path)
    old = read_tree(tmp_path / "model-best")
    nlp.meta["description"] = "new"

    def fail(*arguments: object, **named: object) -> None:
        raise OSError("stopped")

    if broken is None:
        save(nlp, tmp_path)
    else:
        monkeypatch.setattr(Path if broken == "rename" else output.shutil, broken, fail)
        with pytest.raises(OSError, match="stopped"):
            save(nlp, tmp_path)
        monkeypatch.undo()
    output.recover_best(tmp_path)
    new = read_tree(tmp_path / "model-last")
    assert new != old
    assert read_tree(tmp_path / "model-best") == (new if broken in ("rename", None) else old)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model-best", "model-last"]
