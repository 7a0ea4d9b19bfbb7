"""Reliability, curves and thresholds, against trying every threshold."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin
from thinc.api import Config

from spacy_ner_plus.data.corpus import make_corpus_v1
from spacy_ner_plus.evaluation.confidence import MOST_POINTS, Cuts, confidence
from spacy_ner_plus.evaluation.documents import Document
from spacy_ner_plus.evaluation.errors import find_errors
from spacy_ner_plus.evaluation.exact import document_counts, exact_scores
from spacy_ner_plus.evaluation.judged import judge
from spacy_ner_plus.evaluation.predictions import predict, run
from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.pipeline.ner_plus import calibrating
from spacy_ner_plus.support.typed_json import to_json
from tests.evaluation.corpora import corpus
from tests.evaluation.docs import make_document
from tests.pipeline.samples import make_examples

probabilities = st.one_of(
    st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), st.floats(0, 1, allow_subnormal=False)
)


def confidence_of(
    documents: list[Document], *, precision: float = 0.6, least: dict[str, float] | None = None
) -> dict[str, Any] | None:
    judged = judge(documents, [f for document in documents for f in find_errors(document)])
    found = confidence(*judged, wanted_precision=precision, least=least or {})
    return None if found is None else to_json(found)


def with_probabilities(documents: list[Document], *, digits: int = 17) -> list[Document]:
    rng = random.Random(0)
    return [
        replace(
            document,
            predicted=tuple(
                replace(entity, probability=round(rng.random(), digits))
                for entity in document.predicted
            ),
        )
        for document in documents
    ]


def above(documents: list[Document], threshold: dict[str, float] | float) -> list[Document]:
    def least(label: str) -> float:
        return threshold if isinstance(threshold, float) else threshold.get(label, 0.0)

    return [
        replace(
            document,
            predicted=tuple(
                e
                for e in document.predicted
                if e.probability is None or e.probability >= least(e.label)
            ),
        )
        for document in documents
    ]


def scores_of(documents: list[Document]) -> dict[str, Any]:
    scores: dict[str, Any] = to_json(exact_scores(*document_counts(documents)))
    return scores


def measures(scores: dict[str, Any]) -> dict[str, float]:
    return pytest.approx({key: scores[key] for key in ("precision", "recall", "f1")}, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("digits", [17, 2])
def test_every_point_of_a_curve_is_what_its_threshold_leaves(digits: int) -> None:
    documents = with_probabilities(corpus("bc5cdr"), digits=digits)
    found = confidence_of(documents)
    assert found is not None
    curves = found["curves"]
    assert set(curves["types"]) == {"Chemical", "Disease"}
    for label, curve in [(None, curves["micro"]), *curves["types"].items()]:
        thresholds = curve["threshold"]
        assert thresholds[0] == 0.0
        assert thresholds == sorted(set(thresholds))
        assert len(thresholds) == MOST_POINTS if digits == 17 else len(thresholds) > 90
        for i in range(0, len(thresholds), 17):
            scores = scores_of(above(documents, thresholds[i]))
            of_label = scores["types"][label] if label else scores["micro"]
            assert {key: curve[key][i] for key in ("precision", "recall", "f1")} == measures(
                of_label
            )


@pytest.mark.slow
@pytest.mark.parametrize("precision", [0.5, 0.75])
def test_thresholds_are_the_best_and_do_what_they_claim_when_pasted(precision: float) -> None:
    documents = with_probabilities(corpus("wnut17"))
    found = confidence_of(documents, precision=precision)
    assert found is not None
    every = sorted({e.probability for document in documents for e in document.predicted})
    tried = [scores_of(above(documents, float(t)))["types"] for t in every]
    for goal in ("f1", "precision"):
        text = found["thresholds"]["config"][goal]
        config = Config().from_str(f"[ner_plus]\n{text}\n")["ner_plus"]
        pasted = scores_of(above(documents, config["threshold"]))["types"]
        for label, chosen in found["thresholds"]["types"].items():
            options = [types[label] for types in tried if label in types]
            if goal == "precision":
                options = [scores for scores in options if scores["precision"] >= precision]
                if not options:
                    assert chosen[goal] is None
                    assert label not in (config["threshold"] or {})
                    continue
            best = max(options, key=lambda scores: scores["f1" if goal == "f1" else "recall"])
            key = "f1" if goal == "f1" else "recall"
            assert chosen[goal][key] == pytest.approx(best[key], abs=1e-12)
            assert chosen[goal]["threshold"] == (config["threshold"] or {}).get(label, 0.0)
            assert {k: chosen[goal][k] for k in ("precision", "recall", "f1")} == measures(
                pasted[label]
            )


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.tuples(probabilities, st.booleans()), min_size=1, max_size=30))
def test_thresholds_separate_any_probabilities(entities: list[tuple[float, bool]]) -> None:
    values = np.array([p for p, _ in entities])
    cuts = Cuts(values, np.array([right for _, right in entities]), n_gold=len(entities))
    distinct = np.unique(values)
    for i, lowest in enumerate(distinct):
        kept = values >= cuts.threshold(i)
        assert kept.tolist() == (values >= lowest).tolist()
    assert cuts.threshold(0) == 0.0


def test_thresholds_are_short() -> None:
    cuts = Cuts(np.array([0.412345, 0.478901, 0.478902]), np.ones(3, dtype=bool), n_gold=3)
    assert [cuts.threshold(i) for i in range(2)] == [0.0, 0.45]
    assert 0.478901 < cuts.threshold(2) <= 0.478902


def test_types_without_gold_or_without_anything_right_have_no_best_threshold() -> None:
    documents = [
        make_document(
            [(0, 1, "A"), (2, 3, "B")],
            [(0, 1, "A"), (4, 5, "B"), (6, 7, "C")],
            probability=0.75,
        )
    ]
    found = confidence_of(documents, least={"C": 0.5})
    assert found is not None
    best = {label: its["f1"] for label, its in found["thresholds"]["types"].items()}
    assert best.pop("A")["f1"] == 1.0
    assert best == {"B": None, "C": None}
    assert found["thresholds"]["config"]["f1"] == 'threshold = {"C": 0.5}'


def test_thresholds_to_paste_are_by_the_names_of_the_pipeline() -> None:
    """Each keeps what it has, if that is more: less has not been tried."""
    document = make_document([(0, 1, "A"), (2, 3, "A")], [(0, 1, "a"), (2, 3, "B"), (4, 5, "B")])
    own = {"A": ["B", "a"]}
    probabilities = (0.9, 0.8, 0.4)
    predicted = tuple(
        replace(entity, label="A", probability=probability)
        for entity, probability in zip(document.predicted, probabilities, strict=True)
    )
    documents = [replace(document, predicted=predicted)]
    judged = judge(documents, [f for document in documents for f in find_errors(document)])
    found = confidence(*judged, wanted_precision=0.6, least={"a": 0.7, "B": 0.1}, own=own)
    assert found is not None
    assert found.thresholds.config.f1 == 'threshold = {"a": 0.7, "B": 0.6}'
    assert found.thresholds.types["A"].labels == ["B", "a"]


def test_thresholds_are_not_below_those_that_the_pipeline_has() -> None:
    documents = [
        make_document([(0, 1, "A"), (2, 3, "B")], [(0, 1, "A"), (2, 3, "B")], probability=0.75)
    ]
    found = confidence_of(documents, least={"A": 0.25, "C": 0.5})
    assert found is not None
    assert found["thresholds"]["config"] == dict.fromkeys(
        ["f1", "precision"], 'threshold = {"A": 0.25, "C": 0.5}'
    )
    assert found["thresholds"]["types"]["A"]["f1"]["threshold"] == 0.25


def test_a_pipeline_with_the_thresholds_has_the_scores_that_were_claimed(
    random_model: Path, data: Path
) -> None:
    nlp = spacy.load(random_model)
    docs = [nlp(doc.text) for doc in DocBin().from_disk(data).get_docs(nlp.vocab)]
    for doc in docs:  # so that some is right
        doc.ents = [ent for ent in doc.ents if ent.start % 3]
    DocBin(docs=docs).to_disk(data)
    found = confidence_of(predict(str(random_model), data).documents, precision=0.1)
    assert found is not None
    claimed = found["thresholds"]["types"]
    assert all(chosen["f1"] for chosen in claimed.values())
    nlp.get_pipe("ner_plus").threshold = {
        label: chosen["f1"]["threshold"] for label, chosen in claimed.items()
    }
    types = scores_of(run(nlp, data).documents)["types"]
    for label, chosen in claimed.items():
        assert {k: chosen["f1"][k] for k in ("precision", "recall", "f1")} == measures(types[label])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    references = [example.reference for example in make_examples(spacy.blank("en"), 12)]
    DocBin(docs=references).to_disk(tmp_path / "dev.spacy")
    return tmp_path / "dev.spacy"


def test_reliability_is_what_calibrate_prints(
    random_model: Path, data: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(random_model)
    calibration = Calibration(temperature=1.7, slope=0.8, intercept=-0.4)
    nlp.get_pipe("ner_plus").shim.calibration = calibration
    nlp.to_disk(tmp_path / "model")
    examples = list(make_corpus_v1(data)(nlp))
    judged = calibrating.judge(nlp.get_pipe("ner_plus").model, examples)
    found = confidence_of(predict(str(tmp_path / "model"), data).documents)
    assert found is not None
    for key, under in (("before", Calibration()), ("after", calibration)):
        expected, ours = judged.agreement(under), found["reliability"][key]
        assert ours["n"] == expected.n > 10
        assert ours["ece"] == pytest.approx(expected.ece, abs=1e-9)
        assert ours["log_loss"] == pytest.approx(expected.log_loss, abs=1e-9)
        assert ours["mean_probability"] == pytest.approx(expected.mean_probability, abs=1e-9)
        assert ours["precision"] == pytest.approx(expected.precision, abs=1e-12)
        assert sum(b["n"] for b in ours["bins"]) == expected.n
        assert len(ours["bins"]) == min(15, expected.n)


def test_confidence_without_calibration_has_no_before() -> None:
    found = confidence_of(with_probabilities(corpus("bc5cdr")))
    assert found is not None
    assert found["reliability"]["before"] is None


def test_no_threshold_is_pasted_where_none_helps() -> None:
    found = confidence_of([make_document([(0, 1, "A")], [(0, 1, "A")], probability=0.75)])
    assert found is not None
    assert found["thresholds"]["config"]["f1"] == "threshold = null"


def test_confidence_is_unknown_without_probabilities() -> None:
    documents = with_probabilities(corpus("bc5cdr"))
    assert confidence_of([replace(document, predicted=()) for document in documents]) is None
    assert confidence_of(corpus("bc5cdr")) is None


def test_entities_without_probability_stay_at_any_threshold() -> None:
    """As those of an entity_ruler before the component."""
    documents = [
        replace(
            document,
            predicted=tuple(
                replace(e, probability=None) if (i + j) % 3 else e
                for j, e in enumerate(document.predicted)
            ),
        )
        for i, document in enumerate(with_probabilities(corpus("bc5cdr")))
    ]
    predicted = [e for document in documents for e in document.predicted]
    found = confidence_of(documents, precision=0.6)
    assert found is not None
    n_without = sum(e.probability is None for e in predicted)
    assert 0 < found["without_probability"] == n_without < len(predicted)
    assert found["reliability"]["after"]["n"] == len(predicted) - n_without
    for label, curve in [(None, found["curves"]["micro"]), *found["curves"]["types"].items()]:
        for i in range(0, len(curve["threshold"]), 17):
            scores = scores_of(above(documents, curve["threshold"][i]))
            of_label = scores["types"][label] if label else scores["micro"]
            assert {key: curve[key][i] for key in ("precision", "recall", "f1")} == measures(
                of_label
            )
    for label, chosen in found["thresholds"]["types"].items():
        for point in filter(None, (chosen["f1"], chosen["precision"])):
            scores = scores_of(above(documents, point["threshold"]))["types"][label]
            assert {key: point[key] for key in ("precision", "recall", "f1")} == measures(scores)
