"""The whole of metrics.json, for all kinds of predictions."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotation.entity_source import EntitySource, EntitySources
from spacy_ner_plus.evaluation.documents import Document
from spacy_ner_plus.evaluation.errors import NAMES
from spacy_ner_plus.evaluation.measures import EvaluationSettings, measure
from spacy_ner_plus.evaluation.predictions import Predictions, predict, run
from spacy_ner_plus.evaluation.schema import SCHEMA, SCHEMA_VERSION, Metrics
from spacy_ner_plus.evaluation.terminal import print_metrics, print_summary
from spacy_ner_plus.support.typed_json import from_json, to_json
from tests.evaluation.corpora import CORPORA, corpus
from tests.evaluation.docs import make_document
from tests.pipeline.samples import make_examples

KEYS = [
    "schema",
    "schema_version",
    "model",
    "data",
    "train",
    "spans_key",
    "tokens",
    "components",
    "counts",
    "speed",
    "exact",
    "intervals",
    "partial",
    "errors",
    "slices",
    "confidence",
    "tokenisation",
    "types",
    "on_tokens",
    "data_version",
    "train_version",
    "predicted_key",
    "nesting",
    "gold_in_ents",
]


def measured(
    documents: list[Document], **settings: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Measures, as JSON has them, that survive that and can be printed."""
    n_words = sum(len(document.token_starts) for document in documents)
    return checked(Predictions("model", documents, n_words, 0), **settings)


def checked(predicted: Predictions, **given: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    settings = EvaluationSettings(**{"data": "data", "samples": 50, **given})
    found, rows = measure(predicted, settings)
    metrics = to_json(found)
    assert list(metrics) == KEYS
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert from_json(Metrics, metrics, "metrics") == found
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    print_metrics(found, rows)
    print_summary(found)
    return metrics, rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "test.spacy"
    references = [example.reference for example in make_examples(spacy.blank("en"), 12)]
    DocBin(docs=references).to_disk(path)
    return path


def test_measures_of_a_pipeline_are_complete(random_model: Path, data: Path) -> None:
    predicted = predict(str(random_model), data)
    metrics, rows = checked(predicted, data=str(data), train=data, seed=3)
    assert (metrics["schema"], metrics["schema_version"]) == (SCHEMA, SCHEMA_VERSION)
    assert (metrics["model"], metrics["components"]) == (str(random_model), ["ner_plus"])
    assert (metrics["data"], metrics["train"]) == (str(data), str(data))
    counts = metrics["counts"]
    assert counts["documents"] == 12
    assert counts["words"] == predicted.n_words
    assert counts["gold"] == metrics["exact"]["micro"]["support"]
    assert metrics["speed"]["words_per_second"] > 0
    assert metrics["intervals"]["seed"] == 3
    assert metrics["slices"]["seen"][0]["gold"] == counts["gold"]  # it is the training data
    assert sum(g["predicted"] for g in metrics["slices"]["pieces"]) == counts["predicted"]
    assert metrics["confidence"]["reliability"]["after"]["n"] == counts["predicted"] > 0
    assert metrics["tokenisation"]["gold"] == counts["gold"]
    assert len(rows) == sum(kind["errors"] for kind in metrics["errors"]["kinds"]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_totals_agree(name: str) -> None:
    metrics, rows = measured(corpus(name))
    counts, micro, errors = metrics["counts"], metrics["exact"]["micro"], metrics["errors"]
    assert micro["tp"] + micro["fn"] == counts["gold"]
    assert micro["tp"] + micro["fp"] == counts["predicted"]
    assert errors["correct"] == micro["tp"]
    assert sum(kind["gold"] for kind in errors["kinds"]) == micro["fn"]
    assert sum(kind["predicted"] for kind in errors["kinds"]) == micro["fp"]
    assert sum(len(row["meta"]["gold"]) for row in rows) == micro["fn"]
    assert sum(len(row["meta"]["predicted"]) for row in rows) == micro["fp"]


def test_predictions_without_a_pipeline_have_no_speed_tokens_or_probabilities() -> None:
    metrics, _ = measured(corpus("wnut17"))
    assert metrics["speed"] is metrics["tokenisation"] is metrics["confidence"] is None
    assert metrics["slices"]["seen"] is metrics["slices"]["pieces"] is None
    assert metrics["components"] == []


@pytest.mark.parametrize(
    ("gold", "predicted"),
    [
        ([], []),
        ([(0, 2, "A")], []),
        ([], [(0, 2, "A")]),
        ([(0, 2, "A")], [(0, 2, "B")]),
        ([(0, 2, "A")], [(0, 2, "A")]),
    ],
)
@pytest.mark.parametrize("n_documents", [1, 2])
@pytest.mark.parametrize("probability", [None, 0.5])
def test_extremes_are_measured_and_printed(
    gold: list[Any], predicted: list[Any], n_documents: int, probability: float | None
) -> None:
    document = make_document(gold, predicted, probability=probability)
    metrics, rows = measured([document] * n_documents)
    assert (metrics["intervals"] is None) == (n_documents == 1)
    assert (metrics["confidence"] is None) == (probability is None or not predicted)
    assert metrics["counts"]["gold"] == n_documents * len(gold)
    assert bool(rows) == (gold != predicted)


def test_what_cannot_be_judged_is_counted_beside() -> None:
    document = make_document([(0, 2, "A")], [(0, 2, "A")])
    beside = replace(document, not_judged=document.predicted, gold_not_judged=document.gold)
    metrics, _ = measured([beside])
    assert metrics["counts"]["predicted"] == metrics["counts"]["not_judged"] == 1
    assert metrics["counts"]["gold"] == metrics["counts"]["gold_not_judged"] == 1
    assert metrics["exact"]["micro"]["precision"] == 1.0


def test_other_pipelines_and_nested_spans_are_measured(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("span_ruler", config={"spans_key": "all"})
    ruler.add_patterns(  # type: ignore[attr-defined]
        [{"label": "A", "pattern": "severe heart failure"}, {"label": "B", "pattern": "heart"}]
    )
    gold = Doc(nlp.vocab, words=["severe", "heart", "failure", "and", "pain"])
    gold.spans["all"] = [Span(gold, 0, 3, "A"), Span(gold, 1, 3, "A"), Span(gold, 1, 2, "B")]
    other = Doc(nlp.vocab, words=["no", "group"])
    DocBin(docs=[gold, gold, other], store_user_data=True).to_disk(tmp_path / "nested.spacy")
    source = EntitySource("all")
    predicted = run(nlp, tmp_path / "nested.spacy", sources=EntitySources(source, source))
    metrics, rows = checked(predicted, train=tmp_path)
    assert metrics["spans_key"] == metrics["predicted_key"] == "all"
    assert metrics["counts"]["documents_without_annotation"] == 1
    assert metrics["exact"]["micro"] == {
        "precision": 1.0,
        "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(0.8),
        "tp": 4,
        "fp": 0,
        "fn": 2,
        "support": 6,
    }
    assert [row["meta"]["kind"] for row in rows] == ["inner_missed"] * 2
    assert [kind["kind"] for kind in metrics["errors"]["kinds"]] == list(NAMES)
    assert metrics["nesting"]["inner"]["recall"] == 0.5
    assert metrics["nesting"]["inner"]["interval"] == [pytest.approx(2 / 3)] * 2
    assert [its["gold"] for its in metrics["nesting"]["depths"]] == [2, 2, 2]
    assert metrics["nesting"]["gold"]["nested_in_own_label"] == 2
    assert metrics["slices"]["seen"][0] == {
        "group": "same label",
        "gold": 6,
        "found": 4,
        "recall": pytest.approx(2 / 3),
        "predicted": 4,
        "correct": 4,
        "precision": 1.0,
    }
    assert metrics["confidence"] is None


@pytest.mark.parametrize(
    "settings",
    [{"precision": 0.0}, {"precision": 90.0}, {"samples": 0}, {"seed": -1}, {"tokens": "mine"}],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"too few|a share|at least 0|is unknown"):
        EvaluationSettings("data", **settings)
