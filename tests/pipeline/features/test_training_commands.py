"""Trainings with configs/features.cfg: as with any other config."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.train import train as spacy_train
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus import cross_validate, evaluate, learning_curve, train
from spacy_ner_plus.data.formats.column_tags import read_tags
from tests.pipeline.samples import read_sentences

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[3] / "configs" / "features.cfg"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    nlp, docs = spacy.blank("en"), []
    for words, tags in read_sentences(60):
        doc = Doc(nlp.vocab, words=words)
        doc.set_ents([Span(doc, *span) for span in read_tags(tags, "BIO")])
        docs.append(doc)
    DocBin(docs=docs[:45]).to_disk(folder / "train.spacy")
    DocBin(docs=docs[45:]).to_disk(folder / "dev.spacy")
    return folder


@pytest.fixture
def overrides(data: Path) -> dict[str, Any]:
    return {"paths.train": str(data / "train.spacy"), "paths.dev": str(data / "dev.spacy")}


def test_spacy_trains_it(data: Path, overrides: dict[str, Any], tmp_path: Path) -> None:
    spacy_train(CONFIG, tmp_path, overrides=overrides)
    found = evaluate(tmp_path / "model-best", data / "train.spacy")
    assert found.f1 > 0.9


def test_ner_plus_trains_it(data: Path, overrides: dict[str, Any], tmp_path: Path) -> None:
    train(CONFIG, tmp_path, overrides=overrides)
    found = evaluate(tmp_path / "model-last", data / "train.spacy")
    assert found.f1 > 0.9


def test_experiments_run_with_it(data: Path, tmp_path: Path) -> None:
    folds = cross_validate(CONFIG, data / "train.spacy", tmp_path / "folds", folds=2)
    assert len(folds.folds) == 2
    curve = learning_curve(
        CONFIG, data / "train.spacy", data / "dev.spacy", tmp_path / "curve", shares=(0.5, 1.0)
    )
    assert len(curve.points) == 2
