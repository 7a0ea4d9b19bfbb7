"""Training and experiments with the component of spans, by the commands' own functions."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from thinc.api import Config

from spacy_ner_plus import cross_validate, learning_curve, train
from tests.pipeline.spans.nested_samples import KEY, SENTENCES, spans_nlp

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = spacy.blank("en")
    docs = []
    for text, spans in SENTENCES * 4:
        doc = Doc(nlp.vocab, words=text.split(" "))
        doc.spans[KEY] = [Span(doc, *span) for span in spans]
        docs.append(doc)
    path = tmp_path_factory.mktemp("data") / "all.spacy"
    DocBin(docs=docs).to_disk(path)
    return path


@pytest.fixture
def config(data: Path) -> Config:
    made = spans_nlp().config
    for part in ("train", "dev"):
        made["corpora"][part]["path"] = str(data)
    logger = {"@loggers": "spacy_ner_plus.ProgressLogger.v1", "progress_bar": False}
    made["training"] |= {"max_steps": 20, "eval_frequency": 10, "logger": logger}
    made["training"]["optimizer"]["learn_rate"] = 0.01
    return made


def test_training_chooses_by_all_spans_and_shows_them(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.to_disk(tmp_path / "config.cfg")
    assert train(tmp_path / "config.cfg", tmp_path / "out")
    shown = capsys.readouterr().out
    for heading in ("SPANS_P", "SPANS_R", "SPANS_F", "OUTER_F", "INNER_F"):
        assert heading in shown
    assert "ENTS_F" not in shown
    meta = json.loads((tmp_path / "out" / "model-best" / "meta.json").read_text(encoding="utf8"))
    assert meta["performance"][f"spans_{KEY}_f"] > 0
    assert f"spans_{KEY}_inner_f" in meta["performance"]


def test_experiments_know_where_the_spans_are(config: Config, data: Path, tmp_path: Path) -> None:
    found = cross_validate(config, data, tmp_path / "folds", folds=2, seed=1)
    results = json.loads((tmp_path / "folds" / "results.json").read_text(encoding="utf8"))
    group = f"doc.spans['{KEY}']"
    assert results["settings"]["gold"] == f"{group} or doc.ents"
    assert results["settings"]["predicted"] == group
    n_spans = 4 * sum(len(spans) for _, spans in SENTENCES)
    assert sum(fold["n_entities"]["test"] for fold in results["folds"]) == n_spans
    assert all(fold["scores"]["inner"]["support"] for fold in results["folds"])
    assert found.summary is not None
    half = _halved(data, tmp_path)
    curve = learning_curve(config, data, half, tmp_path / "curve", shares=[0.5, 1.0], repeats=1)
    assert len(curve.points) == 2


def _halved(data: Path, folder: Path) -> Path:
    docs = list(DocBin().from_disk(data).get_docs(spacy.blank("en").vocab))
    DocBin(docs=docs[::2]).to_disk(folder / "half.spacy")
    return folder / "half.spacy"
