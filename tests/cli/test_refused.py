"""Commands that run pipelines tell how many entities validators left out."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin, Span
from typer.testing import CliRunner

from spacy_ner_plus import evaluate, predict
from spacy_ner_plus.cli import app

TEXTS = ["pay with 4111111111111111 now", "or with 4111111111111112", "or not"]
TOLD = "Entities that validators refused: CARD 1"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    config: dict[str, Any] = {"validators": {"CARD": "luhn"}}
    pipe: Any = nlp.add_pipe("ner_plus_rules", config=config)
    pipe.add_regex("[0-9]{16}", "CARD")
    nlp.to_disk(tmp_path / "model")
    docs = []
    for text in TEXTS:
        doc = nlp.make_doc(text)
        is_card = text == TEXTS[0]
        doc.set_ents([Span(doc, 2, 3, "CARD")] if is_card else [], default="outside")
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "data.spacy")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf8")
    return tmp_path / "model"


def run(*words: Any) -> str:
    shown = CliRunner().invoke(app, list(map(str, words)))
    assert shown.exit_code == 0, shown.output
    return shown.output


def test_evaluate_and_predict_tell_what_was_refused(model: Path) -> None:
    folder = model.parent
    assert TOLD in run("evaluate", model, folder / "data.spacy")
    assert TOLD in run("predict", model, folder / "texts.txt", folder / "found.jsonl")
    assert evaluate(model, folder / "data.spacy", samples=10).refused == {"CARD": 1}


def test_nothing_is_said_where_nothing_was_refused(model: Path) -> None:
    folder = model.parent
    (folder / "texts.txt").write_text(TEXTS[0], encoding="utf8")
    assert "refused" not in run("predict", model, folder / "texts.txt", folder / "found.jsonl")


def test_only_this_run_counts(model: Path) -> None:
    nlp, folder = spacy.load(model), model.parent
    for name in ("one.jsonl", "two.jsonl"):
        assert predict(nlp, folder / "texts.txt", folder / name).refused == {"CARD": 1}
