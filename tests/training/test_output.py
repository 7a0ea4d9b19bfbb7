from pathlib import Path
from typing import Any

import pytest
import spacy
from thinc.api import Adam

from spacy_ner_plus.training.output import recover, save_pipeline
from tests.killing import killed_at_each_step, needs_fork
from tests.training.runs import read_tree


class Pipeline:
    """What is saved of a pipeline: few files, as it is saved many times."""

    def __init__(self, description: str) -> None:
        self.description = description

    def to_disk(self, path: Path) -> None:
        (path / "ner_plus").mkdir(parents=True, exist_ok=True)
        (path / "meta.json").write_text(self.description)
        (path / "ner_plus" / "cfg").write_text(f"settings of the {self.description}")


def save(pipeline: Any, folder: Path) -> None:
    nlp, optimizer = spacy.blank("en"), Adam(0.1)
    save_pipeline(nlp, folder, optimizer=optimizer, before_to_disk=lambda _: pipeline, is_best=True)


@pytest.mark.slow
@needs_fork
def test_best_pipeline_is_the_old_or_the_new_one_whenever_it_is_killed(tmp_path: Path) -> None:
    before, whole = tmp_path / "before", tmp_path / "whole"
    before.mkdir()
    whole.mkdir()
    save(Pipeline("old pipeline"), before)

    def save_new(folder: Path) -> None:
        save(Pipeline("new pipeline"), folder)

    save_new(whole)
    old, new = read_tree(before / "model-best"), read_tree(whole / "model-best")
    assert new == read_tree(whole / "model-last") != old
    found, last = [], []
    for folder in killed_at_each_step(before, save_new):
        recover(folder)
        found.append(read_tree(folder / "model-best"))
        last.append(read_tree(folder / "model-last"))
        assert sorted(path.name for path in folder.iterdir()) == ["model-best", "model-last"]
    n_old = found.index(new)
    assert n_old > 6  # it was killed while each was saved, copied and forced to the disk
    assert last == [old] * last.index(new) + [new] * (len(last) - last.index(new))
    assert found == [old] * n_old + [new] * (len(found) - n_old)
